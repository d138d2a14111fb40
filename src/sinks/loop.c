/* loop.c - see loop.h.
** SPDX-License-Identifier: MIT
*/
#include "sinks/loop.h"

#include <stdlib.h>
#include <time.h>

#include "core/assert.h"

/* --- ticks --- */

static void stop_idle(weir_loop *loop) {
  if (!loop->idle_active) return;
  loop->idle_active = false;
  loop->uv->idle_stop(loop->idle);
}

void weir_loop_run_ticks(weir_loop *loop) {
  weir_ticks_run(&loop->core.ticks);
  if (loop->core.ticks.running) return; /* an outer call is at it */
  if (!weir_ticks_pending(&loop->core.ticks)) stop_idle(loop);
  if (loop->settled) loop->settled(loop->owner);
}

static void on_idle(uv_idle_t *idle) {
  weir_loop_run_ticks(idle->data);
}

static void wake(void *waker) {
  weir_loop *loop = waker;
  if (loop->idle_active) return;
  loop->idle_active = true;
  loop->uv->idle_start(loop->idle, on_idle);
}

/* --- open and close --- */

int weir_loop_open(weir_loop *loop) {
  *loop = (weir_loop){.uv = &weir_uv_linked};
  loop->handle = malloc(sizeof *loop->handle);
  loop->idle = malloc(sizeof *loop->idle);
  int error = loop->handle && loop->idle ? loop->uv->loop_init(loop->handle) : UV_ENOMEM;
  if (error) {
    free(loop->handle);
    free(loop->idle);
    *loop = (weir_loop){0};
    return error;
  }
  loop->uv->idle_init(loop->handle, loop->idle);
  loop->idle->data = loop;
  weir_core_init(&loop->core, loop->uv->hrtime);
  loop->core.ticks.wake = wake;
  loop->core.ticks.waker = loop;
  return 0;
}

static void free_idle(uv_handle_t *idle) {
  free(idle);
}

bool weir_loop_close(weir_loop *loop) {
  WEIR_ASSERT(!loop->running);
  stop_idle(loop);
  loop->uv->close((uv_handle_t *)loop->idle, free_idle);
  loop->uv->run(loop->handle, UV_RUN_NOWAIT);
  if (loop->uv->loop_close(loop->handle) != 0) return false;
  free(loop->handle);
  weir_core_deinit(&loop->core);
  *loop = (weir_loop){0};
  return true;
}

/* --- running --- */

bool weir_loop_run(weir_loop *loop, uv_run_mode mode) {
  WEIR_ASSERT(!loop->running);
  loop->running = true;
  weir_loop_run_ticks(loop);
  bool alive = loop->uv->run(loop->handle, mode) != 0;
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

static void on_freed(uv_handle_t *handle) {
  weir_timer *timer = handle->data;
  timer->freed(timer);
}

static void on_timer(uv_timer_t *handle) {
  weir_timer *timer = handle->data;
  weir_loop *loop = timer->loop;
  timer->fired(timer);
  weir_loop_run_ticks(loop);
}

int weir_timer_start(weir_timer *timer, weir_loop *loop, uint64_t timeout_ms) {
  int error = loop->uv->timer_init(loop->handle, &timer->handle);
  if (error) return error;
  timer->handle.data = timer;
  timer->loop = loop;
  timer->closing = false;
  loop->uv->update_time(loop->handle); /* the loop may not have looked at the clock for long */
  /* A timer of 0 ms that starts another one would keep libuv among its timers for good. */
  return loop->uv->timer_start(&timer->handle, on_timer, timeout_ms < 1 ? 1 : timeout_ms, 0);
}

void weir_timer_end(weir_timer *timer) {
  if (timer->closing) return;
  timer->closing = true;
  timer->loop->uv->close((uv_handle_t *)&timer->handle, on_freed);
}
