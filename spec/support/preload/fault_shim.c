/* fault_shim.c - system calls that fail when a spec says so. To preload into a process under test:
**
**   FAULTS=pwritev:1:s7,pwritev:2+:ENOSPC FAULTS_PATH=/tmp/x LD_PRELOAD=fault_shim.so lua5.4 ...
**
** FAULTS has rules "call:when:what", the first that fits counts. `call` is one of the names below;
** `when` is 3 (the third such call), 3+ (and all after it) or *; `what` is an errno by name or number,
** s7 (at most 7 bytes go through; s0: the call answers 0), d50 (waits 50 ms; later rules still fit).
**
** Only calls on files whose path begins with FAULTS_PATH count. FAULTS_LOG names a file that gets a
** line "call path result" for each of them when it is over, the result being -errno after a failure;
** one that is delayed gets a line "delayed call path ms" first.
**
** Linux, and any libc whose functions can be interposed. It is not part of support.a: there it would
** take the place of the functions of libc.
** SPDX-License-Identifier: MIT
*/
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "fault_shim.h"

enum { RULES_MAX = 128, PATH_BYTES = 4096, VECTORS_MAX = 1024 };

typedef enum call {
  WRITE,
  WRITEV,
  PWRITEV,
  OPEN,
  FSYNC,
  FDATASYNC,
  CLOSE,
  RENAME,
  FCHMOD,
  READ,
  PREAD
} call;
static const char *const names[] = {"write", "writev", "pwritev", "open", "fsync", "fdatasync",
                                    "close", "rename", "fchmod",  "read", "pread"};
enum { CALLS = sizeof names / sizeof *names };

static const struct {
  const char *name;
  int value;
} errors[] = {
    {"EACCES", EACCES}, {"EAGAIN", EAGAIN}, {"EDQUOT", EDQUOT}, {"EINTR", EINTR},
    {"EINVAL", EINVAL}, {"EIO", EIO},       {"EMFILE", EMFILE}, {"ENFILE", ENFILE},
    {"ENOMEM", ENOMEM}, {"ENOSPC", ENOSPC}, {"EPERM", EPERM},   {"EROFS", EROFS},
};

typedef struct rule {
  call call;
  long first, last; /* which calls */
  int error;        /* 0: none */
  long limit_bytes; /* -1: none */
  long delay_ms;
} rule;

static rule rules[RULES_MAX];
static size_t rule_count;
static const char *wanted_path, *log_path;
static atomic_long counts[CALLS];
static atomic_bool is_over;

/* --- reading the rules ----------------------------------------------------------------------- */

static int error_of(const char *text) {
  for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
    if (strcmp(errors[i].name, text) == 0) return errors[i].value;
  }
  return atoi(text);
}

static call call_of(const char *name) {
  int index = 0;
  while (index < CALLS && strcmp(names[index], name) != 0) index++;
  return (call)index;
}

static bool read_rule(const char *text, rule *rule) {
  char name[16], when[16], what[16];
  if (sscanf(text, "%15[^:]:%15[^:]:%15s", name, when, what) != 3) return false;
  call call = call_of(name);
  if ((int)call == CALLS) return false;
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
  static char text[PATH_BYTES];
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
  for (int i = 0; i < CALLS; i++) counts[i] = 0;
  is_over = false;
}

void fault_shim_end(void) {
  is_over = true;
}

long fault_shim_count(const char *name) {
  return counts[call_of(name)];
}

/* --- one call -------------------------------------------------------------------------------- */

typedef struct visit {
  call call;
  bool counts; /* it is on a wanted file */
  int error;   /* it is to fail */
  long limit_bytes;
  char path[PATH_BYTES];
} visit;

static void path_of(int fd, char path[PATH_BYTES]) {
  char link[64];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t size = readlink(link, path, PATH_BYTES - 1);
  path[size < 0 ? 0 : size] = '\0';
}

