/* lua_sink.c - see lua_sink.h.
**
** A hook is called with the stream and, last, a fresh `done`. What it raises counts as done(what it
** raised). The answers find their way by the number of the operation, so a second call of an old
** `done` never answers a newer operation: that is why each operation needs a `done` of its own.
** SPDX-License-Identifier: MIT
*/
#include "binding/lua_sink.h"

#include <stdlib.h>

#include "binding/error_object.h"
#include "binding/lua_stream.h"
#include "binding/options.h"

/* The hooks, by their place in the table of hooks and in the stream's. */
enum { HOOK_WRITE = 1, HOOK_WRITEV, HOOK_FINAL, HOOK_CONSTRUCT, HOOK_DESTROY, HOOK_READ };
enum { HOOKS = HOOK_READ };

typedef struct lua_sink {
  weir_sink_port port; /* both have only what the hooks provide */
  weir_source_port source;
  weir_lua_stream *stream;
  bool writes; /* has `write`; without it, `writev` gets batches of one */
} lua_sink;

/* --- answers --- */

/* Answers for one hook; `operation` counts only for writes. */
static void answer(weir_lua_stream *stream, int hook, uint64_t operation, weir_error *error) {
  switch (hook) {
    case HOOK_FINAL: weir_writable_finished(&stream->writable, error); break;
    case HOOK_CONSTRUCT: weir_stream_constructed(&stream->core, error); break;
    case HOOK_DESTROY: weir_stream_closed(&stream->core, error); break;
    case HOOK_READ: /* answers with a push; this is what it raised */
      weir_stream_fail(&stream->core, error, false);
      break;
    default: weir_writable_answer(&stream->writable, operation, error);
  }
}

/* Finds the stream of a `done`; NULL: it is over, and nobody waits for the answer. */
static weir_lua_stream *stream_of_done(lua_State *L) {
  weir_lua_stream *stream = weir_lua_stream_test(L, lua_upvalueindex(1));
  return stream && stream->context->L ? stream : NULL;
}

static lua_results answer_with(lua_State *L, weir_lua_stream *stream, int hook,
                               uint64_t operation) {
  luaL_checkstack(L, WEIR_STACK, NULL);
  weir_error *error = weir_error_object_from(stream->context, L, 1);
  lua_State *outer = weir_context_enter(stream->context, L);
  answer(stream, hook, operation, error);
  weir_error_release(error);
  weir_lua_stream_settle(stream);
  weir_context_leave(stream->context, outer);
  return 0;
}

/* done(err) of a write. Upvalues: the stream's userdata, which it keeps alive; the operation. */
static lua_results write_done(lua_State *L) {
  weir_lua_stream *stream = stream_of_done(L);
  if (!stream) return 0;
  uint64_t operation = (uint64_t)lua_tonumber(L, lua_upvalueindex(2));
  bool failed = lua_toboolean(L, 1);
  if (!failed && weir_writable_answer_quietly(&stream->writable, operation)) return 0;
  return answer_with(L, stream, HOOK_WRITE, operation);
}

/* done(err) of another hook, which is the second upvalue. */
static lua_results done(lua_State *L) {
  weir_lua_stream *stream = stream_of_done(L);
  if (!stream) return 0;
  return answer_with(L, stream, (int)lua_tointeger(L, lua_upvalueindex(2)), 0);
}

/* --- answering on a tick --- */

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

