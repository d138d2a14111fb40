/* lua_stream.c - the life of a stream's userdata, and how the core's notices reach Lua. See
** lua_stream.h.
** SPDX-License-Identifier: MIT
*/
#include "binding/lua_stream.h"

#include <stdlib.h>
#include <time.h>

#include "binding/data.h"
#include "binding/emitter.h"
#include "binding/error_object.h"
#include "binding/file_stream.h"
#include "binding/inspect.h"
#include "binding/loop_choice.h"
#include "binding/objects.h"
#include "binding/readable_methods.h"
#include "binding/socket_methods.h"
#include "binding/stream_methods.h"
#include "binding/waiting.h"
#include "core/assert.h"

/* --- errors of arguments --- */

lua_results weir_argument_error(lua_State *L, int index, const char *method, const char *message) {
  luaL_where(L, 1);
  lua_pushfstring(L, "bad argument #%d to '%s' (%s)", index - 1, method, message);
  lua_concat(L, 2);
  return lua_error(L);
}

lua_results weir_type_error(lua_State *L, int index, const char *method, const char *expected) {
  const char *got = lua_isnone(L, index) ? "no value" : luaL_typename(L, index);
  return weir_argument_error(L, index, method,
                             lua_pushfstring(L, "%s expected, got %s", expected, got));
}

/* --- finding --- */

weir_lua_stream *weir_lua_stream_test(lua_State *L, int index) {
  weir_stream_box *it = weir_stream_box_test(L, index);
  return it ? it->stream : NULL;
}

weir_lua_stream *weir_lua_stream_check(lua_State *L, int index, const char *method) {
  weir_stream_box *it = weir_stream_box_test(L, index);
  luaL_checkstack(L, WEIR_STACK, NULL);
  if (it && it->stream) {
    if (!weir_context_is_of_parent(it->stream->context)) return it->stream;
    luaL_error(L, "weir: this stream belongs to the parent process");
  }
  luaL_where(L, 1);
  lua_pushfstring(L, "calling '%s' on bad self (%s)", method,
                  it ? "the stream was collected" : "weir stream expected");
  lua_concat(L, 2);
  lua_error(L);
  return NULL;
}

bool weir_lua_stream_push(const weir_lua_stream *stream, lua_State *L) {
  if (!stream->held) return weir_object_push(stream->context, L, stream);
  weir_context_push_anchor(stream->context, L, stream->holder);
  return true;
}

/* --- what the core tells --- */

lua_State *weir_lua_stream_way_in(const weir_lua_stream *stream) {
  return stream->collected ? NULL : weir_context_way_in(stream->context);
}

static const char *path_of(const weir_lua_stream *stream) {
  return stream->kind->path ? stream->kind->path(stream) : NULL;
}

static void on_event(void *owner, weir_event event, weir_error *error) {
  static const int names[] = {
      [WEIR_EVENT_DRAIN] = WEIR_ON_DRAIN,   [WEIR_EVENT_PREFINISH] = WEIR_ON_PREFINISH,
      [WEIR_EVENT_FINISH] = WEIR_ON_FINISH, [WEIR_EVENT_ERROR] = WEIR_ON_ERROR,
      [WEIR_EVENT_CLOSE] = WEIR_ON_CLOSE,   [WEIR_EVENT_READABLE] = WEIR_ON_READABLE,
      [WEIR_EVENT_END] = WEIR_ON_END,       [WEIR_EVENT_PAUSE] = WEIR_ON_PAUSE,
      [WEIR_EVENT_RESUME] = WEIR_ON_RESUME,
  };
  weir_lua_stream *stream = owner;
  bool flows = event == WEIR_EVENT_RESUME;
  if (stream->kind->flows && (flows || event == WEIR_EVENT_PAUSE)) {
    stream->kind->flows(stream, flows);
  }
  lua_State *L = weir_lua_stream_way_in(stream);
  if (!L) return;
  bool says_whether = event == WEIR_EVENT_CLOSE && stream->kind->is_socket;
  if (error) weir_error_object_push(stream->context, L, error, path_of(stream));
  if (says_whether) lua_pushboolean(L, stream->core.error != NULL);
  weir_emit(stream, L, names[event], error || says_whether ? 1 : 0);
}

static void on_data(void *owner, weir_entry *chunk, bool is_last) {
  weir_lua_stream *stream = owner;
  lua_State *L = weir_lua_stream_way_in(stream);
  if (L) weir_data_emit(stream, L, chunk, is_last);
}

