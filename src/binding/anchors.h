/* anchors.h - keeps Lua values alive for the core: it carries a number, a table holds the value.
**
** Slots are handed out by a list of free ones on the C side, so holding a value costs one table
** write and giving it back another, and giving back can neither fail nor allocate. A slot that is
** free holds `false`.
**
** Layer: binding.
** SPDX-License-Identifier: MIT
*/
#ifndef WEIR_BINDING_ANCHORS_H
#define WEIR_BINDING_ANCHORS_H

#include "binding/compat.h"

typedef struct weir_anchors {
  uint32_t *free; /* slots that were given back; NULL: there are none at all */
  uint32_t free_count;
  uint32_t slots; /* slots ever handed out: 1 .. slots */
} weir_anchors;

void weir_anchors_init(weir_anchors *anchors);
void weir_anchors_deinit(weir_anchors *anchors);

/* Sees to it that the next `count` holds in the table at `table` neither raise nor allocate. Raises
** "not enough memory".
*/
void weir_anchors_reserve(weir_anchors *anchors, lua_State *L, int table, uint32_t count);
/* Holds the value on top of the stack in the table at `table`, and pops it; there must be a
** reserve. Returns its anchor, never 0.
*/
uint32_t weir_anchors_hold(weir_anchors *anchors, lua_State *L, int table);
/* Pushes what an anchor holds. */
static inline void weir_anchors_push(lua_State *L, int table, uint32_t anchor) {
  lua_rawgeti(L, table, (int)anchor);
}
/* Lets go of it. Never raises. */
void weir_anchors_drop(weir_anchors *anchors, lua_State *L, int table, uint32_t anchor);

#endif
