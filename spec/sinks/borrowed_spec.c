/* borrowed_spec.c - descriptors that others have too are written and read without blocking, and
** nobody sees a change; signals are caught, and only where they were default.
** SPDX-License-Identifier: MIT
*/
#include "sinks/borrowed.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sinks/signals.h"
#include "support/borrowing.h"
#include "support/check.h"

static weir_borrowed borrowed;
static int ends[2]; /* what is read, what is written */

/* Writes until nothing is taken any more. Returns the last answer, an errno. */
static ssize_t write_until_full(void) {
  static char big[1 << 16];
  struct iovec vector = {big, sizeof big};
  ssize_t written;
  do written = weir_borrowed_write(&borrowed, &vector, 1);
  while (written > 0);
  return written;
}

/* Reads from ends[0] all that is there by now. */
static void read_all(void) {
  char some[8192];
  fcntl(ends[0], F_SETFL, O_NONBLOCK);
  while (read(ends[0], some, sizeof some) > 0) continue;
  fcntl(ends[0], F_SETFL, 0);
}

static ssize_t read_into(char *text, size_t size) {
  ssize_t got = weir_borrowed_read(&borrowed, text, size);
  return got;
}

/* Borrows the end of `ends` that is written, or else the one that is read. */
static void begin(bool writes) {
  CHECK_EQUAL(weir_borrow(&borrowed, ends[writes], writes), 0);
  CHECK(borrowed.fd > 2);
  CHECK(fcntl(borrowed.fd, F_GETFD) & FD_CLOEXEC);
}

static void end(void) {
  weir_borrowed_close(&borrowed);
  weir_borrowed_close(&borrowed);
  CHECK(blocks(ends[0]) && blocks(ends[1]));
  close(ends[0]);
  close(ends[1]);
}

/* A terminal: ends[0] is its keyboard and screen. Returns false if there is none to be had. */
static bool open_terminal(void) {
  ends[0] = posix_openpt(O_RDWR | O_NOCTTY);
  if (ends[0] < 0 || grantpt(ends[0]) != 0 || unlockpt(ends[0]) != 0) return false;
  const char *name = ptsname(ends[0]);
  ends[1] = name ? open(name, O_RDWR | O_NOCTTY) : -1;
  return ends[1] >= 0;
}

/* Whatever is at ends[1]: it fills, does not block meanwhile, takes more when it was read. */
static void check_filling(void) {
  char some[8192];
  begin(true);
  CHECK_EQUAL(write_text(&borrowed, "abc"), 3);
  CHECK_EQUAL(read(ends[0], some, sizeof some), 3);
  CHECK(memcmp(some, "abc", 3) == 0);
  CHECK_EQUAL(write_until_full(), -EAGAIN);
  CHECK(blocks(ends[1]));
  read_all();
  CHECK(write_text(&borrowed, "abc") > 0);
  end();
}

SPEC("a pipe that blocks for others is filled without blocking") {
  if (!CHECK_EQUAL(pipe(ends), 0)) return;
  check_filling();
}

SPEC("so is a socket") {
  if (!CHECK_EQUAL(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0)) return;
  check_filling();
}

SPEC("so is a terminal that nobody reads") {
  if (!open_terminal()) SKIP("no pseudoterminal can be had here");
  check_filling();
}

SPEC("so is a terminal's other side, which is not opened anew") {
  if (!open_terminal()) SKIP("no pseudoterminal can be had here");
  CHECK_EQUAL(weir_borrow(&borrowed, ends[0], true), 0);
  CHECK(borrowed.shared && !borrowed.socket);
  CHECK_EQUAL(write_text(&borrowed, "abc\n"), 4);
  char some[16];
  CHECK_EQUAL(read(ends[1], some, sizeof some), 4);
  end();
}

SPEC("where it cannot be opened anew its flags are set during each call only") {
  if (!CHECK_EQUAL(pipe(ends), 0)) return;
  begin(true);
  weir_borrowed_close(&borrowed);
  borrowed = (weir_borrowed){.fd = dup(ends[1]), .shared = true};
  CHECK_EQUAL(write_text(&borrowed, "abc"), 3);
  CHECK_EQUAL(write_until_full(), -EAGAIN);
  CHECK(blocks(ends[1]));
  fcntl(ends[1], F_SETFL, O_NONBLOCK); /* as its owner has it */
  CHECK_EQUAL(write_until_full(), -EAGAIN);
  CHECK(!blocks(ends[1]));
  fcntl(ends[1], F_SETFL, 0);
  end();
}

