/* ticks.c - see ticks.h.
** SPDX-License-Identifier: MIT
*/
#include "binding/ticks.h"

#include <stdlib.h>

#include "binding/done.h"
#include "binding/error_object.h"
#include "binding/loop_choice.h"
#include "sinks/signals.h"

/* --- next_tick --- */

/* A function of the user's that waits for its tick. */
typedef struct lua_tick {
  weir_tick tick;
  weir_context *context;
  uint32_t anchor; /* the function, or with arguments a table { function, arguments... } */
  int arguments;
} lua_tick;

/* function(packed, arguments): calls the function with its arguments. Its own function because
** there may be more of them than the stack has room for.
*/
static lua_results call_packed(lua_State *L) {
  int arguments = (int)lua_tointeger(L, 2);
  luaL_checkstack(L, arguments + 1, "too many arguments");
  for (int i = 1; i <= arguments + 1; i++) lua_rawgeti(L, 1, i);
  lua_call(L, arguments, 0);
  return 0;
}

void weir_ticks_open(weir_context *context, lua_State *L) {
  lua_pushcfunction(L, call_packed);
  weir_context_set(context, L, WEIR_SLOT_CALL_PACKED);
}

static void run_tick(weir_tick *tick) {
  lua_tick *it = WEIR_TICK_OWNER(tick, lua_tick, tick);
  weir_context *context = it->context;
  lua_State *L = context->L;
  int arguments = it->arguments;
  uint32_t anchor = it->anchor;
  free(it);
  if (!L) return;
  if (arguments > 0) weir_context_push(context, L, WEIR_SLOT_CALL_PACKED);
  weir_context_push_anchor(context, L, anchor);
  weir_context_drop_anchor(context, L, anchor);
  if (arguments > 0) lua_pushinteger(L, arguments);
  weir_context_call(context, L, arguments > 0 ? 2 : 0);
}

typedef void push_tick(weir_ticks *ticks, weir_tick *tick, weir_tick_run run);

static lua_results queue(lua_State *L, push_tick *push) {
  weir_context *context = weir_context_of(L);
  luaL_checktype(L, 1, LUA_TFUNCTION);
  weir_loop *loop = weir_context_loop(context, L);
  int arguments = lua_gettop(L) - 1;
  if (arguments > 0) {
    lua_createtable(L, arguments + 1, 0);
    lua_insert(L, 1);
    for (int i = arguments + 1; i >= 1; i--) lua_rawseti(L, 1, i);
  }
  uint32_t anchor = weir_context_anchor(context, L);
  lua_tick *it = calloc(1, sizeof *it);
  if (!it) {
    weir_context_drop_anchor(context, L, anchor);
    return luaL_error(L, "not enough memory");
  }
  it->context = context;
  it->anchor = anchor;
  it->arguments = arguments;
  push(&loop->core.ticks, &it->tick, run_tick);
  weir_loop_arm(context);
  return 0;
}

/* next_tick(fn, ...) */
static lua_results loop_next_tick(lua_State *L) {
  weir_context *context = weir_context_of(L);
  if (lua_gettop(L) == 1 && weir_done_on_tick(context, L)) return 0;
  return queue(L, weir_ticks_push);
}

/* turn_end(fn, ...): when no tick is left */
static lua_results loop_turn_end(lua_State *L) {
  return queue(L, weir_ticks_push_turn_end);
}

/* --- run and stop --- */

/* nil, and the object of an error of weir's own. */
static lua_results refuse(weir_context *context, lua_State *L, weir_code code) {
  weir_error *error = weir_error_new(code, NULL);
  lua_pushnil(L);
  weir_error_object_push(context, L, error, NULL);
  weir_error_release(error);
  return 2;
}

/* Whether luv's loop is being run: it says so itself, where it is run by luv. */
static bool is_luv_running(weir_context *context, lua_State *L) {
  if (context->calls > 0 || context->runs_luv) return true;
  weir_context_push(context, L, WEIR_SLOT_LUV);
  lua_getfield(L, -1, "loop_mode");
  bool runs = false;
  if (lua_isfunction(L, -1) && lua_pcall(L, 0, 1, 0) == LUA_OK) runs = lua_toboolean(L, -1);
  lua_pop(L, 2);
  return runs;
}

