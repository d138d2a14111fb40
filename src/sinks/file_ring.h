/* file_ring.h - the bounded ring between the loop, which offers slices, and the pool thread that
** writes them.
**
** One side adds, one side takes; nothing is locked. Positions are counted in bytes since the stream
** began: a short write is no special case, `done` moves by what the kernel took. A slice's memory
** is not touched any more once `done` has passed its end.
**
** Layer: sinks.
** SPDX-License-Identifier: MIT
*/
#ifndef WEIR_SINKS_FILE_RING_H
#define WEIR_SINKS_FILE_RING_H

#include <stdatomic.h>

#include "core/queue.h"
#include "sinks/file_io.h"
#include "sinks/pool.h"

enum { WEIR_RING_SLICES = 64 }; /* a power of two */

typedef struct weir_ring_slice {
  const char *base;
  size_t size;
  uint64_t end; /* position behind its last byte */
} weir_ring_slice;

typedef struct weir_file_ring {
  /* Changed by the loop while the ring is empty, when the writer looks at neither. */
  weir_ring_slice
      *slices; /* memory for many, while there is work; else, or without memory: `one` */
  unsigned capacity;
  weir_ring_slice one;
  /* The loop's. */
  uint64_t offered;                     /* bytes ever offered */
  unsigned offered_count, passed_count; /* slices offered, and passed by `done` */
  /* Shared. */
  _Atomic unsigned tail; /* slices the writer may see; the loop writes it */
  _Atomic uint64_t done; /* bytes written; the writer writes it */
  _Atomic bool stop;     /* the writer leaves after the system call in flight */
  _Atomic int loop_processor, writer_processor; /* that each was last seen on */
  _Atomic bool hurry; /* the writer leaves as soon as the ring is empty: somebody sleeps */
  /* The writer's. */
  unsigned next;    /* the slice it is at */
  weir_bet waiting; /* whether more has come while it waited awake */
  weir_yield yield;
} weir_file_ring;

void weir_file_ring_init(weir_file_ring *ring);

/* Whether the calling thread is on the processor `other`, which the other one was last seen on. */
static inline bool weir_file_ring_is_beside(_Atomic int *other) {
  int processor = weir_pool_processor();
  return processor >= 0 && processor == atomic_load_explicit(other, memory_order_relaxed);
}

/* --- the loop's side --- */

/* No job is out: an empty ring gives its memory back. */
void weir_file_ring_rest(weir_file_ring *ring);
void weir_file_ring_deinit(weir_file_ring *ring);

/* Offers as many of the slices as there is room for; returns how many bytes that was. */
uint64_t weir_file_ring_offer(weir_file_ring *ring, const weir_slice *slices, size_t count);
static inline uint64_t weir_file_ring_done(const weir_file_ring *ring) {
  return atomic_load_explicit(&ring->done, memory_order_acquire);
}
static inline bool weir_file_ring_is_empty(const weir_file_ring *ring) {
  return weir_file_ring_done(ring) == ring->offered;
}

/* --- the writer's side --- */

/* Writes until the ring is empty, it is told to stop, or its turn is over (others wait for the
** thread). At an empty ring it waits awake for a while, as long as that pays. Returns 0 or an
** errno.
**
** It may leave just before more is offered: whoever offers looks at the ring again when it is back.
*/
int weir_file_ring_drain(weir_file_ring *ring, weir_file *file);

#endif
