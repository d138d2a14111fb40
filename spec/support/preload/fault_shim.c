/* fault_shim.c - system calls that fail when a spec says so. To preload into a process under test:
**
**   FAULTS=pwritev:1:s7,pwritev:2+:ENOSPC FAULTS_PATH=/tmp/x LD_PRELOAD=fault_shim.so lua5.4 ...
**
** FAULTS has rules "call:when:what", the first that fits counts. `call` is one of the names below;
** `when` is 3 (the third such call), 3+ (and all after it) or *; `what` is an errno by name or number,
** s7 (at most 7 bytes go through; s0: the call answers 0), d50 (waits 50 ms; later rules still fit).
**
** Only calls on files whose path begins with FAULTS_PATH count; that of a socket is "socket:[number]",
** and two beginnings may be given, with a | between them. FAULTS_LOG names a file that gets a line
** "call path result" for each of them when it is over, the result being -errno after a failure; one
** that is delayed gets a line "delayed call path ms" first. Of the calls behind `pread` in the list
** only those that were made to fail have a line. The calls that are not about bytes are in
** fault_calls.c.
**
** Linux, and any libc whose functions can be interposed. It is not part of support.a: there it would
** take the place of the functions of libc.
** SPDX-License-Identifier: MIT
*/
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "fault_parts.h"
#include "fault_shim.h"

enum { RULES_MAX = 128, VECTORS_MAX = 1024 };

static const char *const names[FAULT_CALLS] = {
    "write",       "writev",      "pwritev", "open",    "fsync",    "fdatasync",  "close",
    "rename",      "fchmod",      "read",    "pread",   "fstat",    "lstat",      "stat",
    "chmod",       "fchown",      "unlink",  "link",    "fcntl",    "socket",     "bind",
    "listen",      "accept4",     "connect", "sendmsg", "shutdown", "getsockopt", "setsockopt",
    "getsockname", "getpeername", "poll"};

static const struct {
  const char *name;
  int value;
} errors[] = {
    {"EACCES", EACCES},
    {"EADDRINUSE", EADDRINUSE},
    {"EADDRNOTAVAIL", EADDRNOTAVAIL},
    {"EAFNOSUPPORT", EAFNOSUPPORT},
    {"EAGAIN", EAGAIN},
    {"EBADF", EBADF},
    {"ECONNABORTED", ECONNABORTED},
    {"ECONNREFUSED", ECONNREFUSED},
    {"ECONNRESET", ECONNRESET},
    {"EDQUOT", EDQUOT},
    {"EINPROGRESS", EINPROGRESS},
    {"EINTR", EINTR},
    {"EINVAL", EINVAL},
    {"EIO", EIO},
    {"EMFILE", EMFILE},
    {"ENETUNREACH", ENETUNREACH},
    {"ENFILE", ENFILE},
    {"ENOBUFS", ENOBUFS},
    {"ENOENT", ENOENT},
    {"ENOMEM", ENOMEM},
    {"ENOSPC", ENOSPC},
    {"ENOTCONN", ENOTCONN},
    {"EPERM", EPERM},
    {"EPIPE", EPIPE},
    {"EROFS", EROFS},
    {"ETIMEDOUT", ETIMEDOUT},
};

typedef struct rule {
  fault_call call;
  long first, last; /* which calls */
  int error;        /* 0: none */
  long limit_bytes; /* -1: none */
  long delay_ms;
} rule;

static rule rules[RULES_MAX];
static size_t rule_count;
static const char *wanted_path, *log_path;
static atomic_long counts[FAULT_CALLS];
static atomic_bool is_over;

/* --- reading the rules ----------------------------------------------------------------------- */

static int error_of(const char *text) {
  for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
    if (strcmp(errors[i].name, text) == 0) return errors[i].value;
  }
  return atoi(text);
}

static fault_call call_of(const char *name) {
  int index = 0;
  while (index < FAULT_CALLS && strcmp(names[index], name) != 0) index++;
  return (fault_call)index;
}

