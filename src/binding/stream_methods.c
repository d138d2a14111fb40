/* stream_methods.c - see stream_methods.h. What each method promises a script is written in
** lua/weir/types.lua.
** SPDX-License-Identifier: MIT
*/
#include "binding/stream_methods.h"

#include "binding/chunk.h"
#include "binding/error_object.h"
#include "binding/lua_stream.h"
#include "binding/small_write.h"

/* --- calling the core --- */

/* Before and after a call of the core that may call back. */
static lua_State *enter(weir_lua_stream *stream, lua_State *L) {
  return weir_context_enter(stream->context, L);
}

static void leave(weir_lua_stream *stream, lua_State *outer) {
  weir_lua_stream_settle(stream);
  weir_context_leave(stream->context, outer);
}

/* --- write and end --- */

static lua_results refuse(lua_State *L, weir_lua_stream *stream, weir_error *refusal) {
  lua_pushnil(L);
  weir_error_object_push(stream->context, L, refusal, NULL);
  weir_error_release(refusal);
  return 2;
}

static lua_results out_of_memory(lua_State *L, weir_lua_stream *stream, weir_chunk *chunk) {
  weir_chunk_forget(chunk, L, stream);
  return luaL_error(L, "not enough memory");
}

/* A sink without `write` and `writev` cannot be written to: nothing is taken, the call raises. */
static void check_implemented(lua_State *L, const weir_lua_stream *stream) {
  const weir_sink_port *port = stream->core.port;
  if (port->submit || port->submit_chunks) return;
  const char *missing = stream->kind->write_hook ? stream->kind->write_hook : "_write()";
  weir_error *error = weir_error_new(WEIR_E_METHOD_NOT_IMPLEMENTED, missing);
  weir_error_object_push(stream->context, L, error, NULL);
  weir_error_release(error);
  lua_error(L);
}

static weir_lua_stream *check_writable(lua_State *L, const char *method) {
  weir_lua_stream *stream = weir_lua_stream_check(L, 1, method);
  if (!stream->core.writable) luaL_error(L, "calling '%s' on a stream that is only read", method);
  return stream;
}

lua_results weir_stream_write_as(lua_State *L, const char *method) {
  weir_lua_stream *stream = check_writable(L, method);
  weir_chunk chunk;
  weir_chunk_read(&chunk, L, stream, method, false);
  check_implemented(L, stream);
  weir_chunk_hold(&chunk, L, stream);
  weir_error *refusal = NULL;
  lua_State *outer = enter(stream, L);
  weir_verdict verdict =
      weir_writable_write(&stream->writable, chunk.pieces, chunk.count, chunk.held, &refusal);
  leave(stream, outer);
  if (verdict == WEIR_GO_ON || verdict == WEIR_SLOW_DOWN) {
    lua_pushboolean(L, verdict == WEIR_GO_ON);
    return 1;
  }
  if (verdict == WEIR_NO_MEMORY) return out_of_memory(L, stream, &chunk);
  return refuse(L, stream, refusal);
}

/* The short ways first: most writes are such. */
lua_results weir_stream_write_from_lua(lua_State *L) {
  const weir_stream_box *box = weir_stream_box_test(L, 1);
  weir_lua_stream *stream = box ? box->stream : NULL;
  if (!stream) return weir_stream_write_as(L, "write");
  if (stream->kind->write_direct) {
    lua_results results = stream->kind->write_direct(stream, L);
    if (results > 0) return results;
  } else if (weir_small_write(L, stream)) {
    lua_pushboolean(L, 1);
    return 1;
  }
  return weir_stream_write_as(L, "write");
}

static lua_results stream_end(lua_State *L) {
  weir_lua_stream *stream = check_writable(L, "end_");
  weir_chunk chunk;
  weir_chunk_read(&chunk, L, stream, "end_", true);
  if (chunk.count > 0) check_implemented(L, stream);
  weir_chunk_hold(&chunk, L, stream);
  weir_error *refusal = NULL;
  lua_State *outer = enter(stream, L);
  weir_verdict verdict =
      weir_writable_end(&stream->writable, chunk.pieces, chunk.count, chunk.held, &refusal);
  leave(stream, outer);
  if (verdict == WEIR_NO_MEMORY) return out_of_memory(L, stream, &chunk);
  if (verdict == WEIR_REFUSED) return refuse(L, stream, refusal);
  lua_settop(L, 1);
  return 1;
}

