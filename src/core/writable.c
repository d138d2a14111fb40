/* writable.c - the public verbs of a writable. See writable.h.
** SPDX-License-Identifier: MIT
*/
#include "core/writable.h"

#include "core/assert.h"
#include "core/writable_parts.h"

static void forget_anchor(weir_queue *queue, uint32_t anchor) {
  const weir_stream *stream = WEIR_TICK_OWNER(queue, weir_writable, queue)->stream;
  stream->core->host->forget(stream->owner, anchor);
}

void weir_writable_init(weir_writable *w, weir_stream *stream,
                        const weir_writable_options *options) {
  WEIR_ASSERT(options->low_water_mark == 0 || options->low_water_mark < options->high_water_mark);
  *w = (weir_writable){
      .stream = stream,
      .high_water_mark = options->high_water_mark,
      .low_water_mark = options->low_water_mark,
      .max_buffered = options->max_buffered,
      .object_mode = options->object_mode,
      .disabled = options->disabled,
      .writer = options->disabled ? WEIR_FINISHED : WEIR_OPEN,
      .activity = WEIR_IDLE,
      .answered = true,
      .end_done = options->disabled,
  };
  stream->core->queues.forget = forget_anchor;
  weir_queue_init(&w->queue, &stream->core->queues);
  stream->writable = w;
}

static void free_chain(weir_writable *w, weir_entry *entry) {
  while (entry) {
    weir_entry *next = entry->next;
    weir_writable_free_entry(w, entry);
    entry = next;
  }
}

void weir_writable_deinit(weir_writable *w) {
  weir_queue_give_back(&w->queue);
  for (weir_entry *entry; (entry = weir_queue_take_due(&w->queue));) {
    weir_writable_free_entry(w, entry);
  }
  for (weir_entry *entry; (entry = weir_queue_take(&w->queue));) weir_writable_free_entry(w, entry);
  weir_queue_deinit(&w->queue);
  free_chain(w, w->operation);
  free_chain(w, w->ends);
  w->operation = w->ends = NULL;
}

/* --- entries --- */

void weir_writable_free_entry(weir_writable *w, weir_entry *entry) {
  weir_queue_drop_content(&w->queue, entry);
  if (entry->callback.anchor) {
    w->stream->core->host->forget(w->stream->owner, entry->callback.anchor);
    entry->callback = WEIR_NOBODY;
  }
  weir_error_release(entry->error);
  entry->error = NULL;
  weir_entry_pool_give(&w->stream->core->entries, entry);
}

void weir_writable_call(weir_writable *w, const weir_entry *entry, weir_error *error) {
  if (entry->callback.anchor) w->stream->core->host->call(w->stream->owner, entry->callback, error);
}

weir_error *weir_writable_why(const weir_writable *w, const char *method) {
  if (w->stream->error) return weir_error_hold(w->stream->error);
  return weir_error_new(WEIR_E_STREAM_DESTROYED, method);
}

/* A callback that is told an error of its own, on a tick, whatever becomes of the stream. */
static void run_notice(weir_tick *tick) {
  weir_entry *notice = WEIR_TICK_OWNER(tick, weir_entry, tick);
  weir_stream *stream = notice->stream;
  weir_writable_call(stream->writable, notice, notice->error);
  weir_writable_free_entry(stream->writable, notice);
  weir_stream_release(stream);
}

static void notify_later(weir_writable *w, weir_entry *notice, weir_error *error) {
  notice->stream = w->stream;
  notice->error = weir_error_hold(error);
  weir_stream_tick(w->stream, &notice->tick, run_notice);
}

/* --- write --- */

/* Why a chunk of this size cannot be accepted: a new reference, or NULL. */
static weir_error *refuse(weir_writable *w, uint64_t size) {
  weir_stream *stream = w->stream;
  if (w->writer != WEIR_OPEN) return weir_error_new(WEIR_E_STREAM_WRITE_AFTER_END, NULL);
  if (stream->life != WEIR_ALIVE) return weir_error_new(WEIR_E_STREAM_DESTROYED, "write");
  /* Without auto_destroy a failed stream is left alive, but it is of no use. */
  if (stream->error_told) return weir_error_hold(stream->error);
  if (size <= w->max_buffered - w->length) return NULL;
  weir_writable_reap(w, 0);
  if (size <= w->max_buffered - w->length) return NULL;
  return weir_error_new(WEIR_E_NO_BUFFER_SPACE, NULL);
}

