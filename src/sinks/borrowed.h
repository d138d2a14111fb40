/* borrowed.h - a descriptor that others have as well: the terminal of a shell, the pipe of a
** pipeline, whatever a script was handed.
**
** O_NONBLOCK belongs to the open file, and so to everybody who has it: set on a terminal it makes
** the shell's next `cat` fail with EAGAIN. Here such a descriptor is written and read without
** blocking, and nobody sees a change. Terminals and pipes are opened once more, which gives an open
** file of our own; sockets have a flag for each call; for the rest O_NONBLOCK is set during each
** call only.
**
** Layer: sinks. Knows neither the core nor libuv.
** SPDX-License-Identifier: MIT
*/
#ifndef WEIR_SINKS_BORROWED_H
#define WEIR_SINKS_BORROWED_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <sys/uio.h>

typedef struct weir_borrowed {
  int fd;      /* ours: close-on-exec, above 2; -1: none */
  bool socket; /* takes the calls of sockets */
  bool shared; /* the open file is still everybody's: O_NONBLOCK must not stay set */
  bool blocks; /* it was not set when the descriptor was borrowed */
} weir_borrowed;

/* Makes a descriptor of our own for what `fd` leads to, for writing, or else for reading. Returns
** 0, or a negative errno: -EPERM if nobody ever waits there (files), so that it is of no use.
*/
int weir_borrow(weir_borrowed *borrowed, int fd, bool writes);
void weir_borrowed_close(weir_borrowed *borrowed);
/* Somebody has set O_NONBLOCK, as libuv does: everybody has it as it was. */
void weir_borrowed_restore(const weir_borrowed *borrowed);

/* Write or read without blocking. Return how many bytes, 0 at the end of what is read, or a
** negative errno; -EAGAIN: not now. Where nobody reads it is -EPIPE; for a pipe SIGPIPE as well.
*/
ssize_t weir_borrowed_write(const weir_borrowed *borrowed, const struct iovec *vectors, int count);
ssize_t weir_borrowed_read(const weir_borrowed *borrowed, void *buffer, size_t size);

#endif
