/* stream_clock_spec.c - the time limits of a stream: each is told once, when it is over and not before,
** by one timer that is set as seldom as can be.
** SPDX-License-Identifier: MIT
*/
#include "sinks/stream_clock.h"

#include <string.h>

#include "support/check.h"
#include "support/failing_alloc.h"
#include "support/foreign_loop.h"

static foreign_loop host;
static weir_loop loop;
static weir_uv_api uv;
static weir_stream_clock *clock_of_one;
static uint64_t now_ms;
static int starts; /* of the timer */
static char told[16];
static weir_limit sets; /* when one is told: that one, ... */
static bool closes;     /* or closes all handles as a script, ... */
static bool ends;       /* or ends the clock */

static uint64_t fake_hrtime(void) {
  return now_ms * 1000000;
}

/* The timer is the spec's as well. */
static struct {
  uv_timer_t *timer;
  uv_timer_cb fired;
  uint64_t due_ms; /* 0: it is not set */
} set;

static int set_timer(uv_timer_t *timer, uv_timer_cb fired, uint64_t timeout_ms,
                     uint64_t repeat_ms) {
  CHECK(timeout_ms > 0 && repeat_ms == 0);
  starts++;
  set.timer = timer;
  set.fired = fired;
  set.due_ms = now_ms + timeout_ms;
  return 0;
}

static int stop_timer(uv_timer_t *timer) {
  CHECK(timer == set.timer);
  set.due_ms = 0;
  return 0;
}

static void end_clock(void) {
  weir_stream_clock_end(clock_of_one);
  clock_of_one = NULL; /* it may be gone now */
}

static void reached(void *owner, weir_limit limit) {
  CHECK(owner == told);
  size_t length = strlen(told);
  if (CHECK(length + 1 < sizeof told)) told[length] = "wldi"[limit];
  if (closes) foreign_close_all(&host);
  if (ends) end_clock();
  else if (sets != WEIR_LIMIT_COUNT) weir_stream_clock_set(clock_of_one, sets, 5);
  sets = WEIR_LIMIT_COUNT;
}

static void begin(void) {
  foreign_begin(&host);
  CHECK_EQUAL(weir_loop_join(&loop, &host.uv, &weir_uv_linked, &foreign_maker, &host), 0);
  uv = weir_uv_linked;
  uv.hrtime = fake_hrtime;
  uv.timer_start = set_timer;
  uv.timer_stop = stop_timer;
  loop.uv = &uv;
  now_ms = 1000;
  memset(told, 0, sizeof told);
  sets = WEIR_LIMIT_COUNT;
  closes = ends = false;
  clock_of_one = weir_stream_clock_new(&loop, reached, told);
  CHECK(clock_of_one);
  starts = 0;
}

static void end(void) {
  end_clock();
  uv_run(&host.uv, UV_RUN_DEFAULT);
  CHECK(weir_loop_close(&loop));
  foreign_end(&host);
}

/* So much time passes, and the timer fires if it is due. */
static void pass(uint64_t ms) {
  now_ms += ms;
  if (set.due_ms > 0 && set.due_ms <= now_ms && !uv_is_closing((uv_handle_t *)set.timer)) {
    set.due_ms = 0;
    set.fired(set.timer);
  }
  uv_run(&host.uv, UV_RUN_NOWAIT);
}

SPEC("each limit is told once, in its time") {
  begin();
  weir_stream_clock_set(clock_of_one, WEIR_LIMIT_LINGER, 30);
  weir_stream_clock_set(clock_of_one, WEIR_LIMIT_WRITE, 10);
  weir_stream_clock_set(clock_of_one, WEIR_LIMIT_DROP, 20);
  pass(5);
  CHECK_STRING(told, "");
  pass(5);
  CHECK_STRING(told, "w");
  pass(10);
  CHECK_STRING(told, "wd");
  pass(10);
  CHECK_STRING(told, "wdl");
  int before = starts;
  pass(100);
  CHECK_STRING(told, "wdl");
  CHECK_EQUAL(starts, before);
  end();
}

SPEC("a limit that is taken back is not told, and a later one sets no timer anew") {
  begin();
  weir_stream_clock_set(clock_of_one, WEIR_LIMIT_WRITE, 10);
  weir_stream_clock_set(clock_of_one, WEIR_LIMIT_LINGER, 20);
  weir_stream_clock_set(clock_of_one, WEIR_LIMIT_WRITE, 30);
  CHECK_EQUAL(starts, 1);
  weir_stream_clock_set(clock_of_one, WEIR_LIMIT_LINGER, 0);
  pass(20);
  CHECK_STRING(told, "");
  pass(10);
  CHECK_STRING(told, "w");
  end();
}

