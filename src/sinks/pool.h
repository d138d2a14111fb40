/* pool.h - sharing the threads of libuv's pool, which is one for the whole process.
**
** A job that may keep its thread busy for long (the writing of a file) takes a turn: all turns of a
** process together leave one thread of the pool to everybody else. And it may wait awake for more
** work, if there are processors to spare and if it has paid so far.
**
** Layer: sinks. A weir_pool belongs to one loop and its thread; the rest is as it says.
** SPDX-License-Identifier: MIT
*/
#ifndef WEIR_SINKS_POOL_H
#define WEIR_SINKS_POOL_H

#include <stdbool.h>
#include <stdint.h>

/* --- turns --- */

typedef struct weir_pool_turn weir_pool_turn;
struct weir_pool_turn {
  weir_pool_turn *next;
  void (*begin)(weir_pool_turn *turn); /* its time has come: send the job */
  bool waits;
};

/* The turns of one loop. One waits only while another one of the same loop is out, so whoever comes
** back on this loop can wake it.
*/
typedef struct weir_pool {
  unsigned out;
  weir_pool_turn *first, *last;
} weir_pool;

/* Asks for a turn: `begin` is called, now or when another one has ended. */
void weir_pool_take_turn(weir_pool *pool, weir_pool_turn *turn,
                         void (*begin)(weir_pool_turn *turn));
/* The job is back. The first of those that wait begins. */
void weir_pool_end_turn(weir_pool *pool);
/* One that waits will never begin. Does nothing if it does not wait. */
void weir_pool_leave_line(weir_pool *pool, weir_pool_turn *turn);

/* --- waiting awake --- */

/* Whether it pays to wait awake for something: what a bet has won and lost so far. One thread. */
typedef struct weir_bet {
  uint8_t score, skipped;
} weir_bet;

/* Good until it is lost. */
void weir_bet_init(weir_bet *bet);
/* Whether to bet. One that has lost too often is tried now and then. */
bool weir_bet_pays(weir_bet *bet);
void weir_bet_settle(weir_bet *bet, bool won);

/* Whether this machine, as this process may use it, has a processor for one who waits awake. Any
** thread.
*/
bool weir_pool_may_spin(void);
/* The same for a thread of the pool; then weir_pool_end_spin must follow. Any thread. */
bool weir_pool_begin_spin(void);
void weir_pool_end_spin(void);

/* The number of the processor that the calling thread is on; negative: unknown. Any thread. */
int weir_pool_processor(void);

/* Two who wait awake for each other on one processor: each lets the other one go on. */
typedef struct weir_yield {
  uint64_t not_before_ns;
} weir_yield;

/* Lets others have the processor, who are not expected to need it for long. Returns false, with
** nothing done, if the last time they kept it: then sleeping is better. Any thread.
*/
bool weir_pool_yield(weir_yield *yield);

/* A monotonic clock. Any thread. */
uint64_t weir_pool_now_ns(void);

/* Spares the processor while one looks again and again. */
static inline void weir_pool_relax(void) {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

#endif
