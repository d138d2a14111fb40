/* handle_spec.c - handles on loops of other people's: who makes them, who finds them, who closes
** them.
** SPDX-License-Identifier: MIT
*/
#include "sinks/loop.h"

#include <unistd.h>

#include "support/check.h"
#include "support/foreign_loop.h"

static foreign_loop host;
static weir_loop loop;
static int ran;

static void count_run(weir_tick *tick) {
  (void)tick;
  ran++;
}

/* On a host's loop, with handles of his making or of our own. */
static void begin(bool makes) {
  ran = 0;
  foreign_begin(&host);
  const weir_handle_maker *maker = makes ? &foreign_maker : NULL;
  CHECK_EQUAL(weir_loop_join(&loop, &host.uv, &weir_uv_linked, maker, &host), 0);
}

static void end(void) {
  CHECK(weir_loop_close(&loop));
  foreign_end(&host);
}

SPEC("a host's loop runs our ticks, and is left as it was") {
  begin(false);
  weir_tick tick = {0};
  weir_ticks_push(&loop.core.ticks, &tick, count_run);
  uv_run(&host.uv, UV_RUN_DEFAULT);
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
  begin(true);
  fired = 0;
  weir_timer timer = {.fired = on_fired, .freed = on_freed};
  CHECK_EQUAL(weir_timer_start(&timer, &loop, 1), 0);
  CHECK(timer.handle.uv.any->data != &timer.handle);
  CHECK(weir_handle_of(timer.handle.uv.any) == &timer.handle);
  uv_run(&host.uv, UV_RUN_DEFAULT);
  CHECK_EQUAL(fired, 11);
  end();
  CHECK_EQUAL(host.made, 2);
  CHECK_EQUAL(host.closed, 2);
}

SPEC("among many handles of other people's each is found, and so are our own beside them") {
  enum { MANY = 600 };
  static weir_handle many[MANY];
  weir_loop own;
  weir_handle ours;
  begin(true);
  CHECK_EQUAL(weir_loop_open(&own), 0);
  CHECK_EQUAL(weir_handle_open(&ours, &own, UV_TIMER, 0, NULL), 0);
  for (int i = 0; i < MANY; i++) weir_handle_open(&many[i], &loop, UV_TIMER, 0, NULL);
  CHECK(weir_handle_of(ours.uv.any) == &ours);
  for (int i = 0; i < MANY; i++) {
    if (!CHECK(weir_handle_of(many[i].uv.any) == &many[i])) break;
  }
  for (int i = 0; i < MANY; i += 2) weir_handle_close(&many[i], NULL);
  uv_run(&host.uv, UV_RUN_NOWAIT);
  for (int i = 1; i < MANY; i += 2) {
    if (!CHECK(weir_handle_of(many[i].uv.any) == &many[i])) break;
  }
  for (int i = 1; i < MANY; i += 2) weir_handle_close(&many[i], NULL);
  weir_handle_close(&ours, NULL);
  CHECK(weir_loop_close(&own));
  end();
  CHECK_EQUAL(host.made, host.closed);
}

SPEC("an idle handle that the script has closed is made anew when a tick needs it") {
  begin(true);
  foreign_close(&loop.idle);
  CHECK(!weir_handle_is_open(&loop.idle));
  weir_tick tick = {0};
  weir_ticks_push(&loop.core.ticks, &tick, count_run);
  CHECK(weir_handle_is_open(&loop.idle));
  uv_run(&host.uv, UV_RUN_DEFAULT);
  CHECK_EQUAL(ran, 1);
  CHECK_EQUAL(host.made, 2);
  end();
}

SPEC("an idle handle that the script closes while ticks wait is not missed when they have run") {
  begin(true);
  weir_tick tick = {0};
  weir_ticks_push(&loop.core.ticks, &tick, count_run);
  foreign_close(&loop.idle);
  weir_loop_run_ticks(&loop);
  CHECK_EQUAL(ran, 1);
  end();
}

SPEC("where no handle can be made, ticks wait for the next callback of ours") {
  begin(true);
  foreign_close(&loop.idle);
  host.refuses = true;
  weir_tick tick = {0};
  weir_ticks_push(&loop.core.ticks, &tick, count_run);
  CHECK(!weir_handle_is_open(&loop.idle));
  uv_run(&host.uv, UV_RUN_DEFAULT);
  CHECK_EQUAL(ran, 0);
  CHECK(weir_loop_run_for(&loop, 0));
  CHECK_EQUAL(ran, 1);
  end();
}

SPEC("a tick of a loop that its owner has closed touches nothing") {
  begin(false);
  weir_loop_leave(&loop);
  foreign_end(&host);
  weir_tick tick = {0};
  weir_ticks_push(&loop.core.ticks, &tick, count_run);
  CHECK(weir_loop_is_dead(&loop));
  CHECK(!weir_handle_is_open(&loop.idle));
  CHECK_EQUAL(ran, 0);
  weir_core_deinit(&loop.core);
}