/* Pushes the table of anchors; false, with nothing pushed, if the userdata is gone. */
static bool push_anchors(weir_lua_stream *stream, lua_State *L) {
  if (!weir_lua_stream_push(stream, L)) return false;
  lua_getuservalue(L, -1);
  lua_remove(L, -2);
  return true;
}

static void on_call(void *owner, weir_callback callback, weir_error *error) {
  weir_lua_stream *stream = owner;
  lua_State *L = weir_lua_stream_way_in(stream);
  if (!L || !push_anchors(stream, L)) return;
  weir_anchors_push(&stream->anchors, L, -1, callback.anchor);
  lua_remove(L, -2);
  weir_error_object_push(stream->context, L, error, path_of(stream));
  weir_context_call(stream->context, L, 1);
}

static void on_forget(void *owner, uint32_t anchor) {
  weir_lua_stream *stream = owner;
  lua_State *L = weir_lua_stream_way_in(stream);
  int top = L ? lua_gettop(L) : 0;
  if (!L || !weir_lua_stream_push_roughly(stream, L)) return;
  lua_getuservalue(L, top + 2);
  weir_anchors_drop(&stream->anchors, L, top + 3, anchor);
  lua_settop(L, top);
}

/* It is closed, or gone. */
static void count_out(weir_lua_stream *stream) {
  if (!stream->counted) return;
  stream->counted = false;
  stream->context->open_streams--;
}

/* Gives back the reference of a userdata that is gone. */
static void release_orphan(weir_lua_stream *stream) {
  if (!stream->orphan) return;
  stream->orphan = false;
  weir_stream_release(&stream->core);
}

static void on_idle(void *owner) {
  weir_lua_stream *stream = owner;
  lua_State *L = weir_lua_stream_way_in(stream);
  if (stream->core.life == WEIR_CLOSED) count_out(stream);
  bool silent = stream->core.life == WEIR_CLOSED && !stream->core.emit_close;
  if (L && silent) weir_tell_watcher_close(stream, L);
  if (!stream->collected) weir_lua_stream_settle(stream);
  else if (stream->context->L && !stream->settling) release_orphan(stream);
}

static void on_unused(void *owner) {
  weir_lua_stream *stream = owner;
  weir_context *context = stream->context;
  WEIR_ASSERT(stream->collected && !stream->settling);
  count_out(stream);
  if (stream->core.writable) weir_writable_deinit(&stream->writable);
  if (stream->core.readable) weir_readable_deinit(stream->core.readable);
  if (stream->kind->unused) stream->kind->unused(stream);
  if (stream->previous) stream->previous->next = stream->next;
  else context->streams = stream->next;
  if (stream->next) stream->next->previous = stream->previous;
  free(stream);
  weir_context_release(context);
}

static const weir_host host = {
    .event = on_event,
    .data = on_data,
    .call = on_call,
    .forget = on_forget,
    .idle = on_idle,
    .unused = on_unused,
};

/* --- keeping --- */

static bool is_busy(const weir_lua_stream *stream) {
  return weir_stream_is_busy(&stream->core) ||
         (stream->writable.corked > 0 && stream->writable.length > 0);
}

static void set_held(weir_lua_stream *stream, lua_State *L, bool held) {
  stream->held = weir_object_hold(stream->context, L, stream, stream->holder, held);
}

void weir_lua_stream_settle(weir_lua_stream *stream) {
  weir_context *context = stream->context;
  weir_loop_arm(context);
  if (stream->collected || !context->L || is_busy(stream) == stream->held) return;
  if (!stream->held) {
    set_held(stream, context->L, true);
  } else if (!stream->settling) {
    stream->settling = true;
    stream->next_settling = context->settling;
    context->settling = stream;
  }
}

void weir_lua_stream_settle_all(void *owner) {
  weir_context *context = owner;
  context->sends = 0;
  while (context->settling) {
    weir_lua_stream *stream = context->settling;
    context->settling = stream->next_settling;
    stream->settling = false;
    if (!context->L || is_busy(stream)) continue;
    if (stream->collected) release_orphan(stream);
    else set_held(stream, context->L, false);
  }
}

/* --- making --- */

static void link_in(weir_lua_stream *stream) {
  weir_context *context = stream->context;
  weir_context_hold(context);
  stream->next = context->streams;
  if (context->streams) context->streams->previous = stream;
  context->streams = stream;
}

