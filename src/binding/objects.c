/* objects.c - see objects.h.
** SPDX-License-Identifier: MIT
*/
#include "binding/objects.h"

void weir_object_push_meta(lua_State *L, const char *name, lua_CFunction gc,
                           const luaL_Reg *const *methods) {
  lua_createtable(L, 0, 6);
  lua_newtable(L);
  for (; *methods; methods++) luaL_setfuncs(L, *methods, 0);
  lua_setfield(L, -2, "__index");
  lua_pushcfunction(L, gc);
  lua_setfield(L, -2, "__gc");
  lua_pushstring(L, name);
  lua_pushvalue(L, -1);
  lua_setfield(L, -3, "__name");
  lua_setfield(L, -2, "__metatable");
}

uint32_t weir_object_enter(weir_context *context, lua_State *L, const void *thing) {
  weir_context_push(context, L, WEIR_SLOT_STREAMS);
  lua_pushvalue(L, -2);
  lua_rawsetp(L, -2, thing);
  lua_pop(L, 1);
  lua_pushboolean(L, 0); /* has its place now, so that holding never allocates */
  return weir_context_anchor(context, L);
}

void weir_object_leave(weir_context *context, lua_State *L, const void *thing, uint32_t holder) {
  weir_context_push(context, L, WEIR_SLOT_STREAMS);
  lua_pushnil(L);
  lua_rawsetp(L, -2, thing);
  lua_pop(L, 1);
  if (holder) weir_context_drop_anchor(context, L, holder);
}

bool weir_object_push(weir_context *context, lua_State *L, const void *thing) {
  weir_context_push(context, L, WEIR_SLOT_STREAMS);
  lua_rawgetp(L, -1, thing);
  lua_remove(L, -2);
  if (lua_isuserdata(L, -1)) return true;
  lua_pop(L, 1);
  return false;
}

bool weir_object_hold(weir_context *context, lua_State *L, const void *thing, uint32_t holder,
                      bool held) {
  weir_context_push(context, L, WEIR_SLOT_ANCHORS);
  held = held && weir_object_push(context, L, thing);
  if (!held) lua_pushboolean(L, 0);
  lua_rawseti(L, -2, (int)holder);
  lua_pop(L, 1);
  return held;
}
