/* around.c - runs a command with one of its descriptors leading here, for specs: to a terminal, a
** pipe or a socket that behaves as it is told.
**
**   around [-f fd] [-t] kind way [argument] -- command ...
**
** kind: tty, pipe, socket. The descriptor is 1 unless `-f` says another. The way of descriptor 0 is
**
**   feed             what comes from our own input, then the end
**   idle             nothing, and no end
**
** and of the others
**
**   read             all is read
**   never            nothing is read
**   pause NUMBER     nothing is read for so many milliseconds; then all is
**   gate PATH        nothing is read before there is such a file; then all is
**   close NUMBER     so many bytes are read, then nobody reads any more
**
** A terminal that is not read for a while is stopped, by Ctrl-S, and goes on after Ctrl-Q.
**
** When the command has ended it says "code C bytes B sum S FLAG" and, with `-t`, the text. The sum
** is Adler's. FLAG is "blocks" if the open file, of which we have a descriptor too, did not have
** O_NONBLOCK set whenever we looked, and has not now; else "nonblocking".
*/
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

enum { LIFE_S = 120, LOOK_MS = 2, MOMENT_MS = 50, TEXT_MAX = 1 << 20, LAST = 4 };

static int fd_wanted = 1, ours = -1, theirs = -1; /* our end; the one that the command gets */
static bool shows_text, is_tty;
static const char *way, *gate;
static long number;

static uint64_t total;
static uint32_t sum_a = 1, sum_b;
static char text[TEXT_MAX];
static bool seen_nonblocking;
static long nonblocking_since_ms; /* 0: it blocks */
static bool is_over;              /* a terminal said its last byte, LAST */

static void die(const char *what) {
  fprintf(stderr, "around: %s: %s\n", what, strerror(errno));
  exit(2);
}

static bool goes(const char *name) {
  return strcmp(way, name) == 0;
}

static long now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* --- the two ends --- */

/* Input comes in lines, and Ctrl-D is its end; output comes through as it is. Nothing is echoed. */
static void open_terminal(void) {
  ours = posix_openpt(O_RDWR | O_NOCTTY);
  if (ours < 0 || grantpt(ours) != 0 || unlockpt(ours) != 0) die("terminal");
  theirs = open(ptsname(ours), O_RDWR | O_NOCTTY);
  struct termios modes;
  if (theirs < 0 || tcgetattr(theirs, &modes) != 0) die("terminal");
  if (fd_wanted != 0) {
    cfmakeraw(&modes);
    modes.c_iflag |= IXON;
  }
  modes.c_lflag &= ~(tcflag_t)ECHO;
  tcsetattr(theirs, TCSANOW, &modes);
}

static void open_ends(const char *kind) {
  int ends[2];
  is_tty = strcmp(kind, "tty") == 0;
  if (is_tty) {
    open_terminal();
    return;
  }
  bool is_pipe = strcmp(kind, "pipe") == 0;
  if ((is_pipe ? pipe(ends) : socketpair(AF_UNIX, SOCK_STREAM, 0, ends)) != 0) die(kind);
  ours = ends[fd_wanted == 0];
  theirs = ends[fd_wanted != 0];
}

/* Out of the way of the descriptor that the command gets. */
static void move_up(int *fd) {
  int moved = fcntl(*fd, F_DUPFD_CLOEXEC, 100);
  if (moved < 0) die("fcntl");
  close(*fd);
  *fd = moved;
}

static pid_t start(char **command) {
  pid_t child = fork();
  if (child < 0) die("fork");
  if (child > 0) return child;
  if (dup2(theirs, fd_wanted) < 0) die("dup2");
  signal(SIGPIPE, SIG_DFL);
  execvp(command[0], command);
  die(command[0]);
  return -1;
}

/* --- our part --- */

static void note(const char *bytes, ssize_t size) {
  if (is_tty && bytes[size - 1] == LAST) {
    is_over = true;
    size--;
  }
  for (ssize_t i = 0; i < size; i++, total++) {
    if (total < TEXT_MAX) text[total] = bytes[i];
    sum_a = (sum_a + (unsigned char)bytes[i]) % 65521;
    sum_b = (sum_b + sum_a) % 65521;
  }
}

static bool is_nonblocking(void) {
  int flags = fcntl(theirs, F_GETFL);
  return flags >= 0 && (flags & O_NONBLOCK);
}

