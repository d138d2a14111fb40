/* pool.c - see pool.h.
** SPDX-License-Identifier: MIT
*/
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "sinks/pool.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "core/assert.h"

enum {
  THREADS_DEFAULT = 4,
  THREADS_MAX = 1024, /* libuv's own figures */
  SCORE_MAX = 8,
  SCORE_LOSS = 2,
  SCORE_COMEBACK = 4, /* what the first win of a hopeless bet is worth */
  TRY_EVERY = 32,
  YIELD_NS_MAX = 200000, /* longer than any write that one waits for awake */
  YIELD_REST = 64,       /* so what others keep of the time are 2 % */
};

/* --- what there is --- */

static pthread_once_t counted = PTHREAD_ONCE_INIT;
static unsigned turns_max, spins_max;
static bool processors_to_spare;

static long count_processors(void) {
#ifdef __linux__
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0) return CPU_COUNT(&set);
#endif
  return sysconf(_SC_NPROCESSORS_ONLN);
}

/* As libuv reads it, when its pool starts. */
static long count_threads(void) {
  const char *wanted = getenv("UV_THREADPOOL_SIZE");
  long threads = wanted ? atoi(wanted) : THREADS_DEFAULT;
  if (threads < 1) threads = 1;
  return threads > THREADS_MAX ? THREADS_MAX : threads;
}

static void count(void) {
  long processors = count_processors(), threads = count_threads();
  turns_max = threads > 1 ? (unsigned)threads - 1 : 1;
  processors_to_spare = processors > 1;
  if (threads < 2 || processors < 2) return;
  long spins = threads < processors ? threads : processors;
  spins_max = (unsigned)spins - 1;
}

/* --- turns --- */

static _Atomic unsigned turns_out;

static bool may_begin(weir_pool *pool) {
  if (pool->first) return false;
  pthread_once(&counted, count);
  if (atomic_fetch_add(&turns_out, 1) < turns_max || pool->out == 0) return true;
  atomic_fetch_sub(&turns_out, 1);
  return false;
}

void weir_pool_take_turn(weir_pool *pool, weir_pool_turn *turn,
                         void (*begin)(weir_pool_turn *turn)) {
  WEIR_ASSERT(!turn->waits);
  *turn = (weir_pool_turn){.begin = begin};
  if (may_begin(pool)) {
    pool->out++;
    begin(turn);
    return;
  }
  turn->waits = true;
  if (pool->first) pool->last->next = turn;
  else pool->first = turn;
  pool->last = turn;
}

static weir_pool_turn *shift(weir_pool *pool) {
  weir_pool_turn *turn = pool->first;
  if (!turn) return NULL;
  pool->first = turn->next;
  turn->next = NULL;
  turn->waits = false;
  return turn;
}

void weir_pool_end_turn(weir_pool *pool) {
  WEIR_ASSERT(pool->out > 0);
  weir_pool_turn *turn = shift(pool);
  if (turn) { /* it takes the place over */
    turn->begin(turn);
    return;
  }
  pool->out--;
  atomic_fetch_sub(&turns_out, 1);
}

void weir_pool_leave_line(weir_pool *pool, weir_pool_turn *turn) {
  if (!turn->waits) return;
  weir_pool_turn *before = NULL;
  for (weir_pool_turn *it = pool->first; it != turn; it = it->next) before = it;
  if (before) before->next = turn->next;
  else pool->first = turn->next;
  if (pool->last == turn) pool->last = before;
  *turn = (weir_pool_turn){.waits = false};
}

/* --- waiting awake --- */

void weir_bet_init(weir_bet *bet) {
  *bet = (weir_bet){.score = SCORE_MAX};
}

bool weir_bet_pays(weir_bet *bet) {
  if (bet->score > 0) return true;
  if (++bet->skipped < TRY_EVERY) return false;
  bet->skipped = 0;
  return true;
}

void weir_bet_settle(weir_bet *bet, bool won) {
  if (!won) bet->score = bet->score > SCORE_LOSS ? (uint8_t)(bet->score - SCORE_LOSS) : 0;
  else if (bet->score == 0) bet->score = SCORE_COMEBACK;
  else if (bet->score < SCORE_MAX) bet->score++;
}

bool weir_pool_may_spin(void) {
  pthread_once(&counted, count);
  return processors_to_spare;
}

static _Atomic unsigned spins_out;

bool weir_pool_begin_spin(void) {
  pthread_once(&counted, count);
  if (atomic_fetch_add_explicit(&spins_out, 1, memory_order_relaxed) < spins_max) return true;
  weir_pool_end_spin();
  return false;
}

void weir_pool_end_spin(void) {
  atomic_fetch_sub_explicit(&spins_out, 1, memory_order_relaxed);
}

int weir_pool_processor(void) {
#ifdef __linux__
  return sched_getcpu();
#else
  return -1;
#endif
}

bool weir_pool_yield(weir_yield *yield) {
  uint64_t began_ns = weir_pool_now_ns();
  if (began_ns < yield->not_before_ns) return false;
  sched_yield();
  uint64_t now_ns = weir_pool_now_ns();
  if (now_ns - began_ns > YIELD_NS_MAX) {
    yield->not_before_ns = now_ns + YIELD_REST * (now_ns - began_ns);
  }
  return true;
}

uint64_t weir_pool_now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}