static weir_verdict turn_away(weir_writable *w, const weir_piece *pieces, size_t count,
                              weir_callback callback, weir_error *error) {
  if (error->code == WEIR_E_OUT_OF_MEMORY && error != w->stream->error) return WEIR_NO_MEMORY;
  if (callback.anchor) {
    if (!weir_entry_pool_reserve(&w->stream->core->entries, 1)) return WEIR_NO_MEMORY;
    weir_entry *notice = weir_entry_pool_take(&w->stream->core->entries);
    notice->callback = callback;
    notify_later(w, notice, error); /* before the tick of `error` */
  }
  for (size_t i = 0; i < count; i++) {
    if (pieces[i].anchor) w->stream->core->host->forget(w->stream->owner, pieces[i].anchor);
  }
  if (error->code != WEIR_E_NO_BUFFER_SPACE) weir_stream_fail(w->stream, error, true);
  return WEIR_REFUSED;
}

/* --- the short way --- */

/* Whether a chunk may join the last entry without anybody noticing: the turn's end will see to it,
** and neither a callback nor a `drain` is due.
*/
static bool gathers(const weir_writable *w) {
  const weir_queue *queue = &w->queue;
  return queue->fill && queue->last->slab == queue->fill && !queue->last->callback.anchor &&
         queue->count <= WEIR_ENTRIES_MAX && w->untold == 0 && weir_tick_is_queued(&w->flush_tick);
}

/* Bytes beyond those that a chunk may have at most, counted from `used`, to stay below `mark`. */
static size_t room_below(size_t room, uint64_t mark, uint64_t used) {
  if (used >= mark) return 0;
  return mark - used <= room ? (size_t)(mark - used - 1) : room;
}

size_t weir_writable_find_room(weir_writable *w) {
  if (!gathers(w)) return 0;
  size_t room = WEIR_SLAB_BYTES - w->queue.fill->used;
  room = room_below(room, w->high_water_mark, w->length);
  room = room_below(room, WEIR_TURN_BYTES_MAX, w->turn);
  if (w->max_buffered - w->length < room) {
    room = (size_t)(w->max_buffered - w->length);
  }
  const weir_stream *stream = w->stream;
  if (stream->port->is_awake && stream->port->is_awake(stream->sink)) {
    room = room_below(room, WEIR_GIVE_BYTES_MIN, w->stats.accepted - w->submitted);
  }
  w->queue.room = (uint32_t)room;
  return room;
}

static void owe_drain(weir_writable *w) {
  if (w->need_drain) return;
  w->need_drain = true;
  w->blocked_since_ns = w->stream->core->now_ns();
}

bool weir_writable_want_drain(weir_writable *w) {
  if (w->length <= w->low_water_mark) return false;
  owe_drain(w);
  return true;
}

weir_verdict weir_writable_verdict(weir_writable *w, uint64_t size) {
  bool takes_bytes = weir_sink_takes_bytes(w->stream->port);
  if (takes_bytes && w->length >= w->high_water_mark) weir_writable_reap(w, size);
  bool below = w->length < w->high_water_mark || w->length == 0;
  if (weir_writable_is_overrun(w)) below = false;
  if (!below) owe_drain(w);
  if (takes_bytes && w->untold > 0) weir_writable_tell_later(w);
  return below && w->stream->life == WEIR_ALIVE && !w->stream->error ? WEIR_GO_ON : WEIR_SLOW_DOWN;
}

