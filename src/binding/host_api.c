/* host_api.c - what weir.h offers to programs in C.
** SPDX-License-Identifier: MIT
*/
#include "binding/host_api.h"

#include <stdlib.h>

#include "binding/stream_methods.h"
#include "core/assert.h"
#include "weir.h"

enum { HIGH_WATER_MARK = 16384, PIECES_MAX = 64 };

/* weir_stream is what weir_lua_stream begins with. */
static weir_lua_stream *lua_stream_of(weir_stream *stream) {
  return stream->owner;
}

/* --- writing --- */

weir_stream *weir_check_stream(lua_State *L, int index) {
  weir_lua_stream *stream = weir_lua_stream_test(L, index);
  if (!stream) luaL_argerror(L, index, "weir stream expected");
  return &stream->core;
}

typedef struct writing {
  weir_lua_stream *stream;
  const char *bytes;
  size_t size;
  weir_answer answer;
} writing;

/* function(writing*): as ws:write(bytes). Runs protected. */
static lua_results write_by_lua(lua_State *L) {
  writing *it = lua_touserdata(L, 1);
  lua_settop(L, 0);
  if (!weir_lua_stream_push(it->stream, L)) return 0;
  lua_pushlstring(L, it->bytes, it->size);
  lua_results results = weir_stream_write_as(L, "write");
  if (results == 1) {
    it->answer = lua_toboolean(L, -1) ? WEIR_ANSWER_GO_ON : WEIR_ANSWER_SLOW_DOWN;
  }
  return 0;
}

weir_answer weir_stream_write(weir_stream *stream, const void *bytes, size_t size) {
  writing it = {lua_stream_of(stream), bytes, size, WEIR_ANSWER_REFUSED};
  lua_State *L = weir_lua_stream_way_in(it.stream);
  if (!L) return WEIR_ANSWER_REFUSED;
  weir_context_push(it.stream->context, L, WEIR_SLOT_WRITE_FOR_HOST);
  lua_pushlightuserdata(L, &it);
  if (lua_pcall(L, 1, 0, 0) != LUA_OK) lua_pop(L, 1);
  return it.answer;
}

/* In a slot: to make a function takes memory on older Luas. */
void weir_host_api_open(weir_context *context, lua_State *L) {
  lua_pushcfunction(L, write_by_lua);
  weir_context_set(context, L, WEIR_SLOT_WRITE_FOR_HOST);
}

void weir_stream_end(weir_stream *stream) {
  weir_lua_stream *it = lua_stream_of(stream);
  weir_error *refusal = NULL;
  if (it->core.writable) weir_writable_end(&it->writable, NULL, 0, WEIR_NOBODY, &refusal);
  weir_error_release(refusal);
  weir_lua_stream_settle(it);
}

/* --- sinks in C --- */

typedef struct host_sink {
  weir_sink_port port;
  const weir_sink_type *type;
  void *self;
  weir_lua_stream *stream;
  weir_error *error; /* why it closes */
  uint64_t written;
  unsigned asked; /* answers that are missing, each of which holds the stream */
} host_sink;

/* What is answered; ASKED_READY: it is not asked again until it says so. */
enum { ASKED_OPEN = 1, ASKED_READY = 2, ASKED_FINISH = 4, ASKED_CLOSE = 8 };

static host_sink *sink_of(weir_stream *stream) {
  return lua_stream_of(stream)->core.sink;
}

static weir_error *error_of(int error, const char *call) {
  return error ? weir_error_system(error, call) : NULL;
}

/* An answer will come; the stream lives until then. */
static void expect(host_sink *sink, unsigned answer) {
  sink->asked |= answer;
  weir_stream_hold(&sink->stream->core);
}

/* Whether this answer is expected; the caller releases the stream then. */
static bool is_expected(host_sink *sink, unsigned answer) {
  if (!(sink->asked & answer)) return false;
  sink->asked &= ~answer;
  return true;
}

static void sink_open(void *self) {
  host_sink *sink = self;
  expect(sink, ASKED_OPEN);
  sink->type->open(sink->self, &sink->stream->core);
}

