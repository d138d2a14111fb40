/* sinks.c - a program in C whose sinks answer as its script says.
**
**   sinks SCRIPT
**
** The script has these functions:
**
**   make(options) -> a stream into a new sink. `open`, `finish` and `close` are what the sink answers
**     at once, an errno or 0, or LATER; it has no such function if they are missing. `take`: how many
**     bytes one write takes at most; `fail`: the errno of each. `hasty`: says within that it is
**     ready. `free = false`: it has no such function. `pokes`: writes to its own stream when closed.
**   opened(stream, errno) finished(...) closed(...) ready(stream): what the sink says later
**   write(stream, bytes) -> "go on", "slow down", "refused"; end_(stream)
**   starve(on): Lua gets no more memory, until it is off
**   said() -> what the sinks were asked, since the last time; each write with its size
**
** SPDX-License-Identifier: MIT
*/
#include <lua.h>
#include <lualib.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <weir.h>

enum { MOST = 16, LATER = -1, MISSING = -2 };

static uv_loop_t loop;

/* --- what was asked --- */

static char said[8192];

static void say(const char *what) {
  size_t length = strlen(said);
  snprintf(said + length, sizeof said - length, "%s%s", length > 0 ? " " : "", what);
}

/* --- the sinks --- */

typedef struct sink {
  weir_sink_type type;
  int open, finish, close;
  int64_t take;
  int fail;
  bool hasty, pokes;
} sink;

static sink sinks[MOST];
static int sink_count;

static const char *name_of(weir_answer answer) {
  static const char *const names[] = {"go on", "slow down", "refused"};
  return names[answer];
}

static void sink_open(void *self, weir_stream *stream) {
  const sink *it = self;
  say("open");
  if (it->open != LATER) weir_sink_opened(stream, it->open);
}

static int64_t sink_write(void *self, weir_stream *stream, const weir_bytes *pieces, size_t count) {
  const sink *it = self;
  int64_t offered = 0;
  char text[32];
  for (size_t i = 0; i < count; i++) offered += (int64_t)pieces[i].size;
  int64_t taken = it->fail ? -it->fail : it->take < offered ? it->take : offered;
  snprintf(text, sizeof text, "write:%d", (int)taken);
  say(text);
  if (it->hasty) weir_sink_ready(stream);
  return taken;
}

static void sink_finish(void *self, weir_stream *stream) {
  const sink *it = self;
  say("finish");
  if (it->finish != LATER) weir_sink_finished(stream, it->finish);
}

static void sink_close(void *self, weir_stream *stream) {
  const sink *it = self;
  say("close");
  if (it->pokes) printf("%s\n", name_of(weir_stream_write(stream, "x", 1)));
  if (it->close != LATER) weir_sink_closed(stream, it->close);
}

static void sink_free(void *self) {
  (void)self;
  say("free");
}

/* --- what the script calls --- */

static int answer_of(lua_State *L, const char *name) {
  lua_getfield(L, 1, name);
  int answer = lua_isnil(L, -1) ? MISSING : (int)lua_tointeger(L, -1);
  lua_pop(L, 1);
  return answer;
}

static bool is_false(lua_State *L, const char *name) {
  lua_getfield(L, 1, name);
  bool is = lua_isboolean(L, -1) && !lua_toboolean(L, -1);
  lua_pop(L, 1);
  return is;
}

static int make(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  if (sink_count == MOST) return luaL_error(L, "too many sinks");
  int take = answer_of(L, "take"), fail = answer_of(L, "fail");
  sink *it = &sinks[sink_count++];
  it->open = answer_of(L, "open");
  it->finish = answer_of(L, "finish");
  it->close = answer_of(L, "close");
  it->take = take == MISSING ? INT64_MAX : take;
  it->fail = fail == MISSING ? 0 : fail;
  it->hasty = answer_of(L, "hasty") != MISSING;
  it->pokes = answer_of(L, "pokes") != MISSING;
  it->type = (weir_sink_type){
      .name = "told",
      .open = it->open == MISSING ? NULL : sink_open,
      .write = sink_write,
      .finish = it->finish == MISSING ? NULL : sink_finish,
      .close = it->close == MISSING ? NULL : sink_close,
      .free = is_false(L, "free") ? NULL : sink_free,
  };
  int high_water_mark = answer_of(L, "high_water_mark");
  weir_push_sink(L, &it->type, it, high_water_mark > 0 ? (size_t)high_water_mark : 0);
  return 1;
}

static int opened(lua_State *L) {
  weir_sink_opened(weir_check_stream(L, 1), (int)luaL_optinteger(L, 2, 0));
  return 0;
}

static int finished(lua_State *L) {
  weir_sink_finished(weir_check_stream(L, 1), (int)luaL_optinteger(L, 2, 0));
  return 0;
}

static int closed(lua_State *L) {
  weir_sink_closed(weir_check_stream(L, 1), (int)luaL_optinteger(L, 2, 0));
  return 0;
}

static int ready(lua_State *L) {
  weir_sink_ready(weir_check_stream(L, 1));
  return 0;
}

static int write_to(lua_State *L) {
  size_t size;
  weir_stream *stream = weir_check_stream(L, 1);
  const char *bytes = luaL_checklstring(L, 2, &size);
  lua_pushstring(L, name_of(weir_stream_write(stream, bytes, size)));
  return 1;
}

static int end_it(lua_State *L) {
  weir_stream_end(weir_check_stream(L, 1));
  return 0;
}

static int what_was_said(lua_State *L) {
  lua_pushstring(L, said);
  said[0] = 0;
  return 1;
}

/* --- memory --- */

static bool starves;

static int starve(lua_State *L) {
  starves = lua_toboolean(L, 1) != 0;
  return 0;
}

static void *allocate(void *unused, void *memory, size_t old, size_t size) {
  (void)unused;
  if (size == 0) {
    free(memory);
    return NULL;
  }
  if (starves && (!memory || size > old)) return NULL;
  return realloc(memory, size);
}

/* --- the program --- */

static const luaL_Reg functions[] = {
    {"make", make},          {"opened", opened},  {"finished", finished}, {"closed", closed},
    {"ready", ready},        {"write", write_to}, {"end_", end_it},       {"starve", starve},
    {"said", what_was_said}, {NULL, NULL},
};

static int run_script(lua_State *L, const char *path) {
  weir_set_loop(L, &loop);
  weir_preload(L);
  for (const luaL_Reg *it = functions; it->name; it++) lua_register(L, it->name, it->func);
  lua_pushinteger(L, LATER);
  lua_setglobal(L, "LATER");
  return luaL_dostring(L, "weir = require 'weir'") || luaL_dofile(L, path);
}

int main(int argc, char **argv) {
  if (argc != 2) return 2;
  uv_loop_init(&loop);
  lua_State *L = lua_newstate(allocate, NULL);
  luaL_openlibs(L);
  int failed = run_script(L, argv[1]);
  if (failed) printf("%s\n", lua_tostring(L, -1));
  uv_run(&loop, UV_RUN_DEFAULT);
  lua_close(L);
  if (said[0]) printf("%s\n", said);
  printf("uv_loop_close: %d\n", uv_loop_close(&loop));
  return failed;
}
