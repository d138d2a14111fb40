/* pool_size_spec.c - how many turns are given, and whether anybody waits awake, by the size of libuv's pool
** and the number of processors. They are looked at once in a process, so each has one of its own here.
** SPDX-License-Identifier: MIT
*/
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "sinks/pool.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/check.h"

enum { TURNS = 1100 };

static void begin(weir_pool_turn *turn) {
  CHECK(!turn->waits);
}

/* How many of one loop's jobs begin at once. */
static int count_turns(void) {
  static weir_pool_turn turns[TURNS];
  weir_pool pool = {0};
  int count = 0;
  while (count < TURNS) {
    weir_pool_take_turn(&pool, &turns[count], begin);
    if (turns[count].waits) break;
    count++;
  }
  return count;
}

static bool one_turn(void) {
  return count_turns() == 1 && !weir_pool_begin_spin();
}

static bool three_turns(void) {
  return count_turns() == 3;
}

static bool most_turns(void) {
  return count_turns() == 1023;
}

/* Whether it is so in a process with a pool of that size; NULL: nobody has set one. */
static bool is_so(const char *size, bool (*question)(void)) {
  fflush(stdout);
  pid_t child = fork();
  if (child == 0) {
    if (size) setenv("UV_THREADPOOL_SIZE", size, 1);
    else unsetenv("UV_THREADPOOL_SIZE");
    exit(question() ? EXIT_SUCCESS : EXIT_FAILURE);
  }
  int status = -1;
  return child > 0 && waitpid(child, &status, 0) == child && status == 0;
}

SPEC("one thread of the pool is left to others, where there are several") {
  CHECK(is_so(NULL, three_turns));
  CHECK(is_so("4", three_turns));
}

SPEC("a pool of one thread, or of none that libuv would make, gives one turn, and nobody waits "
     "awake") {
  CHECK(is_so("1", one_turn));
  CHECK(is_so("0", one_turn));
  CHECK(is_so("many", one_turn));
}

SPEC("a pool is never larger than libuv makes it") {
  CHECK(is_so("100000", most_turns));
}

#ifdef __linux__
static bool nobody_spins(void) {
  cpu_set_t all, one;
  if (sched_getaffinity(0, sizeof all, &all) != 0) return false;
  size_t first = 0;
  while (!CPU_ISSET(first, &all)) first++;
  CPU_ZERO(&one);
  CPU_SET(first, &one);
  if (sched_setaffinity(0, sizeof one, &one) != 0) return false;
  return !weir_pool_may_spin() && !weir_pool_begin_spin();
}

SPEC("on one processor nobody waits awake") {
  CHECK(is_so("4", nobody_spins));
}
#endif

int main(int argc, char **argv) {
  return check_main(argc, argv);
}
