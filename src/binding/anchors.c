/* anchors.c - see anchors.h.
** SPDX-License-Identifier: MIT
*/
#include "binding/anchors.h"

#include <limits.h>
#include <stdlib.h>

#include "core/assert.h"

enum { FIRST_CAPACITY = 4 };

void weir_anchors_init(weir_anchors *anchors) {
  *anchors = (weir_anchors){0};
}

void weir_anchors_deinit(weir_anchors *anchors) {
  free(anchors->free);
  *anchors = (weir_anchors){0};
}

/* Room for every slot there is to be given back, so that giving back never allocates. */
static bool make_room(weir_anchors *anchors) {
  uint32_t slots = anchors->slots;
  bool is_full = slots == 0 || (slots >= FIRST_CAPACITY && (slots & (slots - 1)) == 0);
  if (!is_full) return true;
  if (slots >= INT_MAX / 2) return false;
  uint32_t capacity = slots ? slots * 2 : FIRST_CAPACITY; /* powers of two: full at each of them */
  uint32_t *grown = realloc(anchors->free, capacity * sizeof *grown);
  if (!grown) return false;
  anchors->free = grown;
  return true;
}

void weir_anchors_reserve(weir_anchors *anchors, lua_State *L, int table, uint32_t count) {
  if (table < 0) table = lua_absindex(L, table);
  while (anchors->free_count < count) {
    if (!make_room(anchors)) luaL_error(L, "not enough memory");
    lua_pushboolean(L, 0);
    lua_rawseti(L, table, (int)(anchors->slots + 1));
    anchors->free[anchors->free_count++] = ++anchors->slots;
  }
}

uint32_t weir_anchors_hold(weir_anchors *anchors, lua_State *L, int table) {
  WEIR_ASSERT(anchors->free_count > 0);
  uint32_t anchor = anchors->free[--anchors->free_count];
  lua_rawseti(L, table, (int)anchor);
  return anchor;
}

void weir_anchors_drop(weir_anchors *anchors, lua_State *L, int table, uint32_t anchor) {
  WEIR_ASSERT(anchor > 0 && anchor <= anchors->slots && anchors->free_count < anchors->slots);
  if (table < 0) table = lua_absindex(L, table);
  lua_pushboolean(L, 0);
  lua_rawseti(L, table, (int)anchor);
  anchors->free[anchors->free_count++] = anchor;
}
