/* data.c - see data.h.
** SPDX-License-Identifier: MIT
*/
#include "binding/data.h"

#include "binding/emitter.h"
#include "binding/pipe_writer.h"
#include "binding/waiting.h"

/* function(weir_entry*) -> string. Its own function because it may raise. */
static lua_results make_string(lua_State *L) {
  const weir_entry *chunk = lua_touserdata(L, 1);
  lua_pushlstring(L, chunk->bytes, chunk->size);
  return 1;
}

void weir_data_open(weir_context *context, lua_State *L) {
  lua_pushcfunction(L, make_string);
  weir_context_set(context, L, WEIR_SLOT_MAKE_STRING);
}

static bool push_anchored(const weir_lua_stream *stream, lua_State *L, uint32_t anchor) {
  if (!weir_lua_stream_push(stream, L)) {
    lua_pushnil(L);
    return false;
  }
  weir_lua_stream_push_anchors(L, -1);
  weir_anchors_push(L, -1, anchor);
  lua_replace(L, -3);
  lua_pop(L, 1);
  return true;
}

bool weir_data_push(weir_lua_stream *stream, lua_State *L, const weir_entry *chunk) {
  if (chunk->anchor) {
    bool there = push_anchored(stream, L, chunk->anchor);
    /* Some of its bytes may have been read before. */
    if (!there || !chunk->bytes || lua_rawlen(L, -1) == chunk->size) return there;
    lua_pop(L, 1);
  }
  weir_context_push(stream->context, L, WEIR_SLOT_MAKE_STRING);
  lua_pushlightuserdata(L, (void *)(uintptr_t)chunk);
  return lua_pcall(L, 1, 1, 0) == LUA_OK;
}

/* The chunk cannot be told: it is lost, which is the end of the stream. */
static void lose(weir_lua_stream *stream) {
  weir_stream_fail_with(&stream->core, WEIR_E_OUT_OF_MEMORY);
}

/* Sees to it that the value of the chunk is at `index`. */
static bool make_value(weir_lua_stream *stream, lua_State *L, int index, const weir_entry *chunk) {
  if (!lua_isnil(L, index)) return true;
  if (!weir_data_push(stream, L, chunk)) return false;
  lua_replace(L, index);
  return true;
}

/* Gives the chunk to all who listen; the value is at `index` once somebody has needed it. */
static bool tell_listeners(weir_lua_stream *stream, lua_State *L, weir_emission *emission,
                           int index, const weir_entry *chunk) {
  while (weir_emission_next(emission, L)) {
    if (weir_pipe_writer_takes(L, chunk)) {
      weir_pipe_writer_give(stream->context, L, chunk);
      continue;
    }
    if (!make_value(stream, L, index, chunk)) return false;
    lua_pushvalue(L, index);
    weir_context_call(stream->context, L, 1);
  }
  return true;
}

void weir_data_emit(weir_lua_stream *stream, lua_State *L, const weir_entry *chunk) {
  int top = lua_gettop(L);
  weir_emission emission;
  if (weir_emission_begin(&emission, stream->context, stream, L, WEIR_ON_DATA)) {
    bool heard = emission.count > 0;
    lua_pushnil(L);
    int value = lua_gettop(L);
    bool told = tell_listeners(stream, L, &emission, value, chunk);
    if (told && stream->watched) told = make_value(stream, L, value, chunk);
    if (!told) lose(stream);
    else weir_tell_watcher(stream, L, emission.self, emission.event, heard, value, 1);
  }
  lua_settop(L, top);
}