SPEC("each touch puts off the limit of idleness, where there is one") {
  begin();
  weir_stream_clock_touch(clock_of_one);
  CHECK_EQUAL(starts, 0);
  weir_stream_clock_set_idle(clock_of_one, 10);
  pass(9);
  weir_stream_clock_touch(clock_of_one);
  pass(9);
  CHECK_STRING(told, "");
  pass(1);
  CHECK_STRING(told, "i");
  weir_stream_clock_set_idle(clock_of_one, 0);
  weir_stream_clock_touch(clock_of_one);
  pass(100);
  CHECK_STRING(told, "i");
  end();
}

static weir_limit late;

/* As above; the call took so long that the other limit is over as well when it is looked at. */
static void reached_late(void *owner, weir_limit limit) {
  reached(owner, limit);
  if (limit == late) now_ms += 100;
}

SPEC("a limit that is over while another one is told is told at once") {
  begin();
  end_clock();
  late = WEIR_LIMIT_WRITE;
  clock_of_one = weir_stream_clock_new(&loop, reached_late, told);
  weir_stream_clock_set(clock_of_one, WEIR_LIMIT_WRITE, 10);
  weir_stream_clock_set(clock_of_one, WEIR_LIMIT_LINGER, 20);
  pass(10);
  CHECK_STRING(told, "w");
  pass(1);
  CHECK_STRING(told, "wl");
  end();
}

SPEC("whoever is told of a limit may set the next one, or end the clock") {
  begin();
  weir_stream_clock_set(clock_of_one, WEIR_LIMIT_WRITE, 10);
  sets = WEIR_LIMIT_WRITE;
  pass(10);
  pass(5);
  CHECK_STRING(told, "ww");
  ends = true;
  weir_stream_clock_set(clock_of_one, WEIR_LIMIT_WRITE, 10);
  weir_stream_clock_set(clock_of_one, WEIR_LIMIT_LINGER, 10);
  pass(10);
  pass(100);
  CHECK_STRING(told, "www");
  end();
}

SPEC("whoever is told of a limit may end the clock also where its timer is closed already") {
  begin();
  closes = ends = true;
  weir_stream_clock_set(clock_of_one, WEIR_LIMIT_WRITE, 10);
  weir_stream_clock_set(clock_of_one, WEIR_LIMIT_LINGER, 10);
  pass(10);
  CHECK_STRING(told, "w");
  end();
}

SPEC("a clock whose timer a script has closed tells nothing, and ends") {
  begin();
  weir_stream_clock_set(clock_of_one, WEIR_LIMIT_WRITE, 10);
  foreign_close_all(&host);
  weir_stream_clock_set_ref(clock_of_one, true);
  weir_stream_clock_set_ref(clock_of_one, false);
  pass(10);
  CHECK_STRING(told, "");
  end();
}

static int refs;

static void count_ref(uv_handle_t *handle) {
  CHECK(handle == (uv_handle_t *)set.timer);
  refs++;
}

static void count_unref(uv_handle_t *handle) {
  CHECK(handle->type == UV_TIMER);
  refs--;
}

SPEC("it keeps the loop running only where that is wanted") {
  begin();
  uv.ref = count_ref;
  uv.unref = count_unref;
  refs = 1;
  end_clock();
  clock_of_one = weir_stream_clock_new(&loop, reached, told);
  CHECK_EQUAL(refs, 0);
  weir_stream_clock_set_ref(clock_of_one, true);
  CHECK_EQUAL(refs, 1);
  weir_stream_clock_set_ref(clock_of_one, false);
  CHECK_EQUAL(refs, 0);
  end();
}

SPEC("without memory, for itself or its timer, there is none; to end none is nothing") {
  begin();
  host.refuses = true;
  CHECK(!weir_stream_clock_new(&loop, reached, told));
  host.refuses = false;
  failing_alloc_begin(1, false);
  weir_stream_clock *none = weir_stream_clock_new(&loop, reached, told);
  failing_alloc_end();
  CHECK(!none == failing_alloc_works());
  weir_stream_clock_end(none);
  weir_stream_clock_end(NULL);
  end();
}

int main(int argc, char **argv) {
  return check_main(argc, argv);
}
