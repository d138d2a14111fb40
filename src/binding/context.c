/* context.c - see context.h.
** SPDX-License-Identifier: MIT
*/
#include "binding/context.h"

#include <stdlib.h>

#include "binding/error_object.h"
#include "binding/lua_stream.h"
#include "binding/server.h"
#include "binding/timer.h"
#include "binding/uncaught.h"
#include "core/assert.h"
#include "sinks/signals.h"

/* --- the table --- */

void weir_context_push(weir_context *context, lua_State *L, int slot) {
  lua_rawgeti(L, LUA_REGISTRYINDEX, context->table);
  lua_rawgeti(L, -1, slot);
  lua_remove(L, -2);
}

void weir_context_set(weir_context *context, lua_State *L, int slot) {
  lua_rawgeti(L, LUA_REGISTRYINDEX, context->table);
  lua_insert(L, -2);
  lua_rawseti(L, -2, slot);
  lua_pop(L, 1);
}

static void push_weak_table(lua_State *L, const char *mode) {
  lua_newtable(L);
  lua_createtable(L, 0, 1);
  lua_pushstring(L, mode);
  lua_setfield(L, -2, "__mode");
  lua_setmetatable(L, -2);
}

static const char *const event_names[] = {
    "drain",  "prefinish", "finish",  "error",     "close",      "open",
    "ready",  "readable",  "end",     "pause",     "resume",     "data",
    "lookup", "connect",   "timeout", "listening", "connection", "drop",
};

/* Every slot is filled now, so that setting one later never allocates. */
static void fill_table(weir_context *context, lua_State *L) {
  lua_createtable(L, WEIR_SLOT_COUNT, 0);
  for (int slot = 1; slot <= WEIR_SLOT_COUNT; slot++) {
    lua_pushboolean(L, 0);
    lua_rawseti(L, -2, slot);
  }
  for (int event = WEIR_ON_DRAIN; event <= WEIR_ON_DROP; event++) {
    lua_pushstring(L, event_names[event - WEIR_ON_DRAIN]);
    lua_rawseti(L, -2, event);
  }
  push_weak_table(L, "v");
  lua_rawseti(L, -2, WEIR_SLOT_STREAMS);
  push_weak_table(L, "k");
  lua_rawseti(L, -2, WEIR_SLOT_FRONTED);
  lua_newtable(L);
  lua_rawseti(L, -2, WEIR_SLOT_HELD);
  lua_newtable(L);
  lua_rawseti(L, -2, WEIR_SLOT_ANCHORS);
  context->L = lua_newthread(L);
  lua_rawseti(L, -2, WEIR_SLOT_THREAD);
  weir_error_object_push_meta(L);
  lua_rawseti(L, -2, WEIR_SLOT_ERROR_META);
  weir_uncaught_push_handler(L);
  lua_rawseti(L, -2, WEIR_SLOT_HANDLER);
}

/* --- life --- */

/* In the userdata, before anything is read through it: __gc may be called by hand, with anything.
*/
#define MAGIC UINT64_C(0x776569725f637478)

typedef struct box {
  uint64_t magic;
  weir_context *context;
} box;

void weir_context_release(weir_context *context) {
  WEIR_ASSERT(context->references > 0);
  if (--context->references > 0) return;
  weir_anchors_deinit(&context->anchors);
  free(context);
}

/* lua_close: no Lua is called any more. What was accepted is flushed, within a bound; what is stuck
** beyond it is left to the system together with the loop it hangs on.
*/
static lua_results context_gc(lua_State *L) {
  box *owner = lua_touserdata(L, 1);
  if (lua_type(L, 1) != LUA_TUSERDATA || lua_rawlen(L, 1) != sizeof *owner) return 0;
  if (owner->magic != MAGIC || !owner->context) return 0;
  weir_context *context = owner->context;
  owner->context = NULL;
  context->L = NULL;
  if (context->has_loop && context->loop.running) { /* os.exit(code, true) in a callback */
    weir_server_end_all(context);
    weir_lua_stream_end_all(context);
    return 0;
  }
  if (context->has_loop) {
    weir_timer_end_all(context);
    weir_server_end_all(context);
    bool clean = weir_lua_stream_close_all(context, WEIR_CLOSE_MS);
    if (!clean || !weir_loop_close(&context->loop)) return 0;
    context->has_loop = false;
  }
  weir_context_release(context);
  return 0;
}

static const char context_key = 0;

static weir_context *make(lua_State *L) {
  box *owner = weir_newuserdata(L, sizeof *owner);
  *owner = (box){.magic = MAGIC};
  lua_createtable(L, 0, 2);
  lua_pushcfunction(L, context_gc);
  lua_setfield(L, -2, "__gc");
  lua_pushboolean(L, 0);
  lua_setfield(L, -2, "__metatable");
  lua_setmetatable(L, -2);
  weir_context *context = calloc(1, sizeof *context);
  if (!context) luaL_error(L, "not enough memory");
  context->references = 1;
  lua_getglobal(L, "jit");
  context->is_luajit = lua_istable(L, -1);
  lua_pop(L, 1);
  owner->context = context;
  fill_table(context, L);
  context->table = luaL_ref(L, LUA_REGISTRYINDEX);
  lua_pushvalue(L, -1);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &context_key);
  return context;
}

weir_context *weir_context_get(lua_State *L, bool *made) {
  lua_rawgetp(L, LUA_REGISTRYINDEX, &context_key);
  const box *owner = lua_touserdata(L, -1);
  *made = !owner;
  if (owner) { /* the module was required anew: it shares what the first one has */
    if (!owner->context) luaL_error(L, "weir: the Lua state is closing");
    return owner->context;
  }
  lua_pop(L, 1);
  return make(L);
}

weir_context *weir_context_of(lua_State *L) {
  const box *owner = lua_touserdata(L, lua_upvalueindex(1));
  if (!owner->context) luaL_error(L, "weir: the Lua state is closing");
  return owner->context;
}

weir_loop *weir_context_loop(weir_context *context, lua_State *L) {
  if (context->has_loop) return &context->loop;
  if (!context->leaves_signals) weir_signals_catch();
  int error = weir_loop_open(&context->loop);
  if (error) luaL_error(L, "weir: cannot open a loop: %s", weir_uv_linked.strerror(error));
  context->loop.settled = weir_lua_stream_settle_all;
  context->loop.owner = context;
  context->has_loop = true;
  return &context->loop;
}

/* --- anchors --- */

uint32_t weir_context_anchor(weir_context *context, lua_State *L) {
  weir_context_push(context, L, WEIR_SLOT_ANCHORS);
  lua_insert(L, -2);
  weir_anchors_reserve(&context->anchors, L, -2, 1);
  uint32_t anchor = weir_anchors_hold(&context->anchors, L, -2);
  lua_pop(L, 1);
  return anchor;
}

void weir_context_push_anchor(weir_context *context, lua_State *L, uint32_t anchor) {
  weir_context_push(context, L, WEIR_SLOT_ANCHORS);
  weir_anchors_push(L, -1, anchor);
  lua_remove(L, -2);
}

void weir_context_drop_anchor(weir_context *context, lua_State *L, uint32_t anchor) {
  weir_context_push(context, L, WEIR_SLOT_ANCHORS);
  weir_anchors_drop(&context->anchors, L, -1, anchor);
  lua_pop(L, 1);
}
