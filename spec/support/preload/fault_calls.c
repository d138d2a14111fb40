/* fault_calls.c - the calls of the shim that carry no bytes. See fault_shim.c.
** SPDX-License-Identifier: MIT
*/
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fault_parts.h"

/* The body of a function that fails, or calls the real one: on a path, or on a descriptor. */
#define FAIL_OR_CALL(name, call, path, fd, ...) \
  REAL(name); \
  fault_visit v = fault_begin(call, path, fd); \
  return (int)(v.error ? fault_fail(&v) : fault_end(&v, real(__VA_ARGS__)))

/* --- files ----------------------------------------------------------------------------------- */

int open64(const char *path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  unsigned mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(arguments, unsigned) : 0;
  va_end(arguments);
  FAIL_OR_CALL(open64, FAULT_OPEN, path, -1, path, flags, mode);
}

int open(const char *path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  unsigned mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(arguments, unsigned) : 0;
  va_end(arguments);
  return open64(path, flags, mode);
}

int fsync(int fd) {
  FAIL_OR_CALL(fsync, FAULT_FSYNC, NULL, fd, fd);
}

int fdatasync(int fd) {
  FAIL_OR_CALL(fdatasync, FAULT_FDATASYNC, NULL, fd, fd);
}

/* A descriptor is gone even where close() fails, as on Linux. */
int close(int fd) {
  REAL(close);
  fault_visit v = fault_begin(FAULT_CLOSE, NULL, fd);
  int result = real(fd);
  return (int)(v.error ? fault_fail(&v) : fault_end(&v, result));
}

int rename(const char *from, const char *to) {
  FAIL_OR_CALL(rename, FAULT_RENAME, to, -1, from, to);
}

int link(const char *from, const char *to) {
  FAIL_OR_CALL(link, FAULT_LINK, to, -1, from, to);
}

int unlink(const char *path) {
  FAIL_OR_CALL(unlink, FAULT_UNLINK, path, -1, path);
}

int fchmod(int fd, mode_t mode) {
  FAIL_OR_CALL(fchmod, FAULT_FCHMOD, NULL, fd, fd, mode);
}

int fchown(int fd, uid_t user, gid_t group) {
  FAIL_OR_CALL(fchown, FAULT_FCHOWN, NULL, fd, fd, user, group);
}

int chmod(const char *path, mode_t mode) {
  FAIL_OR_CALL(chmod, FAULT_CHMOD, path, -1, path, mode);
}

int fstat(int fd, struct stat *info) {
  FAIL_OR_CALL(fstat, FAULT_FSTAT, NULL, fd, fd, info);
}

int lstat(const char *path, struct stat *info) {
  FAIL_OR_CALL(lstat, FAULT_LSTAT, path, -1, path, info);
}

int stat(const char *path, struct stat *info) {
  FAIL_OR_CALL(stat, FAULT_STAT, path, -1, path, info);
}

int fcntl(int fd, int command, ...) {
  va_list arguments;
  va_start(arguments, command);
  void *argument = va_arg(arguments, void *);
  va_end(arguments);
  FAIL_OR_CALL(fcntl, FAULT_FCNTL, NULL, fd, fd, command, argument);
}

/* --- sockets --------------------------------------------------------------------------------- */

int socket(int family, int type, int protocol) {
  FAIL_OR_CALL(socket, FAULT_SOCKET, "socket:[", -1, family, type, protocol);
}

int bind(int fd, const struct sockaddr *address, socklen_t size) {
  FAIL_OR_CALL(bind, FAULT_BIND, NULL, fd, fd, address, size);
}

int listen(int fd, int backlog) {
  FAIL_OR_CALL(listen, FAULT_LISTEN, NULL, fd, fd, backlog);
}

int accept4(int fd, struct sockaddr *address, socklen_t *size, int flags) {
  FAIL_OR_CALL(accept4, FAULT_ACCEPT4, NULL, fd, fd, address, size, flags);
}

/* An interrupted one goes on by itself, and so does one that is under way. */
int connect(int fd, const struct sockaddr *address, socklen_t size) {
  REAL(connect);
  fault_visit v = fault_begin(FAULT_CONNECT, NULL, fd);
  if (v.error != EINTR && v.error != EINPROGRESS && v.error) return (int)fault_fail(&v);
  int result = real(fd, address, size);
  return (int)(v.error ? fault_fail(&v) : fault_end(&v, result));
}

int shutdown(int fd, int how) {
  FAIL_OR_CALL(shutdown, FAULT_SHUTDOWN, NULL, fd, fd, how);
}

int getsockopt(int fd, int level, int option, void *value, socklen_t *size) {
  FAIL_OR_CALL(getsockopt, FAULT_GETSOCKOPT, NULL, fd, fd, level, option, value, size);
}

int setsockopt(int fd, int level, int option, const void *value, socklen_t size) {
  FAIL_OR_CALL(setsockopt, FAULT_SETSOCKOPT, NULL, fd, fd, level, option, value, size);
}

int getsockname(int fd, struct sockaddr *address, socklen_t *size) {
  FAIL_OR_CALL(getsockname, FAULT_GETSOCKNAME, NULL, fd, fd, address, size);
}

int getpeername(int fd, struct sockaddr *address, socklen_t *size) {
  FAIL_OR_CALL(getpeername, FAULT_GETPEERNAME, NULL, fd, fd, address, size);
}

int poll(struct pollfd *waited, nfds_t count, int timeout_ms) {
  FAIL_OR_CALL(poll, FAULT_POLL, NULL, count > 0 ? waited[0].fd : -1, waited, count, timeout_ms);
}
