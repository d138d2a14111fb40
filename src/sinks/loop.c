/* loop.c - see loop.h.
** SPDX-License-Identifier: MIT
*/
#include "sinks/loop.h"

#include <stdlib.h>
#include <time.h>

#include "core/assert.h"
#include "sinks/standard.h"

/* --- ticks --- */

static void stop_idle(weir_loop *loop) {
  if (!loop->idle_active || loop->watches) return;
  loop->idle_active = false;
  if (weir_handle_is_open(&loop->idle)) loop->uv->idle_stop(loop->idle.uv.idle);
}

void weir_loop_run_ticks(weir_loop *loop) {
  if (loop->is_over) return;
  loop->happened = true;
  weir_ticks_run(&loop->core.ticks);
  if (loop->core.ticks.running) return; /* an outer call is at it */
  if (!weir_ticks_pending(&loop->core.ticks)) stop_idle(loop);
  if (loop->settled) loop->settled(loop->owner);
}

/* Any of them may end, and others begin, while one is looked at; new ones stand in front. */
static void look_at_watches(weir_loop *loop) {
  for (weir_watch *watch = loop->watches; watch; watch = loop->next_watch) {
    loop->next_watch = watch->next;
    if (!watch->look(watch)) weir_loop_unwatch(loop, watch);
  }
}

static void on_idle(uv_idle_t *idle) {
  weir_loop *loop = weir_handle_of((uv_handle_t *)idle)->loop;
  if (loop->is_over) return;
  look_at_watches(loop);
  if (weir_ticks_pending(&loop->core.ticks)) weir_loop_run_ticks(loop);
}

static int open_idle(weir_loop *loop) {
  return weir_handle_open(&loop->idle, loop, UV_IDLE, 0, loop);
}

static void wake(void *waker) {
  weir_loop *loop = waker;
  if (loop->is_over) return;
  bool is_open = weir_handle_is_open(&loop->idle);
  if (loop->idle_active && is_open) return;
  if (weir_loop_is_dead(loop)) return;
  if (!is_open) { /* a script that shares the loop has closed all it found there */
    weir_handle_close(&loop->idle, NULL);
    if (open_idle(loop) != 0) return; /* the next callback of ours runs the ticks */
  }
  loop->idle_active = true;
  loop->uv->idle_start(loop->idle.uv.idle, on_idle);
}

void weir_loop_wake(weir_loop *loop) {
  if (weir_ticks_pending(&loop->core.ticks)) wake(loop);
}

/* --- watches --- */

void weir_loop_watch(weir_loop *loop, weir_watch *watch, bool (*look)(weir_watch *watch)) {
  if (watch->look) return;
  *watch = (weir_watch){.next = loop->watches, .look = look};
  if (watch->next) watch->next->previous = watch;
  loop->watches = watch;
  wake(loop);
}

void weir_loop_unwatch(weir_loop *loop, weir_watch *watch) {
  if (!watch->look) return;
  if (watch->next) watch->next->previous = watch->previous;
  if (watch->previous) watch->previous->next = watch->next;
  else loop->watches = watch->next;
  if (loop->next_watch == watch) loop->next_watch = watch->next;
  *watch = (weir_watch){.look = NULL};
  if (!weir_ticks_pending(&loop->core.ticks)) stop_idle(loop);
}

/* --- open and close --- */

static int begin(weir_loop *loop) {
  int error = open_idle(loop);
  if (error) return error;
  weir_core_init(&loop->core, loop->uv->hrtime);
  loop->core.ticks.wake = wake;
  loop->core.ticks.waker = loop;
  return 0;
}

int weir_loop_join(weir_loop *loop, uv_loop_t *handle, const weir_uv_api *uv,
                   const weir_handle_maker *maker, void *maker_self) {
  *loop = (weir_loop){.uv = uv, .handle = handle, .maker = maker, .maker_self = maker_self};
  int error = begin(loop);
  if (error) *loop = (weir_loop){0};
  return error;
}