SPEC("a pipe that nobody reads any more says EPIPE, before it is borrowed and after") {
  weir_signals_catch();
  for (int after = 0; after <= 1; after++) {
    if (!CHECK_EQUAL(pipe(ends), 0)) return;
    int nobody = open("/dev/null", O_RDONLY);
    if (!after) dup2(nobody, ends[0]);
    begin(true);
    if (after) dup2(nobody, ends[0]);
    CHECK_EQUAL(write_text(&borrowed, "abc"), -EPIPE);
    close(nobody);
    end();
  }
  weir_signals_restore();
}

SPEC("a socket whose peer is gone says EPIPE, without a signal") {
  if (!CHECK_EQUAL(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0)) return;
  begin(true);
  close(ends[0]);
  CHECK_EQUAL(write_text(&borrowed, "abc"), -EPIPE);
  ends[0] = dup(ends[1]);
  end();
}

SPEC("what is read does not block either: EAGAIN, then the bytes, then 0 at the end") {
  for (int kind = 0; kind < 2; kind++) {
    char some[16];
    int made = kind == 0 ? pipe(ends) : socketpair(AF_UNIX, SOCK_STREAM, 0, ends);
    if (!CHECK_EQUAL(made, 0)) return;
    begin(false);
    CHECK_EQUAL(read_into(some, sizeof some), -EAGAIN);
    CHECK(blocks(ends[0]));
    CHECK_EQUAL(write(ends[1], "abc", 3), 3);
    CHECK_EQUAL(read_into(some, 2), 2);
    CHECK_EQUAL(read_into(some, sizeof some), 1);
    close(ends[1]);
    CHECK_EQUAL(read_into(some, sizeof some), 0);
    ends[1] = dup(ends[0]);
    end();
  }
}

SPEC("a descriptor that is closed, or open for the other direction, is EBADF") {
  if (!CHECK_EQUAL(pipe(ends), 0)) return;
  CHECK_EQUAL(weir_borrow(&borrowed, ends[0], true), -EBADF);
  CHECK_EQUAL(weir_borrow(&borrowed, ends[1], false), -EBADF);
  close(ends[0]);
  CHECK_EQUAL(weir_borrow(&borrowed, ends[0], false), -EBADF);
  CHECK_EQUAL(borrowed.fd, -1);
  ends[0] = dup(ends[1]);
  end();
}

SPEC("a file is not borrowed: nobody waits there") {
  char name[] = "/tmp/weir-borrowed-XXXXXX";
  int fd = mkstemp(name);
  if (!CHECK(fd >= 0)) return;
  CHECK_EQUAL(weir_borrow(&borrowed, fd, true), -EPERM);
  unlink(name);
  close(fd);
}

/* --- signals ----------------------------------------------------------------------------------- */

static void (*handler_of(int number))(int) {
  struct sigaction now;
  sigaction(number, NULL, &now);
  return now.sa_handler;
}

SPEC("signals are caught where they were default, and default again when that is wanted") {
  signal(SIGPIPE, SIG_DFL);
  signal(SIGXFSZ, SIG_IGN);
  weir_signals_catch();
  CHECK(handler_of(SIGPIPE) != SIG_DFL && handler_of(SIGPIPE) != SIG_IGN);
  CHECK(handler_of(SIGXFSZ) == SIG_IGN);
  CHECK_EQUAL(raise(SIGPIPE), 0); /* we live */
  weir_signals_catch();
  weir_signals_restore();
  CHECK(handler_of(SIGPIPE) == SIG_DFL);
  CHECK(handler_of(SIGXFSZ) == SIG_IGN);
  signal(SIGXFSZ, SIG_DFL);
}

SPEC("a program that is started dies of SIGPIPE as ever") {
  weir_signals_catch();
  int status = system("sh -c 'kill -PIPE $$; exit 0'");
  CHECK(status != 0);
  weir_signals_restore();
}

int main(int argc, char **argv) {
  return check_main(argc, argv);
}
