/* anchors.h - keeps Lua values alive for the core: it carries a number, a table holds the value.
**
** Slots are handed out from a list of free ones, each of which holds the next: holding a value and
** giving it back cost a table write or two, and giving back can neither fail nor allocate.
**
** In a table that has other things too, their keys are negative. Others would move into its array
** as it grows, and LuaJIT and Lua 5.1 grow a table in two steps: where the second lacks memory,
** what has not moved is not found any more.
**
** Layer: binding.
** SPDX-License-Identifier: MIT
*/
#ifndef WEIR_BINDING_ANCHORS_H
#define WEIR_BINDING_ANCHORS_H

#include "binding/compat.h"

#define WEIR_ANCHOR_ASK UINT32_MAX

typedef struct weir_anchors {
  uint32_t slots; /* the last slot there is */
  uint32_t free;  /* the first one that is free; 0: none */
  uint32_t next;  /* the one behind it, or WEIR_ANCHOR_ASK: its slot says it */
  uint32_t free_count : 31;
  uint32_t flips : 1; /* a key is its slot with all bits turned */
} weir_anchors;

/* In a table of their own. */
void weir_anchors_init(weir_anchors *anchors);
/* In a table of others, of whom nobody has keys below `lowest`, which is negative. */
void weir_anchors_init_below(weir_anchors *anchors, int lowest);

/* Sees to it that the next `count` holds in the table at `table` neither raise nor allocate. Raises
** "not enough memory".
*/
void weir_anchors_reserve(weir_anchors *anchors, lua_State *L, int table, uint32_t count);
/* Holds the value on top of the stack in the table at `table`, and pops it; there must be a
** reserve. Returns its anchor, never 0. Needs a free stack slot.
*/
uint32_t weir_anchors_hold(weir_anchors *anchors, lua_State *L, int table);
/* Where an anchor's value is. */
static inline int weir_anchors_key(const weir_anchors *anchors, uint32_t slot) {
  return (int)(anchors->flips ? ~slot : slot);
}
/* Pushes what an anchor holds. */
static inline void weir_anchors_push(const weir_anchors *anchors, lua_State *L, int table,
                                     uint32_t anchor) {
  lua_rawgeti(L, table, weir_anchors_key(anchors, anchor));
}
/* Lets go of it. Never raises. */
void weir_anchors_drop(weir_anchors *anchors, lua_State *L, int table, uint32_t anchor);

#endif
