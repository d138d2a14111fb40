/* read_stream.c - see read_stream.h.
** SPDX-License-Identifier: MIT
*/
#include "binding/read_stream.h"

#include <stdlib.h>
#include <string.h>

#include "binding/emitter.h"
#include "binding/file_stream.h"
#include "binding/lua_stream.h"
#include "binding/options.h"
#include "sinks/file_source.h"

enum { BLOCK_BYTES_DEFAULT = 64 << 10, BLOCK_BYTES_MAX = 16 << 20 };

static const weir_file_source *source_of(const weir_lua_stream *stream) {
  return stream->core.sink;
}

/* --- the kind --- */

static const char *path_of(const weir_lua_stream *stream) {
  return source_of(stream)->file.path;
}

static void push_fd(const weir_lua_stream *stream, lua_State *L) {
  const weir_file_source *source = source_of(stream);
  if (source->is_open) lua_pushinteger(L, source->file.fd);
  else lua_pushnil(L);
}

static void push_pending(const weir_lua_stream *stream, lua_State *L) {
  lua_pushboolean(L, !source_of(stream)->is_open);
}

static void push_bytes_read(const weir_lua_stream *stream, lua_State *L) {
  weir_push_count(L, source_of(stream)->pushed);
}

/* While nobody wants what comes, standard input does not keep the loop going. */
static void flows(weir_lua_stream *stream, bool on) {
  weir_file_source *source = stream->core.sink;
  if (stream->standard) weir_file_wait_set_ref(&source->wait, on);
}

static void free_source(weir_lua_stream *stream) {
  weir_file_source_deinit(stream->core.sink);
  free(stream->core.sink);
}

static void end_now(weir_lua_stream *stream, bool discard) {
  (void)discard;
  weir_file_source_end_now(stream->core.sink);
}

static const weir_stream_kind kind = {
    .name = "file",
    .reads = true,
    .read_only = true,
    .path = path_of,
    .push_fd = push_fd,
    .push_pending = push_pending,
    .push_bytes_read = push_bytes_read,
    .flows = flows,
    .unused = free_source,
    .end_now = end_now,
};

/* --- making one --- */

static void on_opened(void *owner) {
  weir_lua_stream *stream = owner;
  weir_emit_opened(stream, source_of(stream)->file.fd);
}

/* A read of nothing would never come to an end; one of gigabytes would ask for them at once. */
static size_t block_bytes(uint64_t mark) {
  if (mark == 0) return BLOCK_BYTES_DEFAULT;
  return mark < BLOCK_BYTES_MAX ? (size_t)mark : BLOCK_BYTES_MAX;
}

lua_results weir_read_stream_new(lua_State *L) {
  weir_context *context = weir_context_of(L);
  weir_stream_options options;
  weir_options_read(L, 1, &options);
  uint64_t bytes = weir_options_count(L, 1, "bytes", UINT64_MAX);
  lua_settop(L, 1);
  weir_lua_stream *stream = weir_lua_stream_new(context, L, &kind, 0);
  weir_file_source *source = malloc(sizeof *source);
  if (!source) return luaL_error(L, "not enough memory");
  weir_file_source_init(source);
  if (!weir_file_options_read(L, &source->file)) {
    free(source);
    return luaL_error(L, "not enough memory");
  }
  weir_file_source_attach(source, &context->loop, &stream->core,
                          block_bytes(options.readable.high_water_mark), bytes, on_opened, stream);
  options.source = &source->source_port;
  weir_lua_stream_start(stream, &source->port, source, &options);
  return 1;
}
