/* tick_spec.c - ticks run in the order they were queued, all of them; the turn's end comes last.
** SPDX-License-Identifier: MIT
*/
#include "core/tick.h"

#include <stdlib.h>
#include <string.h>

#include "support/check.h"

/* A tick that writes its name down, and then does what it was told. */
typedef struct named_tick named_tick;
struct named_tick {
  weir_tick tick;
  char name;
  void (*act)(named_tick *self);
};

static weir_ticks ticks;
static char order[64];
static int wakes;
static named_tick a = {.name = 'a'}, b = {.name = 'b'}, c = {.name = 'c'}, z = {.name = 'z'};

static void run_named(weir_tick *tick) {
  named_tick *self = WEIR_TICK_OWNER(tick, named_tick, tick);
  size_t length = strlen(order);
  if (CHECK(length + 1 < sizeof order)) order[length] = self->name;
  if (self->act) self->act(self);
}

static void count_wake(void *waker) {
  CHECK(waker == order);
  wakes++;
}

static void begin(void) {
  memset(order, 0, sizeof order);
  wakes = 0;
  weir_ticks_init(&ticks, count_wake, order);
  named_tick *all[] = {&a, &b, &c, &z};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
    all[i]->tick = (weir_tick){0};
    all[i]->act = NULL;
  }
}

static void push(named_tick *named) {
  weir_ticks_push(&ticks, &named->tick, run_named);
}

static void push_turn_end(named_tick *named) {
  weir_ticks_push_turn_end(&ticks, &named->tick, run_named);
}

SPEC("ticks run first in, first out") {
  begin();
  push(&b);
  push(&a);
  push(&c);
  weir_ticks_run(&ticks);
  CHECK_STRING(order, "bac");
}

SPEC("a tick knows whether it is queued, also as the only and as the last one") {
  begin();
  CHECK(!weir_tick_is_queued(&a.tick));
  push(&a);
  CHECK(weir_tick_is_queued(&a.tick));
  push(&b);
  CHECK(weir_tick_is_queued(&a.tick));
  CHECK(weir_tick_is_queued(&b.tick));
  weir_ticks_run(&ticks);
  CHECK(!weir_tick_is_queued(&a.tick));
  CHECK(!weir_tick_is_queued(&b.tick));
}

SPEC("the turn's end comes when no tick is left, whatever was queued first") {
  begin();
  push_turn_end(&z);
  push(&a);
  push(&b);
  weir_ticks_run(&ticks);
  CHECK_STRING(order, "abz");
}

static void push_b(named_tick *self) {
  (void)self;
  push(&b);
}

SPEC("a tick that is queued by a tick runs in the same run, before the turn's end") {
  begin();
  a.act = push_b;
  push_turn_end(&z);
  push(&a);
  push(&c);
  weir_ticks_run(&ticks);
  CHECK_STRING(order, "acbz");
}

SPEC("a tick that is queued at the turn's end still runs, before the next turn's end") {
  begin();
  z.act = push_b;
  push_turn_end(&z);
  push_turn_end(&c);
  weir_ticks_run(&ticks);
  CHECK_STRING(order, "zbc");
  CHECK(!weir_ticks_pending(&ticks));
}

static void push_turn_end_c(named_tick *self) {
  (void)self;
  push_turn_end(&c);
}
static void push_self_at_turn_end(named_tick *self) {
  push_turn_end(self);
}

SPEC("turn-end work that is queued meanwhile waits for the next run: the loop gets its turn") {
  begin();
  push_turn_end(&a);
  push_turn_end(&z);
  push(&b);
  a.act = push_self_at_turn_end;
  z.act = push_turn_end_c;
  weir_ticks_run(&ticks);
  CHECK_STRING(order, "baz");
  CHECK(weir_ticks_pending(&ticks));
  weir_ticks_run(&ticks);
  CHECK_STRING(order, "bazac");
  CHECK(weir_tick_is_queued(&a.tick));
  CHECK(!weir_tick_is_queued(&c.tick));
}

static void free_self(named_tick *self) {
  free(self);
}

SPEC("a tick may be freed while it runs") {
  begin();
  named_tick *freed = calloc(1, sizeof *freed), *last = calloc(1, sizeof *last);
  if (!CHECK(freed && last)) return;
  freed->act = last->act = free_self;
  freed->name = 'x';
  last->name = 'y';
  push_turn_end(freed);
  push_turn_end(last);
  weir_ticks_run(&ticks);
  CHECK_STRING(order, "xy");
}

static void push_self_twice(named_tick *self) {
  if (strlen(order) < 3) push(self);
}

SPEC("a tick may queue itself again while it runs") {
  begin();
  a.act = push_self_twice;
  push(&a);
  weir_ticks_run(&ticks);
  CHECK_STRING(order, "aaa");
}

static void push_b_and_run(named_tick *self) {
  (void)self;
  push(&b);
  weir_ticks_run(&ticks);
  CHECK_STRING(order, "a");
}

SPEC("a run within a tick does nothing: the outer one goes on") {
  begin();
  a.act = push_b_and_run;
  push(&a);
  weir_ticks_run(&ticks);
  CHECK_STRING(order, "ab");
}

SPEC("the waker is called when the first tick comes, and not for those behind it") {
  begin();
  push(&a);
  CHECK_EQUAL(wakes, 1);
  push(&b);
  push_turn_end(&z);
  CHECK_EQUAL(wakes, 1);
  weir_ticks_run(&ticks);
  push_turn_end(&z);
  CHECK_EQUAL(wakes, 2);
  push(&a);
  CHECK_EQUAL(wakes, 2);
  weir_ticks_run(&ticks);
}

SPEC("no waker is needed") {
  begin();
  weir_ticks_init(&ticks, NULL, NULL);
  push(&a);
  weir_ticks_run(&ticks);
  CHECK_STRING(order, "a");
}

SPEC("something is pending from the first push until all has run") {
  begin();
  CHECK(!weir_ticks_pending(&ticks));
  push_turn_end(&z);
  CHECK(weir_ticks_pending(&ticks));
  weir_ticks_run(&ticks);
  CHECK(!weir_ticks_pending(&ticks));
  push(&a);
  CHECK(weir_ticks_pending(&ticks));
  weir_ticks_run(&ticks);
  CHECK(!weir_ticks_pending(&ticks));
}

SPEC("running without ticks does nothing") {
  begin();
  weir_ticks_run(&ticks);
  CHECK_STRING(order, "");
  CHECK_EQUAL(wakes, 0);
}

static void push_twice(void) {
  begin();
  push(&a);
  push(&a);
}

SPEC("a tick that is queued cannot be queued again") {
  CHECK_ABORTS(push_twice);
}

int main(int argc, char **argv) {
  return check_main(argc, argv);
}
