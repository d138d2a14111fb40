/* file_io.c - see file_io.h.
** SPDX-License-Identifier: MIT
*/
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "sinks/file_io.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "sinks/standard.h"

enum {
  WAIT_MS = 50,          /* for a file that takes nothing now, before we look whether to go on */
  CAUTIOUS_BYTES = 4096, /* a descriptor that may block takes so much once poll has said yes */
  NAME_TRIES = 16,
  AGAIN_TRIES = 20, /* a regular file that says EAGAIN is odd, but may think better of it */
  AGAIN_NS = 1000000,
};

int weir_file_flags(const char *name) {
  static const struct {
    const char *name;
    int flags;
  } known[] = {
      {"w", O_WRONLY | O_CREAT | O_TRUNC},
      {"wx", O_WRONLY | O_CREAT | O_TRUNC | O_EXCL},
      {"w+", O_RDWR | O_CREAT | O_TRUNC},
      {"wx+", O_RDWR | O_CREAT | O_TRUNC | O_EXCL},
      {"a", O_WRONLY | O_CREAT | O_APPEND},
      {"ax", O_WRONLY | O_CREAT | O_APPEND | O_EXCL},
      {"a+", O_RDWR | O_CREAT | O_APPEND},
      {"ax+", O_RDWR | O_CREAT | O_APPEND | O_EXCL},
      {"r+", O_RDWR},
      {"r", O_RDONLY},
  };
  for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
    if (strcmp(known[i].name, name) == 0) return known[i].flags;
  }
  return -1;
}

void weir_file_init(weir_file *file) {
  *file = (weir_file){.flags = weir_file_flags("w"), .mode = 0666, .fd = -1, .closes = true};
  file->borrowed.fd = -1;
}

void weir_file_deinit(weir_file *file) {
  free(file->path);
  free(file->target);
  free(file->temporary);
  *file = (weir_file){.fd = -1, .borrowed.fd = -1};
}

void weir_file_follow(weir_file *next, const weir_file *file, char *path, uint64_t offset) {
  weir_file_init(next);
  next->path = path;
  next->flags = file->flags;
  if (!file->atomic) next->flags = (file->flags & ~O_TRUNC) | O_APPEND;
  next->mode = file->mode;
  next->offset = offset;
  next->shared = file->shared && !file->given;
  next->atomic = file->atomic;
  next->sync = file->sync;
}

static int fail(weir_file *file, const char *call, int error) {
  file->failed_call = call;
  return error;
}

/* --- open --- */

static int open_retrying(const char *path, int flags, mode_t mode) {
  int fd;
  /* O_NONBLOCK: a FIFO without a reader answers ENXIO instead of holding a pool thread for good. */
  do {
    fd = open(path, flags | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, mode);
  } while (fd < 0 && errno == EINTR);
  return weir_above_standard(fd);
}

/* Learns what kind of file the descriptor is. Returns 0 or an errno. */
static int examine(weir_file *file) {
  struct stat info;
  if (fstat(file->fd, &info) != 0) return fail(file, "fstat", errno);
  if (S_ISDIR(info.st_mode) && !file->reads) return fail(file, "open", EISDIR); /* as Node */
  int flags = fcntl(file->fd, F_GETFL);
  if (flags < 0) return fail(file, "fcntl", errno);
  file->regular = S_ISREG(info.st_mode);
  /* Of a given descriptor the others may think otherwise at any time. */
  file->nonblocking = !file->regular && !file->given && (flags & O_NONBLOCK);
  bool appends = (flags & O_APPEND) != 0;
  /* A descriptor that others have, or will have, moves its position as they expect. */
  file->positioned = file->regular && !appends && (file->has_start || !file->shared);
  if (file->reads) file->positioned = file->has_start || (file->regular && !file->shared);
  return 0;
}

int weir_file_adopt(weir_file *file) {
  int error = examine(file);
  if (error || !file->reads || file->regular || file->positioned) return error;
  /* If it cannot be borrowed it is read as it is, once it has something; or the read fails. */
  file->nonblocking = weir_borrow(&file->borrowed, file->fd, false) == 0;
  return 0;
}

static int open_plain(weir_file *file) {
  bool may_create = (file->flags & O_CREAT) && !(file->flags & O_EXCL);
  file->created = (file->flags & O_EXCL) != 0;
  file->fd = open_retrying(file->path, file->flags & (may_create ? ~O_CREAT : ~0), file->mode);
  if (file->fd < 0 && errno == ENOENT && may_create) { /* now we know that the name is new */
    file->created = true;
    file->fd = open_retrying(file->path, file->flags, file->mode);
  }
  return file->fd < 0 ? fail(file, "open", errno) : 0;
}

