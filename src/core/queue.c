/* queue.c - see queue.h.
** SPDX-License-Identifier: MIT
*/
#include "core/queue.h"

#include <string.h>

#include "core/assert.h"

void weir_queue_init(weir_queue *queue, const weir_queue_supply *supply) {
  *queue = (weir_queue){.supply = supply};
}

static void release_fill(weir_queue *queue) {
  if (!queue->fill) return;
  weir_slab_release(queue->supply->slabs, queue->fill);
  queue->fill = NULL;
}

void weir_queue_deinit(weir_queue *queue) {
  WEIR_ASSERT(weir_queue_is_empty(queue));
  release_fill(queue);
}

/* --- adding --- */

bool weir_queue_reserve(weir_queue *queue, const weir_piece *pieces, size_t count) {
  size_t copied = 0;
  for (size_t i = 0; i < count; i++) {
    if (!pieces[i].anchor && !pieces[i].slab) copied += pieces[i].size;
  }
  size_t slabs = copied / WEIR_SLAB_BYTES + 1; /* the slab being filled may have no room at all */
  return weir_slab_pool_reserve(queue->supply->slabs, slabs) &&
         weir_entry_pool_reserve(queue->supply->entries, count + slabs + 1);
}

static weir_entry *append(weir_queue *queue) {
  queue->room = 0;
  weir_entry *entry = weir_entry_pool_take(queue->supply->entries);
  entry->since_ns = queue->supply->now_ns;
  if (queue->last) queue->last->next = entry;
  else queue->first = entry;
  queue->last = entry;
  queue->count++;
  if (!queue->submit) {
    queue->submit = entry;
    queue->submit_offset = 0;
  }
  if (!queue->write) {
    queue->write = entry;
    queue->write_offset = 0;
  }
  return entry;
}

/* Whether bytes put at the end of `slab` may join the last entry: its own must lie in front of
** them, its writer must not wait for a callback, and it must not have been written to its end.
*/
static bool joins_last(const weir_queue *queue, const weir_slab *slab) {
  const weir_entry *last = queue->last;
  if (!last || !queue->write || last->slab != slab || last->callback.anchor) return false;
  WEIR_ASSERT(last->bytes + last->size == slab->bytes + slab->used);
  return true;
}

static void add_copied(weir_queue *queue, const char *bytes, size_t size) {
  queue->room = 0;
  while (size > 0) {
    if (!queue->fill || queue->fill->used == WEIR_SLAB_BYTES) {
      release_fill(queue);
      queue->fill = weir_slab_pool_take(queue->supply->slabs);
    }
    weir_slab *slab = queue->fill;
    size_t room = WEIR_SLAB_BYTES - slab->used;
    size_t part = size < room ? size : room;
    memcpy(slab->bytes + slab->used, bytes, part);
    if (joins_last(queue, slab)) {
      if (!queue->submit) {
        queue->submit = queue->last;
        queue->submit_offset = queue->last->size;
      }
    } else {
      weir_entry *entry = append(queue);
      entry->slab = slab;
      entry->bytes = slab->bytes + slab->used;
      weir_slab_hold(slab);
    }
    queue->last->size += part;
    slab->used += (uint32_t)part;
    bytes += part;
    size -= part;
  }
}

void weir_queue_add(weir_queue *queue, const weir_piece *pieces, size_t count,
                    weir_callback callback) {
  weir_entry *before = queue->last;
  size_t total = 0;
  for (size_t i = 0; i < count; i++) {
    total += pieces[i].size;
    if (pieces[i].anchor || pieces[i].slab) {
      weir_entry *entry = append(queue);
      entry->bytes = pieces[i].bytes;
      entry->size = pieces[i].size;
      entry->anchor = pieces[i].anchor;
      entry->slab = pieces[i].slab;
      if (entry->slab) weir_slab_hold(entry->slab);
    } else {
      add_copied(queue, pieces[i].bytes, pieces[i].size);
    }
  }
  if (total == 0 && queue->last == before) { /* of no bytes: it keeps a place for its callback */
    if (!callback.anchor) return;
    append(queue);
  }
  queue->room = 0;
  queue->last->callback = callback;
  queue->last->writes++;
  queue->writes++;
}

void weir_queue_add_fence(weir_queue *queue, weir_callback callback) {
  weir_entry *entry = append(queue);
  entry->fence = true;
  entry->callback = callback;
}

