/* loop_spec.c - ticks wake the loop, timers fire once, and a loop is closed whole or not at all.
** SPDX-License-Identifier: MIT
*/
#include "sinks/loop.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "support/check.h"
#include "support/failing_alloc.h"

enum { LONG_MS = 60000 };

static weir_loop loop;
static int settled;
static char order[64];

static void note(char what) {
  size_t length = strlen(order);
  if (CHECK(length + 1 < sizeof order)) order[length] = what;
}

static void count_settled(void *owner) {
  CHECK(owner == order);
  settled++;
}

static void begin(void) {
  CHECK_EQUAL(weir_loop_open(&loop), 0);
  loop.settled = count_settled;
  loop.owner = order;
  settled = 0;
  memset(order, 0, sizeof order);
}

static void end(void) {
  CHECK(weir_loop_close(&loop));
}

/* --- ticks ------------------------------------------------------------------------------------- */

typedef struct named_tick {
  weir_tick tick;
  char name;
  int again; /* queues itself as often */
} named_tick;

static void run_named(weir_tick *tick) {
  named_tick *it = WEIR_TICK_OWNER(tick, named_tick, tick);
  note(it->name);
  if (it->again-- > 0) weir_ticks_push(&loop.core.ticks, tick, run_named);
}

static void push(named_tick *tick) {
  weir_ticks_push(&loop.core.ticks, &tick->tick, run_named);
}

SPEC("a loop with nothing to do returns at once, in every mode") {
  begin();
  CHECK(!weir_loop_run(&loop, UV_RUN_DEFAULT));
  CHECK(!weir_loop_run(&loop, UV_RUN_ONCE));
  CHECK(!weir_loop_run(&loop, UV_RUN_NOWAIT));
  CHECK(weir_loop_run_for(&loop, 0));
  end();
}

SPEC("ticks run at the start of run, in order, and those they queue as well") {
  begin();
  named_tick a = {.name = 'a', .again = 1}, b = {.name = 'b'};
  push(&a);
  push(&b);
  CHECK_STRING(order, "");
  CHECK(!weir_loop_run(&loop, UV_RUN_NOWAIT));
  CHECK_STRING(order, "aba");
  end();
}

SPEC("whoever asks is told when no tick is left") {
  begin();
  named_tick a = {.name = 'a', .again = 5};
  push(&a);
  weir_loop_run_ticks(&loop);
  CHECK_EQUAL(settled, 1);
  CHECK(!loop.idle_active);
  end();
}

static void run_ticks_within(weir_tick *tick) {
  (void)tick;
  weir_loop_run_ticks(&loop);
  CHECK_EQUAL(settled, 0);
  note('t');
}

SPEC("ticks that are run from within a tick are run, and told of when the outermost is done") {
  begin();
  weir_tick tick = {0};
  named_tick a = {.name = 'a'};
  weir_ticks_push(&loop.core.ticks, &tick, run_ticks_within);
  push(&a);
  weir_loop_run_ticks(&loop);
  CHECK_EQUAL(strlen(order), 2);
  CHECK_EQUAL(settled, 1);
  end();
}

static void push_from_elsewhere(uv_timer_t *timer) {
  static named_tick late = {.name = 't'};
  push(&late); /* not one of our callbacks: nobody runs ticks behind it */
  uv_close((uv_handle_t *)timer, NULL);
}

SPEC("a tick that is queued in a foreign callback does not wait: the loop does not block") {
  begin();
  uv_timer_t foreign, far;
  uv_timer_init(loop.handle, &foreign);
  uv_timer_init(loop.handle, &far);
  uv_timer_start(&foreign, push_from_elsewhere, 1, 0);
  uv_timer_start(&far, push_from_elsewhere, LONG_MS, 0);
  uint64_t began = uv_hrtime();
  while (!order[0] && uv_hrtime() - began < UINT64_C(10000000000)) uv_run(loop.handle, UV_RUN_ONCE);
  CHECK_STRING(order, "t");
  CHECK(uv_hrtime() - began < UINT64_C(5000000000));
  uv_close((uv_handle_t *)&far, NULL);
  weir_loop_run(&loop, UV_RUN_DEFAULT);
  CHECK(!loop.idle_active);
  end();
}

/* --- watches ----------------------------------------------------------------------------------- */

