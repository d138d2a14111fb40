/* sink.h - the port: what a stream asks of the thing it writes into.
**
** There are two kinds of sink, told apart by which submit they have.
**
** A sink of **bytes** (a file, a socket) gets slices of the queue and takes as many as it likes.
** They stay where they are, and unchanged, until the sink reports them written. It may be given
** more while it still works: writes gather, and leave together.
**
** A sink of **chunks** (one written in Lua) gets one operation at a time, a chunk or a batch, and
** answers it as a whole, at once or later.
**
** Every function is called on the loop's thread. `sink` is the sink's own. Answers may come from
** within the call. A NULL function is one the sink does not need.
**
** Layer: core.
** SPDX-License-Identifier: MIT
*/
#ifndef WEIR_CORE_SINK_H
#define WEIR_CORE_SINK_H

#include "core/queue.h"

typedef struct weir_sink_port {
  const char *name; /* "file", "lua": for tostring and for errors */

  /* Prepares the sink (opens the file). Nothing else is asked of it before it answers with
  ** weir_stream_constructed(). NULL: ready at once.
  */
  void (*open)(void *sink);

  /* Destroyed while `open` is at work: it gives up, and answers soon. NULL: it is waited for. */
  void (*cancel_open)(void *sink);

  /* Bytes. Takes all or some of `slices` (the last one may be taken in part) and returns how many
  ** bytes it took; 0 when it can take none now. Whenever it can take more, or has written some, it
  ** calls weir_writable_progress(); when it fails, weir_writable_failed(). One that fails or
  ** stops from within the call takes nothing: it returns 0.
  */
  uint64_t (*submit)(void *sink, const weir_slice *slices, size_t count);

  /* Bytes. How many bytes, of all it ever took, have been written by now. Cheap: write() asks
  ** before it answers "slow down".
  */
  uint64_t (*reap)(void *sink);

  /* Bytes. All that was accepted before a fence has been written, and nothing behind it is given
  ** before weir_writable_fence_passed(), which must not come from within. May be asked again before
  ** that. NULL: the stream gets no fences.
  */
  void (*fence)(void *sink);

  /* Bytes. Whether giving it little now costs nothing because it is at work anyway. NULL: never. */
  bool (*is_awake)(void *sink);

  /* Chunks. Gets the first `count` entries of one operation, linked by `next`, and answers with
  ** weir_writable_answer(operation). The values are its own until it returns; it may give back an
  ** anchor itself, and then sets it to 0.
  */
  void (*submit_chunks)(void *sink, weir_entry *first, size_t count, uint64_t operation);
  bool takes_batches; /* whether `count` may be more than 1 */

  /* All is written, nothing more comes (sync, shut down). Answers with weir_writable_finished(). */
  void (*finish)(void *sink);

  /* The last call: lets go of everything. `error` is why, or NULL. A sink of bytes stops first, and
  ** says so with weir_writable_stopped(). Answers with weir_stream_closed().
  */
  void (*close)(void *sink, weir_error *error);
} weir_sink_port;

static inline bool weir_sink_takes_bytes(const weir_sink_port *port) {
  return port->submit != NULL;
}

#endif
