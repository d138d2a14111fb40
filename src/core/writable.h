/* writable.h - the writable side of a stream: Node's contract, to the tick.
**
** Two small enums say where it stands. `writer` is what was promised to the writer, `activity` what
** the sink is busy with; the life of the stream runs beside them (stream.h). All else that is
** visible is derived.
**
** Layer: core. Not thread safe.
** SPDX-License-Identifier: MIT
*/
#ifndef WEIR_CORE_WRITABLE_H
#define WEIR_CORE_WRITABLE_H

#include "core/stream.h"

/* open -> ended (end was called) -> finishing (the tick that says `finish` is queued) -> finished
*/
typedef enum weir_writer { WEIR_OPEN, WEIR_ENDED, WEIR_FINISHING, WEIR_FINISHED } weir_writer;

/* idle <-> writing, idle -> finalizing (the sink's finish runs) -> finalized */
typedef enum weir_activity {
  WEIR_IDLE,
  WEIR_WRITING, /* an operation of chunks; with a sink of bytes the queue's marks say it */
  WEIR_FINALIZING,
  WEIR_FINALIZED
} weir_activity;

typedef struct weir_stats {
  uint64_t writes;   /* accepted */
  uint64_t accepted; /* bytes, or values */
  uint64_t flushes;  /* times the sink was given work */
  uint64_t drains;
  uint64_t peak_buffered; /* bytes, or values */
  uint64_t blocked_ns;    /* between "slow down" and `drain`, all of it */
  uint64_t longest_blocked_ns;
} weir_stats;

#define WEIR_NO_LIMIT UINT64_MAX

typedef struct weir_writable_options {
  uint64_t high_water_mark, low_water_mark, max_buffered;
  bool object_mode;
  bool disabled; /* there is no such side, but for its methods */
} weir_writable_options;

typedef struct weir_writable {
  weir_stream *stream;
  uint64_t high_water_mark, low_water_mark, max_buffered;
  uint32_t corked;
  weir_writer writer : 8;
  weir_activity activity : 8;
  bool object_mode;
  bool disabled;
  bool need_drain;
  bool in_call;  /* the sink's submit is on the stack */
  bool answered; /* it has answered its operation */
  bool in_final; /* the sink's finish is on the stack */
  bool final_answered;
  bool tick_pending;  /* a tick that will look at `drain` is queued */
  bool end_done;      /* end() was called and has done its work */
  bool lost_writes;   /* some were failed in the queue */
  uint64_t length;    /* accepted and not yet written */
  uint64_t submitted; /* bytes: all that the sink took */
  uint64_t reaped;    /* bytes: all that the sink is known to have written */
  uint64_t turn;      /* bytes: accepted in this turn of the loop */
  uint64_t untold;    /* answered, and the writers have not heard yet */
  weir_queue queue;
  weir_entry *operation; /* chunks: what the sink has, its first entry; NULL: answered, or none */
  uint64_t operation_id;
  weir_entry *batch; /* the newest answered operation that can still take in equal callbacks */
  weir_entry *ends;  /* callbacks of end(), the latest first */
  weir_tick flush_tick, tell_tick, finish_tick;
  uint64_t blocked_since_ns;
  weir_stats stats;
} weir_writable;

void weir_writable_init(weir_writable *writable, weir_stream *stream,
                        const weir_writable_options *options);
/* The stream is unused. Gives back, without telling anybody, what is still queued. */
void weir_writable_deinit(weir_writable *writable);

/* Offers one chunk. The anchors of the pieces and of the callback are the core's from now on,
** except on NO_MEMORY, which takes nothing; of the slabs of pieces it takes references of its own.
** On GO_ON and SLOW_DOWN the callback is called exactly once. On REFUSED it is called on a tick
** with the error, the pieces are given back to the host, and `*refusal` gets a reference to the
** error. For a sink of chunks it is one piece with an anchor.
*/
weir_verdict weir_writable_write(weir_writable *writable, const weir_piece *pieces, size_t count,
                                 weir_callback callback, weir_error **refusal);

/* No more writes: flushes, finishes, closes. A last chunk may come along (`count` pieces; 0: none);
** it is offered as weir_writable_write() would, without a callback of its own. The callback is the
** end's: called once, with success right before `finish`, or with the error. Returns REFUSED, with
** the error in `*refusal` and the stream not ended, when the chunk would exceed max_buffered;
** NO_MEMORY with nothing done; else GO_ON.
*/
weir_verdict weir_writable_end(weir_writable *writable, const weir_piece *pieces, size_t count,
                               weir_callback callback, weir_error **refusal);

/* Whoever was refused waits for room: `drain` is owed from now on. Returns false, with nothing
** done, if the length is not above the low mark: then none would come.
*/
bool weir_writable_want_drain(weir_writable *writable);

