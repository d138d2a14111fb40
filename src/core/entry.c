/* entry.c - see entry.h.
** SPDX-License-Identifier: MIT
*/
#include "core/entry.h"

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

bool weir_entry_pool_fill(weir_entry_pool *pool, size_t count) {
  while (pool->free_count < count) {
    weir_entry *entry = malloc(sizeof *entry);
    if (!entry) return false;
    entry->next = pool->free;
    pool->free = entry;
    pool->free_count++;
  }
  return true;
}
