/* readable_methods.c - see readable_methods.h. What each method promises a script is written in
** lua/weir/types.lua.
** SPDX-License-Identifier: MIT
*/
#include "binding/readable_methods.h"

#include "binding/data.h"
#include "binding/error_object.h"
#include "binding/lua_stream.h"

static weir_lua_stream *check(lua_State *L, const char *method) {
  weir_lua_stream *stream = weir_lua_stream_check(L, 1, method);
  if (!stream->core.readable)
    luaL_error(L, "calling '%s' on a stream that is only written", method);
  return stream;
}

static lua_State *enter(weir_lua_stream *stream, lua_State *L) {
  return weir_context_enter(stream->context, L);
}

static void leave(weir_lua_stream *stream, lua_State *outer) {
  weir_lua_stream_settle(stream);
  weir_context_leave(stream->context, outer);
}

/* --- the producer --- */

/* Reads what is at index 2. Returns false if it is no chunk: the end, or of a wrong type. */
static bool read_chunk(lua_State *L, const weir_readable *r, weir_piece *piece) {
  int type = lua_type(L, 2);
  *piece = (weir_piece){.size = 1};
  if (r->object_mode) return type != LUA_TNIL;
  if (type != LUA_TSTRING) return false;
  piece->bytes = lua_tolstring(L, 2, &piece->size);
  return true;
}

typedef weir_verdict (*offer)(weir_readable *readable, const weir_piece *piece);

/* The chunk at index 2 is anchored, and given to the core. */
static weir_verdict give_anchored(lua_State *L, weir_lua_stream *stream, weir_piece *piece,
                                  offer give) {
  weir_lua_stream_push_anchors(L, 1); /* 3 */
  weir_anchors_reserve(&stream->anchors, L, 3, 1);
  lua_pushvalue(L, 2);
  piece->anchor = weir_anchors_hold(&stream->anchors, L, 3);
  lua_State *outer = enter(stream, L);
  weir_verdict verdict = give(stream->core.readable, piece);
  leave(stream, outer);
  if (verdict == WEIR_NO_MEMORY) {
    weir_anchors_drop(&stream->anchors, L, 3, piece->anchor);
    luaL_error(L, "not enough memory");
  }
  return verdict;
}

/* The end; a chunk of the wrong type is an error of the stream, as in Node. */
static weir_verdict give_no_chunk(lua_State *L, weir_lua_stream *stream) {
  lua_State *outer = enter(stream, L);
  if (lua_isnil(L, 2)) weir_readable_push_end(stream->core.readable);
  else weir_stream_fail_with(&stream->core, WEIR_E_INVALID_CHUNK);
  leave(stream, outer);
  return WEIR_SLOW_DOWN;
}

/* Those who listen get the chunk off the stack. */
static weir_verdict give_directly(lua_State *L, weir_lua_stream *stream) {
  lua_State *outer = enter(stream, L);
  weir_data_emit_value(stream, L, 2);
  weir_verdict verdict = weir_readable_end_direct(stream->core.readable);
  leave(stream, outer);
  return verdict;
}

bool weir_readable_push_value(lua_State *L, weir_lua_stream *stream) {
  weir_readable *r = stream->core.readable;
  weir_piece piece;
  weir_verdict verdict;
  if (!read_chunk(L, r, &piece)) verdict = give_no_chunk(L, stream);
  else if (piece.size > 0 && weir_readable_begin_direct(r)) verdict = give_directly(L, stream);
  else verdict = give_anchored(L, stream, &piece, weir_readable_push);
  return verdict == WEIR_GO_ON;
}

static lua_results stream_push(lua_State *L) {
  weir_lua_stream *stream = check(L, "push");
  lua_settop(L, 2);
  lua_pushboolean(L, weir_readable_push_value(L, stream));
  return 1;
}

static lua_results stream_unshift(lua_State *L) {
  weir_lua_stream *stream = check(L, "unshift");
  lua_settop(L, 2);
  weir_piece piece;
  bool is_chunk = read_chunk(L, stream->core.readable, &piece);
  weir_verdict verdict =
      is_chunk ? give_anchored(L, stream, &piece, weir_readable_unshift) : give_no_chunk(L, stream);
  lua_pushboolean(L, verdict == WEIR_GO_ON);
  return 1;
}

/* --- the consumer --- */

