/* inner.c - see inner.h.
** SPDX-License-Identifier: MIT
*/
#include "binding/inner.h"

#include "binding/error_object.h"
#include "binding/lua_stream.h"

/* is_stream(value) */
static lua_results is_stream(lua_State *L) {
  lua_pushboolean(L, weir_lua_stream_test(L, 1) != NULL);
  return 1;
}

/* add_methods(functions): every stream has them from now on. */
static lua_results add_methods(lua_State *L) {
  weir_context *context = weir_context_of(L);
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 1);
  weir_context_push(context, L, WEIR_SLOT_STREAM_META);
  lua_getfield(L, 2, "__index"); /* 3 */
  lua_pushnil(L);
  while (lua_next(L, 1)) {
    lua_pushvalue(L, -2);
    lua_insert(L, -2);
    lua_rawset(L, 3);
  }
  return 0;
}

/* make_error(code, message): an error object that is not a stream's yet. */
static lua_results make_error(lua_State *L) {
  weir_context *context = weir_context_of(L);
  luaL_checkstring(L, 1);
  luaL_checkstring(L, 2);
  lua_settop(L, 2);
  lua_createtable(L, 0, 2);
  lua_insert(L, 1);
  lua_setfield(L, 1, "message");
  lua_setfield(L, 1, "code");
  weir_context_push(context, L, WEIR_SLOT_ERROR_META);
  lua_setmetatable(L, 1);
  return 1;
}

/* private(stream): a table for what Lua keeps with the stream, made at the first need. */
static lua_results private_table(lua_State *L) {
  weir_lua_stream_check(L, 1, "private");
  lua_getuservalue(L, 1);
  lua_rawgeti(L, -1, WEIR_FIELD_PRIVATE);
  if (!lua_istable(L, -1)) {
    lua_pop(L, 1);
    lua_newtable(L);
    lua_pushvalue(L, -1);
    lua_rawseti(L, -3, WEIR_FIELD_PRIVATE);
  }
  return 1;
}

/* fail(stream, err): what the machinery found goes the way of all its errors. */
static lua_results fail(lua_State *L) {
  weir_lua_stream *stream = weir_lua_stream_check(L, 1, "fail");
  lua_settop(L, 2);
  weir_error *error = weir_error_object_from(stream->context, L, 2);
  if (!error) return 0;
  lua_State *outer = weir_context_enter(stream->context, L);
  weir_stream_fail(&stream->core, error, false);
  weir_error_release(error);
  weir_lua_stream_settle(stream);
  weir_context_leave(stream->context, outer);
  return 0;
}

/* --- state --- */

/* takes(stream): a number that changes whenever data is handed out. */
static lua_results takes(lua_State *L) {
  const weir_readable *r = weir_lua_stream_check(L, 1, "takes")->core.readable;
  lua_pushnumber(L, r ? (lua_Number)r->takes : 0);
  return 1;
}

/* input_ended(stream): the source has said so; the consumer may not have heard yet. */
static lua_results input_ended(lua_State *L) {
  const weir_readable *r = weir_lua_stream_check(L, 1, "input_ended")->core.readable;
  lua_pushboolean(L, r && r->input != WEIR_INPUT_OPEN);
  return 1;
}

/* needs_drain(stream): also when nobody will be told any more. */
static lua_results needs_drain(lua_State *L) {
  const weir_writable *w = weir_lua_stream_check(L, 1, "needs_drain")->core.writable;
  lua_pushboolean(L, w && w->need_drain);
  return 1;
}

/* room(stream): how much more it accepts now, and at most; nil: any amount. */
static lua_results room(lua_State *L) {
  const weir_writable *w = weir_lua_stream_check(L, 1, "room")->core.writable;
  if (!w || w->max_buffered == WEIR_NO_LIMIT) return 0;
  weir_push_count(L, w->max_buffered - w->length);
  weir_push_count(L, w->max_buffered);
  return 2;
}

/* want_drain(stream): it has refused, and somebody waits. False if it is empty: no drain comes. */
static lua_results want_drain(lua_State *L) {
  weir_writable *w = weir_lua_stream_check(L, 1, "want_drain")->core.writable;
  lua_pushboolean(L, w && weir_writable_want_drain(w));
  return 1;
}

static void set_flag(lua_State *L, const char *name, bool value) {
  lua_pushboolean(L, value);
  lua_setfield(L, -2, name);
}

static void set_reader_flags(lua_State *L, const weir_readable *r) {
  bool has = r && !r->disabled;
  set_flag(L, "has_readable", r != NULL);
  set_flag(L, "reads", has);
  set_flag(L, "end_told", has && r->input == WEIR_INPUT_OVER);
  set_flag(L, "all_read", has && r->input != WEIR_INPUT_OPEN && r->length == 0);
}

static void set_writer_flags(lua_State *L, const weir_writable *w) {
  bool has = w && !w->disabled;
  set_flag(L, "has_writable", w != NULL);
  set_flag(L, "writes", has);
  set_flag(L, "finished", has && w->writer == WEIR_FINISHED);
  set_flag(L, "all_written", has && w->end_done && w->length == 0);
  set_flag(L, "is_quiet", !w || weir_writable_is_quiet(w));
}

/* state(stream [, method]): what weir.finished has to know, in a table. What is no stream is a bad
** self of that method.
*/
static lua_results state(lua_State *L) {
  const char *method = luaL_optstring(L, 2, "state");
  const weir_lua_stream *stream = weir_lua_stream_check(L, 1, method);
  lua_createtable(L, 0, 15);
  set_flag(L, "is_standard", stream->standard != 0);
  set_flag(L, "is_native", stream->kind->end_now != NULL);
  set_reader_flags(L, stream->core.readable);
  set_writer_flags(L, stream->core.writable);
  set_flag(L, "auto_destroy", stream->core.auto_destroy);
  set_flag(L, "emit_close", stream->core.emit_close);
  set_flag(L, "error_told", stream->core.error_told);
  return 1;
}

const luaL_Reg weir_inner_functions[] = {
    {"is_stream", is_stream},
    {"add_methods", add_methods},
    {"make_error", make_error},
    {"private", private_table},
    {"fail", fail},
    {"takes", takes},
    {"input_ended", input_ended},
    {"needs_drain", needs_drain},
    {"room", room},
    {"want_drain", want_drain},
    {"state", state},
    {NULL, NULL},
};
