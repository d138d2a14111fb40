/* done.c - see done.h.
** SPDX-License-Identifier: MIT
*/
#include "binding/done.h"

#include <stdlib.h>

#include "binding/error_object.h"
#include "binding/readable_methods.h"

enum { UPVALUE_STREAM = 1, UPVALUE_OPERATION, UPVALUE_LENGTH, UPVALUE_HOOK = UPVALUE_OPERATION };

/* --- answering --- */

void weir_done_answer(weir_lua_stream *stream, int hook, uint64_t operation, weir_error *error) {
  switch (hook) {
    case HOOK_FINAL: weir_writable_finished(&stream->writable, error); break;
    case HOOK_CONSTRUCT: weir_stream_constructed(&stream->core, error); break;
    case HOOK_DESTROY: weir_stream_closed(&stream->core, error); break;
    default: weir_writable_answer(&stream->writable, operation, error);
  }
}

void weir_done_succeed(weir_lua_stream *stream, uint64_t operation) {
  if (weir_writable_answer_quietly(&stream->writable, operation)) return;
  weir_writable_answer(&stream->writable, operation, NULL);
  weir_lua_stream_settle(stream);
}

/* Finds the stream of a `done`; NULL: it is over, and nobody waits for the answer. */
static weir_lua_stream *stream_of_done(lua_State *L) {
  const weir_stream_box *box = lua_touserdata(L, lua_upvalueindex(UPVALUE_STREAM));
  weir_lua_stream *stream = box->stream;
  return stream && stream->context->L ? stream : NULL;
}

static uint64_t operation_of_done(lua_State *L) {
  return (uint64_t)lua_tonumber(L, lua_upvalueindex(UPVALUE_OPERATION));
}

/* With the error at index 1, if there is one. */
static lua_results answer_with(lua_State *L, weir_lua_stream *stream, int hook,
                               uint64_t operation) {
  luaL_checkstack(L, WEIR_STACK, NULL);
  weir_error *error = weir_error_object_from(stream->context, L, 1);
  lua_State *outer = weir_context_enter(stream->context, L);
  weir_done_answer(stream, hook, operation, error);
  weir_error_release(error);
  weir_lua_stream_settle(stream);
  weir_context_leave(stream->context, outer);
  return 0;
}

/* done(err) of a write. Upvalues: the stream's userdata, which it keeps alive; the operation. */
static lua_results write_done(lua_State *L) {
  weir_lua_stream *stream = stream_of_done(L);
  if (!stream) return 0;
  uint64_t operation = operation_of_done(L);
  bool failed = lua_toboolean(L, 1);
  if (!failed && weir_writable_answer_quietly(&stream->writable, operation)) return 0;
  return answer_with(L, stream, HOOK_WRITE, operation);
}

/* done(err) of another hook, which is the second upvalue. */
static lua_results done(lua_State *L) {
  weir_lua_stream *stream = stream_of_done(L);
  if (!stream) return 0;
  return answer_with(L, stream, (int)lua_tointeger(L, lua_upvalueindex(UPVALUE_HOOK)), 0);
}

/* --- on a tick --- */

typedef struct later_answer {
  weir_tick tick;
  weir_lua_stream *stream; /* a reference */
  uint64_t operation;
} later_answer;

static void run_later_answer(weir_tick *tick) {
  later_answer *it = WEIR_TICK_OWNER(tick, later_answer, tick);
  weir_lua_stream *stream = it->stream;
  uint64_t operation = it->operation;
  free(it);
  bool is_over = stream->collected || !stream->context->L;
  if (!is_over) weir_writable_answer(&stream->writable, operation, NULL);
  weir_stream_release(&stream->core);
}

/* Returns false, with nothing done, without memory. */
static bool answer_later(lua_State *L, weir_lua_stream *stream, uint64_t operation) {
  weir_context *context = stream->context;
  later_answer *it = malloc(sizeof *it);
  if (!it) return false;
  *it = (later_answer){.stream = stream, .operation = operation};
  weir_stream_hold(&stream->core);
  weir_ticks_push(&context->loop.core.ticks, &it->tick, run_later_answer);
  if (!stream->held) {
    lua_State *outer = weir_context_enter(context, L);
    weir_lua_stream_settle(stream);
    weir_context_leave(context, outer);
  }
  return true;
}

bool weir_done_on_tick(weir_context *context, lua_State *L) {
  if (lua_tocfunction(L, 1) != write_done) return false;
  lua_getupvalue(L, 1, UPVALUE_STREAM);
  lua_getupvalue(L, 1, UPVALUE_OPERATION);
  weir_lua_stream *stream = weir_lua_stream_test(L, -2);
  uint64_t operation = (uint64_t)lua_tonumber(L, -1);
  lua_pop(L, 2);
  return stream && stream->context == context && answer_later(L, stream, operation);
}

/* --- of a transform --- */

/* Whether what came out of the chunk has to be read before the next one is let in. */
static bool is_full(const weir_lua_stream *stream, uint64_t length_before) {
  const weir_readable *r = stream->core.readable;
  return stream->writable.writer == WEIR_OPEN && r->length != length_before &&
         r->length >= r->high_water_mark;
}

/* Pushes the value at index 2, whose place self takes for it at index 1. */
static void push_value(lua_State *L) {
  lua_pushvalue(L, lua_upvalueindex(UPVALUE_STREAM));
  lua_replace(L, 1);
  weir_readable_push_value(L, weir_lua_stream_check(L, 1, "push"));
}

/* done(err, value). Upvalues: as above, and the length of the readable side before it. */
static lua_results transform_done(lua_State *L) {
  weir_lua_stream *stream = stream_of_done(L);
  if (!stream) return 0;
  uint64_t operation = operation_of_done(L);
  lua_settop(L, 2);
  if (lua_toboolean(L, 1)) return answer_with(L, stream, HOOK_WRITE, operation);
  if (!lua_isnil(L, 2)) push_value(L);
  if (!stream_of_done(L)) return 0;
  lua_sink *sink = stream->core.sink;
  uint64_t length_before = (uint64_t)lua_tonumber(L, lua_upvalueindex(UPVALUE_LENGTH));
  if (stream->core.readable->input != WEIR_INPUT_OPEN) { /* it has pushed the end */
    if (!answer_later(L, stream, operation)) return luaL_error(L, "not enough memory");
  } else if (is_full(stream, length_before)) {
    sink->held_back = operation;
  } else if (!weir_writable_answer_quietly(&stream->writable, operation)) {
    lua_settop(L, 0);
    return answer_with(L, stream, HOOK_WRITE, operation);
  }
  return 0;
}

/* --- making them --- */

void weir_done_push_of_write(lua_State *L, int self, const weir_lua_stream *stream,
                             uint64_t operation) {
  const lua_sink *sink = stream->core.sink;
  lua_pushvalue(L, self);
  lua_pushnumber(L, (lua_Number)operation);
  if (!sink->transforms) {
    lua_pushcclosure(L, write_done, UPVALUE_OPERATION);
    return;
  }
  lua_pushnumber(L, (lua_Number)stream->core.readable->length);
  lua_pushcclosure(L, transform_done, UPVALUE_LENGTH);
}

void weir_done_push(lua_State *L, int self, int hook) {
  lua_pushvalue(L, self);
  lua_pushinteger(L, hook);
  lua_pushcclosure(L, done, UPVALUE_HOOK);
}
