/* queue.h - the chunk queue: everything a writable has accepted and not yet told its writers about.
**
** One FIFO of entries with three marks that walk along it, in this order:
**
**     first ── told ──▶ write ── with the sink ──▶ submit ── waiting ──▶ last
**
** Entries before `write` have been written and wait for their callbacks; from `write` to `submit`
** the sink has them; from `submit` on they wait. `write` and `submit` may stand inside an entry: a
** short write is no special case. A sink that takes whole chunks takes entries out at once and uses
** none of the marks.
**
** Adding is O(1) and, once reserved, cannot fail. Small pieces are copied into slabs and coalesce.
**
** Layer: core. Not thread safe.
** SPDX-License-Identifier: MIT
*/
#ifndef WEIR_CORE_QUEUE_H
#define WEIR_CORE_QUEUE_H

#include "core/entry.h"

/* A piece of one chunk as the writer offers it. */
typedef struct weir_piece {
  const char *bytes; /* NULL: a value */
  size_t size;
  uint32_t anchor; /* borrowed bytes, or a value; 0: copy the bytes, or share them */
  weir_slab *slab; /* where the bytes lie, to be shared by one reference more; NULL: copy them */
} weir_piece;

/* Bytes for a system call. */
typedef struct weir_slice {
  const char *base;
  size_t size;
} weir_slice;

typedef struct weir_queue weir_queue;

/* What the queues of one core share. */
typedef struct weir_queue_supply {
  weir_slab_pool *slabs;
  weir_entry_pool *entries;
  void (*forget)(weir_queue *queue, uint32_t anchor); /* gives an anchor back to the binding */
  uint64_t now_ns; /* what entries that are added remember as their time */
} weir_queue_supply;

struct weir_queue {
  const weir_queue_supply *supply;
  weir_entry *first, *last;
  weir_entry *submit, *write; /* NULL: at the end */
  size_t submit_offset, write_offset;
  weir_slab *fill; /* where the next small piece goes; NULL at the latest when all is written */
  uint32_t room;   /* bytes that may join the last entry unasked: see writable_append.h. Any other
                      change of the queue takes it back. */
  uint32_t count;  /* entries */
  uint64_t writes; /* writes whose last byte has not been written */
};

/* The supply must outlive it. */
void weir_queue_init(weir_queue *queue, const weir_queue_supply *supply);
/* The queue must be empty. */
void weir_queue_deinit(weir_queue *queue);

static inline bool weir_queue_is_empty(const weir_queue *queue) {
  return queue->first == NULL;
}

/* Sees to it that one chunk of these pieces can be added. Returns false, with nothing taken, if
** memory runs out.
*/
bool weir_queue_reserve(weir_queue *queue, const weir_piece *pieces, size_t count);
/* Adds one chunk made of `count` pieces, for which there must be a reserve. Copies pieces without
** anchor and slab; the others it borrows until they are written or taken out, then gives anchor or
** reference back.
*/
void weir_queue_add(weir_queue *queue, const weir_piece *pieces, size_t count,
                    weir_callback callback);

/* --- for sinks that take bytes --- */

/* Adds a fence, for which there must be a reserve of no pieces: the bytes behind it are not the
** sink's before it is lifted. The callback is due once it is lifted and passed.
*/
void weir_queue_add_fence(weir_queue *queue, weir_callback callback);
/* Whether the next that waits is a fence. */
static inline bool weir_queue_is_at_fence(const weir_queue *queue) {
  return queue->submit && queue->submit->fence;
}
/* It is at one, which from now on is a chunk of no bytes. */
void weir_queue_lift_fence(weir_queue *queue);

/* Fills `slices` with the bytes that wait, from `submit` to a fence; returns how many slices. */
size_t weir_queue_slices(const weir_queue *queue, weir_slice *slices, size_t max);
/* The sink took `bytes` of them. Chunks of no bytes go along without the sink, fences do not. */
void weir_queue_submitted(weir_queue *queue, uint64_t bytes);
/* `bytes` of those with the sink have been written: their memory is given back. Returns how many
** callbacks became due.
*/
size_t weir_queue_written(weir_queue *queue, uint64_t bytes);
/* The sink gave back what it had: `submit` returns to `write`. */
void weir_queue_give_back(weir_queue *queue);
/* Whether the sink has any of it. */
static inline bool weir_queue_is_with_sink(const weir_queue *queue) {
  return queue->write != queue->submit || queue->write_offset != queue->submit_offset;
}
/* Whether anything waits for the sink. */
static inline bool weir_queue_is_waiting(const weir_queue *queue) {
  return queue->submit != NULL;
}
/* Takes out the first entry whose callback is due; NULL if there is none before `write`. */
weir_entry *weir_queue_take_due(weir_queue *queue);

/* --- for all --- */

/* Takes out the first entry, which the sink must not have; those that are due must have been taken.
** Of an entry that is written in part, the rest. NULL: empty.
*/
weir_entry *weir_queue_take(weir_queue *queue);

/* Gives back what an entry holds of bytes or value; its callback stays. */
void weir_queue_drop_content(weir_queue *queue, weir_entry *entry);

#endif
