/* writable_flow.c - hands bytes to a sink, and tells the writers what became of them.
**
** One place acts (pump), one place takes the sink's answer (progress), one place tells.
** SPDX-License-Identifier: MIT
*/
#include "core/assert.h"
#include "core/writable_parts.h"

/* Ten thousand streams that are written to in one turn must not hold a slab each until its end. */
enum { SLABS_TAKEN_MAX = 128 };

enum { SLICES_MAX = 64 };

/* --- telling --- */

void weir_writable_tell_drain(weir_writable *w) {
  if (!weir_writable_needs_drain(w) || w->length > w->low_water_mark) return;
  if (weir_writable_is_overrun(w)) return;
  w->need_drain = false;
  w->stats.drains++;
  uint64_t blocked_ns = w->stream->core->now_ns() - w->blocked_since_ns;
  w->stats.blocked_ns += blocked_ns;
  if (blocked_ns > w->stats.longest_blocked_ns) w->stats.longest_blocked_ns = blocked_ns;
  w->stream->core->host->event(w->stream->owner, WEIR_EVENT_DRAIN, NULL);
}

void weir_writable_after_telling(weir_writable *w) {
  if (weir_stream_has_failed(w->stream)) weir_writable_fail_queue(w);
  weir_writable_advance_end(w, false);
}

/* --- a sink of bytes --- */

static void pump_bytes(weir_writable *w) {
  weir_slice slices[SLICES_MAX];
  /* submit may have ended it */
  while (weir_queue_is_waiting(&w->queue) && weir_writable_may_flow(w)) {
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
  uint64_t due = w->untold; /* what drain's listeners write has its own turn */
  if (!w->stream->error) weir_writable_tell_drain(w); /* a sink that failed is of no use any more */
  weir_writable_tell_due(w, due);
  if (!w->stream->error)
    weir_writable_tell_drain(w); /* owed until so many callbacks did not wait any more */
  weir_writable_after_telling(w);
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
  w->queue.room = 0; /* nothing sees to what gathers, any more */
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
  if (!weir_writable_may_flow(w)) return;
  bool is_full = w->length >= w->high_water_mark;
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

void weir_writable_pump(weir_writable *w) {
  if (!weir_writable_may_flow(w)) return;
  if (weir_sink_takes_bytes(w->stream->port)) pump_bytes(w);
  else weir_writable_pump_chunks(w);
}

void weir_writable_flush(weir_writable *w) {
  uint64_t before = w->operation_id;
  weir_writable_pump(w);
  /* When the sink was called, answered at once, and nobody is to be told, no later step would begin
  ** the end.
  */
  if (w->operation_id != before && w->untold == 0) weir_writable_advance_end(w, false);
}