/* LuaJIT's front has to know the streams it may write to directly. May raise. */
static void enter_front(weir_context *context, lua_State *L, const weir_stream_kind *kind) {
  if (!context->is_luajit || kind->write_direct || kind->read_only) return;
  weir_context_push(context, L, WEIR_SLOT_FRONTED);
  lua_pushvalue(L, -2);
  lua_pushboolean(L, 1);
  lua_rawset(L, -3);
  lua_pop(L, 1);
}

/* In one piece of memory: the stream, its readable side if it has one, its sink if that is small.
*/
static weir_readable *readable_of(weir_lua_stream *stream) {
  return (weir_readable *)(stream + 1);
}

void *weir_lua_stream_sink_place(weir_lua_stream *stream) {
  return stream->kind->reads ? (void *)(readable_of(stream) + 1) : (void *)(stream + 1);
}

/* The table that is its user value, with a place for each hook. */
static void push_fields(lua_State *L, const weir_stream_kind *kind) {
  lua_createtable(L, kind->hooks, kind->has_class ? 2 : 0);
  for (int hook = 1; hook <= kind->hooks; hook++) {
    lua_pushboolean(L, 0);
    lua_rawseti(L, -2, hook);
  }
}

weir_lua_stream *weir_lua_stream_new(weir_context *context, lua_State *L,
                                     const weir_stream_kind *kind, size_t sink_size) {
  weir_context_loop(context, L);
  luaL_checkstack(L, 8, NULL);
  weir_stream_box *it = weir_newuserdata(L, sizeof *it);
  *it = (weir_stream_box){.magic = WEIR_STREAM_MAGIC};
  weir_context_push(context, L, WEIR_SLOT_STREAM_META);
  lua_setmetatable(L, -2);
  push_fields(L, kind);
  lua_setuservalue(L, -2);
  size_t readable_size = kind->reads ? sizeof(weir_readable) : 0;
  weir_lua_stream *stream = calloc(1, sizeof *stream + readable_size + sink_size);
  if (!stream) luaL_error(L, "not enough memory");
  it->stream = stream; /* from here on __gc frees it */
  stream->context = context;
  stream->kind = kind;
  weir_anchors_init_below(&stream->anchors, WEIR_FIELD_LAST);
  stream->holder = weir_object_enter(context, L, stream);
  enter_front(context, L, kind);
  return stream;
}

void weir_lua_stream_start(weir_lua_stream *stream, const weir_sink_port *port, void *sink,
                           const weir_stream_options *options) {
  stream->started = stream->counted = true;
  stream->context->open_streams++;
  link_in(stream);
  weir_stream_init(&stream->core, &stream->context->loop.core, &host, stream, port, sink);
  if (!stream->kind->read_only) {
    weir_writable_init(&stream->writable, &stream->core, &options->writable);
  }
  if (stream->kind->reads) {
    weir_readable_init(readable_of(stream), &stream->core, options->source, &options->readable);
  }
  stream->core.auto_destroy = options->auto_destroy;
  stream->core.emit_close = options->emit_close;
  weir_lua_stream_settle(stream);
}

/* --- ending --- */

/* What becomes of a stream when the state closes: flushed and closed, or dropped. */
static void close_one(weir_lua_stream *stream) {
  weir_writable *writable = &stream->writable;
  bool open = writable->writer == WEIR_OPEN || stream->core.readable;
  if (stream->core.readable) weir_readable_abandon(stream->core.readable);
  bool dropped = !stream->core.writable || !weir_sink_takes_bytes(stream->core.port) ||
                 stream->core.error ||
                 (open && stream->kind->discards && stream->kind->discards(stream));
  stream->collected = true;
  stream->core.auto_destroy = true;
  bool waits = !dropped && stream->kind->drops_input && stream->kind->drops_input(stream);
  if (waits && writable->writer == WEIR_FINISHED) return;
  if (dropped || writable->writer == WEIR_FINISHED) {
    weir_stream_destroy(&stream->core, NULL);
  } else {
    weir_error *refusal = NULL;
    weir_writable_end(writable, NULL, 0, WEIR_NOBODY, &refusal);
  }
}

static bool may_reset(const weir_lua_stream *stream) {
  return stream->core.life == WEIR_ALIVE && !stream->core.error && stream->kind->may_reset &&
         stream->kind->may_reset(stream);
}

/* To close it might be to close the parent's; or it was ended without the loop, and what it has is
** left to the system.
*/
static bool is_out_of_reach(const weir_lua_stream *stream) {
  if (weir_context_is_of_parent(stream->context)) return true;
  return stream->context->loop.is_over && stream->core.life != WEIR_CLOSED;
}

