/* writable_append.h - the short way of a small chunk: behind the bytes that gather already, where
** accepting it changes counts and nothing else.
**
** Most writes of a script are of this kind. It calls nobody and allocates nothing, so it may also
** be taken where Lua must not be called.
**
** Layer: core. Not thread safe.
** SPDX-License-Identifier: MIT
*/
#ifndef WEIR_CORE_WRITABLE_APPEND_H
#define WEIR_CORE_WRITABLE_APPEND_H

#include "core/writable.h"

enum {
  /* A fast peer must not hide that callbacks pile up, or that a script never turns the loop. */
  WEIR_ENTRIES_MAX = 1024,
  WEIR_TURN_BYTES_MAX = 1 << 20,
  /* A sink at work is given more as it comes, but not crumbs. */
  WEIR_GIVE_BYTES_MIN = 4096,
};

/* Whether a chunk may join the last entry without anybody noticing: the stream is in order, the
** turn's end will see to it, and neither a callback nor a `drain` is due.
*/
static inline bool weir_writable_gathers(const weir_writable *w) {
  const weir_queue *queue = &w->queue;
  const weir_stream *stream = w->stream;
  return queue->fill && queue->write && queue->last->slab == queue->fill &&
         !queue->last->callback.anchor && queue->count <= WEIR_ENTRIES_MAX &&
         w->writer == WEIR_OPEN && stream->life == WEIR_ALIVE && !stream->error && w->untold == 0 &&
         weir_tick_is_queued(&w->flush_tick);
}

/* Bytes beyond those that a chunk may have at most, counted from `used`, to stay below `mark`. */
static inline size_t weir_room_below(size_t room, uint64_t mark, uint64_t used) {
  if (used >= mark) return 0;
  return mark - used <= room ? (size_t)(mark - used - 1) : room;
}

/* Where a chunk of at most `*room` bytes may be put, to be followed by weir_writable_append(). With
** no room for any, the chunk has to be offered to weir_writable_write().
*/
static inline char *weir_writable_place(const weir_writable *w, size_t *room) {
  *room = 0;
  if (!weir_writable_gathers(w)) return NULL;
  weir_slab *slab = w->queue.fill;
  size_t most = WEIR_SLAB_BYTES - slab->used;
  most = weir_room_below(most, w->high_water_mark, w->length);
  most = weir_room_below(most, WEIR_TURN_BYTES_MAX, w->turn);
  if (w->max_buffered - w->length < most) {
    most = (size_t)(w->max_buffered - w->length);
  }
  const weir_sink_port *port = w->stream->port;
  if (port->is_awake && port->is_awake(w->stream->sink)) {
    most = weir_room_below(most, WEIR_GIVE_BYTES_MIN, w->stats.accepted - w->submitted);
  }
  *room = most;
  return slab->bytes + slab->used;
}

/* Accepts the chunk of `size` bytes, at least one, that was put there. The answer is: go on. */
static inline void weir_writable_append(weir_writable *w, size_t size) {
  weir_queue *queue = &w->queue;
  weir_entry *last = queue->last;
  if (!queue->submit) { /* all before it are with the sink */
    queue->submit = last;
    queue->submit_offset = last->size;
  }
  last->size += size;
  last->writes++;
  queue->fill->used += (uint32_t)size;
  queue->writes++;
  w->length += size;
  w->turn += size;
  w->stats.writes++;
  w->stats.accepted += size;
  if (w->length > w->stats.peak_buffered) w->stats.peak_buffered = w->length;
}

#endif
