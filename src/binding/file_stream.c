/* file_stream.c - see file_stream.h.
** SPDX-License-Identifier: MIT
*/
#include "binding/file_stream.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "binding/descriptor_stream.h"
#include "binding/emitter.h"
#include "binding/error_object.h"
#include "binding/lua_stream.h"
#include "binding/options.h"
#include "sinks/file_sink.h"

static const weir_file_sink *sink_of(const weir_lua_stream *stream) {
  return stream->core.sink;
}

/* --- the kind --- */

static const char *path_of(const weir_lua_stream *stream) {
  return sink_of(stream)->file.path;
}

static void push_fd(const weir_lua_stream *stream, lua_State *L) {
  const weir_file_sink *sink = sink_of(stream);
  if (sink->is_open) lua_pushinteger(L, sink->file.fd);
  else lua_pushnil(L);
}

static void push_pending(const weir_lua_stream *stream, lua_State *L) {
  lua_pushboolean(L, !sink_of(stream)->is_open);
}

static void free_sink(weir_lua_stream *stream) {
  weir_file_sink_deinit(stream->core.sink);
  free(stream->core.sink);
}

/* A file that was to appear whole or not at all does not appear by accident. */
static bool discards(const weir_lua_stream *stream) {
  return sink_of(stream)->file.atomic;
}

static void end_now(weir_lua_stream *stream, bool discard) {
  weir_file_sink_end_now(stream->core.sink, discard);
}

static bool must_wait(const weir_lua_stream *stream) {
  return weir_file_sink_is_writing(sink_of(stream));
}

static const weir_stream_kind kind = {
    .name = "file",
    .borrows = true,
    .path = path_of,
    .push_fd = push_fd,
    .push_pending = push_pending,
    .unused = free_sink,
    .discards = discards,
    .end_now = end_now,
    .must_wait = must_wait,
};

/* --- making one --- */

static void on_opened(void *owner) {
  weir_lua_stream *stream = owner;
  weir_emit_opened(stream, sink_of(stream)->file.fd);
}

static weir_sync sync_of(const char *name) {
  if (!name || strcmp(name, "none") == 0) return WEIR_SYNC_NONE;
  return strcmp(name, "data") == 0 ? WEIR_SYNC_DATA : WEIR_SYNC_FULL;
}

bool weir_file_options_read(lua_State *L, weir_file *file) {
  const char *path = weir_options_string(L, 1, "path");
  uint64_t fd = weir_options_count(L, 1, "fd", UINT64_MAX);
  file->path = path ? strdup(path) : NULL;
  const char *flags = weir_options_string(L, 1, "flags");
  if (flags) file->flags = weir_file_flags(flags);
  file->mode = (mode_t)weir_options_count(L, 1, "mode", 0666);
  file->start = weir_options_count(L, 1, "start", UINT64_MAX);
  file->has_start = file->start != UINT64_MAX;
  if (!file->has_start) file->start = 0;
  file->given = fd != UINT64_MAX;
  if (file->given) file->fd = (int)fd;
  bool stays_open = !weir_options_boolean(L, 1, "auto_destroy");
  file->shared = file->given || stays_open;
  file->closes = !file->given || !stays_open;
  return file->path || !path;
}

/* What C has buffered for a standard descriptor was written before what we write. */
static void flush_buffer_of(uint64_t fd) {
  if (fd == 1) fflush(stdout);
  if (fd == 2) fflush(stderr);
}

/* Whether the descriptor that was given, if one was, takes no pool thread. */
static bool start_on_descriptor(weir_lua_stream *stream, lua_State *L,
                                const weir_stream_options *options) {
  uint64_t fd = weir_options_count(L, 1, "fd", UINT64_MAX);
  if (fd == UINT64_MAX) return false;
  flush_buffer_of(fd);
  if (sync_of(weir_options_string(L, 1, "sync")) != WEIR_SYNC_NONE) return false;
  return weir_descriptor_stream_start(stream, L, (int)fd, options);
}