typedef struct named_watch {
  weir_watch watch;
  char name;
  int looks;                /* so often, then it is over */
  bool happens;             /* in the end something does */
  struct named_watch *ends; /* ends that one */
  struct named_watch *begins;
} named_watch;

static bool look_named(weir_watch *watch) {
  named_watch *it = (named_watch *)watch;
  note(it->name);
  if (it->ends) weir_loop_unwatch(&loop, &it->ends->watch);
  if (it->begins) weir_loop_watch(&loop, &it->begins->watch, look_named);
  if (--it->looks > 0) return true;
  if (it->happens) weir_loop_run_ticks(&loop);
  return false;
}

static void keep_alive(uv_timer_t *timer) {
  (void)timer;
}

SPEC("while something is watched the loop turns without blocking, and looks once in a turn") {
  begin();
  uv_timer_t far;
  uv_timer_init(loop.handle, &far);
  uv_timer_start(&far, keep_alive, LONG_MS, 0);
  named_watch a = {.name = 'a', .looks = 3}, b = {.name = 'b', .looks = 2};
  weir_loop_watch(&loop, &b.watch, look_named);
  weir_loop_watch(&loop, &a.watch, look_named);
  weir_loop_watch(&loop, &a.watch, look_named); /* it is: nothing happens */
  for (int i = 0; i < 2; i++) weir_loop_run(&loop, UV_RUN_NOWAIT);
  CHECK_STRING(order, "abab");
  CHECK(loop.idle_active);
  weir_loop_run(&loop, UV_RUN_NOWAIT);
  CHECK_STRING(order, "ababa");
  CHECK(!loop.idle_active && !loop.watches);
  uv_close((uv_handle_t *)&far, NULL);
  weir_loop_run(&loop, UV_RUN_NOWAIT);
  end();
}

SPEC("a look may end itself, the next one, and one that was, and begin others") {
  begin();
  named_watch c = {.name = 'c', .looks = 9}, d = {.name = 'd', .looks = 1};
  named_watch b = {.name = 'b', .looks = 1, .ends = &c, .begins = &d};
  named_watch a = {.name = 'a', .looks = 2, .begins = &b};
  weir_loop_watch(&loop, &c.watch, look_named);
  weir_loop_watch(&loop, &b.watch, look_named);
  weir_loop_watch(&loop, &a.watch, look_named);
  weir_loop_run(&loop, UV_RUN_NOWAIT);
  CHECK_STRING(order, "ab");
  a.ends = &a;
  b.looks = 1;
  weir_loop_run(&loop, UV_RUN_NOWAIT);
  CHECK_STRING(order, "abda");
  weir_loop_unwatch(&loop, &a.watch);
  weir_loop_unwatch(&loop, &b.watch);
  CHECK(!loop.watches && !loop.idle_active);
  end();
}

SPEC("a run of one turn does not count those that only looked") {
  begin();
  named_watch a = {.name = 'a', .looks = 5, .happens = true}, b = {.name = 'b', .looks = 50};
  weir_loop_watch(&loop, &b.watch, look_named);
  weir_loop_watch(&loop, &a.watch, look_named);
  weir_loop_run(&loop, UV_RUN_ONCE);
  CHECK_STRING(order, "ababababab");
  weir_loop_unwatch(&loop, &b.watch);
  end();
}

/* --- timers ------------------------------------------------------------------------------------ */

typedef struct named_timer {
  weir_timer timer;
  char name;
  bool stops;       /* stops the loop */
  weir_timer *ends; /* ends that one */
  int fired, freed;
} named_timer;

static void on_fired(weir_timer *timer) {
  named_timer *it = timer->owner;
  note(it->name);
  it->fired++;
  if (it->stops) weir_loop_stop(&loop);
  if (it->ends) weir_timer_end(it->ends);
  weir_timer_end(timer);
}

static void on_freed(weir_timer *timer) {
  named_timer *it = timer->owner;
  it->freed++;
}

static void start(named_timer *it, uint64_t timeout_ms) {
  it->timer.owner = it;
  it->timer.fired = on_fired;
  it->timer.freed = on_freed;
  it->fired = it->freed = 0;
  CHECK_EQUAL(weir_timer_start(&it->timer, &loop, timeout_ms), 0);
}

