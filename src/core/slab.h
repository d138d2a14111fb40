/* slab.h - memory for bytes: slabs that are filled from the front, and the pool that those of the
** standard size return to.
**
** A slab is counted: the queue that fills it holds one reference, every entry whose bytes lie in it
** another. An idle stream holds none, so ten thousand idle streams share one small pool. What was
** read lies in slabs too, of the standard size or one of their own; a piped stream hands them on
** by reference.
**
** Layer: core. Not thread safe. The bytes of a slab may be read by another thread up to a length
** that was published to it: they never change and never move before the last reference is gone.
** SPDX-License-Identifier: MIT
*/
#ifndef WEIR_CORE_SLAB_H
#define WEIR_CORE_SLAB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Twice the default high-water mark: what gathers up to a mark is one run of bytes, so one iovec.
*/
#define WEIR_SLAB_BYTES (32768 - 64)

typedef struct weir_slab weir_slab;
struct weir_slab {
  weir_slab *next; /* in the pool */
  uint32_t references;
  uint32_t used;     /* bytes filled */
  uint32_t capacity; /* bytes there is room for */
  char bytes[];
};

typedef struct weir_slab_pool {
  weir_slab *free;
  size_t free_count;
  size_t taken; /* of the standard size, in use */
  bool closed;  /* keeps no slab any more */
} weir_slab_pool;

void weir_slab_pool_init(weir_slab_pool *pool);
/* Frees the slabs in the pool. Those in use are freed with their last reference. */
void weir_slab_pool_deinit(weir_slab_pool *pool);

/* Sees to it that the next `count` takes succeed. Returns false, with nothing changed that matters,
** if memory runs out.
*/
bool weir_slab_pool_reserve(weir_slab_pool *pool, size_t count);
/* Takes an empty slab with one reference; there must be one in reserve. */
weir_slab *weir_slab_pool_take(weir_slab_pool *pool);
/* Makes an empty slab of any size with one reference: out of the pool if it has the standard size.
** Returns NULL if memory runs out.
*/
weir_slab *weir_slab_new(weir_slab_pool *pool, size_t capacity);

static inline void weir_slab_hold(weir_slab *slab) {
  slab->references++;
}
/* Gives one reference back; with the last one the slab returns to the pool, or to the system. */
void weir_slab_release(weir_slab_pool *pool, weir_slab *slab);

#endif
