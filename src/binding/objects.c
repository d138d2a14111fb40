/* objects.c - see objects.h.
** SPDX-License-Identifier: MIT
*/
#include "binding/objects.h"

/* Both tables get the key now, so that holding it never allocates. */
void weir_object_enter(weir_context *context, lua_State *L, const void *thing) {
  weir_context_push(context, L, WEIR_SLOT_STREAMS);
  lua_pushvalue(L, -2);
  lua_rawsetp(L, -2, thing);
  weir_context_push(context, L, WEIR_SLOT_HELD);
  lua_pushboolean(L, 0);
  lua_rawsetp(L, -2, thing);
  lua_pop(L, 2);
}

void weir_object_leave(weir_context *context, lua_State *L, const void *thing) {
  for (int slot = WEIR_SLOT_STREAMS; slot <= WEIR_SLOT_HELD; slot++) {
    weir_context_push(context, L, slot);
    lua_pushnil(L);
    lua_rawsetp(L, -2, thing);
    lua_pop(L, 1);
  }
}

bool weir_object_push(weir_context *context, lua_State *L, const void *thing) {
  weir_context_push(context, L, WEIR_SLOT_STREAMS);
  lua_rawgetp(L, -1, thing);
  lua_remove(L, -2);
  if (lua_isuserdata(L, -1)) return true;
  lua_pop(L, 1);
  return false;
}

void weir_object_hold(weir_context *context, lua_State *L, const void *thing, bool held) {
  weir_context_push(context, L, WEIR_SLOT_HELD);
  if (!held || !weir_object_push(context, L, thing)) lua_pushboolean(L, 0);
  lua_rawsetp(L, -2, thing);
  lua_pop(L, 1);
}
