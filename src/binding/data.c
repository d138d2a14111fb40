/* data.c - see data.h.
** SPDX-License-Identifier: MIT
*/
#include "binding/data.h"

#include "binding/emitter.h"
#include "binding/pipe_writer.h"
#include "binding/waiting.h"

/* function(weir_entry**) -> string. Its own function because it may raise. */
static lua_results make_string(lua_State *L) {
  const weir_entry *chunk = *(const weir_entry **)lua_touserdata(L, 1);
  lua_pushlstring(L, chunk->bytes, chunk->size);
  return 1;
}

void weir_data_open(weir_context *context, lua_State *L) {
  lua_pushcfunction(L, make_string);
  weir_context_set(context, L, WEIR_SLOT_MAKE_STRING);
}

bool weir_data_push(const weir_lua_stream *stream, lua_State *L, int self,
                    const weir_entry *chunk) {
  if (chunk->anchor) {
    weir_lua_stream_push_anchors(L, self);
    weir_anchors_push(&stream->anchors, L, -1, chunk->anchor);
    lua_remove(L, -2);
    /* Some of its bytes may have been read before. */
    if (!chunk->bytes || lua_rawlen(L, -1) == chunk->size) return true;
    lua_pop(L, 1);
  }
  weir_context_push(stream->context, L, WEIR_SLOT_MAKE_STRING);
  lua_pushlightuserdata(L, &chunk);
  return lua_pcall(L, 1, 1, 0) == LUA_OK;
}

/* --- one listener --- */

/* What most streams have: one function that listens, and no coroutine that waits. */
typedef struct listening {
  int handler, self, fields; /* stack indices */
} listening;

/* Pushes what it takes to call that function; returns false, with nothing pushed, where coroutines
** wait, or the userdata is gone.
*/
static bool begin(listening *it, const weir_lua_stream *stream, lua_State *L) {
  if (stream->watched) return false;
  weir_context_push(stream->context, L, WEIR_SLOT_HANDLER);
  it->handler = lua_gettop(L);
  it->self = it->handler + 2;
  it->fields = it->handler + 3;
  if (weir_lua_stream_push_roughly(stream, L)) {
    lua_getuservalue(L, it->self);
    return true;
  }
  lua_pop(L, 1);
  return false;
}

/* Pushes the function. Returns false, with all taken off, if there is none, or more than one. */
static bool push_listener(const listening *it, const weir_lua_stream *stream, lua_State *L) {
  weir_context_push(stream->context, L, WEIR_ON_DATA);
  lua_rawget(L, it->fields);
  if (lua_isfunction(L, -1)) return true;
  lua_settop(L, it->handler - 1);
  return false;
}

/* The chunk cannot be told: it is lost, which is the end of the stream. */
static void lose(weir_lua_stream *stream) {
  weir_stream_fail_with(&stream->core, WEIR_E_OUT_OF_MEMORY);
}

/* Calls the function on top of the stack with the value at `value`, and takes all off. */
static void call(const listening *it, weir_lua_stream *stream, lua_State *L, int value) {
  weir_context *context = stream->context;
  lua_pushvalue(L, value);
  bool told = weir_pipe_writer_give_value(context, L) ||
              weir_context_call_handled(context, L, 1, it->handler);
  if (told && stream->watched) { /* since then: a coroutine that the function has begun */
    weir_context_push(context, L, WEIR_ON_DATA);
    weir_tell_watcher(stream, L, it->self, lua_gettop(L), true, value, 1);
  }
  lua_settop(L, it->handler - 1);
  if (!told) lose(stream);
}

/* Returns false, with nothing done, where it is not so, or no value is there yet. */
static bool emit_to_one(weir_lua_stream *stream, lua_State *L, weir_entry *chunk, bool is_last) {
  listening it;
  if (!chunk->anchor || !begin(&it, stream, L)) return false;
  int value = it.fields + 1;
  weir_anchors_push(&stream->anchors, L, it.fields, chunk->anchor);
  if (chunk->bytes && lua_rawlen(L, value) != chunk->size) {
    lua_settop(L, it.handler - 1);
    return false;
  }
  if (!push_listener(&it, stream, L)) return false;
  if (is_last) {
    weir_anchors_drop(&stream->anchors, L, it.fields, chunk->anchor);
    chunk->anchor = 0;
  }
  call(&it, stream, L, value);
  return true;
}

/* --- any number of them --- */

/* Sees to it that the value of the chunk is at `index`. */
static bool make_value(const weir_lua_stream *stream, lua_State *L, int self, int index,
                       const weir_entry *chunk) {
  if (!lua_isnil(L, index)) return true;
  if (!weir_data_push(stream, L, self, chunk)) return false;
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
    if (!make_value(stream, L, emission->self, index, chunk)) return false;
    lua_pushvalue(L, index);
    if (!weir_context_call(stream->context, L, 1)) return false;
  }
  return true;
}

/* The value is at `value`, or nil is. */
static void emit_to_all(weir_lua_stream *stream, lua_State *L, const weir_entry *chunk, int value) {
  weir_emission emission;
  if (!weir_emission_begin(&emission, stream->context, stream, L, WEIR_ON_DATA)) return;
  bool told = tell_listeners(stream, L, &emission, value, chunk);
  if (told && stream->watched) {
    told = make_value(stream, L, emission.self, value, chunk);
  }
  if (!told) lose(stream);
  else weir_tell_watcher(stream, L, emission.self, emission.event, emission.count > 0, value, 1);
}

void weir_data_emit(weir_lua_stream *stream, lua_State *L, weir_entry *chunk, bool is_last) {
  if (emit_to_one(stream, L, chunk, is_last)) return;
  int top = lua_gettop(L);
  lua_pushnil(L);
  emit_to_all(stream, L, chunk, top + 1);
  lua_settop(L, top);
}

void weir_data_emit_value(weir_lua_stream *stream, lua_State *L, int index) {
  int top = lua_gettop(L);
  listening it;
  if (begin(&it, stream, L) && push_listener(&it, stream, L)) {
    call(&it, stream, L, index);
  } else {
    emit_to_all(stream, L, &(weir_entry){0}, index);
    lua_settop(L, top);
  }
}
