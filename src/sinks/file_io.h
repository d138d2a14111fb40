/* file_io.h - a file, as blocking calls of the system: open, read, write, make durable, close.
**
** All of it may block and therefore runs on a thread of libuv's pool, one call at a time. Each
** returns 0 or an errno, and leaves in `failed_call` the name of the system call that failed.
**
** Layer: sinks. Knows neither the core nor libuv.
** SPDX-License-Identifier: MIT
*/
#ifndef WEIR_SINKS_FILE_IO_H
#define WEIR_SINKS_FILE_IO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "sinks/borrowed.h"

typedef enum weir_sync {
  WEIR_SYNC_NONE, /* the kernel has the bytes */
  WEIR_SYNC_DATA, /* the bytes are on the medium, and the file's name if we created it */
  WEIR_SYNC_FULL, /* so is all else about the file, and its name */
} weir_sync;

typedef struct weir_file {
  /* What is wanted; set before opening. */
  char *path;     /* owned; NULL with a given descriptor */
  int flags;      /* O_..., from weir_file_flags */
  mode_t mode;    /* of a new file, before umask */
  bool reads;     /* it is read, not written */
  bool has_start; /* the first byte is that at `start`, whatever the file's position is */
  uint64_t start;
  uint64_t offset; /* of the stream, with which this file begins */
  bool given;      /* `fd` is the user's */
  bool shared;     /* others have the descriptor, or will have it */
  bool closes;     /* close the descriptor in the end */
  bool atomic;     /* write beside the target, and take its place in the end */
  weir_sync sync;
  /* What is. */
  int fd;           /* -1: not open (any more) */
  bool regular;     /* a regular file: nothing waits for another process */
  bool nonblocking; /* not regular, and no call blocks: who waits is the loop */
  bool full;        /* the last write took nothing */
  bool positioned;  /* every call says where in the file */
  bool created;
  char *target;    /* atomic: the path that is replaced, symlinks followed; owned */
  char *temporary; /* atomic: the file beside it; owned, NULL when there is none (any more) */
  weir_borrowed borrowed; /* given, to be read, and not regular: how to read it without blocking */
  const char *failed_call;
} weir_file;

/* The O_ flags of Node's flag string ("r", "ax+", ...); -1 if there is no such flag. */
int weir_file_flags(const char *name);

void weir_file_init(weir_file *file);
/* Frees what it owns. The descriptor must be closed, or the user's. */
void weir_file_deinit(weir_file *file);

/* Prepares the file that a stream goes on with, at its `offset`, after it has been in `file`. It is
** opened as that was, but what it holds already stays in front. `path` is owned by it from now on.
*/
void weir_file_follow(weir_file *next, const weir_file *file, char *path, uint64_t offset);

int weir_file_open(weir_file *file);
/* Looks at a given descriptor; does not block. */
int weir_file_adopt(weir_file *file);

/* The descriptor that the loop has to wait for, if the calls do not block. */
static inline int weir_file_waited_fd(const weir_file *file) {
  return file->borrowed.fd >= 0 ? file->borrowed.fd : file->fd;
}

/* Writes what has the offset `offset` in the stream; a file that is positioned gets it there, less
** the offset at which the file itself begins. Returns how many bytes the kernel took, or a negative
** errno; 0 says that a file that is not regular was waited for a while and takes nothing now. A
** kernel that twice says "0 bytes" has failed with EIO.
*/
ssize_t weir_file_write(weir_file *file, const struct iovec *vectors, int count, uint64_t offset);

/* Reads up to `size` bytes, at `offset` from the start if the file is positioned. Returns how many;
** 0 at the end; or a negative errno. -EAGAIN of a file that is not regular says that it has
** nothing now, though it was waited for: ask again.
*/
ssize_t weir_file_read(weir_file *file, char *buffer, size_t size, uint64_t offset);

/* Makes the promise of `sync` and `atomic` true. A failed sync is final: it must not be asked
** again.
*/
int weir_file_finish(weir_file *file);
/* Whether weir_file_finish has anything to do. */
static inline bool weir_file_has_finish(const weir_file *file) {
  return file->atomic || file->sync != WEIR_SYNC_NONE;
}
/* Closes, unless the descriptor is to stay open; drops what an atomic write has not finished. */
int weir_file_close(weir_file *file);

#endif