/* libuv sets it for the moment in which it begins to watch a socket. */
static void look(void) {
  long now = now_ms();
  if (!is_nonblocking()) nonblocking_since_ms = 0;
  else if (nonblocking_since_ms == 0) nonblocking_since_ms = now;
  else if (now - nonblocking_since_ms >= MOMENT_MS) seen_nonblocking = true;
}

/* Reads what is there, waiting a little for it. Returns whether there was some. */
static bool read_some(int wait_ms) {
  static char some[65536];
  struct pollfd waited = {.fd = ours, .events = POLLIN};
  if (poll(&waited, 1, wait_ms) <= 0) return false;
  size_t most = sizeof some;
  if (goes("close") && most > (size_t)number - total) most = (size_t)number - total;
  ssize_t got = most > 0 ? read(ours, some, most) : 0;
  if (got > 0) note(some, got);
  return got > 0;
}

static void feed(void) {
  static char some[65536];
  ssize_t got;
  while ((got = read(0, some, sizeof some)) > 0) {
    for (ssize_t sent = 0, put; sent < got; sent += put) {
      put = write(ours, some + sent, (size_t)(got - sent));
      if (put <= 0) return;
      look();
    }
  }
  if (is_tty && write(ours, "\004", 1) != 1) die("feed");
  if (!is_tty) {
    shutdown(ours, SHUT_WR);
    close(ours);
  }
}

static bool reads_now(long began_ms) {
  if (goes("read")) return true;
  if (goes("close")) return ours >= 0;
  if (goes("gate")) return access(gate, F_OK) == 0;
  return goes("pause") && now_ms() - began_ms >= number;
}

/* Returns how the command ended. */
static int attend(pid_t child) {
  int status = 0;
  long began_ms = now_ms();
  bool paused = (goes("pause") || goes("gate")) && is_tty;
  while (waitpid(child, &status, WNOHANG) == 0) {
    look();
    if (!reads_now(began_ms)) {
      poll(NULL, 0, LOOK_MS);
      continue;
    }
    if (paused && write(ours, "\021", 1) != 1) die("Ctrl-Q");
    paused = false;
    read_some(LOOK_MS);
    if (goes("close") && total >= (uint64_t)number) {
      close(ours);
      if (is_tty) close(theirs);
      ours = -1;
    }
  }
  if (is_nonblocking()) seen_nonblocking = true;
  return status;
}

/* The command has ended. What it wrote comes out of a terminal when that pleases: we write a last
** byte behind it, and read until that has come.
*/
static void read_rest(void) {
  if (goes("never") || goes("close") || fd_wanted == 0) return;
  while (read_some(0)) continue;
  if (!is_tty) return;
  const char last = LAST;
  if (write(ours, "\021", 1) != 1) die("Ctrl-Q"); /* the command may have ended before its time */
  fcntl(theirs, F_SETFL, O_NONBLOCK);
  for (bool said = false; !is_over; read_some(LOOK_MS)) {
    if (!said) said = write(theirs, &last, 1) == 1;
  }
}

int main(int argc, char **argv) {
  int next = 1;
  for (; next < argc && argv[next][0] == '-'; next++) {
    if (strcmp(argv[next], "-t") == 0) shows_text = true;
    else if (strcmp(argv[next], "-f") == 0) fd_wanted = atoi(argv[++next]);
  }
  if (next + 3 >= argc) return 2;
  const char *kind = argv[next++];
  way = argv[next++];
  if (strcmp(argv[next], "--") != 0) {
    gate = argv[next++];
    number = atol(gate);
  }
  alarm(LIFE_S);
  signal(SIGPIPE, SIG_IGN);
  open_ends(kind);
  move_up(&ours);
  move_up(&theirs);
  if ((goes("pause") || goes("gate")) && is_tty && write(ours, "\023", 1) != 1) die("Ctrl-S");
  if (goes("close") && number == 0) {
    close(ours);
    ours = -1;
  }
  pid_t child = start(argv + next + 1);
  if (fd_wanted == 0 && !is_tty) look();
  if (goes("feed")) feed();
  int status = attend(child);
  read_rest();
  int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  printf("code %d bytes %llu sum %lu %s\n", code, (unsigned long long)total,
         (unsigned long)sum_b << 16 | sum_a, seen_nonblocking ? "nonblocking" : "blocks");
  if (shows_text) fwrite(text, 1, total < TEXT_MAX ? total : TEXT_MAX, stdout);
  return 0;
}
