/* standard.c - see standard.h.
** SPDX-License-Identifier: MIT
*/
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "sinks/standard.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

int weir_above_standard(int fd) {
  if (!weir_is_standard(fd)) return fd;
  int moved = fcntl(fd, F_DUPFD_CLOEXEC, WEIR_STANDARD_COUNT);
  int error = errno;
  close(fd);
  errno = error;
  return moved;
}

/* The lowest number that is free is the next one to be given out. */
void weir_standard_begin(weir_standard_guard *guard) {
  for (int fd = 0; fd < WEIR_STANDARD_COUNT; fd++) {
    int taken = -1;
    if (fcntl(fd, F_GETFD) < 0) taken = open("/dev/null", O_RDWR | O_CLOEXEC);
    guard->taken[fd] = taken == fd;
    if (taken >= 0 && taken != fd) close(taken); /* another thread was quicker */
  }
}

void weir_standard_end(const weir_standard_guard *guard) {
  for (int fd = 0; fd < WEIR_STANDARD_COUNT; fd++) {
    if (guard->taken[fd]) close(fd);
  }
}
