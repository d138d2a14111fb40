/* weir.h - weir for programs in C: the one public header.
**
** A program with a loop of its own names it before the module is required; with that alone nothing
** has to be linked, the module that LuaRocks has built will do:
**
**   weir_set_loop(L, &loop);
**
** A program that links weir (`pkg-config --libs weir-lua5.4`) puts it where `require` looks:
**
**   weir_preload(L);
**
** and may write to streams, and make streams into sinks of its own. All of it is for the thread
** that runs the state. lua_close() belongs outside of the loop: it flushes for two seconds at most,
** and after it the loop can be closed.
**
** SPDX-License-Identifier: MIT
*/
#ifndef WEIR_H
#define WEIR_H

#include <lauxlib.h>
#include <lua.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define WEIR_PUBLIC __attribute__((visibility("default")))
#else
#define WEIR_PUBLIC
#endif

/* --- without linking --- */

/* The streams of this state run on `loop`, which must outlive the state. It is the program that
** runs it: weir.run() answers `nil, err` in its scripts. To be called before the first stream.
*/
static inline void weir_set_loop(lua_State *L, uv_loop_t *loop) {
  lua_pushlightuserdata(L, loop);
  lua_setfield(L, LUA_REGISTRYINDEX, "weir.loop");
}

/* Who gets the errors that no script has caught, where weir.on_uncaught() names nobody: called with
** the error as its argument.
*/
static inline void weir_set_uncaught(lua_State *L, lua_CFunction handler) {
  lua_pushcfunction(L, handler);
  lua_setfield(L, LUA_REGISTRYINDEX, "weir.uncaught");
}

/* --- linked --- */

WEIR_PUBLIC int luaopen_weir_core(lua_State *L);

/* Lets `require "weir.core"` find what is linked here. The files of lua/weir are found by
** package.path, as always.
*/
static inline void weir_preload(lua_State *L) {
  lua_getglobal(L, "package");
  lua_getfield(L, -1, "preload");
  lua_pushcfunction(L, luaopen_weir_core);
  lua_setfield(L, -2, "weir.core");
  lua_pop(L, 2);
}

typedef struct weir_stream weir_stream;

/* The stream at `index`; raises "bad argument" for anything else. It lives as long as its value
** does in Lua: keep that.
*/
WEIR_PUBLIC weir_stream *weir_check_stream(lua_State *L, int index);

typedef enum weir_answer {
  WEIR_ANSWER_GO_ON,     /* accepted */
  WEIR_ANSWER_SLOW_DOWN, /* accepted; wait for `drain` */
  WEIR_ANSWER_REFUSED    /* not accepted: ended, destroyed, failed, over max_buffered, no memory */
} weir_answer;

/* Writes one chunk, which is copied. Never raises; may call Lua, where the sink is written in it.
*/
WEIR_PUBLIC weir_answer weir_stream_write(weir_stream *stream, const void *bytes, size_t size);

/* No more writes: flushes, finishes, closes. */
WEIR_PUBLIC void weir_stream_end(weir_stream *stream);

/* --- sinks in C --- */

typedef struct weir_bytes {
  const char *base;
  size_t size;
} weir_bytes;

/* What a sink does. `self` is its own; a NULL function is one it does not need. Errors are those of
** errno, 0 for success. Answers may come from within the call, or later from the loop's thread.
*/
typedef struct weir_sink_type {
  const char *name;
  /* Prepares the sink; answers with weir_sink_opened(). */
  void (*open)(void *self, weir_stream *stream);
  /* Takes bytes, in order, and is done with them when it returns. Returns how many it took; fewer
  ** than there are when it can take no more now: then it calls weir_sink_ready() when it can. A
  ** negative errno is a failure, which ends the stream.
  */
  int64_t (*write)(void *self, weir_stream *stream, const weir_bytes *pieces, size_t count);
  /* All is written; answers with weir_sink_finished(). */
  void (*finish)(void *self, weir_stream *stream);
  /* The last call but one: lets go of all it has; answers with weir_sink_closed(). */
  void (*close)(void *self, weir_stream *stream);
  /* Nobody knows the sink any more. */
  void (*free)(void *self);
} weir_sink_type;

WEIR_PUBLIC void weir_sink_opened(weir_stream *stream, int error);
WEIR_PUBLIC void weir_sink_ready(weir_stream *stream);
WEIR_PUBLIC void weir_sink_finished(weir_stream *stream, int error);
WEIR_PUBLIC void weir_sink_closed(weir_stream *stream, int error);

/* Pushes a stream into such a sink, which is the stream's from now on. `type` outlives it.
** `high_water_mark` is in bytes; 0: the default, 16384. Raises, with the sink untouched, without
** memory. The module must have been required.
*/
WEIR_PUBLIC weir_stream *weir_push_sink(lua_State *L, const weir_sink_type *type, void *self,
                                        size_t high_water_mark);

#ifdef __cplusplus
}
#endif

#endif