SPEC("a maker that fails leaves nothing open") {
  begin(true);
  host.refuses = true;
  weir_handle handle;
  CHECK_EQUAL(weir_handle_open(&handle, &loop, UV_TIMER, 0, NULL), UV_ENOMEM);
  CHECK(!weir_handle_is_open(&handle));
  weir_handle_close(&handle, NULL);
  end();
  foreign_begin(&host);
  host.refuses = true;
  weir_loop other;
  CHECK_EQUAL(weir_loop_join(&other, &host.uv, &weir_uv_linked, &foreign_maker, &host), UV_ENOMEM);
  foreign_end(&host);
}

static void count_closed(weir_handle *handle) {
  CHECK(!handle->uv.any);
  ran++;
}

/* One of each kind, on the loop. */
static void open_three(weir_handle *idle, weir_handle *timer, weir_handle *poll, int fd) {
  CHECK_EQUAL(weir_handle_open(idle, &loop, UV_IDLE, 0, NULL), 0);
  CHECK_EQUAL(weir_handle_open(timer, &loop, UV_TIMER, 0, NULL), 0);
  CHECK_EQUAL(weir_handle_open(poll, &loop, UV_POLL, fd, NULL), 0);
}

static void never_idle(uv_idle_t *idle) {
  CHECK(!idle);
}

static void never_due(uv_timer_t *timer) {
  CHECK(!timer);
}

static void never_ready(uv_poll_t *poll, int status, int events) {
  (void)status, (void)events;
  CHECK(!poll);
}

SPEC("all handles can be let go of: they do nothing any more, and are left to who made them") {
  int ends[2];
  weir_handle idle, timer, poll;
  if (!CHECK_EQUAL(pipe(ends), 0)) return;
  begin(true);
  open_three(&idle, &timer, &poll, ends[1]);
  uv_idle_start(idle.uv.idle, never_idle);
  uv_timer_start(timer.uv.timer, never_due, 0, 0);
  uv_poll_start(poll.uv.poll, UV_WRITABLE, never_ready);
  weir_handle left[] = {idle, timer, poll, loop.idle};
  idle.closed = timer.closed = poll.closed = count_closed;
  weir_handle_let_go_all(&loop);
  CHECK_EQUAL(ran, 3);
  CHECK(!weir_handle_is_open(&loop.idle));
  uv_run(&host.uv, UV_RUN_DEFAULT);
  for (int i = 0; i < 4; i++) foreign_close(&left[i]);
  end();
  close(ends[0]);
  close(ends[1]);
}

SPEC("only the handles of that loop are let go of") {
  foreign_loop other_host;
  weir_loop other;
  begin(true);
  foreign_begin(&other_host);
  CHECK_EQUAL(weir_loop_join(&other, &other_host.uv, &weir_uv_linked, &foreign_maker, &other_host),
              0);
  weir_handle here[8];
  for (int i = 0; i < 8; i++) weir_handle_open(&here[i], &loop, UV_TIMER, 0, NULL);
  weir_handle left = other.idle;
  weir_handle_let_go_all(&other);
  CHECK(!weir_handle_is_open(&other.idle));
  for (int i = 0; i < 8; i++) {
    CHECK(weir_handle_is_open(&here[i]));
    weir_handle_close(&here[i], NULL);
  }
  foreign_close(&left);
  CHECK(weir_loop_close(&other));
  foreign_end(&other_host);
  end();
}

SPEC("to close a handle that was let go of is no more than to hear of it, once") {
  weir_handle handle;
  begin(true);
  CHECK_EQUAL(weir_handle_open(&handle, &loop, UV_TIMER, 0, NULL), 0);
  weir_handle left = handle;
  weir_handle_let_go(&handle);
  weir_handle_close(&handle, count_closed);
  weir_handle_close(&handle, count_closed);
  CHECK_EQUAL(ran, 1);
  foreign_close(&left);
  end();
}

SPEC("a timer that the script has closed is neither set nor stopped, and ends like any other") {
  begin(true);
  fired = 0;
  weir_timer timer = {.fired = on_fired, .freed = on_freed};
  CHECK_EQUAL(weir_timer_start(&timer, &loop, 1), 0);
  foreign_close(&timer.handle);
  weir_timer_again(&timer, 1);
  weir_timer_stop(&timer);
  uv_run(&host.uv, UV_RUN_DEFAULT);
  CHECK_EQUAL(fired, 0);
  end();
}

SPEC("weir knows its own libuv by the loops it made") {
  foreign_begin(&host);
  CHECK(weir_uv_is_linked(&host.uv));
  foreign_end(&host);
}

int main(int argc, char **argv) {
  return check_main(argc, argv);
}
