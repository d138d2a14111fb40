/* chunk.c - see chunk.h.
** SPDX-License-Identifier: MIT
*/
#include "binding/chunk.h"

/* Reads one piece of a chunk of bytes. A number is the bytes that `..` makes of it. */
static void read_piece(weir_chunk *chunk, lua_State *L, int index, bool borrows) {
  size_t at = chunk->count++;
  weir_piece *piece = &chunk->pieces[at];
  int64_t integer;
  chunk->values[at] = 0;
  piece->anchor = 0;
  piece->slab = NULL;
  if (lua_type(L, index) == LUA_TNUMBER && weir_is_written_as_integer(L, index, &integer)) {
    piece->bytes = chunk->digits[at];
    piece->size = (size_t)(weir_digits_write(chunk->digits[at], integer) - piece->bytes);
    return;
  }
  piece->bytes = lua_tolstring(L, index, &piece->size);
  if (borrows && piece->size >= WEIR_BORROW_MIN) chunk->values[at] = index;
}

/* The piece is a Lua value of `size`, held as it is. */
static void read_value(weir_chunk *chunk, int index, size_t size) {
  chunk->pieces[0] = (weir_piece){.size = size};
  chunk->values[0] = index;
  chunk->count = 1;
}

/* Pushes the `count` pieces from argument 2 on, joined into one string; returns its index. */
static int join(lua_State *L, int count) {
  luaL_checkstack(L, count, "too many pieces");
  for (int index = 2; index < 2 + count; index++) lua_pushvalue(L, index);
  lua_concat(L, count);
  return lua_gettop(L);
}

static void read_pieces(weir_chunk *chunk, lua_State *L, const weir_lua_stream *stream,
                        const char *method, int count) {
  for (int index = 2; index < 2 + count; index++) {
    int type = lua_type(L, index);
    if (type != LUA_TSTRING && type != LUA_TNUMBER) {
      weir_type_error(L, index, method, "string or number");
    }
  }
  if (!weir_sink_takes_bytes(stream->core.port)) { /* a sink in Lua gets one string */
    int index = count > 1 ? join(L, count) : 2;
    size_t size;
    lua_tolstring(L, index, &size); /* makes a string of a number */
    read_value(chunk, index, size);
  } else if (count > WEIR_PIECES_MAX) {
    read_piece(chunk, L, join(L, count), stream->kind->borrows);
  } else {
    for (int index = 2; index < 2 + count; index++) {
      read_piece(chunk, L, index, stream->kind->borrows);
    }
  }
}

/* Bytes: pieces, then perhaps a callback; one trailing nil is no callback. */
static void read_bytes(weir_chunk *chunk, lua_State *L, const weir_lua_stream *stream,
                       const char *method, bool may_be_absent) {
  int top = lua_gettop(L);
  if (top > 2 && lua_isnil(L, top)) top--;
  else if (top >= 2 && lua_isfunction(L, top)) chunk->callback = top--;
  if (may_be_absent && (top < 2 || (top == 2 && lua_isnil(L, 2)))) return;
  if (top < 2) weir_type_error(L, chunk->callback ? 2 : top + 1, method, "string or number");
  read_pieces(chunk, L, stream, method, top - 1);
}

/* Object mode: a value, then perhaps a callback. For end_ a lone function is the callback. */
static void read_object(weir_chunk *chunk, lua_State *L, const char *method, bool may_be_absent) {
  int top = lua_gettop(L);
  if (top > 3) weir_argument_error(L, 4, method, "a value and a callback expected, got more");
  if (may_be_absent && top == 2 && lua_isfunction(L, 2)) {
    chunk->callback = 2;
    return;
  }
  if (lua_isfunction(L, 3)) chunk->callback = 3;
  else if (!lua_isnoneornil(L, 3)) weir_type_error(L, 3, method, "function");
  if (!lua_isnoneornil(L, 2)) read_value(chunk, 2, 1);
  else if (!may_be_absent) weir_argument_error(L, 2, method, "value expected, got nil");
}

void weir_chunk_read(weir_chunk *chunk, lua_State *L, const weir_lua_stream *stream,
                     const char *method, bool may_be_absent) {
  chunk->count = 0;
  chunk->callback = 0;
  chunk->held = WEIR_NOBODY;
  if (stream->writable.object_mode) read_object(chunk, L, method, may_be_absent);
  else read_bytes(chunk, L, stream, method, may_be_absent);
}

/* --- anchoring --- */

void weir_chunk_hold(weir_chunk *chunk, lua_State *L, weir_lua_stream *stream) {
  uint32_t wanted = chunk->callback > 0;
  for (size_t i = 0; i < chunk->count; i++) wanted += chunk->values[i] > 0;
  if (wanted == 0) return;
  weir_lua_stream_push_anchors(L, 1);
  int table = lua_gettop(L);
  weir_anchors_reserve(&stream->anchors, L, table, wanted);
  for (size_t i = 0; i < chunk->count; i++) {
    if (!chunk->values[i]) continue;
    lua_pushvalue(L, chunk->values[i]);
    chunk->pieces[i].anchor = weir_anchors_hold(&stream->anchors, L, table);
  }
  if (chunk->callback) {
    lua_pushvalue(L, chunk->callback);
    chunk->held.identity = (uintptr_t)lua_topointer(L, -1);
    chunk->held.anchor = weir_anchors_hold(&stream->anchors, L, table);
  }
  lua_settop(L, table - 1);
}

void weir_chunk_forget(weir_chunk *chunk, lua_State *L, weir_lua_stream *stream) {
  weir_lua_stream_push_anchors(L, 1);
  for (size_t i = 0; i < chunk->count; i++) {
    uint32_t anchor = chunk->pieces[i].anchor;
    if (anchor) weir_anchors_drop(&stream->anchors, L, -1, anchor);
  }
  if (chunk->held.anchor) weir_anchors_drop(&stream->anchors, L, -1, chunk->held.anchor);
  lua_pop(L, 1);
}