/* A name beside the target that nobody uses; NULL without memory. */
static char *temporary_name(const char *target, unsigned attempt) {
  const char *slash = strrchr(target, '/');
  int folder = slash ? (int)(slash - target + 1) : 0;
  const char *base = target + folder;
  size_t room = strlen(target) + 48;
  char *name = malloc(room);
  if (!name) return NULL;
  struct timespec now = {0};
  clock_gettime(CLOCK_MONOTONIC, &now);
  /* A long name leaves no room for the addition: its first 200 bytes will do. */
  snprintf(name, room, "%.*s.%.200s.%lx-%lx-%x", folder, target, base, (unsigned long)getpid(),
           (unsigned long)now.tv_nsec, attempt);
  return name;
}

static int create_temporary(weir_file *file, mode_t mode) {
  for (unsigned attempt = 0; attempt < NAME_TRIES; attempt++) {
    free(file->temporary);
    file->temporary = temporary_name(file->target, attempt);
    if (!file->temporary) return fail(file, "open", ENOMEM);
    file->fd = open_retrying(file->temporary, O_WRONLY | O_CREAT | O_EXCL, mode);
    if (file->fd >= 0) return 0;
    if (errno != EEXIST) break;
  }
  int error = errno;
  free(file->temporary);
  file->temporary = NULL;
  return fail(file, "open", error);
}

static bool is_symlink(const char *path) {
  struct stat info;
  int saved = errno;
  bool is = lstat(path, &info) == 0 && S_ISLNK(info.st_mode);
  errno = saved;
  return is;
}

/* Opens a file beside the target, which keeps its mode, its owner where we may, and its place
** behind a symlink.
*/
static int open_atomic(weir_file *file) {
  struct stat target;
  bool exists = stat(file->path, &target) == 0;
  if (!exists && (errno != ENOENT || is_symlink(file->path))) return fail(file, "stat", errno);
  if (exists && S_ISDIR(target.st_mode)) return fail(file, "open", EISDIR);
  if (exists && !S_ISREG(target.st_mode)) return fail(file, "open", EINVAL);
  if (exists && (file->flags & O_EXCL)) return fail(file, "open", EEXIST);
  file->target = exists ? realpath(file->path, NULL) : strdup(file->path);
  if (!file->target) return fail(file, "realpath", errno);
  int error = create_temporary(file, exists ? 0600 : file->mode);
  if (error || !exists) return error;
  if (fchown(file->fd, target.st_uid, target.st_gid) != 0) errno = 0; /* not ours to give away */
  if (fchmod(file->fd, target.st_mode & 07777) != 0) return fail(file, "fchmod", errno);
  return 0;
}

int weir_file_open(weir_file *file) {
  int error = file->atomic ? open_atomic(file) : open_plain(file);
  return error ? error : examine(file);
}

/* --- write --- */

static void nap(long ns) {
  const struct timespec time = {.tv_nsec = ns};
  nanosleep(&time, NULL);
}

/* Waits a while for a file that is not regular; for one that does not block, the loop does that.
** Returns whether the call is worth a try: an error shows in the call itself.
*/
static bool wait_until(const weir_file *file, short event) {
  struct pollfd wait = {.fd = file->fd, .events = event};
  return poll(&wait, 1, file->nonblocking ? 0 : WAIT_MS) != 0;
}

static ssize_t write_once(weir_file *file, const struct iovec *vectors, int count,
                          uint64_t offset) {
  if (file->positioned)
    return pwritev(file->fd, vectors, count, (off_t)(file->start + (offset - file->offset)));
  if (file->regular || file->nonblocking) return writev(file->fd, vectors, count);
  size_t size = vectors[0].iov_len;
  return write(file->fd, vectors[0].iov_base, size < CAUTIOUS_BYTES ? size : CAUTIOUS_BYTES);
}

/* After EAGAIN for the nth time: whether to try once more. */
static bool may_try_again(const weir_file *file, int nth) {
  if (!file->regular || nth == AGAIN_TRIES) return false;
  nap(AGAIN_NS);
  return true;
}

