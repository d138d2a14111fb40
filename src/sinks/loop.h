/* loop.h - the event loop of one Lua state: whose it is, its ticks, its timers.
**
** This is the one place that knows how a loop is got, driven and left. One idle handle keeps the
** loop from blocking exactly while ticks wait, or something is watched; it runs the ticks, as does
** the end of every callback of ours. Handles are made by handle.h, on every loop; a callback of
** libuv's ends like this:
**
**   static void on_read(uv_stream_t *stream, ...) {
**     weir_handle *handle = weir_handle_of((uv_handle_t *)stream);
**     weir_loop *loop = handle->loop;
**     ...
**     weir_loop_run_ticks(loop);
**   }
**
** Layer: sinks. Not thread safe.
** SPDX-License-Identifier: MIT
*/
#ifndef WEIR_SINKS_LOOP_H
#define WEIR_SINKS_LOOP_H

#include "sinks/handle.h"

#include "core/core.h"
#include "sinks/pool.h"

/* Something that will be seen to have happened, but wakes nobody. While it is watched the loop
** turns without blocking, and looks once in each turn.
*/
typedef struct weir_watch weir_watch;
struct weir_watch {
  weir_watch *next, *previous;
  bool (*look)(weir_watch *watch); /* whether to look again; NULL: it is not watched */
};

typedef struct weir_loop {
  weir_core core; /* what the streams on this loop share */
  const weir_uv_api *uv;
  uv_loop_t *handle;
  bool is_own;                    /* else somebody else made it, drives it and closes it */
  const weir_handle_maker *maker; /* of its handles; NULL: we are */
  void *maker_self;
  weir_handle idle;
  bool idle_active;
  weir_watch *watches, *next_watch; /* all; the one to be looked at next */
  weir_pool pool;                   /* our share of it */
  bool running;                     /* weir_loop_run is on the stack */
  uint64_t ending_by_ns;            /* the state closes, and must have by then; 0: it does not */
  bool is_over;                     /* all has been ended without it: it has nothing to tell */
  bool happened;                    /* something has, in this run: ticks were run */
  void (*settled)(void *owner);     /* called whenever no tick is left; NULL: nobody */
  void *owner;
} weir_loop;

/* Opens a loop of our own. Returns 0 or a libuv error, with nothing left behind. */
int weir_loop_open(weir_loop *loop);
/* Joins a loop that is somebody else's. `uv` is the libuv that made it; handles are made by
** `maker`, or by us if that is NULL. All of them outlive us. Returns 0 or a libuv error.
*/
int weir_loop_join(weir_loop *loop, uv_loop_t *handle, const weir_uv_api *uv,
                   const weir_handle_maker *maker, void *maker_self);
/* Closes what we hold of the loop, and the loop if it is our own. Returns false, with the loop left
** open for good, if something of ours is still in flight on it.
*/
bool weir_loop_close(weir_loop *loop);

/* Closes what we hold of a loop of somebody else's, without running it. The core is left for the
** caller to give back.
*/
void weir_loop_leave(weir_loop *loop);

/* Whether a loop of somebody else's has been closed by him. */
static inline bool weir_loop_is_dead(const weir_loop *loop) {
  return !loop->is_own && loop->uv->backend_fd(loop->handle) < 0;
}

/* Runs the ticks that wait. Every libuv callback of ours ends with it. */
void weir_loop_run_ticks(weir_loop *loop);

/* Sees to it that ticks which wait will be run, although somebody may have closed our handle. */
void weir_loop_wake(weir_loop *loop);

/* Begins to watch: `look` is called from within the loop, at the beginning of each turn, until it
** returns false. It may call anything; the watch must live until it is over. Does nothing if it is
** watched already.
*/
void weir_loop_watch(weir_loop *loop, weir_watch *watch, bool (*look)(weir_watch *watch));
/* Ends it. Does nothing if it is not watched. */
void weir_loop_unwatch(weir_loop *loop, weir_watch *watch);

/* Runs ticks and the loop as uv_run() does; turns that only looked at watches are none. Returns
** whether work is left. Must not be nested.
*/
bool weir_loop_run(weir_loop *loop, uv_run_mode mode);
/* Runs until nothing is left, or for `timeout_ms`. Returns whether nothing is left. */
bool weir_loop_run_for(weir_loop *loop, uint64_t timeout_ms);
/* Makes the current weir_loop_run return soon; nothing outside of one. */
void weir_loop_stop(weir_loop *loop);

/* A timer that fires once. */
typedef struct weir_timer weir_timer;
struct weir_timer {
  weir_handle handle;
  void (*fired)(weir_timer *timer);
  void (*freed)(weir_timer *timer); /* libuv is done with it: free it */
  void *owner;
};

/* Starts it, for at least 1 ms, as in Node. Returns 0 or a libuv error; on error it was never
** touched.
*/
int weir_timer_start(weir_timer *timer, weir_loop *loop, uint64_t timeout_ms);
/* Sets one that was started anew, fired or not. */
void weir_timer_again(weir_timer *timer, uint64_t timeout_ms);
/* It does not fire until it is set anew. */
void weir_timer_stop(weir_timer *timer);
/* Ends it, fired or not; `freed` follows, perhaps from within. Later calls do nothing. */
void weir_timer_end(weir_timer *timer);

#endif
