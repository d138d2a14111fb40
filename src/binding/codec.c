/* codec.c - see codec.h.
** SPDX-License-Identifier: MIT
*/
#include "binding/codec.h"

#include <stdlib.h>

#include "binding/codec_box.h"
#include "binding/lua_stream.h"
#include "binding/options.h"
#include "sinks/codec_stream.h"

static void free_codec(weir_lua_stream *stream) {
  weir_codec_stream_deinit(stream->core.sink);
  free(stream->core.sink);
}

/* Once the state closes nobody reads any more. */
static bool discards(const weir_lua_stream *stream) {
  (void)stream;
  return true;
}

static void end_now(weir_lua_stream *stream, bool discard) {
  (void)discard;
  weir_codec_stream_end_now(stream->core.sink);
}

static bool must_wait(const weir_lua_stream *stream) {
  return weir_codec_stream_is_reading(stream->core.sink);
}

static const weir_stream_kind kind = {
    .name = "codec",
    .reads = true,
    .borrows = true,
    .unused = free_codec,
    .discards = discards,
    .end_now = end_now,
    .must_wait = must_wait,
};

lua_results weir_codec_new(lua_State *L) {
  weir_context *context = weir_context_of(L);
  weir_stream_options options;
  weir_options_read(L, 1, &options);
  weir_codec_box *box = weir_codec_box_test(L, 2);
  if (!box || !box->codec) return luaL_error(L, "weir: there is no codec in the box");
  if (box->port->version != WEIR_CODEC_VERSION) {
    return luaL_error(L, "weir.zlib is of another version than weir: build both from one source");
  }
  lua_settop(L, 2);
  weir_lua_stream *stream = weir_lua_stream_new(context, L, &kind, 0);
  weir_codec_stream *it = box->codec ? malloc(sizeof *it) : NULL; /* a finalizer may have run */
  if (!it) return luaL_error(L, "not enough memory");
  weir_codec_stream_init(it, box->port, box->codec, &context->loop, &stream->core);
  box->codec = NULL;
  options.source = &it->source_port;
  weir_lua_stream_start(stream, &it->port, it, &options);
  return 1;
}
