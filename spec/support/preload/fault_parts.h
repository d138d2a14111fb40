/* fault_parts.h - what the files of the shim ask of each other: fault_shim.c has the rules, and the
** calls that carry bytes; fault_calls.c the others.
** SPDX-License-Identifier: MIT
*/
#ifndef SPEC_SUPPORT_FAULT_PARTS_H
#define SPEC_SUPPORT_FAULT_PARTS_H

#include <dlfcn.h>
#include <stdbool.h>

enum { FAULT_PATH_BYTES = 4096 };

typedef enum fault_call {
  FAULT_WRITE,
  FAULT_WRITEV,
  FAULT_PWRITEV,
  FAULT_OPEN,
  FAULT_FSYNC,
  FAULT_FDATASYNC,
  FAULT_CLOSE,
  FAULT_RENAME,
  FAULT_FCHMOD,
  FAULT_READ,
  FAULT_PREAD,
  FAULT_FSTAT,
  FAULT_LSTAT,
  FAULT_STAT,
  FAULT_CHMOD,
  FAULT_FCHOWN,
  FAULT_UNLINK,
  FAULT_LINK,
  FAULT_FCNTL,
  FAULT_SOCKET,
  FAULT_BIND,
  FAULT_LISTEN,
  FAULT_ACCEPT4,
  FAULT_CONNECT,
  FAULT_SENDMSG,
  FAULT_SHUTDOWN,
  FAULT_GETSOCKOPT,
  FAULT_SETSOCKOPT,
  FAULT_GETSOCKNAME,
  FAULT_GETPEERNAME,
  FAULT_POLL,
  FAULT_CALLS
} fault_call;

typedef struct fault_visit {
  fault_call call;
  bool counts; /* it is on a wanted file */
  int error;   /* it is to fail */
  long limit_bytes;
  char path[FAULT_PATH_BYTES];
} fault_visit;

/* What shall become of a call: on `path`, or on `fd`. */
fault_visit fault_begin(fault_call call, const char *path, int fd);
/* It is over; both return what it shall return. */
long fault_end(const fault_visit *visit, long result);
long fault_fail(const fault_visit *visit);

/* `real` is the next function of this name. */
#define REAL(name) \
  static __typeof__(name) *real; \
  if (!real) real = (__typeof__(name) *)dlsym(RTLD_NEXT, #name)

#endif
