/* slab.c - see slab.h.
** SPDX-License-Identifier: MIT
*/
#include "core/slab.h"

#include <stdlib.h>

#include "core/assert.h"

/* What the pool keeps: 1 MiB, as much as one stream may accept in one turn of the loop. */
enum { FREE_SLABS_MAX = 32 };

void weir_slab_pool_init(weir_slab_pool *pool) {
  *pool = (weir_slab_pool){0};
}

void weir_slab_pool_deinit(weir_slab_pool *pool) {
  while (pool->free) {
    weir_slab *slab = pool->free;
    pool->free = slab->next;
    free(slab);
  }
  pool->free_count = 0;
  pool->closed = true;
}

static weir_slab *make(uint32_t capacity) {
  weir_slab *slab = malloc(sizeof *slab + capacity);
  if (slab) slab->capacity = capacity;
  return slab;
}

bool weir_slab_pool_reserve(weir_slab_pool *pool, size_t count) {
  while (pool->free_count < count) {
    weir_slab *slab = make(WEIR_SLAB_BYTES);
    if (!slab) return false;
    slab->next = pool->free;
    pool->free = slab;
    pool->free_count++;
  }
  return true;
}

static weir_slab *begin(weir_slab *slab) {
  slab->next = NULL;
  slab->references = 1;
  slab->used = 0;
  return slab;
}

weir_slab *weir_slab_pool_take(weir_slab_pool *pool) {
  WEIR_ASSERT(pool->free_count > 0);
  weir_slab *slab = pool->free;
  pool->free = slab->next;
  pool->free_count--;
  pool->taken++;
  return begin(slab);
}

weir_slab *weir_slab_new(weir_slab_pool *pool, size_t capacity) {
  if (capacity == WEIR_SLAB_BYTES) {
    return weir_slab_pool_reserve(pool, 1) ? weir_slab_pool_take(pool) : NULL;
  }
  weir_slab *slab = capacity <= UINT32_MAX ? make((uint32_t)capacity) : NULL;
  return slab ? begin(slab) : NULL;
}

void weir_slab_release(weir_slab_pool *pool, weir_slab *slab) {
  WEIR_ASSERT(slab->references > 0);
  if (--slab->references > 0) return;
  bool pooled = slab->capacity == WEIR_SLAB_BYTES;
  if (pooled) pool->taken--;
  if (!pooled || pool->closed || pool->free_count >= FREE_SLABS_MAX) {
    free(slab);
    return;
  }
  slab->next = pool->free;
  pool->free = slab;
  pool->free_count++;
}
