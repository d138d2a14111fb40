/* loop_choice.c - see loop_choice.h.
** SPDX-License-Identifier: MIT
*/
#include "binding/loop_choice.h"

#include "binding/lua_stream.h"
#include "binding/luv.h"

static void check(lua_State *L, int error) {
  if (error) luaL_error(L, "weir: cannot open a loop: %s", weir_uv_linked.strerror(error));
}

/* --- the candidates --- */

/* What weir.h has left in the registry. */
static uv_loop_t *loop_of_host(lua_State *L) {
  lua_getfield(L, LUA_REGISTRYINDEX, "weir.loop");
  uv_loop_t *loop = lua_islightuserdata(L, -1) ? lua_touserdata(L, -1) : NULL;
  lua_pop(L, 1);
  return loop;
}

/* Pushes the field of the table on top of the stack, which it replaces; nil for any other value. */
static void enter_field(lua_State *L, const char *name) {
  if (lua_istable(L, -1)) {
    lua_pushstring(L, name);
    lua_rawget(L, -2);
  } else {
    lua_pushnil(L);
  }
  lua_remove(L, -2);
}

/* Pushes Neovim's luv, or nil. Its `vim` table fills itself by __index. */
static void push_neovim(lua_State *L) {
  static const char *const names[] = {"uv", "loop"};
  lua_getglobal(L, "vim");
  for (int i = 0; i < 2 && lua_istable(L, -1); i++) {
    lua_getfield(L, -1, names[i]);
    if (lua_istable(L, -1)) {
      lua_remove(L, -2);
      return;
    }
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
  lua_pushnil(L);
}

/* function() -> what there is of luv, or nil. Runs protected: looking may call __index. */
static lua_results look_around(lua_State *L) {
  push_neovim(L);
  if (lua_istable(L, -1)) return 1;
  lua_getglobal(L, "package");
  enter_field(L, "loaded");
  enter_field(L, "luv");
  return 1;
}

/* Pushes the luv to share with, or false. */
static void push_luv(weir_context *context, lua_State *L) {
  weir_context_push(context, L, WEIR_SLOT_LUV);
  if (lua_istable(L, -1) || context->uses_own) return;
  lua_pop(L, 1);
  lua_pushcfunction(L, look_around);
  if (lua_pcall(L, 0, 1, 0) != LUA_OK || !lua_istable(L, -1)) {
    lua_pop(L, 1);
    lua_pushboolean(L, 0);
  }
}

/* --- joining luv --- */

static bool is_neovim(lua_State *L, int luv) {
  push_neovim(L);
  bool same = lua_rawequal(L, -1, luv) != 0;
  lua_pop(L, 1);
  return same;
}

/* The other libuv cannot be reached: lua/weir/bridge.lua lets luv drive a loop of our own. */
static void build_bridge(weir_context *context, lua_State *L) {
  context->kind = WEIR_LOOP_BRIDGE;
  check(L, weir_loop_open(&context->loop));
}

static void join_luv(weir_context *context, lua_State *L, uv_loop_t *loop, weir_hook hook) {
  int luv = lua_gettop(L);
  context->luv_loop = loop;
  context->hook = hook;
  context->host_runs = is_neovim(L, luv);
  lua_pushvalue(L, luv);
  weir_context_set(context, L, WEIR_SLOT_LUV);
  const weir_uv_api *api = &weir_uv_linked;
  context->kind = WEIR_LOOP_LUV;
  if (!weir_uv_is_linked(loop)) {
    if (!weir_uv_rebind(&context->rebound, loop)) {
      build_bridge(context, L);
      return;
    }
    context->kind = WEIR_LOOP_REBOUND;
    api = &context->rebound;
  }
  context->loop.uv = api; /* the maker asks it */
  check(L, weir_loop_join(&context->loop, loop, api, &weir_luv_maker, context));
}

void weir_loop_choose(weir_context *context, lua_State *L) {
  int top = lua_gettop(L);
  uv_loop_t *loop = loop_of_host(L);
  weir_hook hook;
  if (loop) {
    context->kind = WEIR_LOOP_HOST;
    context->host_runs = true;
    check(L, weir_loop_join(&context->loop, loop, &weir_uv_linked, NULL, NULL));
  } else {
    push_luv(context, L);
    loop = weir_luv_find(L, -1, &hook);
    if (loop) weir_context_end_first(context, L);
    if (loop) join_luv(context, L, loop, hook);
    else check(L, weir_loop_open(&context->loop));
  }
  lua_settop(L, top);
}

/* --- its turns --- */

void weir_loop_arm(weir_context *context) {
  lua_State *L = context->L;
  if (context->loop.maker) weir_loop_wake(&context->loop);
  if (context->kind != WEIR_LOOP_BRIDGE || context->loop.running || !L) return;
  if (weir_context_is_luv_closed(context) || !lua_checkstack(L, 4)) return;
  weir_context_push(context, L, WEIR_SLOT_ARM);
  if (!lua_isfunction(L, -1) || lua_pcall(L, 0, 0, 0) != LUA_OK) lua_pop(L, 1);
}

/* set_bridge(arm): the function that sees to it that our loop gets its turns */
static lua_results set_bridge(lua_State *L) {
  weir_context *context = weir_context_of(L);
  luaL_checktype(L, 1, LUA_TFUNCTION);
  lua_settop(L, 1);
  weir_context_set(context, L, WEIR_SLOT_ARM);
  return 0;
}

/* bridge_turn(): one turn of our own loop, within a callback of luv's. */
static lua_results bridge_turn(lua_State *L) {
  weir_context *context = weir_context_of(L);
  if (context->has_loop && !context->loop.running) {
    weir_loop_run(&context->loop, UV_RUN_NOWAIT);
  }
  return 0;
}

/* --- what Lua calls --- */

/* use(luv), use(false) */
static lua_results choice_use(lua_State *L) {
  weir_context *context = weir_context_of(L);
  lua_settop(L, 1);
  bool none = lua_isboolean(L, 1) && !lua_toboolean(L, 1);
  if (!none && !weir_luv_is(L, 1)) return luaL_argerror(L, 1, "luv expected, or false");
  if (context->has_loop) return luaL_error(L, "weir.use comes too late: the loop is chosen");
  context->uses_own = none;
  weir_context_set(context, L, WEIR_SLOT_LUV);
  return 0;
}

static lua_results choice_info(lua_State *L) {
  static const char *const kinds[] = {"own", "host", "luv", "luv-rebound", "bridge"};
  weir_context *context = weir_context_of(L);
  weir_context_loop(context, L);
  lua_createtable(L, 0, 1);
  lua_pushstring(L, kinds[context->kind]);
  lua_setfield(L, -2, "kind");
  return 1;
}

/* backend_fd(): readable when the loop has something to do */
static lua_results choice_backend_fd(lua_State *L) {
  const weir_loop *loop = weir_context_loop(weir_context_of(L), L);
  lua_pushinteger(L, loop->uv->backend_fd(loop->handle));
  return 1;
}

/* backend_timeout(): milliseconds until the loop has something to do; -1: for ever */
static lua_results choice_backend_timeout(lua_State *L) {
  const weir_loop *loop = weir_context_loop(weir_context_of(L), L);
  loop->uv->update_time(loop->handle);
  lua_pushinteger(L, loop->uv->backend_timeout(loop->handle));
  return 1;
}

/* is_alive(): whether work is left */
static lua_results choice_is_alive(lua_State *L) {
  const weir_context *context = weir_context_of(L);
  const weir_loop *loop = &context->loop;
  lua_pushboolean(L, context->has_loop && (loop->uv->loop_alive(loop->handle) ||
                                           weir_ticks_pending(&loop->core.ticks)));
  return 1;
}

/* is_flushed(): whether every stream into bytes has written what it accepted, or cannot any more */
static lua_results choice_is_flushed(lua_State *L) {
  const weir_context *context = weir_context_of(L);
  bool flushed = true;
  for (const weir_lua_stream *it = context->streams; it && flushed; it = it->next) {
    flushed = !it->core.writable || !weir_sink_takes_bytes(it->core.port) ||
              it->core.life != WEIR_ALIVE || it->core.error || it->writable.length == 0;
  }
  lua_pushboolean(L, flushed);
  return 1;
}

/* luv() -> what is shared with, or false */
static lua_results choice_luv(lua_State *L) {
  weir_context_push(weir_context_of(L), L, WEIR_SLOT_LUV);
  return 1;
}

const luaL_Reg weir_loop_choice_functions[] = {
    {"use", choice_use},
    {"loop_info", choice_info},
    {"backend_fd", choice_backend_fd},
    {"backend_timeout", choice_backend_timeout},
    {"is_alive", choice_is_alive},
    {"is_flushed", choice_is_flushed},
    {"luv", choice_luv},
    {"set_bridge", set_bridge},
    {"bridge_turn", bridge_turn},
    {NULL, NULL},
};
