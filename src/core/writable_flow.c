/* writable_flow.c - hands chunks to the sink, and tells the writers what became of them.
**
** One place acts (pump), one place takes the sink's answer (settle, progress), one place tells.
** SPDX-License-Identifier: MIT
*/
#include "core/assert.h"
#include "core/writable_parts.h"

/* Ten thousand streams that are written to in one turn must not hold a slab each until its end. */
enum { SLABS_TAKEN_MAX = 128 };

enum { SLICES_MAX = 64 };

/* --- telling --- */

/* `drain` comes before the callbacks of the writes that made it possible. */
static void tell_drain(weir_writable *w) {
  if (!weir_writable_needs_drain(w) || w->length > w->options.low_water_mark) return;
  if (weir_writable_is_overrun(w)) return;
  w->need_drain = false;
  w->stats.drains++;
  uint64_t blocked_ns = w->stream->core->now_ns() - w->blocked_since_ns;
  w->stats.blocked_ns += blocked_ns;
  if (blocked_ns > w->stats.longest_blocked_ns) w->stats.longest_blocked_ns = blocked_ns;
  w->stream->host->event(w->stream->owner, WEIR_EVENT_DRAIN, NULL);
}

static void after_telling(weir_writable *w) {
  if (weir_stream_has_failed(w->stream)) weir_writable_fail_queue(w);
  weir_writable_advance_end(w, false);
}

/* --- a sink of bytes --- */

static bool may_flow(const weir_writable *w) {
  const weir_stream *stream = w->stream;
  return w->corked == 0 && !w->in_call && !stream->constructing && stream->life == WEIR_ALIVE &&
         !stream->error;
}

static void pump_bytes(weir_writable *w) {
  weir_slice slices[SLICES_MAX];
  while (weir_queue_is_waiting(&w->queue) && may_flow(w)) { /* submit may have ended it */
    if (weir_queue_is_at_fence(&w->queue)) {
      w->untold += weir_queue_written(&w->queue, 0); /* chunks of no bytes before it */
      if (!weir_queue_is_with_sink(&w->queue)) w->stream->port->fence(w->stream->sink);
      break;
    }
    size_t count = weir_queue_slices(&w->queue, slices, SLICES_MAX);
    uint64_t taken = 0;
    if (count > 0) {
      w->in_call = true;
      taken = w->stream->port->submit(w->stream->sink, slices, count);
      w->in_call = false;
      if (taken == 0) break;
      w->stats.flushes++;
      w->submitted += taken;
    }
    weir_queue_submitted(&w->queue, taken);
  }
  w->untold += weir_queue_written(&w->queue, 0); /* chunks of no bytes may have come through */
  if (w->untold > 0) weir_writable_tell_later(w);
}

void weir_writable_reap(weir_writable *w, uint64_t keep) {
  if (w->reaped == w->submitted) return; /* it has nothing, or we do not know yet what it took */
  uint64_t written = w->stream->port->reap(w->stream->sink);
  uint64_t most = w->stats.accepted - keep;
  if (most > w->submitted) most = w->submitted;
  if (written > most) written = most;
  if (written <= w->reaped) return;
  uint64_t bytes = written - w->reaped;
  w->reaped = written;
  w->length -= bytes;
  w->untold += weir_queue_written(&w->queue, bytes);
}

void weir_writable_tell_due(weir_writable *w, uint64_t count) {
  for (; count > 0; count--) {
    weir_entry *entry = weir_queue_take_due(&w->queue);
    if (!entry) return; /* told meanwhile, from within a callback */
    w->untold--;
    weir_writable_call(w, entry, NULL);
    weir_writable_free_entry(w, entry);
  }
}

static void tell_written(weir_writable *w) {
  uint64_t due = w->untold;             /* what drain's listeners write has its own turn */
  if (!w->stream->error) tell_drain(w); /* a sink that failed is of no use any more */
  weir_writable_tell_due(w, due);
  if (!w->stream->error) tell_drain(w); /* owed until so many callbacks did not wait any more */
  after_telling(w);
}

static void run_tell_tick(weir_tick *tick) {
  weir_writable *w = WEIR_TICK_OWNER(tick, weir_writable, tell_tick);
  weir_stream *stream = w->stream;
  /* close was the sink's last call: it says itself what it had written by then. */
  if (stream->life == WEIR_ALIVE || !stream->port->close) weir_writable_reap(w, 0);
  tell_written(w);
  weir_stream_release(stream);
}

void weir_writable_tell_later(weir_writable *w) {
  weir_stream_tick(w->stream, &w->tell_tick, run_tell_tick);
}

static void run_turn_end(weir_tick *tick) {
  weir_writable *w = WEIR_TICK_OWNER(tick, weir_writable, flush_tick);
  weir_stream *stream = w->stream;
  bool overran = w->turn >= WEIR_TURN_BYTES_MAX;
  w->turn = 0;
  weir_writable_pump(w);
  if (overran && stream->life == WEIR_ALIVE) {
    weir_writable_reap(w, 0);
    tell_written(w);
  }
  weir_stream_release(stream);
}