weir_verdict weir_writable_write(weir_writable *w, const weir_piece *pieces, size_t count,
                                 weir_callback callback, weir_error **refusal) {
  bool takes_bytes = weir_sink_takes_bytes(w->stream->port);
  WEIR_ASSERT(takes_bytes || (count == 1 && pieces->anchor)); /* else chunks would run together */
  uint64_t size = 0;
  for (size_t i = 0; i < count; i++) size += pieces[i].size;
  weir_error *error = refuse(w, size);
  if (error) {
    weir_verdict verdict = turn_away(w, pieces, count, callback, error);
    if (verdict == WEIR_REFUSED) *refusal = error;
    else weir_error_release(error);
    return verdict;
  }
  if (!weir_queue_reserve(&w->queue, pieces, count)) return WEIR_NO_MEMORY;
  w->stream->core->queues.now_ns = weir_core_turn_ns(w->stream->core);
  weir_queue_add(&w->queue, pieces, count, callback);
  weir_writable_account(w, size);
  if (takes_bytes) weir_writable_gather(w);
  else weir_writable_flush(w);
  return weir_writable_verdict(w, size);
}

weir_verdict weir_writable_fence(weir_writable *w, weir_callback callback, weir_error **refusal) {
  WEIR_ASSERT(w->stream->port->fence);
  weir_error *error = refuse(w, 0);
  if (error && error->code == WEIR_E_OUT_OF_MEMORY && error != w->stream->error) {
    weir_error_release(error);
    return WEIR_NO_MEMORY;
  }
  if (!weir_queue_reserve(&w->queue, NULL, 0)) {
    weir_error_release(error);
    return WEIR_NO_MEMORY;
  }
  if (!error) {
    w->stream->core->queues.now_ns = weir_core_turn_ns(w->stream->core);
    weir_queue_add_fence(&w->queue, callback);
    weir_writable_gather(w);
    return WEIR_GO_ON;
  }
  if (callback.anchor) {
    weir_entry *notice = weir_entry_pool_take(&w->stream->core->entries);
    notice->callback = callback;
    notify_later(w, notice, error);
  }
  *refusal = error;
  return WEIR_REFUSED;
}

/* --- cork --- */

void weir_writable_cork(weir_writable *w) {
  w->corked++;
}

void weir_writable_uncork(weir_writable *w) {
  if (w->corked == 0) return;
  w->corked--;
  weir_writable_flush(w);
}

/* --- end --- */

/* Promises the end. Returns why it cannot be kept: a new reference, or NULL. */
static weir_error *promise_end(weir_writable *w) {
  weir_stream *stream = w->stream;
  if (w->writer == WEIR_OPEN && !stream->error) {
    w->writer = WEIR_ENDED;
    weir_writable_advance_end(w, false);
    w->end_done = true;
  } else if (w->writer == WEIR_FINISHED) {
    return weir_error_new(WEIR_E_STREAM_ALREADY_FINISHED, "end");
  } else if (stream->life != WEIR_ALIVE) {
    return weir_error_new(WEIR_E_STREAM_DESTROYED, "end");
  }
  /* The last case is Q-04: destroyed, and the end will never come. */
  return stream->error || stream->life != WEIR_ALIVE ? weir_writable_why(w, "end") : NULL;
}

static void keep_end(weir_writable *w, weir_entry *end) {
  end->next = w->ends;
  w->ends = end;
}

weir_verdict weir_writable_end(weir_writable *w, const weir_piece *pieces, size_t count,
                               weir_callback callback, weir_error **refusal) {
  weir_entry *end = NULL;
  weir_error *error = NULL;
  if (callback.anchor) {
    if (!weir_entry_pool_reserve(&w->stream->core->entries, 1)) return WEIR_NO_MEMORY;
    end = weir_entry_pool_take(&w->stream->core->entries);
  }
  if (count > 0 && weir_writable_write(w, pieces, count, WEIR_NOBODY, &error) == WEIR_NO_MEMORY) {
    if (end) weir_entry_pool_give(&w->stream->core->entries, end);
    return WEIR_NO_MEMORY;
  }
  if (end) end->callback = callback;
  bool refused = error && error->code == WEIR_E_NO_BUFFER_SPACE;
  if (!refused && w->corked > 0) { /* before it counts as ended, after its last chunk joined */
    w->corked = 1;
    weir_writable_uncork(w);
  }
  if (!error) error = promise_end(w);
  if (end) {
    if (error) notify_later(w, end, error);
    else keep_end(w, end);
  }
  if (refused) {
    *refusal = error;
    return WEIR_REFUSED;
  }
  weir_error_release(error);
  return WEIR_GO_ON;
}
