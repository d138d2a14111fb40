/* data.c - see data.h.
** SPDX-License-Identifier: MIT
*/
#include "binding/data.h"

#include "binding/emitter.h"
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
  lua_getuservalue(L, -1);
  lua_rawgeti(L, -1, WEIR_FIELD_ANCHORS);
  weir_anchors_push(L, -1, anchor);
  lua_replace(L, -4);
  lua_pop(L, 2);
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

void weir_data_emit(weir_lua_stream *stream, lua_State *L, const weir_entry *chunk) {
  int top = lua_gettop(L);
  weir_emission emission;
  if (weir_emission_begin(&emission, stream, L, WEIR_ON_DATA) && emission.count > 0) {
    if (weir_data_push(stream, L, chunk)) {
      int value = lua_gettop(L);
      while (weir_emission_next(&emission, L)) {
        lua_pushvalue(L, value);
        weir_context_call(stream->context, L, 1);
      }
      weir_tell_watcher(stream, L, emission.self, emission.event, true, value, 1);
    } else {
      lose(stream);
    }
  }
  lua_settop(L, top);
}
