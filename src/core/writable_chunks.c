/* writable_chunks.c - hands chunks to a sink of chunks, and tells the writers what became of them.
**
** One place acts (pump), one place takes the sink's answer (settle), one place tells.
** SPDX-License-Identifier: MIT
*/
#include "core/assert.h"
#include "core/writable_parts.h"

/* --- answers --- */

/* An operation is a chain of entries: the batch of one writev, or a single write. A single one may
** stand for several that were answered at once and have the same callback; `writes` counts them.
*/
static void tell(weir_writable *w, weir_entry *operation, weir_error *error) {
  if (operation->next) {
    w->untold--;
    for (weir_entry *e = operation; e; e = e->next) weir_writable_call(w, e, error);
    return;
  }
  for (uint32_t left = operation->writes; left > 0; left--) {
    w->untold--;
    weir_writable_call(w, operation, error);
  }
}

static void free_operation(weir_writable *w, weir_entry *operation) {
  while (operation) {
    weir_entry *next = operation->next;
    weir_writable_free_entry(w, operation);
    operation = next;
  }
}

static void tell_success(weir_writable *w, weir_entry *operation) {
  w->tick_pending = false;
  weir_writable_tell_drain(w);
  tell(w, operation, NULL);
  free_operation(w, operation);
  weir_writable_after_telling(w);
}

static void tell_failure(weir_writable *w, weir_entry *operation, weir_error *error) {
  tell(w, operation, error);
  free_operation(w, operation);
  weir_writable_fail_queue(w); /* the writers behind it, then `error` */
  weir_stream_fail(w->stream, error, false);
}

static void run_success_tick(weir_tick *tick) {
  weir_entry *operation = WEIR_TICK_OWNER(tick, weir_entry, tick);
  weir_stream *stream = operation->stream;
  tell_success(stream->writable, operation);
  weir_stream_release(stream);
}

static void run_batch_tick(weir_tick *tick) {
  weir_entry *operation = WEIR_TICK_OWNER(tick, weir_entry, tick);
  operation->stream->writable->batch = NULL; /* one that runs takes no more, nor does a newer */
  run_success_tick(tick);
}

static void run_failure_tick(weir_tick *tick) {
  weir_entry *operation = WEIR_TICK_OWNER(tick, weir_entry, tick);
  weir_stream *stream = operation->stream;
  weir_error *error = operation->error;
  operation->error = NULL;
  tell_failure(stream->writable, operation, error);
  weir_error_release(error);
  weir_stream_release(stream);
}

static void tell_on_tick(weir_writable *w, weir_entry *operation, weir_tick_run run) {
  operation->stream = w->stream;
  weir_stream_tick(w->stream, &operation->tick, run);
}

static bool somebody_waits(const weir_entry *operation) {
  for (const weir_entry *e = operation; e; e = e->next) {
    if (e->callback.anchor) return true;
  }
  return false;
}

static bool joins_batch(const weir_writable *w, const weir_entry *operation) {
  const weir_entry *batch = w->batch;
  return batch && !batch->next && !operation->next &&
         batch->callback.identity == operation->callback.identity;
}

/* The sink answered before it returned. Nobody is told inside the user's write(): a tick does it,
** and neighbours that share one callback share one tick. Without anybody to tell there is no tick,
** except for `drain`, and in object mode always.
*/
static void tell_success_later(weir_writable *w, weir_entry *operation) {
  if (!somebody_waits(operation)) {
    bool drains = w->need_drain && w->length <= w->low_water_mark;
    if (w->tick_pending || !(w->object_mode || drains)) {
      w->untold--;
      free_operation(w, operation);
      return;
    }
    tell_on_tick(w, operation, run_success_tick);
  } else if (joins_batch(w, operation)) {
    w->batch->writes++;
    free_operation(w, operation);
    return;
  } else {
    w->batch = operation;
    tell_on_tick(w, operation, run_batch_tick);
  }
  w->tick_pending = true;
}

static uint64_t size_of(const weir_entry *operation) {
  uint64_t size = 0;
  for (; operation; operation = operation->next) size += operation->size;
  return size;
}

static void drop_values(weir_writable *w, weir_entry *operation) {
  for (weir_entry *e = operation; e; e = e->next) weir_queue_drop_content(&w->queue, e);
}

/* The operation has its answer. When that came from within the sink's own function, the sink counts
** as busy until the function returns, so that writes it makes wait their turn.
*/
static void settle(weir_writable *w, weir_error *error) {
  weir_entry *operation = w->operation;
  uint64_t size = size_of(operation);
  w->operation = NULL;
  w->answered = true;
  w->length -= size;
  w->untold++;
  weir_stream_record(w->stream, error);
  drop_values(w, operation);
  if (w->in_call) {
    if (error) {
      operation->error = weir_error_hold(error);
      tell_on_tick(w, operation, run_failure_tick);
    } else {
      tell_success_later(w, operation);
    }
    return;
  }
  w->activity = WEIR_IDLE;
  if (error) {
    tell_failure(w, operation, error);
  } else {
    weir_writable_pump(w); /* the sink is kept busy before anyone is told */
    tell_success(w, operation);
  }
}