SPEC("a timer fires once, is given back, and keeps the loop alive until then") {
  begin();
  named_timer a = {.name = 'a'};
  start(&a, 5);
  CHECK(weir_loop_run(&loop, UV_RUN_NOWAIT));
  CHECK_EQUAL(a.fired, 0);
  CHECK(!weir_loop_run(&loop, UV_RUN_DEFAULT));
  CHECK_EQUAL(a.fired, 1);
  CHECK_EQUAL(a.freed, 1);
  end();
}

SPEC("timers fire in the order of their times, and of their starts where those are equal") {
  begin();
  named_timer a = {.name = 'a'}, b = {.name = 'b'}, c = {.name = 'c'}, d = {.name = 'd'};
  start(&c, 20);
  start(&a, 1);
  start(&d, 20);
  start(&b, 10);
  weir_loop_run(&loop, UV_RUN_DEFAULT);
  CHECK_STRING(order, "abcd");
  end();
}

SPEC("a timer that is ended before does not fire, and is given back once") {
  begin();
  named_timer a = {.name = 'a'};
  start(&a, LONG_MS);
  weir_timer_end(&a.timer);
  weir_timer_end(&a.timer);
  CHECK_EQUAL(a.freed, 0);
  CHECK(!weir_loop_run(&loop, UV_RUN_DEFAULT));
  CHECK_EQUAL(a.fired, 0);
  CHECK_EQUAL(a.freed, 1);
  end();
}

SPEC("a timer may be ended by one that fires just before it") {
  begin();
  named_timer a = {.name = 'a'}, b = {.name = 'b'};
  start(&a, 5);
  start(&b, 5);
  a.ends = &b.timer;
  weir_loop_run(&loop, UV_RUN_DEFAULT);
  CHECK_STRING(order, "a");
  CHECK_EQUAL(b.freed, 1);
  end();
}

SPEC("ticks run between two timers of one moment") {
  begin();
  named_timer a = {.name = 'a'}, b = {.name = 'b'};
  named_tick t = {.name = 't'};
  start(&a, 5);
  start(&b, 5);
  push(&t);
  weir_loop_run(&loop, UV_RUN_DEFAULT);
  CHECK_STRING(order, "tab");
  CHECK(settled >= 3); /* at the start, and behind each timer */
  end();
}

SPEC("a loop that is over runs no tick and tells of no timer, and is not woken") {
  begin();
  named_timer a = {.name = 'a'};
  named_tick t = {.name = 't'}, u = {.name = 'u'};
  start(&a, 1);
  push(&t);
  loop.is_over = true;
  uint64_t began = uv_hrtime();
  while (uv_hrtime() - began < 5000000) uv_run(loop.handle, UV_RUN_NOWAIT);
  weir_loop_run_ticks(&loop);
  CHECK_STRING(order, "");
  loop.uv->idle_stop(loop.idle.uv.idle);
  loop.idle_active = false;
  push(&u);
  CHECK(!loop.idle_active);
  loop.is_over = false;
  weir_timer_end(&a.timer);
  weir_loop_run_ticks(&loop);
  CHECK_STRING(order, "tu");
  end();
}

enum { CHAIN = 1000 };
static named_timer chain[CHAIN];
static bool work_is_done;

static void start_next(weir_timer *timer) {
  named_timer *it = timer->owner;
  it->fired++;
  if (!work_is_done && it + 1 < chain + CHAIN) {
    start(it + 1, 0);
    it[1].timer.fired = start_next;
  }
  weir_timer_end(timer);
}

static void nothing(uv_work_t *work) {
  (void)work;
}
static void work_is_back(uv_work_t *work, int status) {
  (void)work;
  CHECK_EQUAL(status, 0);
  work_is_done = true;
}

SPEC("timers of 0 that start one another keep nothing else from happening") {
  begin();
  uv_work_t work;
  work_is_done = false;
  start(&chain[0], 0);
  chain[0].timer.fired = start_next;
  CHECK_EQUAL(uv_queue_work(loop.handle, &work, nothing, work_is_back), 0);
  weir_loop_run(&loop, UV_RUN_DEFAULT);
  CHECK_EQUAL(chain[CHAIN - 1].fired, 0);
  CHECK_EQUAL(chain[0].freed, 1);
  end();
}

/* --- running ----------------------------------------------------------------------------------- */

