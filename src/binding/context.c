/* context.c - see context.h.
** SPDX-License-Identifier: MIT
*/
#include "binding/context.h"

#include <stdlib.h>

#include "binding/at_exit.h"
#include "binding/error_object.h"
#include "binding/loop_choice.h"
#include "binding/lua_stream.h"
#include "binding/server.h"
#include "binding/timer.h"
#include "binding/uncaught.h"
#include "core/assert.h"
#include "sinks/signals.h"

/* --- the slots --- */

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

/* Every slot is made now, so that setting one later never allocates. */
static void make_slots(weir_context *context, lua_State *L) {
  for (int slot = 1; slot <= WEIR_SLOT_COUNT; slot++) {
    if (slot >= WEIR_ON_DRAIN) lua_pushstring(L, event_names[slot - WEIR_ON_DRAIN]);
    else lua_pushboolean(L, 0);
    context->slots[slot] = luaL_ref(L, LUA_REGISTRYINDEX);
  }
}

static void fill_slots(weir_context *context, lua_State *L) {
  make_slots(context, L);
  push_weak_table(L, "v");
  weir_context_set(context, L, WEIR_SLOT_STREAMS);
  push_weak_table(L, "k");
  weir_context_set(context, L, WEIR_SLOT_FRONTED);
  lua_newtable(L);
  weir_context_set(context, L, WEIR_SLOT_ANCHORS);
  context->base = context->L = lua_newthread(L);
  weir_context_set(context, L, WEIR_SLOT_THREAD);
  weir_error_object_push_meta(L);
  weir_context_set(context, L, WEIR_SLOT_ERROR_META);
  weir_uncaught_push_handler(L);
  weir_context_set(context, L, WEIR_SLOT_HANDLER);
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
  if (context->frees_core) weir_core_deinit(&context->loop.core);
  free(context);
}

/* Our own loop: what was accepted is flushed, within a bound; what is stuck beyond it is left to
** the system together with the loop it hangs on. Returns whether all of it is closed.
*/
static bool close_own(weir_context *context) {
  weir_timer_end_all(context);
  weir_server_end_all(context);
  bool clean = weir_lua_stream_close_all(context, context->close_ms);
  return clean && weir_loop_close(&context->loop);
}

/* A loop of somebody else's, who may close it right after. */
static bool close_shared(weir_context *context) {
  weir_loop *loop = &context->loop;
  weir_timer_end_all(context);
  weir_server_end_all(context);
  bool clean = weir_lua_stream_close_all(context, context->close_ms);
  weir_loop_leave(loop);
  context->frees_core = clean;
  for (int turn = 0; turn < 2 && loop->idle.uv.any; turn++) {
    loop->uv->run(loop->handle, UV_RUN_NOWAIT);
  }
  return clean && !loop->idle.uv.any;
}

/* Luv frees a handle that still closes when its state does, and falls over it later. */
static void let_luv_close(weir_context *context, lua_State *L) {
  if (!lua_checkstack(L, 4) || weir_context_is_luv_closed(context)) return;
  weir_context_push(context, L, WEIR_SLOT_LUV);
  if (lua_istable(L, -1)) {
    lua_getfield(L, -1, "run");
    lua_pushliteral(L, "nowait");
    if (lua_pcall(L, 1, 0, 0) != LUA_OK) lua_pop(L, 1);
  }
  lua_pop(L, 1);
}

/* lua_close: no Lua is called any more. */
static void close_context(weir_context *context, lua_State *L) {
  context->closed = true;
  context->L = NULL;
  weir_at_exit_remove(context);
  if (!context->has_loop) {
    if (context->luv_loop) let_luv_close(context, L); /* to join it failed */
    return;
  }
  bool clean = false; /* nothing points to the context any more */
  if (weir_context_is_of_parent(context)) {
    /* nothing of it is ours */
  } else if (context->loop.running || context->calls > 0 || weir_loop_is_dead(&context->loop)) {
    weir_server_end_all(context); /* os.exit(code, true) in a callback */
    weir_lua_stream_end_all(context);
    if (context->loop.maker) weir_loop_leave(&context->loop);
    let_luv_close(context, L);
    clean = weir_loop_is_dead(&context->loop) && weir_lua_stream_are_all_closed(context);
    context->frees_core = clean;
  } else {
    let_luv_close(context, L);
    clean = context->loop.is_own ? close_own(context) : close_shared(context);
  }
  if (!clean) weir_context_hold(context);
}