/* --- cork and destroy --- */

static lua_results stream_cork(lua_State *L) {
  weir_lua_stream *stream = check_writable(L, "cork");
  weir_writable_cork(&stream->writable);
  return 0;
}

static lua_results stream_uncork(lua_State *L) {
  weir_lua_stream *stream = check_writable(L, "uncork");
  lua_State *outer = enter(stream, L);
  weir_writable_uncork(&stream->writable);
  leave(stream, outer);
  return 0;
}

/* What a standard stream can write at once is not dropped, as if print had written it. */
static void write_at_once(const weir_lua_stream *stream) {
  weir_writable *writable = stream->core.writable;
  if (!stream->standard || !writable || writable->corked > 0) return;
  weir_writable_cork(writable);
  weir_writable_uncork(writable);
}

static void destroy(lua_State *L, weir_lua_stream *stream, int index) {
  weir_error *error = weir_error_object_from(stream->context, L, index);
  lua_State *outer = enter(stream, L);
  write_at_once(stream);
  weir_stream_destroy(&stream->core, error);
  weir_error_release(error);
  leave(stream, outer);
}

static lua_results stream_destroy(lua_State *L) {
  weir_lua_stream *stream = weir_lua_stream_check(L, 1, "destroy");
  lua_settop(L, 2);
  destroy(L, stream, 2);
  lua_settop(L, 1);
  return 1;
}

/* --- state --- */

/* nil where the stream has no writable side */
#define STATE(name, method, push) \
  static lua_results name(lua_State *L) { \
    const weir_lua_stream *stream = weir_lua_stream_check(L, 1, method); \
    const weir_writable *w = stream->core.writable; \
    if (w) push; \
    else lua_pushnil(L); \
    return 1; \
  }
#define BOOLEAN(name, method, expression) \
  STATE(name, method, lua_pushboolean(L, (expression) ? 1 : 0))
#define COUNT(name, method, expression) STATE(name, method, weir_push_count(L, (expression)))

BOOLEAN(stream_need_drain, "writable_need_drain", weir_writable_needs_drain(w))
BOOLEAN(stream_ended, "writable_ended", w->writer != WEIR_OPEN)
BOOLEAN(stream_finished, "writable_finished", w->writer == WEIR_FINISHED)
BOOLEAN(stream_object_mode, "writable_object_mode", w->object_mode)
BOOLEAN(stream_aborted, "writable_aborted", weir_writable_is_aborted(w))
COUNT(stream_length, "writable_length", w->length)
COUNT(stream_high_water_mark, "writable_high_water_mark", w->high_water_mark)
COUNT(stream_low_water_mark, "writable_low_water_mark", w->low_water_mark)
COUNT(stream_corked, "writable_corked", w->corked)

static lua_results stream_writable(lua_State *L) {
  const weir_writable *w = weir_lua_stream_check(L, 1, "writable")->core.writable;
  lua_pushboolean(L, w && weir_writable_is_writable(w));
  return 1;
}

static lua_results stream_destroyed(lua_State *L) {
  lua_pushboolean(L, weir_lua_stream_check(L, 1, "destroyed")->core.life != WEIR_ALIVE);
  return 1;
}

static lua_results stream_closed(lua_State *L) {
  lua_pushboolean(L, weir_lua_stream_check(L, 1, "closed")->core.life == WEIR_CLOSED);
  return 1;
}

static lua_results stream_errored(lua_State *L) {
  const weir_lua_stream *stream = weir_lua_stream_check(L, 1, "errored");
  const char *path = stream->kind->path ? stream->kind->path(stream) : NULL;
  weir_error_object_push(stream->context, L, stream->core.error, path);
  return 1;
}

