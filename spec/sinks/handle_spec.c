/* handle_spec.c - handles on loops of other people's: who makes them, who finds them, who closes
** them.
** SPDX-License-Identifier: MIT
*/
#include "sinks/loop.h"

#include <stdlib.h>
#include <string.h>

#include "support/check.h"

/* A maker as luv is one: the handles are its own, and so is what they point to. */
typedef struct maker {
  uv_loop_t *loop;
  int made, closed;
  bool refuses;
} maker;

static char not_ours[64];

static int make(void *self, weir_handle *handle, uv_handle_type type, int argument) {
  maker *it = self;
  (void)argument;
  if (it->refuses) return UV_ENOMEM;
  handle->uv.any = malloc(uv_handle_size(type));
  if (type == UV_IDLE) uv_idle_init(it->loop, handle->uv.idle);
  else uv_timer_init(it->loop, handle->uv.timer);
  handle->uv.any->data = not_ours;
  it->made++;
  return 0;
}

static void free_handle(uv_handle_t *uv) {
  CHECK(uv->data == not_ours);
  free(uv);
}

static void close_handle(void *self, weir_handle *handle) {
  maker *it = self;
  if (!uv_is_closing(handle->uv.any)) uv_close(handle->uv.any, free_handle);
  it->closed++;
  weir_handle_is_closed(handle);
}

static const weir_handle_maker port = {.make = make, .close = close_handle};

static uv_loop_t host;
static weir_loop loop;
static int ran;

static void count_run(weir_tick *tick) {
  (void)tick;
  ran++;
}

static void begin(maker *it) {
  ran = 0;
  uv_loop_init(&host);
  if (it) it->loop = &host;
  CHECK_EQUAL(weir_loop_join(&loop, &host, &weir_uv_linked, it ? &port : NULL, it), 0);
}

static void end(void) {
  CHECK(weir_loop_close(&loop));
  CHECK_EQUAL(uv_loop_close(&host), 0);
}

SPEC("a host's loop runs our ticks, and is left as it was") {
  begin(NULL);
  weir_tick tick = {0};
  weir_ticks_push(&loop.core.ticks, &tick, count_run);
  uv_run(&host, UV_RUN_DEFAULT);
  CHECK_EQUAL(ran, 1);
  end();
}

static int fired;

static void on_fired(weir_timer *timer) {
  fired++;
  weir_timer_end(timer);
}

static void on_freed(weir_timer *timer) {
  (void)timer;
  fired += 10;
}

SPEC("handles that somebody else makes find their way back, and go back to him") {
  maker luv = {0};
  begin(&luv);
  fired = 0;
  weir_timer timer = {.fired = on_fired, .freed = on_freed};
  CHECK_EQUAL(weir_timer_start(&timer, &loop, 1), 0);
  CHECK(timer.handle.uv.any->data == not_ours);
  CHECK(weir_handle_of(timer.handle.uv.any) == &timer.handle);
  uv_run(&host, UV_RUN_DEFAULT);
  CHECK_EQUAL(fired, 11);
  end();
  CHECK_EQUAL(luv.made, 2);
  CHECK_EQUAL(luv.closed, 2);
}

SPEC("an idle handle that the script has closed is made anew when a tick needs it") {
  maker luv = {0};
  begin(&luv);
  uv_close(loop.idle.uv.any, free_handle);
  CHECK(!weir_handle_is_open(&loop.idle));
  weir_tick tick = {0};
  weir_ticks_push(&loop.core.ticks, &tick, count_run);
  CHECK(weir_handle_is_open(&loop.idle));
  uv_run(&host, UV_RUN_DEFAULT);
  CHECK_EQUAL(ran, 1);
  CHECK_EQUAL(luv.made, 2);
  end();
}

SPEC("a maker that fails leaves nothing open") {
  maker luv = {0};
  begin(&luv);
  luv.refuses = true;
  weir_handle handle;
  CHECK_EQUAL(weir_handle_open(&handle, &loop, UV_TIMER, 0, NULL), UV_ENOMEM);
  CHECK(!weir_handle_is_open(&handle));
  weir_handle_close(&handle, NULL);
  end();
  luv.loop = &host;
  weir_loop other;
  CHECK_EQUAL(weir_loop_join(&other, &host, &weir_uv_linked, &port, &luv), UV_ENOMEM);
}

static void count_closed(weir_handle *handle) {
  CHECK(!handle->uv.any);
  ran++;
}

SPEC("all handles can be let go of, and are left to who made them") {
  maker luv = {0};
  begin(&luv);
  weir_handle one, two;
  weir_handle_open(&one, &loop, UV_TIMER, 0, NULL);
  weir_handle_open(&two, &loop, UV_TIMER, 0, NULL);
  uv_handle_t *left[] = {one.uv.any, two.uv.any, loop.idle.uv.any};
  one.closed = two.closed = count_closed;
  weir_handle_let_go_all(&loop);
  CHECK_EQUAL(ran, 2);
  CHECK(!weir_handle_is_open(&loop.idle));
  for (int i = 0; i < 3; i++) uv_close(left[i], free_handle);
  end();
}

SPEC("weir knows its own libuv by the loops it made, and can bind to it as to another one") {
  uv_loop_init(&host);
  CHECK(weir_uv_is_linked(&host));
  weir_uv_api api;
  memset(&api, 0, sizeof api);
  CHECK(weir_uv_rebind(&api, &host));
  CHECK(memcmp(&api, &weir_uv_linked, sizeof api) == 0);
  CHECK_EQUAL(uv_loop_close(&host), 0);
}

int main(int argc, char **argv) {
  return check_main(argc, argv);
}
