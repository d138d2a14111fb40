/* entry.c - see entry.h.
** SPDX-License-Identifier: MIT
*/
#include "core/entry.h"

#include <stdlib.h>

#include "core/assert.h"

/* More than the callbacks that may wait in one turn; beyond it memory goes back to the system. */
enum { FREE_ENTRIES_MAX = 2048 };

void weir_entry_pool_init(weir_entry_pool *pool) {
  *pool = (weir_entry_pool){0};
}

void weir_entry_pool_deinit(weir_entry_pool *pool) {
  while (pool->free) {
    weir_entry *entry = pool->free;
    pool->free = entry->next;
    free(entry);
  }
  pool->free_count = 0;
}

bool weir_entry_pool_reserve(weir_entry_pool *pool, size_t count) {
  while (pool->free_count < count) {
    weir_entry *entry = malloc(sizeof *entry);
    if (!entry) return false;
    entry->next = pool->free;
    pool->free = entry;
    pool->free_count++;
  }
  return true;
}

weir_entry *weir_entry_pool_take(weir_entry_pool *pool) {
  WEIR_ASSERT(pool->free_count > 0);
  weir_entry *entry = pool->free;
  pool->free = entry->next;
  pool->free_count--;
  *entry = (weir_entry){0};
  return entry;
}

void weir_entry_pool_give(weir_entry_pool *pool, weir_entry *entry) {
  WEIR_ASSERT(!entry->slab && !entry->anchor && !entry->callback.anchor);
  WEIR_ASSERT(!entry->error && !weir_tick_is_queued(&entry->tick));
  if (pool->free_count >= FREE_ENTRIES_MAX) {
    free(entry);
    return;
  }
  entry->next = pool->free;
  pool->free = entry;
  pool->free_count++;
}
