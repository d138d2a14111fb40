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

/* Looks how many bytes may join the last entry without anybody noticing, and remembers it as the
** queue's `room`; see writable.c.
*/
size_t weir_writable_find_room(weir_writable *writable);

/* Where a chunk of at most `*room` bytes may be put, to be followed by weir_writable_append(). With
** no room for any, the chunk has to be offered to weir_writable_write().
*/
static inline char *weir_writable_place(weir_writable *w, size_t *room) {
  weir_queue *queue = &w->queue;
  *room = queue->room > 0 ? queue->room : weir_writable_find_room(w);
  if (*room > 0 && weir_writable_is_writable(w)) return queue->fill->bytes + queue->fill->used;
  *room = 0;
  return NULL;
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
  queue->room -= (uint32_t)size;
  queue->writes++;
  w->length += size;
  w->turn += size;
  w->stats.writes++;
  w->stats.accepted += size;
  if (w->length > w->stats.peak_buffered) w->stats.peak_buffered = w->length;
}

#endif
