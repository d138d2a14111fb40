/* file_wait.h - waiting for a FIFO or a device: on the loop, so that no thread of the pool has to.
**
** Layer: sinks. Not thread safe.
** SPDX-License-Identifier: MIT
*/
#ifndef WEIR_SINKS_FILE_WAIT_H
#define WEIR_SINKS_FILE_WAIT_H

#include "sinks/loop.h"

#include "core/stream.h"
#include "sinks/file_io.h"

typedef struct weir_file_wait {
  weir_loop *loop;
  weir_file *file;
  void (*ready)(void *owner); /* a call on the file is worth a try */
  void *owner;
  weir_stream *stream; /* kept while it waits, and until libuv is done */
  weir_handle poll;
  bool waits;
  bool no_ref; /* waiting does not keep the loop running */
} weir_file_wait;

void weir_file_wait_init(weir_file_wait *wait, weir_loop *loop, weir_file *file,
                         void (*ready)(void *owner), void *owner);

static inline bool weir_file_waits(const weir_file_wait *wait) {
  return wait->waits;
}

/* Calls `ready` once, when one of the `events`, which are libuv's, has come. Returns false if this
** file cannot be waited for here; then the calls on it wait themselves from now on.
*/
bool weir_file_wait_start(weir_file_wait *wait, weir_stream *stream, int events);
void weir_file_wait_set_ref(weir_file_wait *wait, bool on);
/* Before the file is closed. `ready` is not called any more. */
void weir_file_wait_end(weir_file_wait *wait);

#endif