SPEC("stop makes run return with work left, which the next run does") {
  begin();
  named_timer a = {.name = 'a', .stops = true}, b = {.name = 'b'};
  start(&a, 1);
  start(&b, 30);
  CHECK(weir_loop_run(&loop, UV_RUN_DEFAULT));
  CHECK_STRING(order, "a");
  weir_loop_stop(&loop); /* nothing runs: this must not stop the next run */
  CHECK(!weir_loop_run(&loop, UV_RUN_DEFAULT));
  CHECK_STRING(order, "ab");
  end();
}

static double run_for(uint64_t timeout_ms, bool *done) {
  uint64_t began = uv_hrtime();
  *done = weir_loop_run_for(&loop, timeout_ms);
  return (double)(uv_hrtime() - began) / 1e6;
}

SPEC("run_for returns as soon as nothing is left") {
  begin();
  named_timer a = {.name = 'a'};
  start(&a, 5);
  bool done;
  CHECK(run_for(LONG_MS, &done) < 5000);
  CHECK(done);
  CHECK_EQUAL(a.freed, 1);
  end();
}

SPEC("run_for gives up after its time") {
  begin();
  named_timer a = {.name = 'a'};
  start(&a, LONG_MS);
  bool done;
  double took = run_for(30, &done);
  CHECK(took >= 29 && took < 5000);
  CHECK(!done);
  weir_timer_end(&a.timer);
  CHECK(weir_loop_run_for(&loop, LONG_MS));
  end();
}

/* --- closing ----------------------------------------------------------------------------------- */

static void sleep_a_little(uv_work_t *work) {
  (void)work;
  const struct timespec time = {.tv_nsec = 50000000};
  nanosleep(&time, NULL);
}

SPEC("a loop that something is still in flight on stays open") {
  begin();
  uv_loop_t *handle = loop.handle;
  uv_work_t work;
  work_is_done = false;
  CHECK_EQUAL(uv_queue_work(handle, &work, sleep_a_little, work_is_back), 0);
  CHECK(!weir_loop_close(&loop));
  uv_run(handle, UV_RUN_DEFAULT); /* it is left to the system; here, to us */
  CHECK(work_is_done);
  CHECK_EQUAL(uv_loop_close(handle), 0);
  free(handle);
  weir_core_deinit(&loop.core);
}

SPEC("loops come and go, and leave no memory") {
  long live = failing_alloc_live();
  for (int i = 0; i < 100; i++) {
    begin();
    named_timer a = {.name = 'a'};
    start(&a, 0);
    weir_loop_run(&loop, UV_RUN_DEFAULT);
    end();
  }
  CHECK_EQUAL(failing_alloc_live(), live);
}

SPEC("a loop that cannot be had for want of memory leaves nothing behind") {
  if (!failing_alloc_works()) SKIP("no allocation can be made to fail here");
  for (int sticky = 0; sticky <= 1; sticky++) {
    long nth = 0, live = failing_alloc_live();
    do {
      failing_alloc_begin(++nth, sticky);
      int error = weir_loop_open(&loop);
      failing_alloc_end();
      if (error) CHECK_EQUAL(error, UV_ENOMEM);
      else CHECK(weir_loop_close(&loop));
      CHECK_EQUAL(failing_alloc_live(), live);
    } while (failing_alloc_failed() && CHECK(nth < 100));
  }
}

SPEC("a loop that cannot be had for want of descriptors says so, and leaves nothing behind") {
  struct rlimit limit, none;
  CHECK_EQUAL(getrlimit(RLIMIT_NOFILE, &limit), 0);
  none = (struct rlimit){.rlim_cur = 3, .rlim_max = limit.rlim_max};
  long live = failing_alloc_live();
  CHECK_EQUAL(setrlimit(RLIMIT_NOFILE, &none), 0);
  int error = weir_loop_open(&loop);
  CHECK_EQUAL(setrlimit(RLIMIT_NOFILE, &limit), 0);
  CHECK_EQUAL(error, UV_EMFILE);
  CHECK_EQUAL(failing_alloc_live(), live);
}

static void run_nested(weir_tick *tick) {
  (void)tick;
  weir_loop_run(&loop, UV_RUN_NOWAIT);
}

static void nest(void) {
  weir_loop_open(&loop);
  weir_tick tick = {0};
  weir_ticks_push(&loop.core.ticks, &tick, run_nested);
  weir_loop_run(&loop, UV_RUN_NOWAIT);
}

SPEC("a run within a run is stopped there") {
  CHECK_ABORTS(nest);
}

int main(int argc, char **argv) {
  return check_main(argc, argv);
}
