/* inspect.c - see inspect.h.
** SPDX-License-Identifier: MIT
*/
#include "binding/inspect.h"

#include "binding/error_object.h"
#include "binding/lua_stream.h"

static const char *state_of(const weir_lua_stream *stream) {
  const weir_writable *w = &stream->writable;
  const weir_readable *r = stream->core.readable;
  if (stream->core.life == WEIR_CLOSED) return "closed";
  if (stream->core.life == WEIR_DESTROYED) return "destroyed";
  if (stream->core.error) return "errored";
  if (stream->kind->read_only && weir_readable_is_over(r)) return "ended";
  if (stream->kind->read_only) return stream->core.constructing ? "opening" : "open";
  if (w->writer == WEIR_FINISHED) return "finished";
  if (w->writer != WEIR_OPEN) return "ended";
  return stream->core.constructing ? "opening" : "open";
}

static const char *name_of(const weir_lua_stream *stream) {
  static const char *const standard[] = {NULL, "stdin", "stdout", "stderr"};
  return stream->standard ? standard[stream->standard] : stream->kind->name;
}

static const char *path_of(const weir_lua_stream *stream) {
  return stream->kind->path ? stream->kind->path(stream) : NULL;
}

/* --- tostring --- */

/* ", 4096 bytes wait, drain is owed", or nothing. */
static void push_waiting(lua_State *L, const weir_lua_stream *stream) {
  const weir_writable *w = stream->core.writable;
  if (!w || w->length == 0) {
    lua_pushliteral(L, "");
    return;
  }
  weir_push_count(L, w->length);
  lua_pushfstring(L, ", %s %s wait%s", lua_tostring(L, -1), w->object_mode ? "values" : "bytes",
                  weir_writable_needs_drain(w) ? ", drain is owed" : "");
  lua_remove(L, -2);
}

/* weir.stream (file 'out.txt', open, 4096 bytes wait): 0x55... */
static lua_results stream_tostring(lua_State *L) {
  const weir_lua_stream *stream = weir_lua_stream_test(L, 1);
  if (!stream) {
    lua_pushliteral(L, "weir.stream (collected)");
    return 1;
  }
  const char *path = path_of(stream);
  if (path) lua_pushfstring(L, "%s '%s'", name_of(stream), path);
  else lua_pushstring(L, name_of(stream));
  push_waiting(L, stream);
  lua_pushfstring(L, "weir.stream (%s, %s%s): %p", lua_tostring(L, -2), state_of(stream),
                  lua_tostring(L, -1), (const void *)stream);
  return 1;
}

const luaL_Reg weir_stream_metamethods[] = {
    {"__tostring", stream_tostring},
    {NULL, NULL},
};

/* --- inspect --- */

/* Which hook of a sink in Lua has not called its `done`; NULL: none. */
static const char *hook_at_work(const weir_lua_stream *stream) {
  const weir_writable *w = stream->core.writable;
  if (!w || weir_sink_takes_bytes(stream->core.port)) return NULL;
  if (stream->core.constructing) return "construct";
  if (w->activity == WEIR_WRITING) return weir_writable_in_operation(w) > 1 ? "writev" : "write";
  if (stream->core.life == WEIR_DESTROYED) return "destroy";
  return w->activity == WEIR_FINALIZING ? "final" : NULL;
}

static void set_count(lua_State *L, const char *name, uint64_t count) {
  weir_push_count(L, count);
  lua_setfield(L, -2, name);
}

static void set_string(lua_State *L, const char *name, const char *text) {
  if (!text) return;
  lua_pushstring(L, text);
  lua_setfield(L, -2, name);
}

static void set_writing(lua_State *L, const weir_lua_stream *stream) {
  const weir_writable *w = stream->core.writable;
  const weir_sink_port *port = stream->core.port;
  bool counts = weir_sink_takes_bytes(port);
  set_count(L, "buffered", w->length);
  set_count(L, "high_water_mark", w->high_water_mark);
  set_count(L, "low_water_mark", w->low_water_mark);
  set_count(L, "accepted", w->stats.accepted);
  set_count(L, "written", counts ? port->reap(stream->core.sink) : w->stats.accepted - w->length);
  set_count(L, "queued_writes", weir_writable_queued_writes(w));
  set_count(L, "corked", w->corked);
  lua_pushboolean(L, weir_writable_needs_drain(w));
  lua_setfield(L, -2, "need_drain");
  if (w->length == 0 && weir_writable_queued_writes(w) == 0) return;
  set_count(L, "oldest_write_ms", weir_writable_oldest_ns(w) / 1000000);
}

static void set_reading(lua_State *L, const weir_readable *r) {
  set_count(L, "read_buffered", r->length);
  set_count(L, "read_high_water_mark", r->high_water_mark);
}

/* Pushes the table of the stream whose userdata is on top of the stack, and takes that. */
static void describe(lua_State *L, weir_lua_stream *stream) {
  lua_createtable(L, 0, 16);
  lua_insert(L, -2);
  lua_setfield(L, -2, "stream");
  set_string(L, "kind", name_of(stream));
  set_string(L, "state", state_of(stream));
  set_string(L, "path", path_of(stream));
  set_string(L, "waits_for", hook_at_work(stream));
  if (stream->core.writable && !stream->writable.disabled) set_writing(L, stream);
  if (stream->core.readable && !stream->core.readable->disabled) {
    set_reading(L, stream->core.readable);
  }
  if (!stream->core.error) return;
  weir_error_object_push(stream->context, L, stream->core.error, path_of(stream));
  lua_setfield(L, -2, "error");
}

static bool is_shown(const weir_lua_stream *stream) {
  return !stream->collected && stream->core.life != WEIR_CLOSED;
}

/* inspect(): all open streams, the newest first. The collector may run wherever something is
** allocated, and end streams: their userdata are gathered first, in a table that does not grow.
*/
static lua_results inspect(lua_State *L) {
  const weir_context *context = weir_context_of(L);
  int count = 0, found = 0;
  for (const weir_lua_stream *it = context->streams; it; it = it->next) count += is_shown(it);
  lua_settop(L, 0);
  luaL_checkstack(L, WEIR_STACK, NULL);
  lua_createtable(L, count, 0);
  for (const weir_lua_stream *it = context->streams; it && found < count; it = it->next) {
    if (is_shown(it) && weir_lua_stream_push(it, L)) lua_rawseti(L, 1, ++found);
  }
  for (int i = 1; i <= found; i++) {
    lua_rawgeti(L, 1, i);
    weir_lua_stream *stream = weir_lua_stream_test(L, -1);
    if (stream) describe(L, stream);
    lua_rawseti(L, 1, i);
  }
  return 1;
}

/* --- for weir.debug --- */

/* meta(): the metatable of all streams. */
static lua_results meta(lua_State *L) {
  weir_context_push(weir_context_of(L), L, WEIR_SLOT_STREAM_META);
  return 1;
}

const luaL_Reg weir_inspect_functions[] = {
    {"inspect", inspect},
    {"meta", meta},
    {NULL, NULL},
};
