/* lua_sink.c - see lua_sink.h.
**
** A hook is called with the stream and, last, a fresh `done`. What it raises counts as done(what it
** raised). The answers find their way by the number of the operation, so a second call of an old
** `done` never answers a newer operation.
** SPDX-License-Identifier: MIT
*/
#include "binding/lua_sink.h"

#include <stdlib.h>

#include "binding/error_object.h"
#include "binding/lua_stream.h"
#include "binding/options.h"

/* The hooks, by their place in the table of hooks. */
enum { HOOK_WRITE = 1, HOOK_WRITEV, HOOK_FINAL, HOOK_CONSTRUCT, HOOK_DESTROY, HOOK_READ };

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

/* done(err). Upvalues: the stream's userdata, which it keeps alive; the hook; the operation. */
static lua_results done(lua_State *L) {
  weir_lua_stream *stream = weir_lua_stream_test(L, lua_upvalueindex(1));
  if (!stream || !stream->context->L) return 0; /* over: nobody waits for the answer */
  int hook = (int)lua_tointeger(L, lua_upvalueindex(2));
  uint64_t operation = (uint64_t)lua_tonumber(L, lua_upvalueindex(3));
  luaL_checkstack(L, WEIR_STACK, NULL);
  weir_error *error = weir_error_object_from(stream->context, L, 1);
  lua_State *outer = weir_context_enter(stream->context, L);
  answer(stream, hook, operation, error);
  weir_error_release(error);
  weir_lua_stream_settle(stream);
  weir_context_leave(stream->context, outer);
  return 0;
}

/* --- calling a hook --- */

typedef struct hook_call {
  weir_lua_stream *stream;
  int hook;
  uint64_t operation;
  const weir_entry *first; /* of a write */
  size_t count;
  weir_error *error; /* of destroy */
  uint64_t size;     /* of read */
} hook_call;

/* Pushes the chunk of a write, or a fresh array of those of a writev. */
static void push_chunks(lua_State *L, const hook_call *call, int fields) {
  lua_rawgeti(L, fields, WEIR_FIELD_ANCHORS);
  int anchors = lua_gettop(L);
  if (call->hook == HOOK_WRITE) {
    weir_anchors_push(L, anchors, call->first->anchor);
  } else {
    lua_createtable(L, (int)call->count, 0);
    int i = 0;
    for (const weir_entry *entry = call->first; entry; entry = entry->next) {
      weir_anchors_push(L, anchors, entry->anchor);
      lua_rawseti(L, -2, ++i);
    }
  }
  lua_remove(L, anchors);
}

/* Pushes the `done` of this call. */
static void push_done(lua_State *L, const hook_call *call) {
  lua_pushvalue(L, 2);
  lua_pushinteger(L, call->hook);
  lua_pushnumber(L, (lua_Number)call->operation);
  lua_pushcclosure(L, done, 3);
}

/* function(hook_call*): pushes what the hook gets and calls it. Runs protected: all of it may
** raise.
*/
static lua_results call_hook(lua_State *L) {
  const hook_call *call = lua_touserdata(L, 1);
  weir_lua_stream *stream = call->stream;
  if (!weir_lua_stream_push(stream, L)) return 0; /* 2: the userdata */
  lua_getuservalue(L, 2);                         /* 3: its fields */
  lua_rawgeti(L, 3, WEIR_FIELD_HOOKS);            /* 4 */
  lua_rawgeti(L, 4, call->hook);
  lua_pushvalue(L, 2);
  int arguments = 2;
  if (call->first) {
    push_chunks(L, call, 3);
    arguments++;
  } else if (call->hook == HOOK_DESTROY) {
    weir_error_object_push(stream->context, L, call->error, NULL);
    arguments++;
  }
  if (call->hook == HOOK_READ) weir_push_count(L, call->size);
  else push_done(L, call);
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
  weir_error *error = raised_error(context, L);
  if (call->first) weir_writable_raised(&stream->writable, call->operation, error);
  else answer(stream, call->hook, 0, error);
  weir_error_release(error);
}

/* --- the port --- */

static void sink_submit_chunks(void *sink, const weir_entry *first, size_t count,
                               uint64_t operation) {
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

/* A stream whose userdata is gone has nobody left to run the hook for. */
static void sink_close(void *sink, weir_error *error) {
  const lua_sink *self = sink;
  weir_lua_stream *stream = self->stream;
  if (stream->collected || !stream->context->L) weir_stream_closed(&stream->core, error);
  else run(&(hook_call){.stream = stream, .hook = HOOK_DESTROY, .error = error});
}

/* --- making one --- */

static void free_sink(weir_lua_stream *stream) {
  free(stream->sink);
}

static const weir_stream_kind writable = {.name = "lua", .unused = free_sink};
static const weir_stream_kind readable = {
    .name = "readable", .reads = true, .read_only = true, .unused = free_sink};
static const weir_stream_kind duplex = {.name = "duplex", .reads = true, .unused = free_sink};
static const weir_stream_kind transform = {
    .name = "transform", .reads = true, .write_hook = "_transform()", .unused = free_sink};

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

static lua_results new_stream(lua_State *L, const weir_stream_kind *kind) {
  weir_context *context = weir_context_of(L);
  weir_stream_options options;
  weir_options_read(L, 1, &options);
  luaL_checktype(L, 2, LUA_TTABLE);
  lua_settop(L, 2);
  weir_lua_stream *stream = weir_lua_stream_new(context, L, kind); /* 3 */
  lua_getuservalue(L, 3);
  lua_pushvalue(L, 2);
  lua_rawseti(L, -2, WEIR_FIELD_HOOKS);
  lua_settop(L, 3);
  lua_sink *sink = calloc(1, sizeof *sink);
  if (!sink) return luaL_error(L, "not enough memory");
  sink->stream = stream;
  fill_port(sink, L, 2);
  options.source = &sink->source;
  weir_lua_stream_start(stream, &sink->port, sink, &options);
  return 1;
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
    {NULL, NULL},
};

void weir_lua_sink_open(weir_context *context, lua_State *L) {
  lua_pushcfunction(L, call_hook);
  weir_context_set(context, L, WEIR_SLOT_CALL_HOOK);
  lua_pushlightuserdata(L, context);
  lua_pushcclosure(L, take_raised, 1);
  weir_context_set(context, L, WEIR_SLOT_TAKE_RAISED);
}
