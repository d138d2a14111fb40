/* pipe_writer.c - see pipe_writer.h.
** SPDX-License-Identifier: MIT
*/
#include "binding/pipe_writer.h"

#include <string.h>

#include "binding/chunk.h"
#include "binding/data.h"
#include "binding/error_object.h"
#include "binding/stream_methods.h"

/* The first is the destination, or false while the pipe is blocked. */
enum { UPVALUE_OPEN_TO = 1, UPVALUE_FULL, UPVALUE_DESTINATION, UPVALUE_WRITE };

/* function(destination, chunk). Its own function because it may raise. */
static lua_results write_chunk(lua_State *L) {
  return weir_stream_write_from_lua(L);
}

/* A chunk for which there is no memory is lost, which is the end of the destination. What else was
** raised, is.
*/
static lua_results lose(lua_State *L) {
  weir_lua_stream *destination = weir_lua_stream_test(L, 1);
  const char *text = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "";
  if (!destination || strcmp(text, "not enough memory") != 0) return lua_error(L);
  weir_stream_fail_with(&destination->core, WEIR_E_OUT_OF_MEMORY);
  return 0;
}

/* function(chunk) */
static lua_results pipe_write(lua_State *L) {
  lua_settop(L, 1);
  lua_pushvalue(L, lua_upvalueindex(UPVALUE_OPEN_TO));
  lua_insert(L, 1); /* 1: the destination, 2: the chunk, as write() has them */
  if (lua_toboolean(L, 1)) {
    lua_pushvalue(L, lua_upvalueindex(UPVALUE_WRITE));
    lua_pushvalue(L, 1);
    lua_pushvalue(L, 2);
    if (lua_pcall(L, 2, 2, 0) != LUA_OK) return lose(L);
    if (lua_toboolean(L, 3)) return 0;
  } else {
    lua_settop(L, 4);
  }
  bool refused = lua_isnil(L, 3); /* or not asked; else it was accepted, with `false` */
  lua_pushvalue(L, lua_upvalueindex(UPVALUE_FULL));
  if (refused) lua_pushvalue(L, 2);
  else lua_pushnil(L);
  lua_pushvalue(L, 4); /* why, if it was refused */
  lua_call(L, 2, 0);
  return 0;
}

static lua_results new_pipe_writer(lua_State *L) {
  lua_settop(L, 2);
  weir_lua_stream_check(L, 1, "pipe");
  luaL_checktype(L, 2, LUA_TFUNCTION);
  lua_pushvalue(L, 1);
  lua_pushcfunction(L, write_chunk);
  lua_pushcclosure(L, pipe_write, UPVALUE_WRITE);
  return 1;
}

static lua_results block_pipe(lua_State *L) {
  lua_settop(L, 2);
  if (lua_tocfunction(L, 1) != pipe_write) luaL_argerror(L, 1, "pipe writer expected");
  if (lua_toboolean(L, 2)) lua_pushboolean(L, 0);
  else lua_getupvalue(L, 1, UPVALUE_DESTINATION);
  lua_setupvalue(L, 1, UPVALUE_OPEN_TO);
  return 0;
}

const luaL_Reg weir_pipe_writer_functions[] = {
    {"pipe_writer", new_pipe_writer},
    {"block_pipe", block_pipe},
    {NULL, NULL},
};

/* --- bytes as they are --- */

/* NULL: blocked. */
static weir_lua_stream *destination_of(lua_State *L) {
  lua_getupvalue(L, -1, UPVALUE_OPEN_TO);
  weir_lua_stream *stream = weir_lua_stream_test(L, -1);
  lua_pop(L, 1);
  return stream;
}

bool weir_pipe_writer_takes(lua_State *L, const weir_entry *chunk) {
  if (!chunk->slab || lua_tocfunction(L, -1) != pipe_write) return false;
  const weir_lua_stream *stream = destination_of(L);
  return stream && stream->core.writable && weir_sink_takes_bytes(stream->core.port);
}

/* Calls full() of the writer on top of the stack, in its place. */
static void call_full(weir_context *context, lua_State *L, weir_lua_stream *destination,
                      const weir_entry *chunk, weir_error *refusal) {
  lua_getupvalue(L, -1, UPVALUE_FULL);
  lua_replace(L, -2);
  if (!refusal) {
    lua_pushnil(L);
  } else if (!weir_data_push(destination, L, 0, chunk)) {
    lua_pop(L, 2);
    weir_stream_fail_with(&destination->core, WEIR_E_OUT_OF_MEMORY);
    return;
  }
  weir_error_object_push(context, L, refusal, NULL);
  weir_context_call(context, L, 2);
}

void weir_pipe_writer_give(weir_context *context, lua_State *L, const weir_entry *chunk) {
  weir_lua_stream *destination = destination_of(L);
  weir_piece piece = {.bytes = chunk->bytes, .size = chunk->size};
  if (chunk->size >= WEIR_BORROW_MIN) piece.slab = chunk->slab; /* less is copied, and gathers */
  weir_error *refusal = NULL;
  weir_verdict verdict =
      weir_writable_write(&destination->writable, &piece, 1, WEIR_NOBODY, &refusal);
  weir_lua_stream_settle(destination);
  if (verdict == WEIR_NO_MEMORY) weir_stream_fail_with(&destination->core, WEIR_E_OUT_OF_MEMORY);
  if (verdict == WEIR_GO_ON || verdict == WEIR_NO_MEMORY) lua_pop(L, 1);
  else call_full(context, L, destination, chunk, refusal);
  weir_error_release(refusal);
}

/* --- values --- */

bool weir_pipe_writer_give_value(weir_context *context, lua_State *L) {
  int writer = lua_gettop(L) - 1;
  weir_verdict verdict;
  if (lua_tocfunction(L, writer) != pipe_write) return false;
  lua_getupvalue(L, writer, UPVALUE_OPEN_TO);
  weir_lua_stream *stream = weir_lua_stream_test(L, -1);
  bool is_given = false;
  if (stream && stream->kind->take_value && !weir_context_is_of_parent(context)) {
    lua_pushvalue(L, writer + 1);
    is_given = stream->kind->take_value(stream, L, &verdict);
  }
  lua_settop(L, is_given ? writer : writer + 1);
  if (!is_given) return false;
  if (verdict == WEIR_GO_ON) lua_pop(L, 1);
  else call_full(context, L, stream, NULL, NULL);
  return true;
}
