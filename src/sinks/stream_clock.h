/* stream_clock.h - the time limits of one stream: one timer for all, made at the first need.
**
** Setting a limit anew costs a store: the timer is left alone and looks at the limits when it
** fires.
**
** Layer: sinks. Not thread safe.
** SPDX-License-Identifier: MIT
*/
#ifndef WEIR_SINKS_STREAM_CLOCK_H
#define WEIR_SINKS_STREAM_CLOCK_H

#include "sinks/loop.h"

typedef enum weir_limit {
  WEIR_LIMIT_WRITE,  /* nothing was written for too long */
  WEIR_LIMIT_LINGER, /* the peer has not ended for too long */
  WEIR_LIMIT_DROP,   /* the same, whatever it sends, where the state closes */
  WEIR_LIMIT_IDLE,   /* no byte either way */
  WEIR_LIMIT_COUNT
} weir_limit;

typedef struct weir_stream_clock weir_stream_clock;

/* NULL without memory. `reached` is told of each limit, once. */
weir_stream_clock *
weir_stream_clock_new(weir_loop *loop, void (*reached)(void *owner, weir_limit limit), void *owner);
/* Ends it; nothing is reached any more. `clock` may be NULL. */
void weir_stream_clock_end(weir_stream_clock *clock);

/* The limit is `timeout_ms` from now; 0: there is none. */
void weir_stream_clock_set(weir_stream_clock *clock, weir_limit limit, uint64_t timeout_ms);
/* The same for WEIR_LIMIT_IDLE, which each touch puts off by that time. */
void weir_stream_clock_set_idle(weir_stream_clock *clock, uint64_t timeout_ms);
void weir_stream_clock_touch(weir_stream_clock *clock);
/* Whether it keeps the loop running; at first it does not. */
void weir_stream_clock_set_ref(weir_stream_clock *clock, bool on);

#endif