static bool read_rule(const char *text, rule *rule) {
  char name[16], when[16], what[16];
  if (sscanf(text, "%15[^:]:%15[^:]:%15s", name, when, what) != 3) return false;
  fault_call call = call_of(name);
  if (call == FAULT_CALLS) return false;
  *rule = (struct rule){.call = call, .limit_bytes = -1};
  char *end = when;
  rule->first = strcmp(when, "*") == 0 ? 1 : strtol(when, &end, 10);
  rule->last = *end == '\0' ? rule->first : __LONG_MAX__; /* "3", or "3+" and "*" */
  if (*what == 's') rule->limit_bytes = atol(what + 1);
  else if (*what == 'd') rule->delay_ms = atol(what + 1);
  else rule->error = error_of(what);
  return rule->limit_bytes >= 0 || rule->delay_ms > 0 || rule->error > 0;
}

/* Allocates nothing: under a sanitizer this runs before its allocator is there. */
static void read_rules(const char *given) {
  static char text[FAULT_PATH_BYTES];
  char *rest = NULL;
  rule_count = 0;
  snprintf(text, sizeof text, "%s", given ? given : "");
  for (char *part = strtok_r(text, ",", &rest); part; part = strtok_r(NULL, ",", &rest)) {
    if (rule_count < RULES_MAX && read_rule(part, &rules[rule_count])) {
      rule_count++;
    } else {
      dprintf(STDERR_FILENO, "fault_shim: cannot read the rule \"%s\"\n", part);
      _exit(99);
    }
  }
}

__attribute__((constructor)) static void read_environment(void) {
  wanted_path = getenv("FAULTS_PATH");
  log_path = getenv("FAULTS_LOG");
  read_rules(getenv("FAULTS"));
}

void fault_shim_begin(const char *given, const char *path) {
  wanted_path = path;
  read_rules(given);
  for (int i = 0; i < FAULT_CALLS; i++) counts[i] = 0;
  is_over = false;
}

void fault_shim_end(void) {
  is_over = true;
}

long fault_shim_count(const char *name) {
  return counts[call_of(name)];
}

/* --- one call -------------------------------------------------------------------------------- */

static void path_of(int fd, char path[FAULT_PATH_BYTES]) {
  char link[64];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t size = readlink(link, path, FAULT_PATH_BYTES - 1);
  path[size < 0 ? 0 : size] = '\0';
}

