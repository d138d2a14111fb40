/* standard_spec.c - what we open never takes the number of a standard descriptor.
** SPDX-License-Identifier: MIT
*/
#include "sinks/loop.h"

#include "sinks/standard.h"

#include <fcntl.h>
#include <unistd.h>

#include "support/check.h"

static int saved[WEIR_STANDARD_COUNT];

static bool is_closed(int fd) {
  return fcntl(fd, F_GETFD) < 0;
}

/* Closes those of the standard descriptors that the bits of `which` say. */
static void begin(int which) {
  for (int fd = 0; fd < WEIR_STANDARD_COUNT; fd++) {
    saved[fd] = which & (1 << fd) ? fcntl(fd, F_DUPFD_CLOEXEC, WEIR_STANDARD_COUNT) : -1;
  }
  for (int fd = 0; fd < WEIR_STANDARD_COUNT; fd++) {
    if (saved[fd] >= 0) close(fd);
  }
}

static void end(void) {
  for (int fd = 0; fd < WEIR_STANDARD_COUNT; fd++) {
    if (saved[fd] < 0) continue;
    dup2(saved[fd], fd);
    close(saved[fd]);
  }
}

SPEC("a descriptor that took the place of a standard one is moved above them") {
  begin(1);
  int fd = weir_above_standard(open("/dev/null", O_RDONLY));
  bool left = is_closed(0);
  end();
  CHECK(fd > 2 && left);
  CHECK(fcntl(fd, F_GETFD) & FD_CLOEXEC);
  CHECK_EQUAL(weir_above_standard(fd), fd);
  CHECK_EQUAL(weir_above_standard(-1), -1);
  close(fd);
}

SPEC("between begin and end nothing gets a standard number; then they are closed as before") {
  for (int which = 0; which < 8; which++) {
    weir_standard_guard guard;
    begin(which);
    weir_standard_begin(&guard);
    int fd = open("/dev/null", O_RDONLY);
    weir_standard_end(&guard);
    int closed = 0;
    for (int i = 0; i < WEIR_STANDARD_COUNT; i++) closed |= is_closed(i) << i;
    end();
    CHECK(fd > 2);
    CHECK_EQUAL(closed & which, which);
    close(fd);
  }
}

SPEC("a loop takes none of their numbers") {
  weir_loop loop;
  begin(7);
  int error = weir_loop_open(&loop);
  bool free = is_closed(0) && is_closed(1) && is_closed(2);
  bool closed = error == 0 && weir_loop_close(&loop);
  end();
  CHECK(error == 0 && free && closed);
}

int main(int argc, char **argv) {
  return check_main(argc, argv);
}