lua_results weir_file_stream_new(lua_State *L) {
  weir_context *context = weir_context_of(L);
  weir_stream_options options;
  weir_options_read(L, 1, &options);
  lua_settop(L, 1);
  weir_lua_stream *stream = weir_lua_stream_new(context, L, &kind, 0);
  if (start_on_descriptor(stream, L, &options)) return 1;
  weir_file_sink *sink = malloc(sizeof *sink);
  if (!sink) return luaL_error(L, "not enough memory");
  weir_file_sink_init(sink);
  if (!weir_file_options_read(L, &sink->file)) {
    free(sink);
    return luaL_error(L, "not enough memory");
  }
  sink->file.atomic = weir_options_boolean(L, 1, "atomic");
  sink->file.sync = sync_of(weir_options_string(L, 1, "sync"));
  weir_file_sink_attach(sink, &context->loop, &stream->writable, on_opened, stream);
  weir_lua_stream_start(stream, &sink->port, sink, &options);
  return 1;
}

void weir_file_stream_keep_writing(const weir_lua_stream *stream) {
  weir_file_sink *sink = stream->core.sink;
  if (stream->kind == &kind) sink->keeps_writing = true;
}

/* --- reopen --- */

static weir_lua_stream *check_file(lua_State *L, const char *method) {
  weir_lua_stream *stream = weir_lua_stream_check(L, 1, method);
  if (stream->kind == &kind) return stream;
  luaL_where(L, 1);
  lua_pushfstring(L, "calling '%s' on bad self (file expected, got a stream of '%s')", method,
                  stream->kind->name);
  lua_concat(L, 2);
  lua_error(L);
  return NULL;
}

/* The path at `index`; NULL for nil, which only a file with a path of its own may have. */
static const char *check_path(lua_State *L, int index, const weir_file_sink *sink) {
  if (lua_isnil(L, index)) {
    bool given = sink->file.given && !sink->nexts.first;
    if (given) weir_argument_error(L, index, "reopen", "the stream has no path of its own");
    if (sink->file.atomic) {
      weir_argument_error(L, index, "reopen", "an atomic stream would replace what it has written");
    }
    return NULL;
  }
  if (lua_type(L, index) != LUA_TSTRING) weir_type_error(L, index, "reopen", "string");
  size_t size;
  const char *path = lua_tolstring(L, index, &size);
  if (size == 0) weir_argument_error(L, index, "reopen", "a path must not be empty");
  if (strlen(path) != size) {
    weir_argument_error(L, index, "reopen", "a path must not hold a NUL byte");
  }
  return path;
}

static weir_callback hold_callback(lua_State *L, weir_lua_stream *stream, int index) {
  if (lua_isnil(L, index)) return WEIR_NOBODY;
  weir_lua_stream_push_anchors(L, 1);
  int table = lua_gettop(L);
  weir_anchors_reserve(&stream->anchors, L, table, 1);
  lua_pushvalue(L, index);
  weir_callback callback = {.identity = (uintptr_t)lua_topointer(L, index)};
  callback.anchor = weir_anchors_hold(&stream->anchors, L, table);
  return callback;
}

static lua_results out_of_memory(lua_State *L, weir_lua_stream *stream, weir_callback callback) {
  weir_lua_stream_push_anchors(L, 1);
  if (callback.anchor) weir_anchors_drop(&stream->anchors, L, lua_gettop(L), callback.anchor);
  return luaL_error(L, "not enough memory");
}

static lua_results file_reopen(lua_State *L) {
  weir_lua_stream *stream = check_file(L, "reopen");
  if (lua_gettop(L) == 2 && lua_isfunction(L, 2)) {
    lua_pushnil(L);
    lua_insert(L, 2);
  }
  lua_settop(L, 3);
  const char *path = check_path(L, 2, sink_of(stream));
  if (!lua_isnil(L, 3) && !lua_isfunction(L, 3)) return weir_type_error(L, 3, "reopen", "function");
  weir_callback callback = hold_callback(L, stream, 3);
  weir_error *refusal = NULL;
  lua_State *outer = weir_context_enter(stream->context, L);
  weir_verdict verdict = weir_file_sink_reopen(stream->core.sink, path, callback, &refusal);
  weir_lua_stream_settle(stream);
  weir_context_leave(stream->context, outer);
  if (verdict == WEIR_NO_MEMORY) return out_of_memory(L, stream, callback);
  lua_settop(L, 1);
  if (verdict == WEIR_GO_ON) return 1;
  lua_pushnil(L);
  weir_error_object_push(stream->context, L, refusal, NULL);
  weir_error_release(refusal);
  return 2;
}

const luaL_Reg weir_file_methods[] = {
    {"reopen", file_reopen},
    {NULL, NULL},
};
