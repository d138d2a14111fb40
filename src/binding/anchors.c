/* anchors.c - see anchors.h.
** SPDX-License-Identifier: MIT
*/
#include "binding/anchors.h"

#include <limits.h>

#include "core/assert.h"

void weir_anchors_init(weir_anchors *anchors) {
  *anchors = (weir_anchors){.next = WEIR_ANCHOR_ASK};
}

void weir_anchors_init_below(weir_anchors *anchors, int lowest) {
  weir_anchors_init(anchors);
  anchors->flips = 1;
  anchors->slots = ~(uint32_t)lowest; /* whose key that would be */
}

/* The slot must be there, so that this allocates nothing. */
static void set_free(weir_anchors *anchors, lua_State *L, int table, uint32_t slot) {
  lua_pushinteger(L, (lua_Integer)anchors->free);
  lua_rawseti(L, table, weir_anchors_key(anchors, slot));
  anchors->next = anchors->free;
  anchors->free = slot;
  anchors->free_count++;
}

void weir_anchors_reserve(weir_anchors *anchors, lua_State *L, int table, uint32_t count) {
  if (table < 0) table = lua_absindex(L, table);
  while (anchors->free_count < count) {
    if (anchors->slots >= INT_MAX) luaL_error(L, "not enough memory");
    lua_pushboolean(L, 0);
    lua_rawseti(L, table, weir_anchors_key(anchors, anchors->slots + 1)); /* may raise */
    set_free(anchors, L, table, ++anchors->slots);
  }
}

uint32_t weir_anchors_hold(weir_anchors *anchors, lua_State *L, int table) {
  WEIR_ASSERT(anchors->free_count > 0);
  uint32_t anchor = anchors->free;
  if (table < 0) table = lua_absindex(L, table);
  if (anchors->next == WEIR_ANCHOR_ASK) {
    weir_anchors_push(anchors, L, table, anchor);
    anchors->next = (uint32_t)lua_tointeger(L, -1);
    lua_pop(L, 1);
  }
  anchors->free = anchors->next;
  anchors->next = WEIR_ANCHOR_ASK;
  anchors->free_count--;
  lua_rawseti(L, table, weir_anchors_key(anchors, anchor));
  return anchor;
}

void weir_anchors_drop(weir_anchors *anchors, lua_State *L, int table, uint32_t anchor) {
  WEIR_ASSERT(anchor > 0 && anchor <= anchors->slots && anchors->free_count < anchors->slots);
  if (table < 0) table = lua_absindex(L, table);
  set_free(anchors, L, table, anchor);
}