bool weir_lua_sink_answer_later(weir_context *context, lua_State *L) {
  if (lua_tocfunction(L, 1) != write_done) return false;
  lua_getupvalue(L, 1, 1);
  lua_getupvalue(L, 1, 2);
  weir_lua_stream *stream = weir_lua_stream_test(L, -2);
  uint64_t operation = (uint64_t)lua_tonumber(L, -1);
  lua_pop(L, 2);
  later_answer *it = stream && stream->context == context ? malloc(sizeof *it) : NULL;
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

/* --- calling a hook --- */

typedef struct hook_call {
  weir_lua_stream *stream;
  int hook;
  uint64_t operation;
  weir_entry *first; /* of a write */
  size_t count;
  weir_error *error; /* of destroy */
  uint64_t size;     /* of read */
} hook_call;

/* Pushes the value of an entry, whose anchor it gives back. */
static void take_value(lua_State *L, weir_lua_stream *stream, int anchors, weir_entry *entry) {
  weir_anchors_push(L, anchors, entry->anchor);
  weir_anchors_drop(&stream->anchors, L, anchors, entry->anchor);
  entry->anchor = 0;
}

/* Pushes the chunk of a write, or a fresh array of those of a writev. */
static void push_chunks(lua_State *L, const hook_call *call, int anchors) {
  if (call->hook == HOOK_WRITE) {
    take_value(L, call->stream, anchors, call->first);
    return;
  }
  lua_createtable(L, (int)call->count, 0);
  int i = 0;
  for (weir_entry *entry = call->first; entry; entry = entry->next) {
    take_value(L, call->stream, anchors, entry);
    lua_rawseti(L, -2, ++i);
  }
}

/* Pushes the `done` of a write of the stream whose userdata is at `self`. May raise. */
static void push_write_done(lua_State *L, int self, uint64_t operation) {
  lua_pushvalue(L, self);
  lua_pushnumber(L, (lua_Number)operation);
  lua_pushcclosure(L, write_done, 2);
}

static void push_done(lua_State *L, int hook) {
  lua_pushvalue(L, 2);
  lua_pushinteger(L, hook);
  lua_pushcclosure(L, done, 2);
}

/* function(hook_call*): pushes what the hook gets and calls it. Runs protected: all of it may
** raise.
*/
static lua_results call_hook(lua_State *L) {
  const hook_call *call = lua_touserdata(L, 1);
  weir_lua_stream *stream = call->stream;
  if (!weir_lua_stream_push(stream, L)) return 0; /* 2: the userdata */
  lua_getuservalue(L, 2);
  lua_rawgeti(L, 3, call->hook);
  lua_pushvalue(L, 2);
  int arguments = 3;
  if (call->first) {
    push_chunks(L, call, 3);
    push_write_done(L, 2, call->operation);
  } else if (call->hook == HOOK_READ) {
    weir_push_count(L, call->size);
    arguments = 2;
  } else if (call->hook == HOOK_DESTROY) {
    weir_error_object_push(stream->context, L, call->error, NULL);
    push_done(L, call->hook);
  } else {
    push_done(L, call->hook);
    arguments = 2;
  }
  lua_call(L, arguments, 0);
  return 0;
}

/* function(value) -> weir_error*, of what a hook raised. Runs protected. */
static lua_results take_raised(lua_State *L) {
  weir_context *context = lua_touserdata(L, lua_upvalueindex(1));
  if (!lua_toboolean(L, 1)) { /* nil and false would mean success */
    lua_pushfstring(L, "a hook of the sink raised %s", luaL_typename(L, 1));
    lua_replace(L, 1);
  }
  lua_pushlightuserdata(L, weir_error_object_from(context, L, 1));
  return 1;
}

/* The error that stands for the value on top of the stack, which it pops. */
static weir_error *raised_error(weir_context *context, lua_State *L) {
  weir_context_push(context, L, WEIR_SLOT_TAKE_RAISED);
  lua_insert(L, -2);
  weir_error *error = NULL;
  if (lua_pcall(L, 1, 1, 0) == LUA_OK) error = lua_touserdata(L, -1);
  lua_pop(L, 1);
  return error ? error : weir_error_new(WEIR_E_OUT_OF_MEMORY, NULL);
}

/* The hook of a write raised the value on top of the stack; pops it. */
static void take_raise(weir_lua_stream *stream, lua_State *L, uint64_t operation) {
  weir_error *error = raised_error(stream->context, L);
  weir_writable_raised(&stream->writable, operation, error);
  weir_error_release(error);
}

static void run(hook_call *call) {
  weir_lua_stream *stream = call->stream;
  weir_context *context = stream->context;
  lua_State *L = stream->collected ? NULL : context->L;
  if (!L || !lua_checkstack(L, 8)) return; /* the state closes: it will never be answered */
  weir_context_push(context, L, WEIR_SLOT_CALL_HOOK);
  lua_pushlightuserdata(L, call);
  context->calls++;
  int status = lua_pcall(L, 1, 0, 0);
  context->calls--;
  if (status == LUA_OK) return;
  if (call->first) {
    take_raise(stream, L, call->operation);
    return;
  }
  weir_error *error = raised_error(context, L);
  answer(stream, call->hook, 0, error);
  weir_error_release(error);
}

/* --- a write that is not queued --- */

/* Whether argument 2 alone can be a chunk; stores its size. A number becomes a string. */
static bool is_chunk(lua_State *L, const weir_lua_stream *stream, size_t *size) {
  if (lua_gettop(L) != 2) return false;
  if (stream->writable.object_mode) {
    *size = 1;
    return !lua_isnil(L, 2);
  }
  int type = lua_type(L, 2);
  if (type != LUA_TSTRING && type != LUA_TNUMBER) return false;
  lua_tolstring(L, 2, size);
  return true;
}

/* The hook is called at once, and so the chunk needs no anchor: it stays on the stack. */
static lua_results call_at_once(lua_State *L, weir_lua_stream *stream, size_t size) {
  weir_context *context = stream->context;
  uint64_t operation = stream->writable.operation_id + 1;
  luaL_checkstack(L, WEIR_STACK, NULL);
  lua_getuservalue(L, 1);
  lua_rawgeti(L, -1, HOOK_WRITE);
  lua_pushvalue(L, 1);
  lua_pushvalue(L, 2);
  push_write_done(L, 1, operation); /* may raise, and may run a finalizer: so it looks again */
  if (stream->writable.operation_id + 1 != operation ||
      !weir_writable_begin_direct(&stream->writable, size)) {
    lua_settop(L, 2);
    return 0;
  }
  lua_State *outer = weir_context_enter(context, L);
  context->calls++;
  int status = lua_pcall(L, 3, 0, 0);
  context->calls--;
  if (status != LUA_OK) take_raise(stream, L, operation);
  weir_verdict verdict = weir_writable_end_direct(&stream->writable, size);
  if (!weir_lua_stream_is_settled(stream)) weir_lua_stream_settle(stream);
  weir_context_leave(context, outer);
  lua_pushboolean(L, verdict == WEIR_GO_ON);
  return 1;
}

/* The sink is busy, or held back: the chunk is queued. */
static lua_results queue(lua_State *L, weir_lua_stream *stream, size_t size) {
  weir_context *context = stream->context;
  luaL_checkstack(L, WEIR_STACK, NULL);
  weir_lua_stream_push_anchors(L, 1); /* 3 */
  weir_anchors_reserve(&stream->anchors, L, 3, 1);
  lua_pushvalue(L, 2);
  weir_piece piece = {.size = size, .anchor = weir_anchors_hold(&stream->anchors, L, 3)};
  weir_error *refusal = NULL;
  lua_State *outer = weir_context_enter(context, L);
  weir_verdict verdict = weir_writable_write(&stream->writable, &piece, 1, WEIR_NOBODY, &refusal);
  weir_lua_stream_settle(stream);
  weir_context_leave(context, outer);
  if (verdict == WEIR_NO_MEMORY) {
    weir_anchors_drop(&stream->anchors, L, 3, piece.anchor);
    return luaL_error(L, "not enough memory");
  }
  if (verdict != WEIR_REFUSED) {
    lua_pushboolean(L, verdict == WEIR_GO_ON);
    return 1;
  }
  lua_pushnil(L);
  weir_error_object_push(context, L, refusal, NULL);
  weir_error_release(refusal);
  return 2;
}

static lua_results write_direct(weir_lua_stream *stream, lua_State *L) {
  const lua_sink *self = stream->core.sink;
  size_t size;
  if (!self->writes || !stream->context->L || weir_context_is_of_parent(stream->context)) return 0;
  if (!is_chunk(L, stream, &size)) return 0;
  if (weir_writable_is_idle(&stream->writable)) return call_at_once(L, stream, size);
  return queue(L, stream, size);
}

/* --- the port --- */

static void sink_submit_chunks(void *sink, weir_entry *first, size_t count, uint64_t operation) {
  const lua_sink *self = sink;
  bool batch = count > 1 || !self->writes;
  run(&(hook_call){.stream = self->stream,
                   .hook = batch ? HOOK_WRITEV : HOOK_WRITE,
                   .operation = operation,
                   .first = first,
                   .count = count});
}

static void sink_finish(void *sink) {
  const lua_sink *self = sink;
  run(&(hook_call){.stream = self->stream, .hook = HOOK_FINAL});
}

static void sink_open(void *sink) {
  const lua_sink *self = sink;
  run(&(hook_call){.stream = self->stream, .hook = HOOK_CONSTRUCT});
}

static void source_read(void *source, uint64_t size) {
  const lua_sink *self = source;
  run(&(hook_call){.stream = self->stream, .hook = HOOK_READ, .size = size});
}

/* Nothing was lost: all was written, or read. */
static bool is_through(const weir_lua_stream *stream) {
  const weir_readable *r = stream->core.readable;
  return r ? weir_readable_is_over(r) : stream->writable.writer == WEIR_FINISHED;
}

/* A stream whose userdata is gone has nobody left to run the hook for. */
static void sink_close(void *sink, weir_error *error) {
  const lua_sink *self = sink;
  weir_lua_stream *stream = self->stream;
  bool needless = stream->kind->has_class && !error && is_through(stream);
  if (needless || stream->collected || !stream->context->L) {
    weir_stream_closed(&stream->core, error);
  } else {
    run(&(hook_call){.stream = stream, .hook = HOOK_DESTROY, .error = error});
  }
}

/* --- making one --- */

static const weir_stream_kind writable = {
    .name = "lua", .hooks = HOOKS, .write_direct = write_direct};
static const weir_stream_kind readable = {
    .name = "readable", .reads = true, .read_only = true, .hooks = HOOKS};
static const weir_stream_kind duplex = {
    .name = "duplex", .reads = true, .hooks = HOOKS, .write_direct = write_direct};
static const weir_stream_kind transform = {.name = "transform",
                                           .reads = true,
                                           .hooks = HOOKS,
                                           .write_hook = "_transform()",
                                           .write_direct = write_direct};

static const weir_stream_kind request = {
    .name = "request", .reads = true, .read_only = true, .hooks = HOOKS, .has_class = true};
static const weir_stream_kind response = {
    .name = "response", .hooks = HOOKS, .has_class = true, .write_direct = write_direct};

static bool has_hook(lua_State *L, int hooks, int hook) {
  lua_rawgeti(L, hooks, hook);
  bool has = lua_isfunction(L, -1);
  lua_pop(L, 1);
  return has;
}

static void fill_port(lua_sink *sink, lua_State *L, int hooks) {
  sink->writes = has_hook(L, hooks, HOOK_WRITE);
  bool batches = has_hook(L, hooks, HOOK_WRITEV);
  sink->port = (weir_sink_port){
      .name = "lua",
      .open = has_hook(L, hooks, HOOK_CONSTRUCT) ? sink_open : NULL,
      .submit_chunks = sink->writes || batches ? sink_submit_chunks : NULL,
      .takes_batches = batches,
      .finish = has_hook(L, hooks, HOOK_FINAL) ? sink_finish : NULL,
      .close = has_hook(L, hooks, HOOK_DESTROY) ? sink_close : NULL,
  };
  sink->source.read = has_hook(L, hooks, HOOK_READ) ? source_read : NULL;
}

/* Copies the hooks that there are into the table of the stream's. */
static void set_hooks(lua_State *L, int fields, int hooks) {
  for (int hook = HOOK_WRITE; hook <= HOOK_READ; hook++) {
    lua_rawgeti(L, hooks, hook);
    if (lua_isfunction(L, -1)) lua_rawseti(L, fields, hook);
    else lua_pop(L, 1);
  }
}

static lua_results new_stream(lua_State *L, const weir_stream_kind *kind) {
  weir_context *context = weir_context_of(L);
  weir_stream_options options;
  weir_options_read(L, 1, &options);
  luaL_checktype(L, 2, LUA_TTABLE);
  lua_settop(L, 2);
  weir_lua_stream *stream = weir_lua_stream_new(context, L, kind, sizeof(lua_sink)); /* 3 */
  lua_getuservalue(L, 3);
  set_hooks(L, 4, 2);
  lua_settop(L, 3);
  lua_sink *sink = weir_lua_stream_sink_place(stream);
  sink->stream = stream;
  fill_port(sink, L, 2);
  options.source = &sink->source;
  weir_lua_stream_start(stream, &sink->port, sink, &options);
  return 1;
}

/* What all streams of one maker share. */
typedef struct mould {
  const weir_stream_kind *kind;
  weir_stream_options options;
  lua_sink sink;
} mould;

enum { UPVALUE_MOULD = 2, UPVALUE_HOOKS, UPVALUE_CLASS };

static void set_field(lua_State *L, int fields, int field, int value) {
  lua_pushvalue(L, value);
  lua_rawseti(L, fields, field);
}

/* function(own, fields) -> stream */
static lua_results make(lua_State *L) {
  weir_context *context = weir_context_of(L);
  const mould *it = lua_touserdata(L, lua_upvalueindex(UPVALUE_MOULD));
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 2);
  weir_lua_stream *stream = weir_lua_stream_new(context, L, it->kind, sizeof(lua_sink)); /* 3 */
  lua_getuservalue(L, 3);
  set_hooks(L, 4, lua_upvalueindex(UPVALUE_HOOKS));
  set_field(L, 4, WEIR_FIELD_OWN, 1);
  set_field(L, 4, WEIR_FIELD_FIELDS, 2);
  lua_settop(L, 3);
  lua_pushvalue(L, lua_upvalueindex(UPVALUE_CLASS));
  lua_setmetatable(L, 3);
  lua_sink *sink = weir_lua_stream_sink_place(stream);
  *sink = it->sink;
  sink->stream = stream;
  weir_stream_options options = it->options;
  options.source = &sink->source;
  weir_lua_stream_start(stream, &sink->port, sink, &options);
  return 1;
}