/* Bytes. Puts a fence behind what was accepted: see sink.h. The callback is called once, with
** success when the fence was passed and before the callbacks of what is written later, else with
** the error. Returns GO_ON; REFUSED as for a write, but the stream does not suffer from it;
** NO_MEMORY with nothing taken.
*/
weir_verdict weir_writable_fence(weir_writable *writable, weir_callback callback,
                                 weir_error **refusal);

/* Chunks: the same without the queue, where the sink is idle and nobody is to be called: the caller
** gives the chunk to the sink himself, between `begin` and `end`, as operation `operation_id`. It
** is not anchored. `begin` returns false, with nothing done, where the stream is not in order, or
** without memory; `end` answers as weir_writable_write() does.
*/
static inline bool weir_writable_is_idle(const weir_writable *w) {
  return w->activity == WEIR_IDLE && weir_queue_is_empty(&w->queue);
}
bool weir_writable_begin_direct(weir_writable *writable, uint64_t size);
weir_verdict weir_writable_end_direct(weir_writable *writable, uint64_t size);

void weir_writable_cork(weir_writable *writable);
void weir_writable_uncork(weir_writable *writable);

/* --- answers of the sink --- */

/* Bytes: some were written, or there is room for more. */
void weir_writable_progress(weir_writable *writable);
/* Bytes: what the sink had to do at the fence is done; a sink that cannot fails. */
void weir_writable_fence_passed(weir_writable *writable);
/* Bytes: the sink failed and has let go of everything. Those it wrote before are told success. */
void weir_writable_failed(weir_writable *writable, weir_error *error);
/* Bytes: asked to close, the sink has let go of everything. */
void weir_writable_stopped(weir_writable *writable);
/* Chunks: the answer to one operation. A second one is ERR_MULTIPLE_CALLBACK. */
void weir_writable_answer(weir_writable *writable, uint64_t operation, weir_error *error);
/* The same, with success, from within the sink's function, where that changes counts and nothing
** else. Calls nobody. Returns false, with nothing done, where the long way is to be gone.
*/
bool weir_writable_answer_quietly(weir_writable *writable, uint64_t operation);
/* Chunks: the sink raised `error` instead of returning; that counts as its answer. */
void weir_writable_raised(weir_writable *writable, uint64_t operation, weir_error *error);
/* `finish` is done. A second answer is ERR_MULTIPLE_CALLBACK, or its own error. */
void weir_writable_finished(weir_writable *writable, weir_error *error);

/* --- state, as Node defines it --- */

static inline bool weir_writable_is_writable(const weir_writable *w) {
  return w->writer == WEIR_OPEN && w->stream->life == WEIR_ALIVE && !w->stream->error;
}
/* Chunks that the sink has not answered for. */
static inline uint64_t weir_writable_in_operation(const weir_writable *w) {
  uint64_t count = 0;
  for (const weir_entry *entry = w->operation; entry; entry = entry->next) count++;
  return count;
}
/* Writes accepted and not yet written, also those with the sink. */
static inline uint64_t weir_writable_queued_writes(const weir_writable *w) {
  return w->queue.writes + weir_writable_in_operation(w);
}
/* Nothing is under way that somebody will still be told of; nor, as Node counts, was any of it
** failed in the queue.
*/
static inline bool weir_writable_is_quiet(const weir_writable *w) {
  return weir_queue_is_empty(&w->queue) && !w->lost_writes && w->untold == 0 &&
         w->writer != WEIR_FINISHING && w->activity != WEIR_WRITING &&
         w->activity != WEIR_FINALIZING;
}
static inline bool weir_writable_needs_drain(const weir_writable *w) {
  return w->need_drain && w->writer == WEIR_OPEN && w->stream->life == WEIR_ALIVE;
}
/* How long the writer has been waiting for the `drain` that is owed; 0 if none is. */
static inline uint64_t weir_writable_waiting_ns(const weir_writable *w) {
  return weir_writable_needs_drain(w) ? w->stream->core->now_ns() - w->blocked_since_ns : 0;
}
/* For how long the oldest write has been without an answer of the sink, to a turn of the loop; 0 if
** none is.
*/
static inline uint64_t weir_writable_oldest_ns(const weir_writable *w) {
  const weir_entry *oldest = w->operation ? w->operation : w->queue.write;
  return oldest ? w->stream->core->now_ns() - oldest->since_ns : 0;
}
static inline bool weir_writable_is_aborted(const weir_writable *w) {
  return (w->stream->life != WEIR_ALIVE || w->stream->error) && w->writer != WEIR_FINISHED;
}

/* --- for stream.c --- */

/* Tells every writer and every end() still waiting that the stream failed, unless the sink still
** has something: that is told first, and comes back here.
*/
void weir_writable_fail_queue(weir_writable *writable);
/* The stream was just destroyed. */
void weir_writable_on_destroy(weir_writable *writable);
/* The sink has opened. */
void weir_writable_on_constructed(weir_writable *writable);

#endif
