/* borrowed_faults_spec.c - descriptors that others have too, where the system refuses something: what is
** refused is told, or done without, and nobody's flags are left changed.
** SPDX-License-Identifier: MIT
*/
#include "sinks/borrowed.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support/borrowing.h"
#include "support/check.h"
#include "support/preload/fault_shim.h"

static weir_borrowed borrowed;
static int ends[2]; /* what is read, what is written */

/* Borrows ends[1] for writing while the system calls fail. */
static int borrow(const char *rules) {
  fault_shim_begin(rules, "");
  int error = weir_borrow(&borrowed, ends[1], true);
  fault_shim_end();
  return error;
}

static void end(void) {
  weir_borrowed_close(&borrowed);
  CHECK(blocks(ends[0]) && blocks(ends[1]));
  close(ends[0]);
  close(ends[1]);
}

SPEC("a pipe that may have become another one while it was opened anew is shared instead") {
  if (!CHECK_EQUAL(pipe(ends), 0)) return;
  CHECK_EQUAL(borrow("fstat:2:EIO"), 0);
  CHECK(borrowed.shared && borrowed.blocks && !borrowed.socket);
  CHECK_EQUAL(write_text(&borrowed, "abc"), 3);
  end();
}

SPEC("a descriptor that cannot be looked at is not borrowed, and the error says why") {
  if (!CHECK_EQUAL(pipe(ends), 0)) return;
  CHECK_EQUAL(borrow("fstat:1:EIO"), -EIO);
  CHECK_EQUAL(borrowed.fd, -1);
  CHECK_EQUAL(borrow("fcntl:1:EBADF"), -EBADF);
  CHECK_EQUAL(borrowed.fd, -1);
  end();
}

SPEC("where there is no descriptor left, nothing is borrowed") {
  if (!CHECK_EQUAL(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0)) return;
  CHECK_EQUAL(borrow("fcntl:2:EMFILE"), -EMFILE);
  CHECK_EQUAL(borrowed.fd, -1);
  end();
}

SPEC("a folder is not borrowed: nobody waits there") {
  int fd = open("/tmp", O_RDONLY | O_DIRECTORY);
  if (!CHECK(fd >= 0)) return;
  CHECK_EQUAL(weir_borrow(&borrowed, fd, false), -EPERM);
  close(fd);
}

/* A pipe of which ends[1] is shared, with the flags it has. */
static bool share(void) {
  if (!CHECK_EQUAL(pipe(ends), 0)) return false;
  borrowed = (weir_borrowed){.fd = dup(ends[1]), .shared = true, .blocks = true};
  return true;
}

SPEC("a write that is interrupted is made again, and so is a read") {
  char some[8];
  if (!share()) return;
  fault_shim_begin("writev:1:EINTR,read:1:EINTR", "");
  CHECK_EQUAL(write_text(&borrowed, "abc"), 3);
  CHECK_EQUAL(fault_shim_count("writev"), 2);
  weir_borrowed reader = {.fd = ends[0], .shared = true, .blocks = true};
  CHECK_EQUAL(weir_borrowed_read(&reader, some, sizeof some), 3);
  CHECK_EQUAL(fault_shim_count("read"), 2);
  fault_shim_end();
  end();
}

SPEC("a write is tried also where the flags can be neither asked for nor set") {
  if (!share()) return;
  fault_shim_begin("fcntl:1:EBADF,fcntl:3:EPERM", "");
  CHECK_EQUAL(write_text(&borrowed, "abc"), 3);
  CHECK_EQUAL(fault_shim_count("fcntl"), 1);
  CHECK_EQUAL(write_text(&borrowed, "abc"), 3);
  CHECK_EQUAL(fault_shim_count("fcntl"), 3);
  fault_shim_end();
  end();
}

SPEC("what somebody has set is undone where it was not so before, and only there") {
  if (!share()) return;
  fcntl(ends[1], F_SETFL, O_WRONLY | O_NONBLOCK);
  fault_shim_begin("fcntl:1:EBADF", "");
  weir_borrowed_restore(&borrowed);
  CHECK_EQUAL(fault_shim_count("fcntl"), 1); /* unknown flags are left alone */
  fault_shim_end();
  borrowed.blocks = false;
  weir_borrowed_restore(&borrowed);
  CHECK(!blocks(ends[1]));
  borrowed.blocks = true;
  weir_borrowed_restore(&borrowed);
  CHECK(blocks(ends[1]));
  weir_borrowed_restore(&(weir_borrowed){.fd = -1, .shared = true, .blocks = true});
  end();
}

int main(int argc, char **argv) {
  return check_main(argc, argv);
}
