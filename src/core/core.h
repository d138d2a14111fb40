/* core.h - what all streams of one Lua state and one loop share.
**
** Layer: core. Not thread safe.
** SPDX-License-Identifier: MIT
*/
#ifndef WEIR_CORE_CORE_H
#define WEIR_CORE_CORE_H

#include "core/host.h"
#include "core/queue.h"
#include "core/slab.h"
#include "core/tick.h"

/* Sink calls may nest when one stream's sink writes into another. Deeper than this the work waits
** for a tick: LuaJIT has no guard of its own for the C stack.
*/
enum { WEIR_SINK_DEPTH_MAX = 32 };

typedef struct weir_core {
  weir_ticks ticks;
  weir_slab_pool slabs;
  weir_entry_pool entries;
  weir_queue_supply queues;
  const weir_host *host;    /* who is told of all of them; NULL: there was none yet */
  uint64_t (*now_ns)(void); /* a monotonic clock */
  unsigned sink_depth;      /* sink calls on the stack now */
  uint64_t turn_ns, turn;   /* when this turn's time was first asked for, and which turn that was */
} weir_core;

/* The time, asked of the clock once in each turn. */
static inline uint64_t weir_core_turn_ns(weir_core *core) {
  if (core->turn != core->ticks.turns || core->turn_ns == 0) {
    core->turn = core->ticks.turns;
    core->turn_ns = core->now_ns();
  }
  return core->turn_ns;
}

static inline void weir_core_init(weir_core *core, uint64_t (*now_ns)(void)) {
  *core = (weir_core){.now_ns = now_ns};
  weir_ticks_init(&core->ticks, NULL, NULL);
  weir_slab_pool_init(&core->slabs);
  weir_entry_pool_init(&core->entries);
  core->queues = (weir_queue_supply){.slabs = &core->slabs, .entries = &core->entries};
}

static inline void weir_core_deinit(weir_core *core) {
  weir_slab_pool_deinit(&core->slabs);
  weir_entry_pool_deinit(&core->entries);
}

#endif
