/* stream_clock.c - see stream_clock.h.
** SPDX-License-Identifier: MIT
*/
#include "sinks/stream_clock.h"

#include <stdlib.h>

struct weir_stream_clock {
  weir_timer timer;
  uint64_t due_ms;                      /* when the timer fires; 0: it does not */
  uint64_t limits_ms[WEIR_LIMIT_COUNT]; /* 0: not set */
  uint64_t idle_ms;                     /* what touching sets WEIR_LIMIT_IDLE to */
  void (*reached)(void *owner, weir_limit limit);
  void *owner;
  bool telling; /* `reached` may be on the stack */
  bool ended;
};

static uint64_t now_ms(const weir_stream_clock *clock) {
  return clock->timer.handle.loop->uv->hrtime() / 1000000;
}

static void wind(weir_stream_clock *clock, uint64_t due_ms) {
  uint64_t now = now_ms(clock);
  clock->due_ms = due_ms;
  weir_timer_again(&clock->timer, due_ms > now ? due_ms - now : 1);
}

static void wind_for_next(weir_stream_clock *clock) {
  uint64_t next = 0;
  for (int i = 0; i < WEIR_LIMIT_COUNT; i++) {
    uint64_t limit = clock->limits_ms[i];
    if (limit > 0 && (next == 0 || limit < next)) next = limit;
  }
  if (next > 0) wind(clock, next);
}

/* The stream may be gone after `reached`, but not the clock. */
static void on_timer(weir_timer *timer) {
  weir_stream_clock *clock = timer->owner;
  uint64_t now = now_ms(clock);
  clock->due_ms = 0;
  clock->telling = true;
  for (int i = 0; i < WEIR_LIMIT_COUNT && !clock->ended; i++) {
    if (clock->limits_ms[i] == 0 || clock->limits_ms[i] > now) continue;
    clock->limits_ms[i] = 0;
    clock->reached(clock->owner, (weir_limit)i);
  }
  clock->telling = false;
  if (clock->ended) weir_timer_end(timer); /* the clock may be gone now */
  else if (clock->due_ms == 0) wind_for_next(clock);
}

static void on_freed(weir_timer *timer) {
  free(timer->owner);
}

weir_stream_clock *weir_stream_clock_new(weir_loop *loop,
                                         void (*reached)(void *owner, weir_limit limit),
                                         void *owner) {
  weir_stream_clock *clock = calloc(1, sizeof *clock);
  if (!clock) return NULL;
  clock->reached = reached;
  clock->owner = owner;
  clock->timer.owner = clock;
  clock->timer.fired = on_timer;
  clock->timer.freed = on_freed;
  if (weir_timer_start(&clock->timer, loop, 1) != 0) {
    free(clock);
    return NULL;
  }
  weir_timer_stop(&clock->timer);
  loop->uv->unref(clock->timer.handle.uv.any); /* what it watches over keeps the loop running */
  return clock;
}

void weir_stream_clock_end(weir_stream_clock *clock) {
  if (!clock || clock->ended) return;
  clock->ended = true;
  if (!clock->telling) weir_timer_end(&clock->timer);
}

void weir_stream_clock_set(weir_stream_clock *clock, weir_limit limit, uint64_t timeout_ms) {
  if (timeout_ms == 0) {
    clock->limits_ms[limit] = 0;
    return;
  }
  uint64_t due = now_ms(clock) + timeout_ms;
  clock->limits_ms[limit] = due;
  if (clock->due_ms == 0 || due < clock->due_ms) wind(clock, due);
}

void weir_stream_clock_set_idle(weir_stream_clock *clock, uint64_t timeout_ms) {
  clock->idle_ms = timeout_ms;
  weir_stream_clock_set(clock, WEIR_LIMIT_IDLE, timeout_ms);
}

void weir_stream_clock_touch(weir_stream_clock *clock) {
  if (clock->idle_ms > 0) weir_stream_clock_set(clock, WEIR_LIMIT_IDLE, clock->idle_ms);
}

void weir_stream_clock_set_ref(weir_stream_clock *clock, bool on) {
  const weir_handle *handle = &clock->timer.handle;
  if (!weir_handle_is_open(handle)) return;
  if (on) handle->loop->uv->ref(handle->uv.any);
  else handle->loop->uv->unref(handle->uv.any);
}
