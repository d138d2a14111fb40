/* timer.c - see timer.h.
** SPDX-License-Identifier: MIT
*/
#include "binding/timer.h"

#include <stdlib.h>

#include "binding/loop_choice.h"
#include "binding/lua_stream.h"
#include "binding/objects.h"

#define MAGIC UINT64_C(0x776569725f74696d)

typedef struct weir_lua_timer weir_lua_timer;
struct weir_lua_timer {
  weir_timer timer;
  weir_context *context;
  unsigned references; /* the userdata's, and libuv's until it has closed the handle */
  struct box *box;     /* in the userdata; NULL: it has been collected */
  uint32_t anchor;     /* the function; 0: it has not begun */
  weir_lua_timer *next, *previous;
};

typedef struct box {
  uint64_t magic;
  weir_lua_timer *timer; /* NULL: fired, cleared or collected */
} box;

static void release(weir_lua_timer *it) {
  if (--it->references > 0) return;
  weir_context *context = it->context;
  free(it);
  weir_context_release(context);
}

/* Its userdata leads nowhere from now on. */
static void unbox(weir_lua_timer *it) {
  it->box->timer = NULL;
  it->box = NULL;
  release(it);
}

static void link_in(weir_lua_timer *it) {
  it->next = it->context->timers;
  if (it->next) it->next->previous = it;
  it->context->timers = it;
}

static void unlink_it(weir_lua_timer *it) {
  if (it->previous) it->previous->next = it->next;
  else it->context->timers = it->next;
  if (it->next) it->next->previous = it->previous;
  it->next = it->previous = NULL;
}

/* Fired or cleared: the function is let go of, the handle closed, and the userdata, which Lua may
** never collect if a finalizer made it while the state closes, holds nothing any more.
*/
static void end(weir_lua_timer *it) {
  weir_context *context = it->context;
  if (context->L) weir_context_drop_anchor(context, context->L, it->anchor);
  unlink_it(it);
  if (it->box) unbox(it);
  weir_timer_end(&it->timer);
}

static void on_freed(weir_timer *timer) {
  release(timer->owner);
}

static void on_fired(weir_timer *timer) {
  weir_lua_timer *it = timer->owner;
  weir_context *context = it->context;
  lua_State *L = weir_context_way_in(context);
  if (L) {
    weir_context_push_anchor(context, L, it->anchor);
    end(it);
    weir_context_call(context, L, 0);
  } else {
    end(it);
  }
}

lua_results weir_timer_set_timeout(lua_State *L) {
  weir_context *context = weir_context_of(L);
  if (!lua_isfunction(L, 1)) return weir_type_error(L, 2, "set_timeout", "function");
  lua_Number ms = luaL_checknumber(L, 2);
  if (!(ms >= 0 && ms <= 1e12)) luaL_argerror(L, 2, "milliseconds, 0 or more, expected");
  weir_loop *loop = weir_context_loop(context, L);
  lua_settop(L, 1);
  box *owner = weir_newuserdata(L, sizeof *owner);
  *owner = (box){.magic = MAGIC};
  weir_context_push(context, L, WEIR_SLOT_TIMER_META);
  lua_setmetatable(L, -2);
  weir_lua_timer *it = calloc(1, sizeof *it);
  if (!it) return luaL_error(L, "not enough memory");
  it->context = context;
  it->references = 1;
  it->box = owner;
  it->timer.owner = it;
  it->timer.fired = on_fired;
  it->timer.freed = on_freed;
  weir_context_hold(context);
  owner->timer = it; /* from here on __gc releases it */
  lua_pushvalue(L, 1);
  uint32_t anchor = weir_context_anchor(context, L);
  if (weir_timer_start(&it->timer, loop, (uint64_t)ms) != 0) { /* libuv refuses no such timer */
    weir_context_drop_anchor(context, L, anchor);
    return luaL_error(L, "the loop refused the timer");
  }
  it->anchor = anchor;
  it->references++;
  link_in(it);
  weir_loop_arm(context);
  return 1;
}

static box *test(lua_State *L) {
  box *owner = lua_touserdata(L, 1);
  if (!owner || lua_type(L, 1) != LUA_TUSERDATA || lua_rawlen(L, 1) != sizeof *owner) return NULL;
  return owner->magic == MAGIC ? owner : NULL;
}

static lua_results timer_clear(lua_State *L) {
  const box *owner = test(L);
  if (!owner) return luaL_error(L, "calling 'clear' on bad self (weir timer expected)");
  if (owner->timer) end(owner->timer);
  return 0;
}

/* Whether it keeps the loop alive. */
static lua_results set_ref(lua_State *L, const char *method, bool on) {
  const box *owner = test(L);
  if (!owner) return luaL_error(L, "calling '%s' on bad self (weir timer expected)", method);
  const weir_handle *handle = owner->timer ? &owner->timer->timer.handle : NULL;
  if (handle && weir_handle_is_open(handle)) {
    if (on) handle->loop->uv->ref(handle->uv.any);
    else handle->loop->uv->unref(handle->uv.any);
  }
  lua_settop(L, 1);
  return 1;
}

static lua_results timer_ref(lua_State *L) {
  return set_ref(L, "ref", true);
}

static lua_results timer_unref(lua_State *L) {
  return set_ref(L, "unref", false);
}

static lua_results timer_gc(lua_State *L) {
  const box *owner = test(L);
  if (owner && owner->timer) unbox(owner->timer);
  return 0;
}

void weir_timer_end_all(weir_context *context) {
  while (context->timers) end(context->timers);
}

static const luaL_Reg methods[] = {
    {"clear", timer_clear},
    {"ref", timer_ref},
    {"unref", timer_unref},
    {NULL, NULL},
};

void weir_timer_open(weir_context *context, lua_State *L) {
  const luaL_Reg *const all[] = {methods, NULL};
  weir_object_push_meta(L, "weir.timer", timer_gc, all);
  weir_context_set(context, L, WEIR_SLOT_TIMER_META);
}
