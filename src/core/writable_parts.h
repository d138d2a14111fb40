/* writable_parts.h - what the files of the writable ask of each other.
**
**   writable.c         the public verbs: write, end, cork, uncork
**   writable_flow.c    hands bytes to the sink, and tells the writers what became of them
**   writable_chunks.c  the same for a sink of chunks
**   writable_end.c     finishes, and fails what is queued
**
** Layer: core, private.
** SPDX-License-Identifier: MIT
*/
#ifndef WEIR_CORE_WRITABLE_PARTS_H
#define WEIR_CORE_WRITABLE_PARTS_H

#include "core/writable_append.h"

/* --- writable_flow.c --- */

/* The one place that decides whether the sink gets something to do. */
void weir_writable_pump(weir_writable *writable);
/* Pumps, and begins the end where no later step would. */
void weir_writable_flush(weir_writable *writable);
/* Bytes: a chunk was accepted; it leaves now, or gathers until the turn's end. */
void weir_writable_gather(weir_writable *writable);
/* Bytes: takes notice of what has been written, except of the last `keep` bytes accepted. */
void weir_writable_reap(weir_writable *writable, uint64_t keep);
/* Bytes: a tick will emit `drain` and call the callbacks that are due. */
void weir_writable_tell_later(weir_writable *writable);
/* Bytes: calls `count` of the callbacks that are due. */
void weir_writable_tell_due(weir_writable *writable, uint64_t count);

/* Emits `drain` if it is due. It comes before the callbacks of the writes that made it possible. */
void weir_writable_tell_drain(weir_writable *writable);
/* What comes of having told. */
void weir_writable_after_telling(weir_writable *writable);
/* Whether the sink may be given something now. */
static inline bool weir_writable_may_flow(const weir_writable *w) {
  const weir_stream *stream = w->stream;
  return w->corked == 0 && !w->in_call && !stream->constructing && stream->life == WEIR_ALIVE &&
         !stream->error;
}

/* --- writable_chunks.c --- */

/* Gives the sink one operation after the other, as long as it answers at once. */
void weir_writable_pump_chunks(weir_writable *writable);

/* --- writable_end.c --- */

/* Called wherever the last obstacle to the end may just have gone. `at_once`: `finish` comes
** without waiting for a tick.
*/
void weir_writable_advance_end(weir_writable *writable, bool at_once);

/* --- writable.c --- */

/* A chunk of `size` was accepted: counts it. */
static inline void weir_writable_account(weir_writable *w, uint64_t size) {
  w->length += size;
  w->turn += size;
  w->stats.writes++;
  w->stats.accepted += size;
  if (w->length > w->stats.peak_buffered) w->stats.peak_buffered = w->length;
}
/* What its writer is answered. Measured after the sink ran: one that answers at once never causes
** back-pressure.
*/
weir_verdict weir_writable_verdict(weir_writable *writable, uint64_t size);

/* Bytes: whether either is so; then `drain` waits for it to end. */
static inline bool weir_writable_is_overrun(const weir_writable *w) {
  return weir_sink_takes_bytes(w->stream->port) &&
         (w->queue.count > WEIR_ENTRIES_MAX || w->turn >= WEIR_TURN_BYTES_MAX);
}

/* Whether the sink has something of ours that it has not answered for. */
static inline bool weir_writable_is_with_sink(const weir_writable *w) {
  return w->activity == WEIR_WRITING || weir_queue_is_with_sink(&w->queue);
}
/* The error that those are told who still wait: the stream's, or that it was destroyed. A new
** reference.
*/
weir_error *weir_writable_why(const weir_writable *writable, const char *method);
/* Calls the callback of an entry, if it has one. The entry keeps it. */
void weir_writable_call(weir_writable *writable, const weir_entry *entry, weir_error *error);
/* Gives an entry back with all it holds. */
void weir_writable_free_entry(weir_writable *writable, weir_entry *entry);

#endif