static lua_results context_gc(lua_State *L) {
  box *owner = lua_touserdata(L, 1);
  if (lua_type(L, 1) != LUA_TUSERDATA || lua_rawlen(L, 1) != sizeof *owner) return 0;
  if (owner->magic != MAGIC || !owner->context) return 0;
  weir_context *context = owner->context;
  owner->context = NULL;
  if (!context->closed) close_context(context, L);
  weir_context_release(context);
  return 0;
}

/* Pushes a userdata whose end is that of the context. May raise. */
static box *push_box(lua_State *L) {
  box *owner = weir_newuserdata(L, sizeof *owner);
  *owner = (box){.magic = MAGIC};
  lua_createtable(L, 0, 2);
  lua_pushcfunction(L, context_gc);
  lua_setfield(L, -2, "__gc");
  lua_pushboolean(L, 0);
  lua_setfield(L, -2, "__metatable");
  lua_setmetatable(L, -2);
  return owner;
}

/* When a state closes, what came last ends first. */
void weir_context_end_first(weir_context *context, lua_State *L) {
  box *next = push_box(L);
  if (context->end) {
    ((box *)context->end)->context = NULL;
    lua_rawseti(L, LUA_REGISTRYINDEX, context->end_reference);
  } else {
    context->end_reference = luaL_ref(L, LUA_REGISTRYINDEX);
    weir_context_hold(context);
  }
  next->context = context;
  context->end = next;
}

static const char context_key = 0;

/* LuaJIT takes note of every 512 GiB that light userdata point into, which needs memory, and so may
** raise: of the stack better here than in a callback. Nothing else may be pointed to where nothing
** may raise: the heap is more than one piece.
*/
static void note_addresses(lua_State *L, void *heap) {
  lua_pushlightuserdata(L, &L);
  lua_pushlightuserdata(L, heap);
  lua_pop(L, 2);
}

static weir_context *make(lua_State *L) {
  box *owner = push_box(L);
  weir_context *context = calloc(1, sizeof *context);
  if (!context) luaL_error(L, "not enough memory");
  context->references = 1;
  context->close_ms = WEIR_CLOSE_MS;
  weir_anchors_init(&context->anchors);
  note_addresses(L, context);
  lua_getglobal(L, "jit");
  context->is_luajit = lua_istable(L, -1);
  lua_pop(L, 1);
  owner->context = context;
  fill_slots(context, L);
  return context;
}

void weir_context_keep(lua_State *L) {
  lua_pushvalue(L, -1);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &context_key);
}

weir_context *weir_context_get(lua_State *L, bool *made) {
  lua_rawgetp(L, LUA_REGISTRYINDEX, &context_key);
  const box *owner = lua_touserdata(L, -1);
  *made = !owner;
  if (owner) { /* the module was required anew: it shares what the first one has */
    if (!owner->context || owner->context->closed) luaL_error(L, "weir: the Lua state is closing");
    return owner->context;
  }
  lua_pop(L, 1);
  return make(L);
}

weir_context *weir_context_of(lua_State *L) {
  const box *owner = lua_touserdata(L, lua_upvalueindex(1));
  if (!owner->context || owner->context->closed) luaL_error(L, "weir: the Lua state is closing");
  return owner->context;
}

/* The loop's hook: no tick is left. On luv's loop our handle goes when nobody needs it. */
static void on_settled(void *owner) {
  weir_context *context = owner;
  weir_lua_stream_settle_all(context);
  weir_loop *loop = &context->loop;
  bool idle = context->open_streams == 0 && !context->timers && !context->servers;
  if (loop->maker && idle && !loop->watches && !weir_ticks_pending(&loop->core.ticks)) {
    weir_handle_close(&loop->idle, NULL);
  }
}

weir_loop *weir_context_loop(weir_context *context, lua_State *L) {
  if (context->has_loop) {
    if (weir_context_is_of_parent(context)) {
      luaL_error(L, "weir: this loop belongs to the parent process");
    }
    return &context->loop;
  }
  if (!context->leaves_signals) weir_signals_catch();
  weir_loop_choose(context, L);
  context->loop.settled = on_settled;
  context->loop.owner = context;
  context->has_loop = true;
  weir_at_exit_add(context);
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
  weir_anchors_push(&context->anchors, L, -1, anchor);
  lua_replace(L, -2);
}

void weir_context_drop_anchor(weir_context *context, lua_State *L, uint32_t anchor) {
  weir_context_push(context, L, WEIR_SLOT_ANCHORS);
  weir_anchors_drop(&context->anchors, L, -1, anchor);
  lua_pop(L, 1);
}
