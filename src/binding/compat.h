/* compat.h - one dialect of Lua's C API: what 5.1, 5.2, 5.3, 5.4 and LuaJIT lack of each other.
**
** The only file, beside yieldable.c, that looks at LUA_VERSION_NUM. One 5.1 build serves LuaJIT
** too, so nothing here uses what only LuaJIT has.
**
** Layer: binding.
** SPDX-License-Identifier: MIT
*/
#ifndef WEIR_BINDING_COMPAT_H
#define WEIR_BINDING_COMPAT_H

/* Before any header of the system: uv.h needs what plain -std=c11 hides. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <lauxlib.h>
#include <lua.h>
#include <stdbool.h>
#include <stdint.h>

#if defined(__GNUC__)
#define WEIR_EXPORT __attribute__((visibility("default")))
#else
#define WEIR_EXPORT
#endif

/* What a lua_CFunction returns: the number of values on top of the stack. */
typedef int lua_results;

#ifndef LUA_OK
#define LUA_OK 0
#endif

#if LUA_VERSION_NUM < 502
#ifndef lua_rawlen
#define lua_rawlen(L, i) lua_objlen((L), (i))
#endif
#undef lua_absindex
#define lua_absindex weir_absindex
static inline int weir_absindex(lua_State *L, int index) {
  return index > 0 || index <= LUA_REGISTRYINDEX ? index : lua_gettop(L) + index + 1;
}
#define lua_getuservalue(L, i) lua_getfenv((L), (i))
#define lua_setuservalue(L, i) lua_setfenv((L), (i))
#undef luaL_setfuncs
#define luaL_setfuncs weir_setfuncs
static inline void weir_setfuncs(lua_State *L, const luaL_Reg *functions, int upvalues) {
  luaL_checkstack(L, upvalues + 1, "too many upvalues");
  for (; functions->name; functions++) {
    for (int i = 0; i < upvalues; i++) lua_pushvalue(L, -upvalues);
    lua_pushcclosure(L, functions->func, upvalues);
    lua_setfield(L, -(upvalues + 2), functions->name);
  }
  lua_pop(L, upvalues);
}
#undef lua_rawgetp
#define lua_rawgetp weir_rawgetp
static inline void weir_rawgetp(lua_State *L, int index, const void *key) {
  index = lua_absindex(L, index);
  lua_pushlightuserdata(L, (void *)(uintptr_t)key);
  lua_rawget(L, index);
}
#undef lua_rawsetp
#define lua_rawsetp weir_rawsetp
static inline void weir_rawsetp(lua_State *L, int index, const void *key) {
  index = lua_absindex(L, index);
  lua_pushlightuserdata(L, (void *)(uintptr_t)key);
  lua_insert(L, -2);
  lua_rawset(L, index);
}
#endif

#if LUA_VERSION_NUM < 504
#define weir_newuserdata(L, size) lua_newuserdata((L), (size))
#else
#define weir_newuserdata(L, size) lua_newuserdatauv((L), (size), 1)
#endif

#if LUA_VERSION_NUM >= 503
/* Whether the number at `index` is written as an integer by `..`; if so, it is stored. */
static inline bool weir_is_written_as_integer(lua_State *L, int index, int64_t *value) {
  if (!lua_isinteger(L, index)) return false;
  *value = (int64_t)lua_tointeger(L, index);
  return true;
}
static inline void weir_push_count(lua_State *L, uint64_t count) {
  if (count <= (uint64_t)LUA_MAXINTEGER) lua_pushinteger(L, (lua_Integer)count);
  else lua_pushnumber(L, (lua_Number)count);
}
#else
/* "%.14g" writes whole numbers of up to 14 digits as such. */
static inline bool weir_is_written_as_integer(lua_State *L, int index, int64_t *value) {
  lua_Number number = lua_tonumber(L, index);
  if (!(number > -1e14 && number < 1e14)) return false;
  *value = (int64_t)number;
  if ((lua_Number)*value < number || (lua_Number)*value > number) return false;
  return *value != 0 || 1 / number > 0; /* -0 is written "-0" */
}
static inline void weir_push_count(lua_State *L, uint64_t count) {
  lua_pushnumber(L, (lua_Number)count);
}
#endif

#endif
