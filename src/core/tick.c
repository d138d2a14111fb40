/* tick.c - see tick.h.
** SPDX-License-Identifier: MIT
*/
#include "core/tick.h"

#include "core/assert.h"

static void append(weir_tick_list *list, weir_tick *tick) {
  tick->next = tick;
  if (list->first) list->last->next = tick;
  else list->first = tick;
  list->last = tick;
}

static weir_tick *shift(weir_tick_list *list) {
  weir_tick *tick = list->first;
  if (!tick) return NULL;
  list->first = tick == list->last ? NULL : tick->next;
  tick->next = NULL;
  return tick;
}

static void push(weir_ticks *ticks, weir_tick_list *list, weir_tick *tick, weir_tick_run run) {
  WEIR_ASSERT(!weir_tick_is_queued(tick));
  bool first = !weir_ticks_pending(ticks);
  tick->run = run;
  append(list, tick);
  if (first && ticks->wake) ticks->wake(ticks->waker);
}

void weir_ticks_init(weir_ticks *ticks, void (*wake)(void *waker), void *waker) {
  *ticks = (weir_ticks){.wake = wake, .waker = waker};
}

void weir_ticks_push(weir_ticks *ticks, weir_tick *tick, weir_tick_run run) {
  push(ticks, &ticks->now, tick, run);
}

void weir_ticks_push_turn_end(weir_ticks *ticks, weir_tick *tick, weir_tick_run run) {
  push(ticks, &ticks->turn_end, tick, run);
}

static void run_now(weir_ticks *ticks) {
  for (weir_tick *tick; (tick = shift(&ticks->now));) tick->run(tick);
}

void weir_ticks_run(weir_ticks *ticks) {
  if (ticks->running) return;
  ticks->running = true;
  run_now(ticks);
  const weir_tick *last = ticks->turn_end.last;
  for (bool more = ticks->turn_end.first != NULL; more;) {
    weir_tick *tick = shift(&ticks->turn_end);
    more = tick != last; /* looked at now: run() may free it */
    tick->run(tick);
    run_now(ticks);
  }
  ticks->running = false;
  ticks->turns++;
}
