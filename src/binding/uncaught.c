/* uncaught.c - see uncaught.h and the last part of context.h.
** SPDX-License-Identifier: MIT
*/
#include "binding/uncaught.h"

/* --- the message handler --- */

static lua_results add_traceback(lua_State *L) {
  if (lua_type(L, 1) != LUA_TSTRING || !lua_isfunction(L, lua_upvalueindex(1))) {
    lua_settop(L, 1);
    return 1;
  }
  lua_settop(L, 1);
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_pushvalue(L, 1);
  lua_pushinteger(L, 2);
  lua_call(L, 2, 1);
  return 1;
}

/* debug.traceback is taken now: luaL_traceback is not in 5.1, and a script may clear `debug` later.
*/
void weir_uncaught_push_handler(lua_State *L) {
  lua_getglobal(L, "debug");
  if (lua_istable(L, -1)) {
    lua_getfield(L, -1, "traceback");
    lua_remove(L, -2);
  }
  lua_pushcclosure(L, add_traceback, 1);
}

/* Calls the function on top of the stack with the error at `error`; what that raises is dropped. */
static void hand_over(lua_State *L, int error) {
  lua_pushvalue(L, error);
  if (lua_pcall(L, 1, 0, 0) != LUA_OK) lua_pop(L, 1);
}

/* Gives the error on top of the stack to the function of weir.on_uncaught(), if there is one. */
static bool give_to_handler(weir_context *context, lua_State *L) {
  int error = lua_gettop(L);
  weir_context_push(context, L, WEIR_SLOT_ON_UNCAUGHT);
  bool has = lua_isfunction(L, -1);
  if (has) hand_over(L, error);
  lua_settop(L, error);
  return has;
}

/* --- calls from other people's loops --- */

/* Raises the value on top of the stack as text: hosts show it, and only that. */
static lua_results raise_text(lua_State *L) {
  if (lua_type(L, -1) == LUA_TSTRING) return lua_error(L);
  if (!luaL_callmeta(L, -1, "__tostring") || !lua_isstring(L, -1)) {
    lua_pushfstring(L, "(an error that is a %s)", luaL_typename(L, -1));
  }
  return lua_error(L);
}

/* function(function, ...): calls it. What it raises goes to weir.on_uncaught, else to the host. */
static lua_results guard(lua_State *L) {
  weir_context *context = lua_touserdata(L, lua_upvalueindex(1));
  int arguments = lua_gettop(L) - 1;
  weir_context_push(context, L, WEIR_SLOT_HANDLER);
  lua_insert(L, 1);
  if (lua_pcall(L, arguments, 0, 1) == LUA_OK || give_to_handler(context, L)) return 0;
  return raise_text(L);
}

/* Whether nobody but the host's loop has called us. */
static bool comes_from_loop(const weir_context *context, const lua_State *L) {
  return context->hook && context->calls == 0 && L == context->base;
}

static void call_by_hook(weir_context *context, lua_State *L, int arguments) {
  int function = lua_gettop(L) - arguments;
  weir_context_push(context, L, WEIR_SLOT_GUARD);
  lua_insert(L, function);
  context->calls++;
  context->hook(L, arguments + 1, 0, 0);
  context->calls--;
  lua_settop(L, function - 1);
}

bool weir_context_call(weir_context *context, lua_State *L, int arguments) {
  if (comes_from_loop(context, L)) {
    call_by_hook(context, L, arguments);
    return true;
  }
  int function = lua_gettop(L) - arguments;
  weir_context_push(context, L, WEIR_SLOT_HANDLER);
  lua_insert(L, function);
  bool had_memory = weir_context_call_handled(context, L, arguments, function);
  lua_settop(L, function - 1);
  return had_memory;
}

bool weir_context_call_handled(weir_context *context, lua_State *L, int arguments, int handler) {
  if (comes_from_loop(context, L)) {
    call_by_hook(context, L, arguments);
    return true;
  }
  context->calls++;
  int status = lua_pcall(L, arguments, 0, handler);
  context->calls--;
  if (status == LUA_OK) return true;
  weir_context_uncaught(context, L);
  lua_pop(L, 1);
  return status != LUA_ERRMEM;
}

