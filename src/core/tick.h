/* tick.h - the next-tick queue: first in, first out, run to the end before the loop goes on.
**
** Ticks are linked through the things that wait, so queueing one cannot fail. Beside them stand the
** turn-end ticks: they run when no ordinary tick is left, which is where gathered bytes leave.
**
** Layer: core. Not thread safe.
** SPDX-License-Identifier: MIT
*/
#ifndef WEIR_CORE_TICK_H
#define WEIR_CORE_TICK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct weir_tick weir_tick;
typedef void (*weir_tick_run)(weir_tick *tick);

struct weir_tick {
  weir_tick *next; /* NULL: not queued. The last one points to itself. */
  weir_tick_run run;
};

typedef struct weir_tick_list {
  weir_tick *first, *last;
} weir_tick_list;

typedef struct weir_ticks {
  weir_tick_list now, turn_end;
  bool running;
  uint64_t turns;            /* times they were run to the end */
  void (*wake)(void *waker); /* called when the first tick comes: somebody has to run it */
  void *waker;
} weir_ticks;

/* The thing of type `type` whose member `member` is this tick. */
#define WEIR_TICK_OWNER(tick, type, member) \
  ((type *)(void *)((char *)(tick)-offsetof(type, member)))

static inline bool weir_tick_is_queued(const weir_tick *tick) {
  return tick->next != NULL;
}

static inline bool weir_ticks_pending(const weir_ticks *ticks) {
  return ticks->now.first || ticks->turn_end.first;
}

/* `wake` may be NULL. */
void weir_ticks_init(weir_ticks *ticks, void (*wake)(void *waker), void *waker);

/* Queues `tick`, which must not be queued already. It stays the caller's and must live until run.
** The tick may be queued again from within `run`.
*/
void weir_ticks_push(weir_ticks *ticks, weir_tick *tick, weir_tick_run run);
/* The same, for the end of the turn. */
void weir_ticks_push_turn_end(weir_ticks *ticks, weir_tick *tick, weir_tick_run run);

/* Runs all ticks, also those that are queued meanwhile, and the turn-end ones that were queued
** before this call. Turn-end ticks that are queued meanwhile wait for the next call, so that the
** loop gets its turn in between. Called from within a tick it does nothing: the outer call goes on.
*/
void weir_ticks_run(weir_ticks *ticks);

#endif