/* By system calls: the functions of libc are ours now. */
static void write_down(const visit *v, const char *what, long result) {
  if (!v->counts || !log_path) return;
  int fd =
      (int)syscall(SYS_openat, AT_FDCWD, log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  char line[PATH_BYTES + 64];
  int size = snprintf(line, sizeof line, "%s%s %s %ld\n", what, names[v->call], v->path, result);
  syscall(SYS_write, fd, line, (size_t)size);
  syscall(SYS_close, fd);
}

static void delay(const visit *v, long ms) {
  write_down(v, "delayed ", ms);
  struct timespec left = {ms / 1000, ms % 1000 * 1000000};
  while (nanosleep(&left, &left) != 0 && errno == EINTR) continue;
}

/* Looks up what shall become of a call: on `path`, or on `fd`. */
static visit begin(call call, const char *path, int fd) {
  visit v = {.call = call, .limit_bytes = -1};
  int saved = errno;
  if (path) snprintf(v.path, sizeof v.path, "%s", path);
  else path_of(fd, v.path);
  v.counts = !is_over && (!wanted_path || strncmp(v.path, wanted_path, strlen(wanted_path)) == 0);
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

static long end(const visit *v, long result) {
  int saved = errno;
  write_down(v, "", result < 0 ? -(long)saved : result);
  errno = saved;
  return result;
}

static long fail(const visit *v) {
  errno = v->error;
  return end(v, -1);
}

/* `real` is the next function of this name. */
#define REAL(name) \
  static __typeof__(name) *real; \
  if (!real) real = (__typeof__(name) *)dlsym(RTLD_NEXT, #name)

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
  visit v = begin(WRITE, NULL, fd);
  if (v.error) return fail(&v);
  if (v.limit_bytes == 0) return end(&v, 0);
  if (v.limit_bytes > 0 && size > (size_t)v.limit_bytes) size = (size_t)v.limit_bytes;
  return end(&v, real(fd, bytes, size));
}

ssize_t writev(int fd, const struct iovec *vectors, int count) {
  REAL(writev);
  visit v = begin(WRITEV, NULL, fd);
  struct iovec shorter[VECTORS_MAX];
  if (v.error) return fail(&v);
  if (v.limit_bytes == 0) return end(&v, 0);
  if (v.limit_bytes < 0) return end(&v, real(fd, vectors, count));
  return end(&v, real(fd, shorter, cut(vectors, count, v.limit_bytes, shorter)));
}

ssize_t pwritev64(int fd, const struct iovec *vectors, int count, off64_t offset) {
  REAL(pwritev64);
  visit v = begin(PWRITEV, NULL, fd);
  struct iovec shorter[VECTORS_MAX];
  if (v.error) return fail(&v);
  if (v.limit_bytes == 0) return end(&v, 0);
  if (v.limit_bytes < 0) return end(&v, real(fd, vectors, count, offset));
  return end(&v, real(fd, shorter, cut(vectors, count, v.limit_bytes, shorter), offset));
}

ssize_t pwritev(int fd, const struct iovec *vectors, int count, off_t offset) {
  return pwritev64(fd, vectors, count, offset);
}

/* --- calls that read ------------------------------------------------------------------------- */

ssize_t read(int fd, void *bytes, size_t size) {
  REAL(read);
  visit v = begin(READ, NULL, fd);
  if (v.error) return fail(&v);
  if (v.limit_bytes >= 0 && size > (size_t)v.limit_bytes) size = (size_t)v.limit_bytes;
  return end(&v, real(fd, bytes, size));
}

ssize_t pread64(int fd, void *bytes, size_t size, off64_t offset) {
  REAL(pread64);
  visit v = begin(PREAD, NULL, fd);
  if (v.error) return fail(&v);
  if (v.limit_bytes >= 0 && size > (size_t)v.limit_bytes) size = (size_t)v.limit_bytes;
  return end(&v, real(fd, bytes, size, offset));
}

ssize_t pread(int fd, void *bytes, size_t size, off_t offset) {
  return pread64(fd, bytes, size, offset);
}

/* --- other calls ----------------------------------------------------------------------------- */

int open64(const char *path, int flags, ...) {
  REAL(open64);
  va_list arguments;
  va_start(arguments, flags);
  unsigned mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(arguments, unsigned) : 0;
  va_end(arguments);
  visit v = begin(OPEN, path, -1);
  return (int)(v.error ? fail(&v) : end(&v, real(path, flags, mode)));
}

int open(const char *path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  unsigned mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(arguments, unsigned) : 0;
  va_end(arguments);
  return open64(path, flags, mode);
}

int fsync(int fd) {
  REAL(fsync);
  visit v = begin(FSYNC, NULL, fd);
  return (int)(v.error ? fail(&v) : end(&v, real(fd)));
}

int fdatasync(int fd) {
  REAL(fdatasync);
  visit v = begin(FDATASYNC, NULL, fd);
  return (int)(v.error ? fail(&v) : end(&v, real(fd)));
}

/* A descriptor is gone even where close() fails, as on Linux. */
int close(int fd) {
  REAL(close);
  visit v = begin(CLOSE, NULL, fd);
  int result = real(fd);
  return (int)(v.error ? fail(&v) : end(&v, result));
}

int rename(const char *from, const char *to) {
  REAL(rename);
  visit v = begin(RENAME, to, -1);
  return (int)(v.error ? fail(&v) : end(&v, real(from, to)));
}

int fchmod(int fd, mode_t mode) {
  REAL(fchmod);
  visit v = begin(FCHMOD, NULL, fd);
  return (int)(v.error ? fail(&v) : end(&v, real(fd, mode)));
}