/* Collected: an idle stream is closed. One with work pending is held, so the state closes, or a
** script called this by hand: it is ended, and lives until that is over.
*/
static lua_results stream_gc(lua_State *L) {
  weir_stream_box *it = weir_stream_box_test(L, 1);
  weir_lua_stream *stream = it ? it->stream : NULL;
  if (!stream) return 0;
  it->stream = NULL;
  if (stream->context->L) weir_object_leave(stream->context, L, stream, stream->holder);
  stream->held = false;
  if (is_out_of_reach(stream)) {
    stream->collected = true;
    return 0;
  }
  if (!stream->started) {
    free(stream);
    return 0;
  }
  bool busy = is_busy(stream) || may_reset(stream);
  stream->collected = true;
  stream->orphan = busy || stream->settling;
  weir_stream_hold(&stream->core);
  if (busy) close_one(stream);
  else weir_stream_destroy(&stream->core, NULL);
  weir_stream_release(&stream->core);
  if (!busy && !stream->settling) weir_stream_release(&stream->core);
  return 0;
}

static void for_each(weir_context *context, void (*act)(weir_lua_stream *stream)) {
  for (weir_lua_stream *stream = context->streams, *next; stream; stream = next) {
    next = stream->next;
    weir_stream_hold(&stream->core);
    act(stream);
    weir_stream_release(&stream->core);
  }
}

static void give_up(weir_lua_stream *stream) {
  weir_stream_destroy(&stream->core, NULL);
}

static bool somebody_must_wait(const weir_context *context) {
  for (const weir_lua_stream *stream = context->streams; stream; stream = stream->next) {
    if (stream->kind->must_wait && stream->kind->must_wait(stream)) return true;
  }
  return false;
}

void weir_lua_stream_end_all(weir_context *context) {
  weir_loop *loop = &context->loop;
  loop->ending_by_ns = loop->uv->hrtime() + UINT64_C(1000000) * context->close_ms;
  for (weir_lua_stream *stream = context->streams; stream; stream = stream->next) {
    bool open = stream->writable.writer == WEIR_OPEN;
    bool discard = open && stream->kind->discards && stream->kind->discards(stream);
    stream->collected = true;
    if (stream->kind->end_now) stream->kind->end_now(stream, discard);
  }
  loop->is_over = true;
}

bool weir_lua_stream_are_all_closed(const weir_context *context) {
  for (const weir_lua_stream *stream = context->streams; stream; stream = stream->next) {
    if (stream->core.life != WEIR_CLOSED) return false;
  }
  return !weir_ticks_pending(&context->loop.core.ticks);
}

/* On a loop of somebody else's work may be left that is not ours. */
static bool run_for(weir_context *context, uint64_t timeout_ms) {
  const struct timespec nap = {.tv_nsec = 200000};
  weir_loop *loop = &context->loop;
  if (loop->is_own) return weir_loop_run_for(loop, timeout_ms);
  uint64_t deadline_ns = loop->uv->hrtime() + timeout_ms * 1000000;
  for (;;) {
    weir_loop_run(loop, UV_RUN_NOWAIT);
    if (weir_lua_stream_are_all_closed(context)) return true;
    if (loop->uv->hrtime() >= deadline_ns) return false;
    nanosleep(&nap, NULL);
  }
}

bool weir_lua_stream_close_all(weir_context *context, uint64_t timeout_ms) {
  weir_loop *loop = &context->loop;
  loop->ending_by_ns = loop->uv->hrtime() + timeout_ms * 1000000;
  for_each(context, close_one);
  if (!run_for(context, timeout_ms)) {
    for_each(context, give_up);
    bool clean = run_for(context, timeout_ms / 8);
    while (!clean && somebody_must_wait(context)) clean = run_for(context, timeout_ms / 8);
    if (!clean) return false;
  }
  for_each(context, release_orphan);
  /* On luv's loop the userdata of some may still be there, and free their stream when they go. */
  return loop->is_own ? context->streams == NULL : weir_lua_stream_are_all_closed(context);
}

void weir_lua_stream_open(weir_context *context, lua_State *L) {
  const luaL_Reg *const methods[] = {weir_emitter_methods,  weir_stream_methods,
                                     weir_readable_methods, weir_socket_methods,
                                     weir_file_methods,     NULL};
  weir_object_push_meta(L, "weir.stream", stream_gc, methods);
  luaL_setfuncs(L, weir_stream_metamethods, 0);
  weir_context_set(context, L, WEIR_SLOT_STREAM_META);
}