/* --- what native sinks add --- */

static uint64_t bytes_written(const weir_lua_stream *stream) {
  const weir_sink_port *port = stream->core.port;
  return weir_sink_takes_bytes(port) ? port->reap(stream->core.sink)
                                     : stream->writable.stats.accepted - stream->writable.length;
}

static lua_results stream_bytes_written(lua_State *L) {
  const weir_lua_stream *stream = weir_lua_stream_check(L, 1, "bytes_written");
  bool counts = stream->core.writable && weir_sink_takes_bytes(stream->core.port);
  if (counts) weir_push_count(L, bytes_written(stream));
  else lua_pushnil(L);
  return 1;
}

static lua_results stream_path(lua_State *L) {
  const weir_lua_stream *stream = weir_lua_stream_check(L, 1, "path");
  lua_pushstring(L, stream->kind->path ? stream->kind->path(stream) : NULL);
  return 1;
}

static lua_results stream_fd(lua_State *L) {
  const weir_lua_stream *stream = weir_lua_stream_check(L, 1, "fd");
  if (stream->kind->push_fd) stream->kind->push_fd(stream, L);
  else lua_pushnil(L);
  return 1;
}

static lua_results stream_pending(lua_State *L) {
  const weir_lua_stream *stream = weir_lua_stream_check(L, 1, "pending");
  if (stream->kind->push_pending) stream->kind->push_pending(stream, L);
  else lua_pushnil(L);
  return 1;
}

static lua_results stream_bytes_read(lua_State *L) {
  const weir_lua_stream *stream = weir_lua_stream_check(L, 1, "bytes_read");
  if (stream->kind->push_bytes_read) stream->kind->push_bytes_read(stream, L);
  else lua_pushnil(L);
  return 1;
}

static void set_count(lua_State *L, const char *name, uint64_t count) {
  weir_push_count(L, count);
  lua_setfield(L, -2, name);
}

static lua_results stream_stats(lua_State *L) {
  const weir_lua_stream *stream = weir_lua_stream_check(L, 1, "stats");
  const weir_writable *w = &stream->writable;
  if (!stream->core.writable) return 0;
  lua_createtable(L, 0, 9);
  set_count(L, "writes", w->stats.writes);
  set_count(L, "bytes_accepted", w->stats.accepted);
  set_count(L, "bytes_written", bytes_written(stream));
  set_count(L, "queued_writes", weir_writable_queued_writes(w));
  set_count(L, "flushes", w->stats.flushes);
  set_count(L, "drains", w->stats.drains);
  set_count(L, "peak_buffered", w->stats.peak_buffered);
  uint64_t waiting_ns = weir_writable_waiting_ns(w), longest_ns = w->stats.longest_blocked_ns;
  set_count(L, "blocked_ns", w->stats.blocked_ns + waiting_ns);
  set_count(L, "longest_blocked_ns", waiting_ns > longest_ns ? waiting_ns : longest_ns);
  return 1;
}

const luaL_Reg weir_stream_methods[] = {
    {"write", weir_stream_write_from_lua},
    {"end_", stream_end},
    {"cork", stream_cork},
    {"uncork", stream_uncork},
    {"destroy", stream_destroy},
    {"writable", stream_writable},
    {"writable_length", stream_length},
    {"writable_high_water_mark", stream_high_water_mark},
    {"writable_low_water_mark", stream_low_water_mark},
    {"writable_need_drain", stream_need_drain},
    {"writable_ended", stream_ended},
    {"writable_finished", stream_finished},
    {"writable_corked", stream_corked},
    {"writable_object_mode", stream_object_mode},
    {"writable_aborted", stream_aborted},
    {"destroyed", stream_destroyed},
    {"closed", stream_closed},
    {"errored", stream_errored},
    {"bytes_written", stream_bytes_written},
    {"bytes_read", stream_bytes_read},
    {"path", stream_path},
    {"fd", stream_fd},
    {"pending", stream_pending},
    {"stats", stream_stats},
    {NULL, NULL},
};