/* By system calls: the functions of libc are ours now. */
static void write_down(const fault_visit *v, const char *what, long result) {
  if (!v->counts || !log_path || (v->call > FAULT_PREAD && !v->error)) return;
  int fd =
      (int)syscall(SYS_openat, AT_FDCWD, log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  char line[FAULT_PATH_BYTES + 64];
  int size = snprintf(line, sizeof line, "%s%s %s %ld\n", what, names[v->call], v->path, result);
  syscall(SYS_write, fd, line, (size_t)size);
  syscall(SYS_close, fd);
}

static void delay(const fault_visit *v, long ms) {
  write_down(v, "delayed ", ms);
  struct timespec left = {ms / 1000, ms % 1000 * 1000000};
  while (nanosleep(&left, &left) != 0 && errno == EINTR) continue;
}

static bool begins(const char *path, const char *start, size_t size) {
  return strncmp(path, start, size) == 0;
}

static bool is_wanted(const char *path) {
  if (!wanted_path) return true;
  size_t first = strcspn(wanted_path, "|");
  if (begins(path, wanted_path, first)) return true;
  const char *second = wanted_path + first;
  return *second && begins(path, second + 1, strlen(second + 1));
}

/* Looks up what shall become of a call: on `path`, or on `fd`. */
fault_visit fault_begin(fault_call call, const char *path, int fd) {
  fault_visit v = {.call = call, .limit_bytes = -1};
  int saved = errno;
  if (path) snprintf(v.path, sizeof v.path, "%s", path);
  else path_of(fd, v.path);
  v.counts = !is_over && is_wanted(v.path);
  long count = v.counts ? ++counts[call] : 0;
  for (size_t i = 0; v.counts && i < rule_count; i++) {
    const rule *rule = &rules[i];
    if (rule->call != call || count < rule->first || count > rule->last) continue;
    if (rule->delay_ms > 0) {
      delay(&v, rule->delay_ms);
      continue;
    }
    v.error = rule->error;
    v.limit_bytes = rule->limit_bytes;
    break;
  }
  errno = saved;
  return v;
}

long fault_end(const fault_visit *v, long result) {
  int saved = errno;
  write_down(v, "", result < 0 ? -(long)saved : result);
  errno = saved;
  return result;
}

long fault_fail(const fault_visit *v) {
  errno = v->error;
  return fault_end(v, -1);
}

/* --- calls that write ------------------------------------------------------------------------ */

/* The first `limit` bytes of `vectors`; returns how many vectors. */
static int cut(const struct iovec *vectors, int count, long limit, struct iovec *shorter) {
  int kept = 0;
  for (; kept < count && kept < VECTORS_MAX && limit > 0; kept++) {
    shorter[kept] = vectors[kept];
    if ((long)shorter[kept].iov_len > limit) shorter[kept].iov_len = (size_t)limit;
    limit -= (long)shorter[kept].iov_len;
  }
  return kept;
}

ssize_t write(int fd, const void *bytes, size_t size) {
  REAL(write);
  fault_visit v = fault_begin(FAULT_WRITE, NULL, fd);
  if (v.error) return fault_fail(&v);
  if (v.limit_bytes == 0) return fault_end(&v, 0);
  if (v.limit_bytes > 0 && size > (size_t)v.limit_bytes) size = (size_t)v.limit_bytes;
  return fault_end(&v, real(fd, bytes, size));
}

ssize_t writev(int fd, const struct iovec *vectors, int count) {
  REAL(writev);
  fault_visit v = fault_begin(FAULT_WRITEV, NULL, fd);
  struct iovec shorter[VECTORS_MAX];
  if (v.error) return fault_fail(&v);
  if (v.limit_bytes == 0) return fault_end(&v, 0);
  if (v.limit_bytes < 0) return fault_end(&v, real(fd, vectors, count));
  return fault_end(&v, real(fd, shorter, cut(vectors, count, v.limit_bytes, shorter)));
}

ssize_t pwritev64(int fd, const struct iovec *vectors, int count, off64_t offset) {
  REAL(pwritev64);
  fault_visit v = fault_begin(FAULT_PWRITEV, NULL, fd);
  struct iovec shorter[VECTORS_MAX];
  if (v.error) return fault_fail(&v);
  if (v.limit_bytes == 0) return fault_end(&v, 0);
  if (v.limit_bytes < 0) return fault_end(&v, real(fd, vectors, count, offset));
  return fault_end(&v, real(fd, shorter, cut(vectors, count, v.limit_bytes, shorter), offset));
}

ssize_t pwritev(int fd, const struct iovec *vectors, int count, off_t offset) {
  return pwritev64(fd, vectors, count, offset);
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags) {
  REAL(sendmsg);
  fault_visit v = fault_begin(FAULT_SENDMSG, NULL, fd);
  struct iovec shorter[VECTORS_MAX];
  struct msghdr changed = *message;
  if (v.error) return fault_fail(&v);
  if (v.limit_bytes == 0) return fault_end(&v, 0);
  if (v.limit_bytes < 0) return fault_end(&v, real(fd, message, flags));
  int kept = cut(message->msg_iov, (int)message->msg_iovlen, v.limit_bytes, shorter);
  changed.msg_iov = shorter;
  changed.msg_iovlen = (size_t)kept;
  return fault_end(&v, real(fd, &changed, flags));
}

/* --- calls that read ------------------------------------------------------------------------- */

ssize_t read(int fd, void *bytes, size_t size) {
  REAL(read);
  fault_visit v = fault_begin(FAULT_READ, NULL, fd);
  if (v.error) return fault_fail(&v);
  if (v.limit_bytes >= 0 && size > (size_t)v.limit_bytes) size = (size_t)v.limit_bytes;
  return fault_end(&v, real(fd, bytes, size));
}

ssize_t pread64(int fd, void *bytes, size_t size, off64_t offset) {
  REAL(pread64);
  fault_visit v = fault_begin(FAULT_PREAD, NULL, fd);
  if (v.error) return fault_fail(&v);
  if (v.limit_bytes >= 0 && size > (size_t)v.limit_bytes) size = (size_t)v.limit_bytes;
  return fault_end(&v, real(fd, bytes, size, offset));
}

ssize_t pread(int fd, void *bytes, size_t size, off_t offset) {
  return pread64(fd, bytes, size, offset);
}