/* --- keeping and raising --- */

/* function(error): appends to the list of the others. Its own function because it may raise. */
static lua_results add_other(lua_State *L) {
  weir_context *context = lua_touserdata(L, lua_upvalueindex(1));
  lua_settop(L, 1);
  weir_context_push(context, L, WEIR_SLOT_OTHERS);
  if (!lua_istable(L, 2)) {
    lua_newtable(L);
    lua_replace(L, 2);
    lua_pushvalue(L, 2);
    weir_context_set(context, L, WEIR_SLOT_OTHERS);
  }
  lua_pushvalue(L, 1);
  lua_rawseti(L, 2, (int)lua_rawlen(L, 2) + 1);
  return 0;
}

void weir_uncaught_open(weir_context *context, lua_State *L) {
  lua_pushlightuserdata(L, context);
  lua_pushcclosure(L, add_other, 1);
  weir_context_set(context, L, WEIR_SLOT_ADD_OTHER);
  lua_pushlightuserdata(L, context);
  lua_pushcclosure(L, guard, 1);
  weir_context_set(context, L, WEIR_SLOT_GUARD);
  lua_pushcfunction(L, raise_text);
  weir_context_set(context, L, WEIR_SLOT_RAISE);
}

/* Gives the error on top of the stack to who sees to the loop. Returns false if nobody does. */
static bool give_to_host(weir_context *context, lua_State *L) {
  int error = lua_gettop(L);
  bool given = true;
  if (context->kind == WEIR_LOOP_OWN) return false;
  if (give_to_handler(context, L)) return true;
  if (context->hook) {
    weir_context_push(context, L, WEIR_SLOT_RAISE);
    lua_pushvalue(L, error);
    context->hook(L, 1, 0, 0);
  } else {
    lua_pushliteral(L, "weir.uncaught"); /* see weir.h */
    lua_rawget(L, LUA_REGISTRYINDEX);
    given = lua_isfunction(L, -1);
    if (given) hand_over(L, error);
  }
  lua_settop(L, error);
  return given;
}

void weir_context_uncaught(weir_context *context, lua_State *L) {
  int error = lua_gettop(L);
  if (context->has_loop && give_to_host(context, L)) return;
  if (!context->has_uncaught) {
    context->has_uncaught = true;
    lua_pushvalue(L, error);
    weir_context_set(context, L, WEIR_SLOT_UNCAUGHT);
    if (context->has_loop) weir_loop_stop(&context->loop);
    return;
  }
  weir_context_push(context, L, WEIR_SLOT_ON_UNCAUGHT);
  if (!lua_isfunction(L, -1)) {
    lua_pop(L, 1);
    weir_context_push(context, L, WEIR_SLOT_ADD_OTHER);
  }
  hand_over(L, error);
  lua_settop(L, error);
}

static void clear(weir_context *context, lua_State *L, int slot) {
  lua_pushboolean(L, 0);
  weir_context_set(context, L, slot);
}

void weir_context_raise(weir_context *context, lua_State *L) {
  if (!context->has_uncaught) return;
  context->has_uncaught = false;
  weir_context_push(context, L, WEIR_SLOT_UNCAUGHT);
  weir_context_push(context, L, WEIR_SLOT_OTHERS);
  clear(context, L, WEIR_SLOT_UNCAUGHT);
  clear(context, L, WEIR_SLOT_OTHERS);
  if (lua_istable(L, -1) && lua_istable(L, -2)) {
    lua_pushliteral(L, "others");
    lua_insert(L, -2);
    lua_rawset(L, -3);
  } else {
    lua_pop(L, 1);
  }
  lua_error(L);
}

lua_results weir_uncaught_on(lua_State *L) {
  weir_context *context = weir_context_of(L);
  if (!lua_isnoneornil(L, 1)) luaL_checktype(L, 1, LUA_TFUNCTION);
  lua_settop(L, 1);
  if (lua_isnil(L, 1)) {
    lua_pushboolean(L, 0);
    lua_replace(L, 1);
  }
  weir_context_set(context, L, WEIR_SLOT_ON_UNCAUGHT);
  return 0;
}
