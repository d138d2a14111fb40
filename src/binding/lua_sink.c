/* lua_sink.c - see lua_sink.h.
**
** A hook is called with the stream and, last, a fresh `done` (done.h). What it raises counts as
** done(what it raised).
** SPDX-License-Identifier: MIT
*/
#include "binding/lua_sink.h"

#include "binding/done.h"
#include "binding/error_object.h"
#include "binding/options.h"

/* --- calling a hook --- */

typedef struct hook_call {
  weir_lua_stream *stream;
  int hook;
  uint64_t operation;
  weir_entry *first; /* of a write */
  size_t count;
  weir_error *error; /* of destroy */
} hook_call;

/* Pushes the value of an entry, whose anchor it gives back. */
static void take_anchored(lua_State *L, weir_lua_stream *stream, int anchors, weir_entry *entry) {
  weir_anchors_push(&stream->anchors, L, anchors, entry->anchor);
  weir_anchors_drop(&stream->anchors, L, anchors, entry->anchor);
  entry->anchor = 0;
}

/* Pushes the chunk of a write, or a fresh array of those of a writev. */
static void push_chunks(lua_State *L, const hook_call *call, int anchors) {
  if (call->hook == HOOK_WRITE) {
    take_anchored(L, call->stream, anchors, call->first);
    return;
  }
  lua_createtable(L, (int)call->count, 0);
  int i = 0;
  for (weir_entry *entry = call->first; entry; entry = entry->next) {
    take_anchored(L, call->stream, anchors, entry);
    lua_rawseti(L, -2, ++i);
  }
}

/* Pushes a hook of the stream whose userdata is at `self`, and whose table at `fields`. Those of a
** class are kept there.
*/
static void push_hook(lua_State *L, const weir_lua_stream *stream, int self, int fields, int hook) {
  if (!stream->kind->has_class) {
    lua_rawgeti(L, fields, hook);
  } else if (lua_getmetatable(L, self)) {
    lua_rawgeti(L, -1, hook);
    lua_remove(L, -2);
  } else {
    lua_pushnil(L);
  }
}

/* function(hook_call*): pushes what the hook gets and calls it. Runs protected: all of it may
** raise.
*/
static lua_results call_hook(lua_State *L) {
  const hook_call *call = lua_touserdata(L, 1);
  weir_lua_stream *stream = call->stream;
  if (!weir_lua_stream_push(stream, L)) return 0; /* 2: the userdata */
  lua_getuservalue(L, 2);
  push_hook(L, stream, 2, 3, call->hook);
  lua_pushvalue(L, 2);
  int arguments = 3;
  if (call->first) {
    push_chunks(L, call, 3);
    weir_done_push_of_write(L, 2, stream, call->operation);
  } else if (call->hook == HOOK_DESTROY) {
    weir_error_object_push(stream->context, L, call->error, NULL);
    weir_done_push(L, 2, call->hook);
  } else {
    weir_done_push(L, 2, call->hook);
    arguments = 2;
  }
  lua_call(L, arguments, 0);
  return 0;
}

/* function(value, weir_error**), of what a hook raised. Runs protected. */
static lua_results take_raised(lua_State *L) {
  weir_context *context = lua_touserdata(L, lua_upvalueindex(1));
  if (!lua_toboolean(L, 1)) { /* nil and false would mean success */
    lua_pushfstring(L, "a hook of the sink raised %s", luaL_typename(L, 1));
    lua_replace(L, 1);
  }
  *(weir_error **)lua_touserdata(L, 2) = weir_error_object_from(context, L, 1);
  return 0;
}

/* The error that stands for the value on top of the stack, which it pops. */
static weir_error *raised_error(weir_context *context, lua_State *L) {
  weir_context_push(context, L, WEIR_SLOT_TAKE_RAISED);
  lua_insert(L, -2);
  weir_error *error = NULL;
  lua_pushlightuserdata(L, &error);
  if (lua_pcall(L, 2, 0, 0) != LUA_OK) lua_pop(L, 1);
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
  lua_State *L = weir_lua_stream_way_in(stream);
  if (!L) return; /* the state closes: it will never be answered */
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
  weir_done_answer(stream, call->hook, 0, error);
  weir_error_release(error);
}

/* The same for `read`, which gets no `done`: so nothing here raises. */
static void run_read(weir_lua_stream *stream, uint64_t size) {
  weir_context *context = stream->context;
  lua_State *L = weir_lua_stream_way_in(stream);
  if (!L) return;
  int top = lua_gettop(L);
  if (!weir_lua_stream_push_roughly(stream, L)) return;
  lua_getuservalue(L, top + 2);
  push_hook(L, stream, top + 2, top + 3, HOOK_READ);
  lua_pushvalue(L, top + 2);
  weir_push_count(L, size);
  context->calls++;
  int status = lua_pcall(L, 2, 0, 0);
  context->calls--;
  if (status != LUA_OK) {
    weir_error *error = raised_error(context, L);
    weir_stream_fail(&stream->core, error, false);
    weir_error_release(error);
  }
  lua_settop(L, top);
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
  if (type == LUA_TNUMBER) lua_tolstring(L, 2, NULL);
  else if (type != LUA_TSTRING) return false;
  *size = lua_rawlen(L, 2);
  return true;
}