static lua_results new_maker(lua_State *L, const weir_stream_kind *kind) {
  luaL_checktype(L, 2, LUA_TTABLE);
  luaL_checktype(L, 3, LUA_TTABLE);
  lua_settop(L, 3);
  lua_pushvalue(L, lua_upvalueindex(1)); /* the context, for weir_context_of */
  mould *it = weir_newuserdata(L, sizeof *it);
  *it = (mould){.kind = kind};
  weir_options_read(L, 1, &it->options);
  fill_port(&it->sink, L, 2);
  lua_pushvalue(L, 2);
  lua_pushvalue(L, 3);
  lua_pushcclosure(L, make, UPVALUE_CLASS);
  return 1;
}

static lua_results new_request_maker(lua_State *L) {
  return new_maker(L, &request);
}
static lua_results new_response_maker(lua_State *L) {
  return new_maker(L, &response);
}

static lua_results new_writable(lua_State *L) {
  return new_stream(L, &writable);
}
static lua_results new_readable(lua_State *L) {
  return new_stream(L, &readable);
}
static lua_results new_duplex(lua_State *L) {
  return new_stream(L, &duplex);
}
static lua_results new_transform(lua_State *L) {
  return new_stream(L, &transform);
}

const luaL_Reg weir_lua_sink_functions[] = {
    {"writable", new_writable},
    {"readable", new_readable},
    {"duplex", new_duplex},
    {"transform", new_transform},
    {"request_maker", new_request_maker},
    {"response_maker", new_response_maker},
    {NULL, NULL},
};

void weir_lua_sink_open(weir_context *context, lua_State *L) {
  lua_pushcfunction(L, call_hook);
  weir_context_set(context, L, WEIR_SLOT_CALL_HOOK);
  lua_pushlightuserdata(L, context);
  lua_pushcclosure(L, take_raised, 1);
  weir_context_set(context, L, WEIR_SLOT_TAKE_RAISED);
}
