/* descriptor_stream.c - see descriptor_stream.h.
** SPDX-License-Identifier: MIT
*/
#include "binding/descriptor_stream.h"

#include <stdlib.h>
#include <string.h>

#include "binding/options.h"
#include "sinks/standard.h"
#include "sinks/stream_sink.h"

typedef struct descriptor {
  weir_stream_sink sink; /* first: the stream has a pointer to it */
  int fd;                /* the script's */
  bool closes;           /* it is closed in the end */
  bool has_path;
  char path[]; /* given along with it, for errors */
} descriptor;

/* --- the kind --- */

static const char *path_of(const weir_lua_stream *stream) {
  const descriptor *it = stream->core.sink;
  return it->has_path ? it->path : NULL;
}

static void push_fd(const weir_lua_stream *stream, lua_State *L) {
  const descriptor *it = stream->core.sink;
  if (it->sink.fd >= 0) lua_pushinteger(L, it->fd);
  else lua_pushnil(L);
}

static void push_pending(const weir_lua_stream *stream, lua_State *L) {
  const descriptor *it = stream->core.sink;
  lua_pushboolean(L, it->sink.fd < 0);
}

static void free_sink(weir_lua_stream *stream) {
  descriptor *it = stream->core.sink;
  weir_stream_sink_deinit(&it->sink);
  free(it);
}

static void close_given(descriptor *it) {
  if (it->closes && !weir_is_standard(it->fd)) weir_socket_close(it->fd);
}

static void end_now(weir_lua_stream *stream, bool discard) {
  descriptor *it = stream->core.sink;
  if (it->sink.fd < 0) return;
  weir_stream_sink_end_now(&it->sink, discard, stream->context->loop.ending_by_ns);
  close_given(it);
}

static const weir_stream_kind kind = {
    .name = "descriptor",
    .borrows = true,
    .path = path_of,
    .push_fd = push_fd,
    .push_pending = push_pending,
    .unused = free_sink,
    .end_now = end_now,
};

/* --- making one --- */

static void on_closed(void *owner) {
  const weir_lua_stream *stream = owner;
  close_given(stream->core.sink);
}

static const weir_stream_sink_host sink_host = {.closed = on_closed};

bool weir_descriptor_stream_start(weir_lua_stream *stream, lua_State *L, int fd,
                                  const weir_stream_options *options) {
  const char *path = weir_options_string(L, 1, "path");
  size_t size = path ? strlen(path) + 1 : 0;
  descriptor *it = calloc(1, sizeof *it + size);
  if (!it) luaL_error(L, "not enough memory");
  it->fd = fd;
  it->closes = options->auto_destroy;
  it->has_path = path != NULL;
  if (path) memcpy(it->path, path, size);
  weir_stream_sink_init(&it->sink, WEIR_STREAM_BORROWED);
  weir_stream_sink_attach(&it->sink, &stream->context->loop, &stream->writable, &sink_host);
  if (weir_stream_sink_borrow(&it->sink, fd) != 0) {
    free(it);
    return false;
  }
  stream->kind = &kind;
  weir_lua_stream_start(stream, &weir_stream_sink_port, it, options);
  return true;
}