/* The hook is called at once, and so the chunk needs no anchor: it stays on the stack. */
static lua_results call_at_once(lua_State *L, weir_lua_stream *stream, size_t size) {
  weir_context *context = stream->context;
  uint64_t operation = stream->writable.operation_id + 1;
  luaL_checkstack(L, WEIR_STACK, NULL);
  lua_getuservalue(L, 1); /* 3 */
  push_hook(L, stream, 1, 3, HOOK_WRITE);
  lua_pushvalue(L, 1);
  lua_pushvalue(L, 2);
  weir_done_push_of_write(L, 1, stream,
                          operation); /* may raise, and may run a finalizer: so it looks again */
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

/* --- the same, by a pipe --- */

typedef struct taking {
  weir_lua_stream *stream;
  size_t size;
  uint64_t operation; /* 0: it has not begun */
} taking;

/* function(taking*, userdata, chunk): begins, and calls the hook. Runs protected. */
static lua_results take_chunk(lua_State *L) {
  taking *it = lua_touserdata(L, 1);
  weir_writable *w = &it->stream->writable;
  uint64_t operation = w->operation_id + 1;
  lua_getuservalue(L, 2);
  push_hook(L, it->stream, 2, 4, HOOK_WRITE);
  lua_pushvalue(L, 2);
  lua_pushvalue(L, 3);
  weir_done_push_of_write(L, 2, it->stream, operation); /* may run a finalizer, as above */
  if (w->operation_id + 1 != operation || !weir_writable_begin_direct(w, it->size)) return 0;
  it->operation = operation;
  lua_call(L, 3, 0);
  return 0;
}

/* The size of what is on top of the stack as a chunk; false: only write() can tell. */
static bool size_of_value(lua_State *L, const weir_lua_stream *stream, size_t *size) {
  *size = 1;
  if (stream->writable.object_mode) return true;
  if (lua_type(L, -1) != LUA_TSTRING) return false;
  *size = lua_rawlen(L, -1);
  return true;
}

static bool take_value(weir_lua_stream *stream, lua_State *L, weir_verdict *verdict) {
  const lua_sink *self = stream->core.sink;
  weir_context *context = stream->context;
  taking it = {.stream = stream};
  if (!self->writes || !weir_writable_is_idle(&stream->writable)) return false;
  if (stream->writable.corked > 0) return false;
  if (!size_of_value(L, stream, &it.size) || !lua_checkstack(L, 12)) return false;
  weir_context_push(context, L, WEIR_SLOT_TAKE_CHUNK);
  lua_pushlightuserdata(L, &it);
  lua_pushvalue(L, -4);
  lua_pushvalue(L, -4);
  context->calls++;
  int status = lua_pcall(L, 3, 0, 0);
  context->calls--;
  if (it.operation == 0) {
    /* Without memory write() says so; else, on older Luas, a finalizer has raised. */
    if (status != LUA_OK && status != LUA_ERRMEM) weir_context_uncaught(context, L);
    if (status != LUA_OK) lua_pop(L, 1);
    return false;
  }
  if (status != LUA_OK) take_raise(stream, L, it.operation);
  *verdict = weir_writable_end_direct(&stream->writable, it.size);
  if (!weir_lua_stream_is_settled(stream)) weir_lua_stream_settle(stream);
  return true;
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
  run_read(self->stream, size);
}

/* What came out of the last chunk is being read: the next one may come. */
static void transform_read(void *source, uint64_t size) {
  lua_sink *self = source;
  uint64_t operation = self->held_back;
  (void)size;
  self->held_back = 0;
  if (operation > 0 && !self->stream->collected && self->stream->context->L) {
    weir_done_succeed(self->stream, operation);
  }
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
    .name = "lua", .hooks = HOOKS, .write_direct = write_direct, .take_value = take_value};
static const weir_stream_kind readable = {
    .name = "readable", .reads = true, .read_only = true, .hooks = HOOKS};
static const weir_stream_kind duplex = {.name = "duplex",
                                        .reads = true,
                                        .hooks = HOOKS,
                                        .write_direct = write_direct,
                                        .take_value = take_value};
static const weir_stream_kind transform = {.name = "transform",
                                           .reads = true,
                                           .hooks = HOOKS,
                                           .write_hook = "_transform()",
                                           .write_direct = write_direct,
                                           .take_value = take_value};

static const weir_stream_kind request = {
    .name = "request", .reads = true, .read_only = true, .has_class = true};
static const weir_stream_kind response = {
    .name = "response", .has_class = true, .write_direct = write_direct, .take_value = take_value};

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
  if (sink->transforms && sink->writes) sink->source.read = transform_read;
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
  sink->transforms = kind == &transform;
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

enum { UPVALUE_MOULD = 2, UPVALUE_CLASS };

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
  set_hooks(L, 3, 2);
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
  lua_pushcfunction(L, take_chunk);
  weir_context_set(context, L, WEIR_SLOT_TAKE_CHUNK);
  lua_pushlightuserdata(L, context);
  lua_pushcclosure(L, take_raised, 1);
  weir_context_set(context, L, WEIR_SLOT_TAKE_RAISED);
}