static int open_own(weir_loop *loop) {
  weir_standard_guard guard;
  weir_standard_begin(&guard);
  int error = loop->uv->loop_init(loop->handle);
  weir_standard_end(&guard);
  if (error) return error;
  error = begin(loop);
  if (error) loop->uv->loop_close(loop->handle);
  return error;
}

int weir_loop_open(weir_loop *loop) {
  *loop = (weir_loop){.uv = &weir_uv_linked, .is_own = true};
  loop->handle = malloc(sizeof *loop->handle);
  int error = loop->handle ? open_own(loop) : UV_ENOMEM;
  if (error) {
    free(loop->handle);
    *loop = (weir_loop){0};
  }
  return error;
}

bool weir_loop_close(weir_loop *loop) {
  WEIR_ASSERT(!loop->running);
  stop_idle(loop);
  weir_handle_close(&loop->idle, NULL);
  loop->uv->run(loop->handle, UV_RUN_NOWAIT);
  if (loop->is_own && loop->uv->loop_close(loop->handle) != 0) return false;
  if (loop->is_own) free(loop->handle);
  weir_core_deinit(&loop->core);
  *loop = (weir_loop){0};
  return true;
}

void weir_loop_leave(weir_loop *loop) {
  loop->watches = NULL;
  if (loop->maker) {
    loop->idle_active = false;
    weir_handle_let_go_all(loop);
  } else {
    stop_idle(loop);
    weir_handle_close(&loop->idle, NULL);
  }
}

/* --- running --- */

bool weir_loop_run(weir_loop *loop, uv_run_mode mode) {
  WEIR_ASSERT(!loop->running);
  loop->running = true;
  weir_loop_run_ticks(loop);
  bool alive;
  do {
    loop->happened = false;
    alive = loop->uv->run(loop->handle, mode) != 0;
  } while (mode == UV_RUN_ONCE && loop->watches && !loop->happened);
  loop->running = false;
  return alive;
}

bool weir_loop_run_for(weir_loop *loop, uint64_t timeout_ms) {
  const struct timespec nap = {.tv_nsec = 200000};
  uint64_t deadline = loop->uv->hrtime() + timeout_ms * 1000000;
  while (weir_loop_run(loop, UV_RUN_NOWAIT) || weir_ticks_pending(&loop->core.ticks)) {
    if (loop->uv->hrtime() >= deadline) return false;
    nanosleep(&nap, NULL);
  }
  return true;
}

void weir_loop_stop(weir_loop *loop) {
  if (loop->running) loop->uv->stop(loop->handle);
}

/* --- timers --- */

static weir_timer *timer_of(weir_handle *handle) {
  return handle->owner;
}

static void on_timer_closed(weir_handle *handle) {
  weir_timer *timer = timer_of(handle);
  timer->freed(timer);
}

static void on_timer(uv_timer_t *uv) {
  weir_timer *timer = timer_of(weir_handle_of((uv_handle_t *)uv));
  weir_loop *loop = timer->handle.loop;
  if (loop->is_over) return;
  timer->fired(timer);
  weir_loop_run_ticks(loop);
}

int weir_timer_start(weir_timer *timer, weir_loop *loop, uint64_t timeout_ms) {
  int error = weir_handle_open(&timer->handle, loop, UV_TIMER, 0, timer);
  if (error) return error;
  weir_timer_again(timer, timeout_ms);
  return 0;
}

void weir_timer_again(weir_timer *timer, uint64_t timeout_ms) {
  weir_loop *loop = timer->handle.loop;
  if (!weir_handle_is_open(&timer->handle)) return;
  loop->uv->update_time(loop->handle); /* the loop may not have looked at the clock for long */
  /* A timer of 0 ms that starts another one would keep libuv among its timers for good. */
  loop->uv->timer_start(timer->handle.uv.timer, on_timer, timeout_ms < 1 ? 1 : timeout_ms, 0);
}

void weir_timer_stop(weir_timer *timer) {
  if (weir_handle_is_open(&timer->handle)) {
    timer->handle.loop->uv->timer_stop(timer->handle.uv.timer);
  }
}

void weir_timer_end(weir_timer *timer) {
  weir_handle_close(&timer->handle, on_timer_closed);
}