static void out_of_range(lua_State *L, weir_context *context) {
  weir_error *error = weir_error_new(WEIR_E_OUT_OF_RANGE, NULL);
  weir_error_object_push(context, L, error, NULL);
  weir_error_release(error);
  lua_error(L);
}

/* read([n]): how much. Raises for what is no whole number, and above 1 GiB. */
static int64_t check_size(lua_State *L, weir_context *context) {
  if (lua_isnoneornil(L, 2)) return WEIR_READ_ALL;
  if (lua_type(L, 2) != LUA_TNUMBER) weir_type_error(L, 2, "read", "number");
  lua_Number n = lua_tonumber(L, 2);
  if (n > (lua_Number)WEIR_READ_MAX) out_of_range(L, context);
  if (n < 0) return -1;
  if (!(n >= 0) || (lua_Number)(int64_t)n < n) {
    weir_argument_error(L, 2, "read", "whole number expected");
  }
  return (int64_t)n;
}

static lua_results stream_read(lua_State *L) {
  weir_lua_stream *stream = check(L, "read");
  int64_t size = check_size(L, stream->context);
  weir_readable *r = stream->core.readable;
  bool no_memory;
  lua_settop(L, 1);
  lua_State *outer = enter(stream, L);
  weir_entry *chunk = weir_readable_read(r, size, &no_memory);
  bool pushed = chunk && weir_data_push(stream, L, 1, chunk);
  if (chunk) weir_readable_give_back(r, chunk);
  leave(stream, outer);
  if (no_memory || (chunk && !pushed)) return luaL_error(L, "not enough memory");
  if (!chunk) lua_pushnil(L);
  return 1;
}

static lua_results stream_pause(lua_State *L) {
  weir_lua_stream *stream = check(L, "pause");
  lua_State *outer = enter(stream, L);
  weir_readable_pause(stream->core.readable);
  leave(stream, outer);
  lua_settop(L, 1);
  return 1;
}

static lua_results stream_resume(lua_State *L) {
  weir_lua_stream *stream = check(L, "resume");
  lua_State *outer = enter(stream, L);
  weir_readable_resume(stream->core.readable);
  leave(stream, outer);
  lua_settop(L, 1);
  return 1;
}

/* --- state: nil where the stream has no readable side --- */

#define STATE(name, method, push) \
  static lua_results name(lua_State *L) { \
    const weir_readable *r = weir_lua_stream_check(L, 1, method)->core.readable; \
    if (r) push; \
    else lua_pushnil(L); \
    return 1; \
  }
#define BOOLEAN(name, method, expression) \
  STATE(name, method, lua_pushboolean(L, (expression) ? 1 : 0))
#define COUNT(name, method, expression) STATE(name, method, weir_push_count(L, (expression)))

BOOLEAN(stream_is_paused, "is_paused", weir_readable_is_paused(r))
BOOLEAN(stream_ended, "readable_ended", weir_readable_is_over(r))
BOOLEAN(stream_aborted, "readable_aborted", weir_readable_is_aborted(r))
BOOLEAN(stream_object_mode, "readable_object_mode", r->object_mode)
BOOLEAN(stream_did_read, "readable_did_read", r->did_read)
COUNT(stream_length, "readable_length", r->length)
COUNT(stream_high_water_mark, "readable_high_water_mark", r->high_water_mark)

static lua_results stream_readable(lua_State *L) {
  const weir_readable *r = weir_lua_stream_check(L, 1, "readable")->core.readable;
  lua_pushboolean(L, r && weir_readable_is_readable(r));
  return 1;
}

static lua_results stream_flowing(lua_State *L) {
  const weir_readable *r = weir_lua_stream_check(L, 1, "readable_flowing")->core.readable;
  if (r && r->flow != WEIR_UNDECIDED) lua_pushboolean(L, r->flow == WEIR_FLOWING);
  else lua_pushnil(L);
  return 1;
}

const luaL_Reg weir_readable_methods[] = {
    {"push", stream_push},
    {"unshift", stream_unshift},
    {"read", stream_read},
    {"pause", stream_pause},
    {"resume", stream_resume},
    {"is_paused", stream_is_paused},
    {"readable", stream_readable},
    {"readable_length", stream_length},
    {"readable_high_water_mark", stream_high_water_mark},
    {"readable_flowing", stream_flowing},
    {"readable_ended", stream_ended},
    {"readable_aborted", stream_aborted},
    {"readable_object_mode", stream_object_mode},
    {"readable_did_read", stream_did_read},
    {NULL, NULL},
};