static uint64_t sink_submit(void *self, const weir_slice *slices, size_t count) {
  host_sink *sink = self;
  weir_bytes pieces[PIECES_MAX];
  uint64_t offered = 0;
  size_t used = count < PIECES_MAX ? count : PIECES_MAX;
  if (sink->asked & ASKED_READY) return 0;
  for (size_t i = 0; i < used; i++) {
    pieces[i] = (weir_bytes){(const char *)slices[i].base, slices[i].size};
    offered += slices[i].size;
  }
  weir_stream *stream = &sink->stream->core;
  expect(sink, ASKED_READY); /* it may say that it is from within */
  int64_t taken = sink->type->write(sink->self, stream, pieces, used);
  WEIR_ASSERT(taken <= (int64_t)offered);
  if (taken == (int64_t)offered || taken < 0) weir_sink_ready(stream);
  if (taken < 0) {
    weir_error *error = weir_error_system((int)-taken, "write");
    weir_writable_failed(sink->stream->core.writable, error);
    weir_error_release(error);
    return 0;
  }
  sink->written += (uint64_t)taken;
  if (taken > 0) weir_writable_progress(stream->writable);
  return (uint64_t)taken;
}

static uint64_t sink_reap(void *self) {
  const host_sink *sink = self;
  return sink->written;
}

static void sink_finish(void *self) {
  host_sink *sink = self;
  expect(sink, ASKED_FINISH);
  sink->type->finish(sink->self, &sink->stream->core);
}

static void sink_close(void *self, weir_error *error) {
  host_sink *sink = self;
  weir_stream *stream = &sink->stream->core;
  weir_stream_hold(stream);
  sink->error = weir_error_hold(error);
  if (is_expected(sink, ASKED_READY)) weir_stream_release(stream); /* it is not asked again */
  weir_writable_stopped(stream->writable);
  if (sink->type->close) {
    expect(sink, ASKED_CLOSE);
    sink->type->close(sink->self, stream);
  } else {
    weir_stream_closed(stream, error);
  }
  weir_stream_release(stream); /* the sink may be gone now */
}

void weir_sink_opened(weir_stream *stream, int error) {
  weir_error *why = error_of(error, "open");
  if (is_expected(sink_of(stream), ASKED_OPEN)) {
    weir_stream_constructed(stream, why);
    weir_stream_release(stream);
  }
  weir_error_release(why);
}

void weir_sink_ready(weir_stream *stream) {
  if (!is_expected(sink_of(stream), ASKED_READY)) return;
  weir_writable_progress(stream->writable);
  weir_stream_release(stream);
}

void weir_sink_finished(weir_stream *stream, int error) {
  weir_error *why = error_of(error, "finish");
  if (is_expected(sink_of(stream), ASKED_FINISH)) {
    weir_writable_finished(stream->writable, why);
    weir_stream_release(stream);
  }
  weir_error_release(why);
}

/* The first error is the one. */
void weir_sink_closed(weir_stream *stream, int error) {
  weir_error *first = sink_of(stream)->error;
  weir_error *why = first ? weir_error_hold(first) : error_of(error, "close");
  if (is_expected(sink_of(stream), ASKED_CLOSE)) {
    weir_stream_closed(stream, why);
    weir_stream_release(stream);
  }
  weir_error_release(why);
}

/* --- making one --- */

static void free_sink(weir_lua_stream *stream) {
  host_sink *sink = stream->core.sink;
  weir_error_release(sink->error);
  if (sink->type->free) sink->type->free(sink->self);
  free(sink);
}

static const weir_stream_kind kind = {.name = "host", .unused = free_sink};

weir_stream *weir_push_sink(lua_State *L, const weir_sink_type *type, void *self,
                            size_t high_water_mark) {
  bool made;
  weir_context *context = weir_context_get(L, &made);
  WEIR_ASSERT(!made); /* the module fills it */
  weir_lua_stream *stream = weir_lua_stream_new(context, L, &kind, 0);
  lua_remove(L, -2);
  host_sink *sink = calloc(1, sizeof *sink);
  if (!sink) luaL_error(L, "not enough memory");
  *sink = (host_sink){.type = type, .self = self, .stream = stream};
  sink->port = (weir_sink_port){
      .name = type->name,
      .open = type->open ? sink_open : NULL,
      .submit = sink_submit,
      .reap = sink_reap,
      .finish = type->finish ? sink_finish : NULL,
      .close = sink_close,
  };
  weir_stream_options options = {
      .writable = {.high_water_mark = high_water_mark ? high_water_mark : HIGH_WATER_MARK,
                   .max_buffered = WEIR_NO_LIMIT},
      .auto_destroy = true,
      .emit_close = true,
  };
  weir_lua_stream_start(stream, &sink->port, sink, &options);
  return &stream->core;
}
