/* subclass.c - see subclass.h.
** SPDX-License-Identifier: MIT
*/
#include "binding/subclass.h"

#include "binding/lua_stream.h"

/* --- fields --- */

/* Pushes what the table on top of the stack has for the key at 2, in its place; whether it has. */
static bool look_up(lua_State *L) {
  lua_pushvalue(L, 2);
  lua_rawget(L, -2);
  lua_remove(L, -2);
  if (!lua_isnil(L, -1)) return true;
  lua_pop(L, 1);
  return false;
}

/* __index. Upvalues: the methods of the class, and those of all streams. */
static lua_results get_field(lua_State *L) {
  if (weir_stream_box_test(L, 1)) {
    lua_getuservalue(L, 1);
    lua_rawgeti(L, -1, WEIR_FIELD_FIELDS);
    if (lua_istable(L, -1) && look_up(L)) return 1;
  }
  lua_settop(L, 2);
  lua_pushvalue(L, lua_upvalueindex(1));
  if (look_up(L)) return 1;
  lua_pushvalue(L, lua_upvalueindex(2));
  return look_up(L) ? 1 : 0;
}

/* __newindex */
static lua_results set_field(lua_State *L) {
  weir_lua_stream_check(L, 1, "__newindex");
  lua_settop(L, 3);
  lua_getuservalue(L, 1);
  lua_rawgeti(L, 4, WEIR_FIELD_FIELDS);
  if (!lua_istable(L, 5)) {
    lua_newtable(L);
    lua_replace(L, 5);
    lua_pushvalue(L, 5);
    lua_rawseti(L, 4, WEIR_FIELD_FIELDS);
  }
  lua_pushvalue(L, 2);
  lua_pushvalue(L, 3);
  lua_rawset(L, 5);
  return 0;
}

/* --- classes --- */

/* subclass(name, methods) -> class: streams of it have these methods before those of all streams.
** It is a copy of their metatable, so it is to be made when nothing but fields is missing there.
*/
static lua_results subclass(lua_State *L) {
  weir_context *context = weir_context_of(L);
  luaL_checkstring(L, 1);
  luaL_checktype(L, 2, LUA_TTABLE);
  lua_settop(L, 2);
  lua_newtable(L); /* 3: the class */
  weir_context_push(context, L, WEIR_SLOT_STREAM_META);
  lua_pushnil(L);
  while (lua_next(L, 4)) {
    lua_pushvalue(L, -2);
    lua_insert(L, -2);
    lua_rawset(L, 3);
  }
  lua_pushvalue(L, 2);
  lua_getfield(L, 4, "__index");
  lua_pushcclosure(L, get_field, 2);
  lua_setfield(L, 3, "__index");
  lua_pushcfunction(L, set_field);
  lua_setfield(L, 3, "__newindex");
  lua_pushvalue(L, 1);
  lua_setfield(L, 3, "__name");
  lua_settop(L, 3);
  return 1;
}

/* Raises in the name of a method, at who has called it: `own` is called by the method. */
static lua_results bad_self(lua_State *L, const char *method) {
  luaL_checkstack(L, WEIR_STACK, NULL);
  luaL_where(L, 2);
  lua_getfield(L, 2, "__name");
  lua_pushfstring(L, "calling '%s' on bad self (%s expected)", method, lua_tostring(L, -1));
  lua_remove(L, -2);
  lua_concat(L, 2);
  return lua_error(L);
}

/* own(stream, class, method) -> the owner's table. Raises for what is no stream of that class. */
static lua_results own(lua_State *L) {
  const weir_stream_box *box = weir_stream_box_test(L, 1);
  luaL_checktype(L, 2, LUA_TTABLE);
  if (!box || !lua_getmetatable(L, 1)) return bad_self(L, luaL_checkstring(L, 3));
  bool is_of_class = lua_rawequal(L, -1, 2) != 0;
  lua_pop(L, 1);
  if (!is_of_class) return bad_self(L, luaL_checkstring(L, 3));
  if (!box->stream) weir_lua_stream_check(L, 1, luaL_checkstring(L, 3)); /* raises */
  lua_getuservalue(L, 1);
  lua_rawgeti(L, -1, WEIR_FIELD_OWN);
  return 1;
}

/* is_untouched(stream): nobody listens to it, waits for it, or has read of it. */
static lua_results is_untouched(lua_State *L) {
  const weir_lua_stream *stream = weir_lua_stream_check(L, 1, "is_untouched");
  const weir_readable *r = stream->core.readable;
  bool reads = r && (r->did_read || r->flow != WEIR_UNDECIDED || r->wish != WEIR_NO_WISH);
  lua_pushboolean(L, !stream->listened && !reads && !stream->watched);
  return 1;
}

const luaL_Reg weir_subclass_functions[] = {
    {"subclass", subclass},
    {"own", own},
    {"is_untouched", is_untouched},
    {NULL, NULL},
};