static bool is_answer_to(const weir_writable *w, uint64_t operation) {
  return w->operation_id == operation && !w->answered;
}

void weir_writable_answer(weir_writable *w, uint64_t operation, weir_error *error) {
  if (is_answer_to(w, operation)) settle(w, error);
  else weir_stream_fail_with(w->stream, WEIR_E_MULTIPLE_CALLBACK);
}

void weir_writable_raised(weir_writable *w, uint64_t operation, weir_error *error) {
  if (is_answer_to(w, operation)) settle(w, error);
  else weir_stream_fail(w->stream, error, false);
}

/* --- giving it work --- */

static weir_entry *take_operation(weir_writable *w, size_t count) {
  weir_entry *first = weir_queue_take(&w->queue), *last = first;
  for (size_t i = 1; i < count; i++) {
    last->next = weir_queue_take(&w->queue);
    last = last->next;
  }
  return first;
}

static void begin_operation(weir_writable *w, weir_entry *first) {
  w->operation = first;
  w->operation_id++;
  w->activity = WEIR_WRITING;
  w->answered = false;
  w->in_call = true;
  w->stats.flushes++;
  w->stream->core->sink_depth++;
}

/* The sink's function has returned. */
static void end_operation(weir_writable *w) {
  w->stream->core->sink_depth--;
  w->in_call = false;
  if (!w->answered) {
    drop_values(w, w->operation);
    return;
  }
  w->activity = WEIR_IDLE;
  /* Destroyed from within: those behind hear of it after this one. */
  if (weir_stream_has_failed(w->stream)) weir_stream_fail_queue_later(w->stream);
}

static void start_operation(weir_writable *w, size_t count) {
  weir_stream *stream = w->stream;
  begin_operation(w, take_operation(w, count));
  stream->port->submit_chunks(stream->sink, w->operation, count, w->operation_id);
  end_operation(w);
}

static void run_flush_tick(weir_tick *tick) {
  weir_writable *w = WEIR_TICK_OWNER(tick, weir_writable, flush_tick);
  weir_stream *stream = w->stream;
  weir_writable_flush(w);
  weir_stream_release(stream);
}

/* The cork is looked at on entry only: a cork() by the sink itself does not stop a flush that has
** begun.
*/
void weir_writable_pump_chunks(weir_writable *w) {
  const weir_stream *stream = w->stream;
  while (w->activity == WEIR_IDLE && stream->life == WEIR_ALIVE && !stream->error &&
         !weir_queue_is_empty(&w->queue)) {
    if (stream->core->sink_depth >= WEIR_SINK_DEPTH_MAX) {
      weir_stream_tick(w->stream, &w->flush_tick, run_flush_tick);
      return;
    }
    start_operation(w, stream->port->takes_batches ? w->queue.count : 1);
  }
}

/* --- a chunk that is not queued --- */

static bool may_begin_direct(const weir_writable *w, uint64_t size) {
  return weir_writable_is_idle(w) && w->writer == WEIR_OPEN && weir_writable_may_flow(w) &&
         w->stream->core->sink_depth < WEIR_SINK_DEPTH_MAX && size <= w->max_buffered - w->length;
}

bool weir_writable_begin_direct(weir_writable *w, uint64_t size) {
  if (!may_begin_direct(w, size)) return false;
  if (!weir_entry_pool_reserve(&w->stream->core->entries, 1)) return false;
  weir_entry *entry = weir_entry_pool_take(&w->stream->core->entries);
  entry->size = (size_t)size;
  entry->writes = 1;
  entry->since_ns = weir_core_turn_ns(w->stream->core);
  weir_writable_account(w, size);
  begin_operation(w, entry);
  return true;
}

weir_verdict weir_writable_end_direct(weir_writable *w, uint64_t size) {
  end_operation(w);
  if (!weir_queue_is_empty(&w->queue)) weir_writable_pump(w); /* what the sink itself has written */
  /* It may have ended the stream. */
  if (w->writer != WEIR_OPEN && w->untold == 0) weir_writable_advance_end(w, false);
  return weir_writable_verdict(w, size);
}

bool weir_writable_answer_quietly(weir_writable *w, uint64_t operation) {
  weir_entry *entry = w->operation;
  if (!w->in_call || !is_answer_to(w, operation)) return false;
  if (entry->next || entry->anchor || entry->callback.anchor) return false;
  if (w->need_drain || w->object_mode) return false;
  w->operation = NULL;
  w->answered = true;
  w->length -= entry->size;
  weir_entry_pool_give(&w->stream->core->entries, entry);
  return true;
}