/* The loop is luv's, or ours across a bridge: luv runs it. */
static lua_results run_luv(weir_context *context, lua_State *L, const char *mode) {
  lua_settop(L, 0);
  if (is_luv_running(context, L)) return refuse(context, L, WEIR_E_LOOP_RUNNING);
  weir_loop_arm(context);
  weir_context_push(context, L, WEIR_SLOT_LUV);
  lua_getfield(L, 1, "run");
  lua_pushstring(L, mode);
  context->runs_luv = true;
  int status = lua_pcall(L, 1, 1, 0);
  context->runs_luv = false;
  if (status != LUA_OK) return lua_error(L);
  weir_context_raise(context, L);
  lua_pushboolean(L, lua_toboolean(L, 2));
  return 1;
}

static lua_results run_own(weir_context *context, lua_State *L, uv_run_mode mode) {
  if (context->loop.running) return refuse(context, L, WEIR_E_LOOP_RUNNING);
  lua_settop(L, 0);
  luaL_checkstack(L, WEIR_STACK, NULL);
  lua_State *outer = weir_context_enter(context, L);
  if (context->has_uncaught) mode = UV_RUN_NOWAIT; /* raised before anything is waited for */
  bool alive = weir_loop_run(&context->loop, mode);
  weir_context_leave(context, outer);
  weir_context_raise(context, L);
  lua_pushboolean(L, alive);
  return 1;
}

/* run([mode]) */
static lua_results loop_run(lua_State *L) {
  static const char *const names[] = {"default", "once", "nowait", NULL};
  static const uv_run_mode modes[] = {UV_RUN_DEFAULT, UV_RUN_ONCE, UV_RUN_NOWAIT};
  weir_context *context = weir_context_of(L);
  /* LuaJIT's checkoption takes a table for the default. */
  if (!lua_isnoneornil(L, 1)) luaL_checktype(L, 1, LUA_TSTRING);
  int mode = luaL_checkoption(L, 1, "default", names);
  if (context->has_loop) {
    weir_context_loop(context, L); /* raises in a forked child */
    if (!context->host_runs) {
      return context->kind == WEIR_LOOP_OWN ? run_own(context, L, modes[mode])
                                            : run_luv(context, L, names[mode]);
    }
    weir_context_raise(context, L);
    return refuse(context, L, WEIR_E_HOST_RUNS);
  }
  weir_context_raise(context, L);
  lua_pushboolean(L, 0);
  return 1;
}

static lua_results loop_stop(lua_State *L) {
  weir_context *context = weir_context_of(L);
  if (context->runs_luv) {
    weir_context_push(context, L, WEIR_SLOT_LUV);
    lua_getfield(L, -1, "stop");
    lua_call(L, 0, 0);
  } else if (context->has_loop) {
    weir_loop_stop(&context->loop);
  }
  return 0;
}

/* set_sigpipe(on): false leaves SIGPIPE and SIGXFSZ to end the process, as they do by default. */
static lua_results loop_set_sigpipe(lua_State *L) {
  weir_context *context = weir_context_of(L);
  luaL_checktype(L, 1, LUA_TBOOLEAN);
  context->leaves_signals = !lua_toboolean(L, 1);
  if (context->leaves_signals) weir_signals_restore();
  else if (context->has_loop) weir_signals_catch();
  return 0;
}

/* set_close_timeout(ms): how long the end of the state may take to flush what was accepted. */
static lua_results loop_set_close_timeout(lua_State *L) {
  weir_context *context = weir_context_of(L);
  lua_Number timeout_ms = luaL_checknumber(L, 1);
  luaL_argcheck(L, timeout_ms >= 0 && timeout_ms <= INT32_MAX, 1, "milliseconds expected");
  context->close_ms = (uint64_t)timeout_ms;
  return 0;
}

static lua_results loop_hrtime(lua_State *L) {
  weir_push_count(L, weir_uv_linked.hrtime());
  return 1;
}

const luaL_Reg weir_loop_functions[] = {
    {"next_tick", loop_next_tick},
    {"turn_end", loop_turn_end},
    {"run", loop_run},
    {"stop", loop_stop},
    {"hrtime", loop_hrtime},
    {"set_sigpipe", loop_set_sigpipe},
    {"set_close_timeout", loop_set_close_timeout},
    {NULL, NULL},
};
