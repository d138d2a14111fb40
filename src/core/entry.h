/* entry.h - one entry: bytes or a value on its way to the sink, and whom to tell when it is over.
**
** An entry lives from the write that made it until its writer was told. Small writes without a
** callback share one: their bytes lie side by side in a slab.
**
** Layer: core. Not thread safe.
** SPDX-License-Identifier: MIT
*/
#ifndef WEIR_CORE_ENTRY_H
#define WEIR_CORE_ENTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "core/assert.h"
#include "core/error.h"
#include "core/slab.h"
#include "core/tick.h"

/* Whom to tell: a function the binding holds for us. The core carries it and never looks inside;
** two callbacks with the same identity are the same function.
*/
typedef struct weir_callback {
  uint32_t anchor; /* 0: nobody */
  uintptr_t identity;
} weir_callback;

#define WEIR_NOBODY ((weir_callback){0, 0})

struct weir_stream;

typedef struct weir_entry weir_entry;
struct weir_entry {
  weir_entry *next;  /* in its queue, or behind the first entry of its operation */
  weir_slab *slab;   /* copied bytes: where they lie, else NULL */
  const char *bytes; /* NULL: a value, or nothing */
  size_t size;       /* bytes, or 1 for a value in object mode */
  uint32_t anchor;   /* borrowed bytes or a value: the binding's hold on it; 0: given back */
  uint64_t since_ns; /* when the turn began in which it was added */
  uint32_t writes;   /* writes that end in this entry; in a batch, how often to call back */
  bool fence;        /* bytes: what is behind it waits until the sink has let it pass */
  weir_callback callback;
  /* From here on: used once the sink has answered. */
  weir_tick tick;
  struct weir_stream *stream;
  weir_error *error; /* one reference of its own, or NULL */
};

/* More than the callbacks that may wait in one turn; beyond it memory goes back to the system. */
enum { WEIR_FREE_ENTRIES_MAX = 2048 };

typedef struct weir_entry_pool {
  weir_entry *free;
  size_t free_count;
} weir_entry_pool;

void weir_entry_pool_init(weir_entry_pool *pool);
void weir_entry_pool_deinit(weir_entry_pool *pool);

/* Adds free entries until there are `count`. Returns false if memory runs out. */
bool weir_entry_pool_fill(weir_entry_pool *pool, size_t count);

/* Sees to it that the next `count` takes succeed. Returns false if memory runs out. */
static inline bool weir_entry_pool_reserve(weir_entry_pool *pool, size_t count) {
  return pool->free_count >= count || weir_entry_pool_fill(pool, count);
}

/* Takes a zeroed entry; there must be one in reserve. */
static inline weir_entry *weir_entry_pool_take(weir_entry_pool *pool) {
  WEIR_ASSERT(pool->free_count > 0);
  weir_entry *entry = pool->free;
  pool->free = entry->next;
  pool->free_count--;
  *entry = (weir_entry){0};
  return entry;
}

/* Gives it back. It must hold nothing any more: no slab, no anchors, no error, no tick. */
static inline void weir_entry_pool_give(weir_entry_pool *pool, weir_entry *entry) {
  WEIR_ASSERT(!entry->slab && !entry->anchor && !entry->callback.anchor);
  WEIR_ASSERT(!entry->error && !weir_tick_is_queued(&entry->tick));
  if (pool->free_count >= WEIR_FREE_ENTRIES_MAX) {
    free(entry);
    return;
  }
  entry->next = pool->free;
  pool->free = entry;
  pool->free_count++;
}

#endif