ssize_t weir_file_write(weir_file *file, const struct iovec *vectors, int count, uint64_t offset) {
  if (!file->regular && !file->nonblocking && !wait_until(file, POLLOUT)) return 0;
  for (int empty = 0, again = 0;;) {
    ssize_t written = write_once(file, vectors, count, offset);
    file->full = written < 0 && errno == EAGAIN;
    if (written > 0) return written;
    if (written == 0) {
      if (++empty == 2) return -fail(file, "write", EIO);
    } else if (errno == EAGAIN) {
      if (may_try_again(file, ++again)) continue;
      return file->regular ? -fail(file, "write", EAGAIN) : 0;
    } else if (errno != EINTR) {
      return -fail(file, "write", errno);
    }
  }
}

/* --- read --- */

static ssize_t read_borrowed(const weir_file *file, char *buffer, size_t size) {
  ssize_t got = weir_borrowed_read(&file->borrowed, buffer, size);
  if (got < 0) errno = (int)-got;
  return got < 0 ? -1 : got;
}

static ssize_t read_once(weir_file *file, char *buffer, size_t size, uint64_t offset) {
  if (file->borrowed.fd >= 0) return read_borrowed(file, buffer, size);
  if (!file->positioned) return read(file->fd, buffer, size);
  return pread(file->fd, buffer, size, (off_t)(file->start + offset));
}

ssize_t weir_file_read(weir_file *file, char *buffer, size_t size, uint64_t offset) {
  if (!file->regular && !file->positioned && !wait_until(file, POLLIN)) return -EAGAIN;
  for (int again = 0;;) {
    ssize_t got = read_once(file, buffer, size, offset);
    if (got >= 0) return got;
    if (errno == EAGAIN && file->regular && ++again < AGAIN_TRIES) nap(AGAIN_NS);
    else if (errno != EINTR) return -fail(file, "read", errno);
  }
}

/* --- finish --- */

static int sync_file(weir_file *file, bool all) {
  int result;
  do {
    result = all ? fsync(file->fd) : fdatasync(file->fd);
  } while (result != 0 && errno == EINTR);
  return result == 0 ? 0 : fail(file, all ? "fsync" : "fdatasync", errno);
}

/* Makes the name of a file durable. Some file systems cannot sync a folder, and need not. */
static int sync_folder(weir_file *file, const char *path) {
  const char *slash = strrchr(path, '/');
  char *folder = slash ? strndup(path, slash == path ? 1 : (size_t)(slash - path)) : strdup(".");
  if (!folder) return fail(file, "fsync", ENOMEM);
  int fd = open_retrying(folder, O_RDONLY | O_DIRECTORY, 0);
  free(folder);
  if (fd < 0) return fail(file, "open", errno);
  int result;
  do {
    result = fsync(fd);
  } while (result != 0 && errno == EINTR);
  int error = errno;
  close(fd);
  return result == 0 || error == EINVAL || error == ENOTSUP ? 0 : fail(file, "fsync", error);
}

/* The temporary file becomes the target; with O_EXCL only if nobody has made one meanwhile. */
static int take_place(weir_file *file) {
  bool exclusive = (file->flags & O_EXCL) != 0;
  if (exclusive && link(file->temporary, file->target) != 0) return fail(file, "link", errno);
  if (exclusive) unlink(file->temporary);
  else if (rename(file->temporary, file->target) != 0) return fail(file, "rename", errno);
  free(file->temporary);
  file->temporary = NULL;
  return 0;
}

int weir_file_finish(weir_file *file) {
  bool all = file->atomic || file->sync == WEIR_SYNC_FULL;
  int error = sync_file(file, all);
  if (error) return error;
  if (file->atomic) {
    error = take_place(file);
    return error ? error : sync_folder(file, file->target);
  }
  bool name_matters = file->path && (file->sync == WEIR_SYNC_FULL || file->created);
  if (!name_matters) return 0;
  char *real = realpath(file->path, NULL); /* a symlink lies elsewhere; NULL: renamed meanwhile */
  error = sync_folder(file, real ? real : file->path);
  free(real);
  return error;
}

/* --- close --- */

int weir_file_close(weir_file *file) {
  int fd = file->fd, error = 0;
  file->fd = -1;
  weir_borrowed_close(&file->borrowed);
  /* The standard descriptors belong to the process; EINTR means closed, on Linux and in spirit. */
  if (!weir_is_standard(fd) && fd >= 0 && file->closes && close(fd) != 0 && errno != EINTR) {
    error = fail(file, "close", errno);
  }
  if (file->temporary) {
    unlink(file->temporary);
    free(file->temporary);
    file->temporary = NULL;
  }
  return error;
}
