/* borrowed.c - see borrowed.h.
** SPDX-License-Identifier: MIT
*/
#include "sinks/borrowed.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sinks/socket.h"
#include "sinks/standard.h"

/* --- an open file of our own --- */

/* A pseudoterminal's other side: opened once more, it would be another terminal. */
static bool is_master(int fd) {
#ifdef TIOCGPTN
  int number = 0;
  return ioctl(fd, TIOCGPTN, &number) == 0;
#else
  char name[PATH_MAX];
  return ttyname_r(fd, name, sizeof name) != 0;
#endif
}

/* Where what `fd` leads to can be opened; false: nowhere. */
static bool name_of(int fd, const struct stat *info, char *name, size_t size) {
#ifdef __linux__
  bool may = S_ISFIFO(info->st_mode) || (S_ISCHR(info->st_mode) && isatty(fd) && !is_master(fd));
  if (may) snprintf(name, size, "/proc/self/fd/%d", fd);
  return may;
#else /* what /dev/fd opens is the same open file, and pipes have no name */
  return S_ISCHR(info->st_mode) && isatty(fd) && !is_master(fd) && ttyname_r(fd, name, size) == 0;
#endif
}

static bool is_same(int fd, const struct stat *info) {
  struct stat other;
  return fstat(fd, &other) == 0 && other.st_dev == info->st_dev && other.st_ino == info->st_ino;
}

/* Returns -1 if there is no way: it has no name, or we may not open it, as after a setuid. */
static int open_anew(int fd, const struct stat *info, bool writes) {
  char name[PATH_MAX];
  if (!name_of(fd, info, name, sizeof name)) return -1;
  int flags = (writes ? O_WRONLY : O_RDONLY) | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
  int anew = weir_above_standard(open(name, flags));
  if (anew < 0 || is_same(anew, info)) return anew;
  close(anew);
  return -1;
}

/* --- borrowing --- */

int weir_borrow(weir_borrowed *borrowed, int fd, bool writes) {
  *borrowed = (weir_borrowed){.fd = -1};
  struct stat info;
  int flags = fcntl(fd, F_GETFL);
  if (flags < 0 || fstat(fd, &info) != 0) return -errno;
  if ((flags & O_ACCMODE) == (writes ? O_RDONLY : O_WRONLY)) return -EBADF;
  if (S_ISREG(info.st_mode) || S_ISBLK(info.st_mode) || S_ISDIR(info.st_mode)) return -EPERM;
  borrowed->socket = S_ISSOCK(info.st_mode);
  borrowed->fd = open_anew(fd, &info, writes);
  if (borrowed->fd >= 0) return 0;
  borrowed->shared = true;
  borrowed->blocks = !(flags & O_NONBLOCK);
  borrowed->fd = fcntl(fd, F_DUPFD_CLOEXEC, WEIR_STANDARD_COUNT);
  return borrowed->fd < 0 ? -errno : 0;
}

void weir_borrowed_close(weir_borrowed *borrowed) {
  if (borrowed->fd >= 0) close(borrowed->fd);
  borrowed->fd = -1;
}

void weir_borrowed_restore(const weir_borrowed *borrowed) {
  if (borrowed->fd < 0 || !borrowed->shared || !borrowed->blocks) return;
  int flags = fcntl(borrowed->fd, F_GETFL);
  if (flags >= 0) fcntl(borrowed->fd, F_SETFL, flags & ~O_NONBLOCK);
}

/* --- writing and reading --- */

/* Sets O_NONBLOCK where others would see it stay. Returns the flags to be put back; -1: none. */
static int begin_call(const weir_borrowed *borrowed) {
  if (!borrowed->shared || borrowed->socket) return -1;
  int flags = fcntl(borrowed->fd, F_GETFL);
  if (flags < 0 || (flags & O_NONBLOCK)) return -1;
  return fcntl(borrowed->fd, F_SETFL, flags | O_NONBLOCK) == 0 ? flags : -1;
}

static ssize_t end_call(const weir_borrowed *borrowed, ssize_t result, int flags) {
  ssize_t answer = result < 0 ? -errno : result;
  if (flags >= 0) fcntl(borrowed->fd, F_SETFL, flags);
  return answer;
}

ssize_t weir_borrowed_write(const weir_borrowed *borrowed, const struct iovec *vectors, int count) {
  if (borrowed->socket) return weir_socket_send(borrowed->fd, vectors, (size_t)count);
  int flags = begin_call(borrowed);
  ssize_t written;
  do {
    written = writev(borrowed->fd, vectors, count);
  } while (written < 0 && errno == EINTR);
  return end_call(borrowed, written, flags);
}

ssize_t weir_borrowed_read(const weir_borrowed *borrowed, void *buffer, size_t size) {
  int flags = begin_call(borrowed);
  ssize_t got;
  do {
    got = borrowed->socket ? recv(borrowed->fd, buffer, size, MSG_DONTWAIT)
                           : read(borrowed->fd, buffer, size);
  } while (got < 0 && errno == EINTR);
  return end_call(borrowed, got, flags);
}
