/* host.c - a program in C with a libuv loop of its own, whose Lua script writes into a sink of the
** program's.
**
**   cc -o host host.c $(pkg-config --cflags --libs weir-lua5.4 lua5.4)
**   ./host [script]
**
** SPDX-License-Identifier: MIT
*/
#include <lua.h>
#include <lualib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <weir.h>

/* --- a sink that takes ten bytes in a turn of the loop, and shows them in brackets --- */

typedef struct slow_sink {
  uv_timer_t timer; /* ours, on our loop */
  weir_stream *stream;
  size_t taken;
  int closing;
} slow_sink;

static uv_loop_t loop;

static void on_timer(uv_timer_t *timer) {
  slow_sink *sink = timer->data;
  weir_sink_ready(sink->stream);
}

static int64_t slow_write(void *self, weir_stream *stream, const weir_bytes *pieces, size_t count) {
  slow_sink *sink = self;
  size_t size = pieces[0].size < 10 ? pieces[0].size : 10;
  (void)count;
  sink->stream = stream;
  sink->taken += size;
  printf("[%.*s]", (int)size, pieces[0].base);
  uv_timer_start(&sink->timer, on_timer, 1, 0);
  return (int64_t)size;
}

static void on_timer_closed(uv_handle_t *timer) {
  slow_sink *sink = timer->data;
  if (sink->stream) weir_sink_closed(sink->stream, 0);
  else free(sink);
}

static void slow_close(void *self, weir_stream *stream) {
  slow_sink *sink = self;
  sink->stream = stream;
  sink->closing = 1;
  printf("\nthe sink took %zu bytes\n", sink->taken);
  uv_close((uv_handle_t *)&sink->timer, on_timer_closed);
}

static const weir_sink_type slow_type = {
    .name = "slow", .write = slow_write, .close = slow_close, .free = free};

/* make_sink() -> a stream */
static int make_sink(lua_State *L) {
  slow_sink *sink = calloc(1, sizeof *sink);
  if (!sink) return luaL_error(L, "not enough memory");
  uv_timer_init(&loop, &sink->timer);
  sink->timer.data = sink;
  weir_push_sink(L, &slow_type, sink, 32);
  return 1;
}

/* --- the program --- */

static const char *const script = "local weir = require 'weir'\n"
                                  "print('the loop is the ' .. weir.loop_info().kind .. '\\'s')\n"
                                  "weir.spawn(function()\n"
                                  "  for i = 1, 10 do assert(sink:send('line ', i, ' ')) end\n"
                                  "  assert(sink:finish())\n"
                                  "  print('finished')\n"
                                  "end)\n";

static int on_uncaught(lua_State *L) {
  fprintf(stderr, "uncaught: %s\n", lua_tostring(L, 1) ? lua_tostring(L, 1) : "(no text)");
  return 0;
}

static int run_script(lua_State *L, const char *path) {
  weir_set_loop(L, &loop);
  weir_set_uncaught(L, on_uncaught);
  weir_preload(L);
  if (luaL_dostring(L, "require 'weir'")) return 1;
  make_sink(L);
  weir_stream_write(weir_check_stream(L, -1), "from C ", 7);
  lua_setglobal(L, "sink");
  return path ? luaL_dofile(L, path) : luaL_dostring(L, script);
}

int main(int argc, char **argv) {
  uv_loop_init(&loop);
  lua_State *L = luaL_newstate();
  luaL_openlibs(L);
  int failed = run_script(L, argc > 1 ? argv[1] : NULL);
  if (failed) fprintf(stderr, "%s\n", lua_tostring(L, -1));
  uv_run(&loop, UV_RUN_DEFAULT);
  lua_close(L);
  int busy = uv_loop_close(&loop);
  printf("uv_loop_close: %d\n", busy);
  return failed || busy;
}
