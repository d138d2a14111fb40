/* waiting.c - see waiting.h.
** SPDX-License-Identifier: MIT
*/
#include "binding/waiting.h"

#include "binding/error_object.h"
#include "binding/small_write.h"
#include "binding/stream_methods.h"
#include "binding/yieldable.h"

/* A coroutine whose stream never says false gets back to the loop after so many writes. */
enum { SENDS_MAX = 1000 };

/* --- whether one can wait --- */

/* How the running function may wait; NULL: not at all. */
static const char *way_to_wait(const weir_context *context, lua_State *L) {
  if (weir_is_yieldable(L)) return "yield";
  bool drives = context->kind == WEIR_LOOP_OWN && !context->loop.running;
  return drives && context->calls == 0 ? "run" : NULL;
}

/* nil, and ERR_CANNOT_WAIT */
static lua_results refuse(weir_context *context, lua_State *L, const char *method) {
  weir_error *error = weir_error_new(WEIR_E_CANNOT_WAIT, method);
  lua_pushnil(L);
  weir_error_object_push(context, L, error, NULL);
  weir_error_release(error);
  return 2;
}

/* way_to_wait(method) -> "yield", "run", or nil and the error */
static lua_results waiting_way(lua_State *L) {
  weir_context *context = weir_context_of(L);
  const char *method = luaL_checkstring(L, 1);
  weir_context_loop(context, L);
  const char *way = way_to_wait(context, L);
  if (!way) return refuse(context, L, method);
  lua_pushstring(L, way);
  return 1;
}

/* --- watching --- */

/* Pushes the state of the stream's waiters, made at the first need, with the coroutine that asks as
** its user. May raise.
*/
static void push_state(weir_lua_stream *stream, lua_State *L, int self) {
  lua_getuservalue(L, self);
  if (!stream->watched) {
    lua_createtable(L, 0, 2);
    lua_pushthread(L);
    lua_setfield(L, -2, "user");
    lua_rawseti(L, -2, WEIR_FIELD_WATCH);
    stream->watched = true;
  }
  lua_rawgeti(L, -1, WEIR_FIELD_WATCH);
  lua_remove(L, -2);
}

/* watch(stream, method) -> the state */
static lua_results waiting_watch(lua_State *L) {
  weir_lua_stream *stream = weir_lua_stream_check(L, 1, luaL_checkstring(L, 2));
  push_state(stream, L, 1);
  return 1;
}

/* set_watcher(function(state, event, heard, ...)) */
static lua_results waiting_set_watcher(lua_State *L) {
  weir_context *context = weir_context_of(L);
  luaL_checktype(L, 1, LUA_TFUNCTION);
  lua_settop(L, 1);
  weir_context_set(context, L, WEIR_SLOT_WATCHER);
  return 0;
}

bool weir_tell_watcher(weir_lua_stream *stream, lua_State *L, int self, int event, bool heard,
                       int first, int arguments) {
  if (!stream->watched || !lua_checkstack(L, arguments + 8)) return false;
  lua_pushvalue(L, self);
  lua_pushvalue(L, event);
  int pushed = lua_gettop(L);
  weir_context_push(stream->context, L, WEIR_SLOT_WATCHER);
  lua_getuservalue(L, pushed - 1);
  lua_rawgeti(L, -1, WEIR_FIELD_WATCH);
  lua_remove(L, -2);
  lua_pushvalue(L, pushed);
  lua_pushboolean(L, heard);
  for (int i = 0; i < arguments; i++) lua_pushvalue(L, first + i);
  weir_context_call(stream->context, L, 3 + arguments);
  lua_settop(L, pushed - 2);
  return true;
}

void weir_tell_watcher_close(weir_lua_stream *stream, lua_State *L) {
  int top = lua_gettop(L);
  if (!stream->watched || !weir_lua_stream_push(stream, L)) return;
  weir_context_push(stream->context, L, WEIR_ON_CLOSE);
  weir_tell_watcher(stream, L, top + 1, top + 2, false, 0, 0);
  lua_settop(L, top);
}

/* --- sending --- */

/* try_send(stream, piece, ...): a write where the caller could wait. true: go on. false: wait for
** `drain`. false, true: wait a turn of the loop. nil, err: nothing was taken.
*/
static lua_results waiting_try_send(lua_State *L) {
  weir_lua_stream *stream = weir_lua_stream_check(L, 1, "send");
  weir_context *context = stream->context;
  if (!way_to_wait(context, L)) return refuse(context, L, "send");
  if (!stream->watched) {
    push_state(stream, L, 1);
    lua_pop(L, 1);
  }
  lua_results results = 1;
  if (weir_small_write(L, stream)) lua_pushboolean(L, 1);
  else results = weir_stream_write_as(L, "send");
  if (results != 1 || !lua_toboolean(L, -1) || ++context->sends < SENDS_MAX) return results;
  context->sends = 0;
  lua_pushboolean(L, 0);
  lua_pushboolean(L, 1);
  return 2;
}

/* --- errors --- */

/* uncaught(err) */
static lua_results waiting_uncaught(lua_State *L) {
  weir_context *context = weir_context_of(L);
  lua_settop(L, 1);
  weir_context_uncaught(context, L);
  return 0;
}

/* set_close(function(stream, err)): what `<close>` does */
static lua_results waiting_set_close(lua_State *L) {
  weir_context *context = weir_context_of(L);
  luaL_checktype(L, 1, LUA_TFUNCTION);
  lua_settop(L, 1);
  weir_context_push(context, L, WEIR_SLOT_STREAM_META);
  lua_insert(L, 1);
  lua_setfield(L, 1, "__close");
  return 0;
}

const luaL_Reg weir_waiting_functions[] = {
    {"way_to_wait", waiting_way},
    {"watch", waiting_watch},
    {"set_watcher", waiting_set_watcher},
    {"try_send", waiting_try_send},
    {"uncaught", waiting_uncaught},
    {"set_close", waiting_set_close},
    {NULL, NULL},
};