void weir_queue_lift_fence(weir_queue *queue) {
  WEIR_ASSERT(weir_queue_is_at_fence(queue));
  queue->submit->fence = false;
}

/* --- giving back --- */

void weir_queue_drop_content(weir_queue *queue, weir_entry *entry) {
  queue->room = 0;
  if (entry->slab) {
    weir_slab *slab = entry->slab;
    entry->slab = NULL;
    weir_slab_release(queue->supply->slabs, slab);
    if (slab == queue->fill && slab->references == 1) slab->used = 0; /* ours alone: fill it anew */
  }
  if (entry->anchor) {
    uint32_t anchor = entry->anchor;
    entry->anchor = 0;
    queue->supply->forget(queue, anchor);
  }
  entry->bytes = NULL;
}

static weir_entry *unlink_first(weir_queue *queue) {
  queue->room = 0;
  weir_entry *entry = queue->first;
  queue->first = entry->next;
  if (!queue->first) queue->last = NULL;
  queue->count--;
  entry->next = NULL;
  return entry;
}

/* Written and with nobody to tell: such an entry waits only behind a callback that is due. */
static void drop_told(weir_queue *queue) {
  while (queue->first && queue->first != queue->write && !queue->first->callback.anchor) {
    weir_entry_pool_give(queue->supply->entries, unlink_first(queue));
  }
}

/* --- bytes --- */

size_t weir_queue_slices(const weir_queue *queue, weir_slice *slices, size_t max) {
  size_t count = 0, offset = queue->submit_offset;
  for (const weir_entry *entry = queue->submit; entry && count < max; entry = entry->next) {
    if (entry->fence) break;
    if (entry->size > offset) {
      slices[count++] = (weir_slice){entry->bytes + offset, entry->size - offset};
    }
    offset = 0;
  }
  return count;
}

void weir_queue_submitted(weir_queue *queue, uint64_t bytes) {
  queue->room = 0;
  while (queue->submit && !queue->submit->fence) {
    size_t left = queue->submit->size - queue->submit_offset;
    if (bytes < left) {
      queue->submit_offset += (size_t)bytes;
      return;
    }
    bytes -= left;
    queue->submit = queue->submit->next;
    queue->submit_offset = 0;
  }
  WEIR_ASSERT(bytes == 0);
}

/* The entry at `write` has been written to its end. */
static size_t pass(weir_queue *queue) {
  weir_entry *entry = queue->write;
  queue->write = entry->next;
  queue->write_offset = 0;
  queue->writes -= entry->writes;
  weir_queue_drop_content(queue, entry);
  if (entry->callback.anchor) return 1;
  drop_told(queue);
  return 0;
}

size_t weir_queue_written(weir_queue *queue, uint64_t bytes) {
  size_t due = 0;
  queue->room = 0;
  while (queue->write != queue->submit) {
    size_t left = queue->write->size - queue->write_offset;
    if (bytes < left) break;
    bytes -= left;
    due += pass(queue);
  }
  if (queue->write) {
    queue->write_offset += (size_t)bytes;
    WEIR_ASSERT(queue->write != queue->submit || queue->write_offset <= queue->submit_offset);
  } else {
    WEIR_ASSERT(bytes == 0);
    release_fill(queue); /* an idle stream keeps no slab */
  }
  return due;
}

void weir_queue_give_back(weir_queue *queue) {
  queue->room = 0;
  queue->submit = queue->write;
  queue->submit_offset = queue->write_offset;
}

weir_entry *weir_queue_take_due(weir_queue *queue) {
  if (!queue->first || queue->first == queue->write) return NULL;
  weir_entry *entry = unlink_first(queue);
  drop_told(queue);
  return entry;
}

/* --- entries --- */

weir_entry *weir_queue_take(weir_queue *queue) {
  WEIR_ASSERT(!weir_queue_is_with_sink(queue));
  if (!queue->first) return NULL;
  WEIR_ASSERT(queue->first == queue->write);
  weir_entry *entry = unlink_first(queue);
  if (queue->write_offset > 0) {
    entry->bytes += queue->write_offset;
    entry->size -= queue->write_offset;
  }
  queue->writes -= entry->writes;
  queue->write = queue->submit = queue->first;
  queue->write_offset = queue->submit_offset = 0;
  if (!queue->write) release_fill(queue);
  return entry;
}
