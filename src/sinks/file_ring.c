/* file_ring.c - see file_ring.h.
** SPDX-License-Identifier: MIT
*/
#include "sinks/uv_api.h"

#include "sinks/file_ring.h"

#include <stdlib.h>

enum {
  VECTORS = 64,
  CALL_BYTES_MAX = 1 << 20, /* per system call: `done` shall move now and then */
  TURN_BYTES_MAX = 4 << 20, /* per stay on the pool thread: other files wait for it */
  TURN_NS_MAX = 2000000,    /* the same */
  LOOKS = 16,               /* between two looks at the clock */
  /* What waking a thread costs at most; and a script in Lua that builds its lines one by one has
  ** the next piece worth giving every 80 µs.
  */
  WAIT_NS = 100000,
};

void weir_file_ring_init(weir_file_ring *ring) {
  *ring = (weir_file_ring){.slices = &ring->one, .capacity = 1};
  weir_bet_init(&ring->waiting);
}

static void free_slices(weir_file_ring *ring) {
  if (ring->capacity > 1) free(ring->slices);
  ring->slices = &ring->one;
  ring->capacity = 1;
}

void weir_file_ring_deinit(weir_file_ring *ring) {
  free_slices(ring);
}

/* --- the loop's side --- */

static weir_ring_slice *slot(weir_file_ring *ring, unsigned index) {
  return &ring->slices[index % ring->capacity];
}

void weir_file_ring_rest(weir_file_ring *ring) {
  if (!weir_file_ring_is_empty(ring)) return;
  ring->passed_count = ring->offered_count;
  free_slices(ring);
}

/* The writer may be waiting for more: it sees the new memory with the new tail. */
static void make_room(weir_file_ring *ring) {
  if (ring->capacity > 1 || !weir_file_ring_is_empty(ring)) return;
  weir_ring_slice *slices = malloc(WEIR_RING_SLICES * sizeof *slices);
  if (!slices) return;
  ring->passed_count = ring->offered_count;
  ring->slices = slices;
  ring->capacity = WEIR_RING_SLICES;
}

uint64_t weir_file_ring_offer(weir_file_ring *ring, const weir_slice *slices, size_t count) {
  make_room(ring);
  uint64_t done = weir_file_ring_done(ring), before = ring->offered;
  while (ring->passed_count != ring->offered_count && slot(ring, ring->passed_count)->end <= done) {
    ring->passed_count++;
  }
  for (size_t i = 0; i < count; i++) {
    if (ring->offered_count - ring->passed_count == ring->capacity) break;
    ring->offered += slices[i].size;
    *slot(ring, ring->offered_count++) =
        (weir_ring_slice){slices[i].base, slices[i].size, ring->offered};
  }
  atomic_store_explicit(&ring->loop_processor, weir_pool_processor(), memory_order_relaxed);
  atomic_store_explicit(&ring->tail, ring->offered_count, memory_order_release);
  return ring->offered - before;
}

/* --- the writer's side --- */

/* Gathers what lies between position `done` and the tail. */
static int gather(weir_file_ring *ring, uint64_t done, unsigned tail, struct iovec *vectors) {
  int count = 0;
  size_t total = 0;
  for (unsigned i = ring->next; i != tail && count < VECTORS && total < CALL_BYTES_MAX; i++) {
    const struct weir_ring_slice *slice = slot(ring, i);
    size_t left = i == ring->next ? (size_t)(slice->end - done) : slice->size;
    const char *base = slice->base + (slice->size - left);
    if (left > CALL_BYTES_MAX - total) left = CALL_BYTES_MAX - total;
    vectors[count++] = (struct iovec){(void *)(uintptr_t)base, left};
    total += left;
  }
  return count;
}

/* Looks at the empty ring for a while. Returns whether more has come. */
static bool look_for_more(weir_file_ring *ring) {
  uint64_t began_ns = weir_pool_now_ns();
  do {
    bool is_beside = weir_file_ring_is_beside(&ring->loop_processor);
    for (int i = 0; i < LOOKS; i++) {
      if (atomic_load_explicit(&ring->tail, memory_order_relaxed) != ring->next) {
        weir_bet_settle(&ring->waiting, true);
        return true;
      }
      if (!is_beside) weir_pool_relax();
      else if (!weir_pool_yield(&ring->yield)) return false;
    }
    if (atomic_load_explicit(&ring->stop, memory_order_relaxed)) return false;
    if (atomic_load_explicit(&ring->hurry, memory_order_relaxed)) return false;
  } while (weir_pool_now_ns() - began_ns < WAIT_NS);
  weir_bet_settle(&ring->waiting, false);
  return false;
}

static bool wait_for_more(weir_file_ring *ring) {
  if (!weir_bet_pays(&ring->waiting) || !weir_pool_begin_spin()) return false;
  bool more = look_for_more(ring);
  weir_pool_end_spin();
  return more;
}

/* Writes some of what is offered before `tail`. Returns how much, 0 if the file takes nothing now,
** or a negative errno.
*/
static ssize_t write_some(weir_file_ring *ring, weir_file *file, uint64_t done, unsigned tail) {
  struct iovec vectors[VECTORS];
  int count = gather(ring, done, tail, vectors);
  ssize_t written = weir_file_write(file, vectors, count, done);
  if (written <= 0) return written;
  done += (uint64_t)written;
  while (ring->next != tail && slot(ring, ring->next)->end <= done) ring->next++;
  atomic_store_explicit(&ring->writer_processor, weir_pool_processor(), memory_order_relaxed);
  atomic_store_explicit(&ring->done, done, memory_order_release);
  return written;
}

int weir_file_ring_drain(weir_file_ring *ring, weir_file *file) {
  uint64_t begin_ns = weir_pool_now_ns();
  uint64_t begin = atomic_load_explicit(&ring->done, memory_order_relaxed), done = begin;
  while (!atomic_load_explicit(&ring->stop, memory_order_relaxed)) {
    unsigned tail = atomic_load_explicit(&ring->tail, memory_order_acquire);
    if (done - begin >= TURN_BYTES_MAX) return 0;
    if (done > begin && weir_pool_now_ns() - begin_ns >= TURN_NS_MAX) return 0;
    if (ring->next == tail) {
      if (!wait_for_more(ring)) return 0;
      continue;
    }
    ssize_t written = write_some(ring, file, done, tail);
    if (written == 0) return 0; /* it takes nothing now: let others have the thread */
    if (written < 0) return (int)-written;
    done += (uint64_t)written;
  }
  return 0;
}
