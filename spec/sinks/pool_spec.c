/* pool_spec.c - turns are given in order and leave a thread to others; bets that are lost are made less
** often.
** SPDX-License-Identifier: MIT
*/
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "sinks/pool.h"

#include <stdlib.h>
#include <string.h>

#include "support/check.h"

/* --- turns ------------------------------------------------------------------------------------- */

typedef struct named_turn {
  weir_pool_turn turn;
  char name;
} named_turn;

static char begun[64];

static void note(weir_pool_turn *turn) {
  size_t length = strlen(begun);
  if (CHECK(length + 1 < sizeof begun)) begun[length] = ((named_turn *)turn)->name;
}

static void take(weir_pool *pool, named_turn *turn, char name) {
  turn->name = name;
  weir_pool_take_turn(pool, &turn->turn, note);
}

/* The size of the pool is read once in a process, and main() has set it to 4. */
SPEC("three of four threads are given away; the fourth job waits, and begins when one is back") {
  weir_pool pool = {0};
  named_turn turns[5] = {0};
  memset(begun, 0, sizeof begun);
  for (int i = 0; i < 5; i++) take(&pool, &turns[i], (char)('a' + i));
  CHECK_STRING(begun, "abc");
  CHECK(turns[3].turn.waits && turns[4].turn.waits && !turns[2].turn.waits);
  weir_pool_end_turn(&pool);
  CHECK_STRING(begun, "abcd");
  take(&pool, &turns[0], 'A'); /* whoever comes again goes to the end of the line */
  CHECK_STRING(begun, "abcd");
  weir_pool_end_turn(&pool);
  weir_pool_end_turn(&pool);
  CHECK_STRING(begun, "abcdeA");
  for (int i = 0; i < 3; i++) weir_pool_end_turn(&pool);
  CHECK_EQUAL(pool.out, 0);
}

SPEC("one that waits may leave the line, at its head, in it, and at its end") {
  weir_pool pool = {0};
  named_turn turns[7] = {0};
  memset(begun, 0, sizeof begun);
  for (int i = 0; i < 7; i++) take(&pool, &turns[i], (char)('a' + i));
  weir_pool_leave_line(&pool, &turns[0].turn); /* it does not wait: nothing happens */
  weir_pool_leave_line(&pool, &turns[3].turn);
  weir_pool_leave_line(&pool, &turns[5].turn);
  weir_pool_leave_line(&pool, &turns[6].turn);
  CHECK(!turns[6].turn.waits);
  take(&pool, &turns[6], 'G');
  for (int i = 0; i < 5; i++) weir_pool_end_turn(&pool);
  CHECK_STRING(begun, "abceG");
  CHECK_EQUAL(pool.out, 0);
  CHECK(!pool.first);
}

SPEC("a loop that has no turn out is always given one: nobody could wake it") {
  weir_pool greedy = {0}, other = {0};
  named_turn turns[5] = {0};
  memset(begun, 0, sizeof begun);
  for (int i = 0; i < 3; i++) take(&greedy, &turns[i], (char)('a' + i));
  take(&other, &turns[3], 'x');
  take(&other, &turns[4], 'y');
  CHECK_STRING(begun, "abcx");
  weir_pool_end_turn(&other);
  CHECK_STRING(begun, "abcxy");
  weir_pool_end_turn(&other);
  for (int i = 0; i < 3; i++) weir_pool_end_turn(&greedy);
}

/* --- bets -------------------------------------------------------------------------------------- */

SPEC("a bet that is lost four times in a row is made only now and then, until it is won") {
  weir_bet bet;
  weir_bet_init(&bet);
  for (int i = 0; i < 4; i++) {
    CHECK(weir_bet_pays(&bet));
    weir_bet_settle(&bet, false);
  }
  int made = 0;
  for (int i = 0; i < 320; i++) {
    if (!weir_bet_pays(&bet)) continue;
    made++;
    weir_bet_settle(&bet, false);
  }
  CHECK_EQUAL(made, 10);
  while (!weir_bet_pays(&bet)) continue;
  weir_bet_settle(&bet, true);
  for (int i = 0; i < 10; i++) CHECK(weir_bet_pays(&bet));
}

SPEC("a bet that is won twice as often as it is lost goes on") {
  weir_bet bet;
  weir_bet_init(&bet);
  for (int i = 0; i < 1000; i++) {
    CHECK(weir_bet_pays(&bet));
    weir_bet_settle(&bet, i % 3 != 0);
  }
}

SPEC("fewer threads wait awake than there are processors, or threads of the pool") {
  int spinning = 0;
  while (spinning < 100 && weir_pool_begin_spin()) spinning++;
  CHECK(spinning <= 3);
  CHECK(!weir_pool_begin_spin());
  if (!weir_pool_may_spin()) CHECK_EQUAL(spinning, 0);
  if (spinning > 0) {
    weir_pool_end_spin();
    CHECK(weir_pool_begin_spin());
  }
  for (; spinning > 0; spinning--) weir_pool_end_spin();
}

SPEC("whoever lets others go on, and waits long for it, sleeps instead for a while") {
  weir_yield yield = {0};
  CHECK(weir_pool_yield(&yield)); /* however long that took: */
  yield.not_before_ns = weir_pool_now_ns() + UINT64_C(60000000000);
  CHECK(!weir_pool_yield(&yield));
  yield.not_before_ns = weir_pool_now_ns();
  CHECK(weir_pool_yield(&yield));
}

int main(int argc, char **argv) {
  setenv("UV_THREADPOOL_SIZE", "4", 1);
  return check_main(argc, argv);
}