static bool is_worth_giving(const weir_writable *w) {
  const weir_stream *stream = w->stream;
  return w->stats.accepted - w->submitted >= WEIR_GIVE_BYTES_MIN && stream->port->is_awake &&
         stream->port->is_awake(stream->sink);
}

void weir_writable_gather(weir_writable *w) {
  const weir_stream *stream = w->stream;
  if (!weir_tick_is_queued(&w->flush_tick)) {
    weir_stream_hold(w->stream);
    weir_ticks_push_turn_end(&stream->core->ticks, &w->flush_tick, run_turn_end);
  }
  if (!may_flow(w)) return;
  bool is_full = w->length >= w->options.high_water_mark;
  bool is_scarce = stream->core->slabs.taken > SLABS_TAKEN_MAX;
  if (is_full || is_scarce || is_worth_giving(w)) weir_writable_pump(w);
  if (is_scarce && !is_full) weir_writable_reap(w, 0); /* gives the slab back, if it can be */
}

void weir_writable_progress(weir_writable *w) {
  if (w->in_call) { /* from within submit: the marks have not moved yet */
    weir_writable_tell_later(w);
    return;
  }
  weir_writable_reap(w, 0);
  weir_writable_pump(w); /* the sink is kept busy before anyone is told */
  tell_written(w);
}

void weir_writable_fence_passed(weir_writable *w) {
  if (w->stream->life != WEIR_ALIVE || w->stream->error) return; /* what was queued fails */
  weir_queue_lift_fence(&w->queue);
  weir_writable_progress(w);
}

static void let_go(weir_writable *w) {
  weir_writable_reap(w, 0);
  w->submitted = w->reaped;
  weir_queue_give_back(&w->queue);
}

void weir_writable_failed(weir_writable *w, weir_error *error) {
  WEIR_ASSERT(error);
  let_go(w);
  weir_stream_record(w->stream, error);
  /* The writers, then `error`; from within submit, on ticks: the user's write() is on the stack. */
  if (w->in_call) weir_stream_fail_queue_later(w->stream);
  else weir_writable_fail_queue(w);
  weir_stream_fail(w->stream, error, w->in_call);
}

void weir_writable_stopped(weir_writable *w) {
  let_go(w);
  weir_stream_fail_queue_later(w->stream); /* the user's destroy() may be on the stack */
}

/* --- a sink of chunks: answers --- */

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
  tell_drain(w);
  tell(w, operation, NULL);
  free_operation(w, operation);
  after_telling(w);
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
    bool drains = w->need_drain && w->length <= w->options.low_water_mark;
    if (w->tick_pending || !(w->options.object_mode || drains)) {
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

static void drop_values(weir_writable *w, weir_entry *operation) {
  for (weir_entry *e = operation; e; e = e->next) weir_queue_drop_content(&w->queue, e);
}

/* The operation has its answer. When that came from within the sink's own function, the sink counts
** as busy until the function returns, so that writes it makes wait their turn.
*/
static void settle(weir_writable *w, weir_error *error) {
  weir_entry *operation = w->operation;
  w->operation = NULL;
  w->answered = true;
  w->length -= w->operation_size;
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

/* --- a sink of chunks: giving it work --- */

static weir_entry *take_operation(weir_writable *w, size_t count) {
  weir_entry *first = weir_queue_take(&w->queue), *last = first;
  w->operation_size = first->size;
  for (size_t i = 1; i < count; i++) {
    last->next = weir_queue_take(&w->queue);
    last = last->next;
    w->operation_size += last->size;
  }
  return first;
}

static void start_operation(weir_writable *w, size_t count) {
  weir_stream *stream = w->stream;
  w->operation = take_operation(w, count);
  w->operation_count = count;
  w->operation_id++;
  w->activity = WEIR_WRITING;
  w->answered = false;
  w->in_call = true;
  w->stats.flushes++;
  stream->core->sink_depth++;
  stream->port->submit_chunks(stream->sink, w->operation, count, w->operation_id);
  stream->core->sink_depth--;
  w->in_call = false;
  if (!w->answered) {
    drop_values(w, w->operation);
    return;
  }
  w->activity = WEIR_IDLE;
  /* Destroyed from within: those behind hear of it after this one. */
  if (weir_stream_has_failed(stream)) weir_stream_fail_queue_later(stream);
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
static void pump_chunks(weir_writable *w) {
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

void weir_writable_pump(weir_writable *w) {
  if (!may_flow(w)) return;
  if (weir_sink_takes_bytes(w->stream->port)) pump_bytes(w);
  else pump_chunks(w);
}

void weir_writable_flush(weir_writable *w) {
  uint64_t before = w->operation_id;
  weir_writable_pump(w);
  /* When the sink was called, answered at once, and nobody is to be told, no later step would begin
  ** the end.
  */
  if (w->operation_id != before && w->untold == 0) weir_writable_advance_end(w, false);
}
