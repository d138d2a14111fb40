/* luv.c - see luv.h.
** SPDX-License-Identifier: MIT
*/
#include "binding/luv.h"

#include <string.h>

#include "core/assert.h"

/* --- finding the loop --- */

/* The part of luv's context that has not changed from 1.30 to 1.52. */
typedef struct luv_head {
  uv_loop_t *loop;
  lua_State *L;
  weir_hook hook;
} luv_head;

static const luv_head *find_head(lua_State *L) {
  lua_getfield(L, LUA_REGISTRYINDEX, "luv_context");
  bool is_one = lua_type(L, -1) == LUA_TUSERDATA && lua_rawlen(L, -1) >= sizeof(luv_head);
  const luv_head *head = is_one ? lua_touserdata(L, -1) : NULL;
  lua_pop(L, 1);
  return head;
}

/* The handle in luv's userdata at `index`; NULL if it is none of that type. */
static uv_handle_t *handle_at(lua_State *L, int index, const char *type) {
  if (lua_type(L, index) != LUA_TUSERDATA || lua_rawlen(L, index) < sizeof(void *)) return NULL;
  if (!lua_getmetatable(L, index)) return NULL;
  lua_getfield(L, LUA_REGISTRYINDEX, type);
  bool same = lua_istable(L, -1) && lua_rawequal(L, -1, -2);
  lua_pop(L, 2);
  return same ? *(uv_handle_t **)lua_touserdata(L, index) : NULL;
}

/* function(luv) -> the loop of a timer that it makes. Runs protected. */
static lua_results loop_of_timer(lua_State *L) {
  lua_getfield(L, 1, "new_timer");
  lua_call(L, 0, 1);
  const uv_handle_t *timer = handle_at(L, 2, "uv_timer");
  if (!timer) return 0;
  lua_pushlightuserdata(L, timer->loop);
  lua_getfield(L, 1, "close");
  lua_pushvalue(L, 2);
  lua_call(L, 1, 0);
  return 1;
}

bool weir_luv_is(lua_State *L, int index) {
  static const char *const names[] = {"new_idle", "new_timer", "new_poll", "close", "run"};
  bool is = lua_istable(L, index);
  for (size_t i = 0; is && i < sizeof names / sizeof *names; i++) {
    lua_pushstring(L, names[i]);
    lua_rawget(L, index);
    is = lua_isfunction(L, -1);
    lua_pop(L, 1);
  }
  return is;
}

uv_loop_t *weir_luv_find(lua_State *L, int index, weir_hook *hook) {
  index = lua_absindex(L, index);
  *hook = NULL;
  if (!weir_luv_is(L, index)) return NULL;
  lua_pushcfunction(L, loop_of_timer);
  lua_pushvalue(L, index);
  uv_loop_t *loop = NULL;
  if (lua_pcall(L, 1, 1, 0) == LUA_OK) loop = lua_touserdata(L, -1);
  lua_pop(L, 1);
  const luv_head *head = loop ? find_head(L) : NULL;
  if (head && head->loop == loop) *hook = head->hook;
  return loop;
}

/* --- making handles --- */

typedef struct making {
  weir_handle *handle;
  uv_handle_type type;
  int argument;
  int error;
} making;

static const char *const constructors[UV_HANDLE_TYPE_MAX] = {
    [UV_IDLE] = "new_idle", [UV_TIMER] = "new_timer", [UV_POLL] = "new_poll"};
static const char *const type_names[UV_HANDLE_TYPE_MAX] = {
    [UV_IDLE] = "uv_idle", [UV_TIMER] = "uv_timer", [UV_POLL] = "uv_poll"};

/* The code of an error that luv has returned by its name, as its third value. */
static int code_of(const char *name) {
#define KNOWN(name, text) {#name, UV_##name},
  static const struct {
    const char *name;
    int code;
  } known[] = {UV_ERRNO_MAP(KNOWN)};
#undef KNOWN
  for (size_t i = 0; name && i < sizeof known / sizeof *known; i++) {
    if (strcmp(known[i].name, name) == 0) return known[i].code;
  }
  return UV_EINVAL;
}

/* function(making*). Runs protected. */
static lua_results make_handle(lua_State *L) {
  weir_context *context = lua_touserdata(L, lua_upvalueindex(1));
  making *it = lua_touserdata(L, 1);
  weir_context_push(context, L, WEIR_SLOT_LUV); /* 2 */
  lua_getfield(L, 2, constructors[it->type]);
  if (it->type == UV_POLL) lua_pushinteger(L, it->argument);
  lua_call(L, it->type == UV_POLL ? 1 : 0, 3); /* 3, 4, 5 */
  uv_handle_t *made = handle_at(L, 3, type_names[it->type]);
  if (!made) {
    it->error = code_of(lua_tostring(L, 5));
    return 0;
  }
  lua_settop(L, 3);
  it->handle->anchor = weir_context_anchor(context, L);
  it->handle->uv.any = made;
  it->error = 0;
  weir_context_end_first(context, L);
  return 0;
}

static int make(void *self, weir_handle *handle, uv_handle_type type, int argument) {
  weir_context *context = self;
  lua_State *L = weir_context_way_in(context);
  making it = {handle, type, argument, UV_ENOMEM};
  WEIR_ASSERT(constructors[type]);
  if (!L || weir_context_is_luv_closed(context)) return UV_ECANCELED;
  weir_context_push(context, L, WEIR_SLOT_MAKE_HANDLE);
  lua_pushlightuserdata(L, &it);
  if (lua_pcall(L, 1, 0, 0) != LUA_OK) lua_pop(L, 1);
  return it.error;
}

/* --- closing them --- */

/* function(): luv has closed the handle. Upvalues: the context, the handle. */
static lua_results on_closed(lua_State *L) {
  weir_context *context = lua_touserdata(L, lua_upvalueindex(1));
  weir_handle *handle = lua_touserdata(L, lua_upvalueindex(2));
  if (!context->L) return 0; /* forgotten already */
  lua_State *outer = weir_context_enter(context, L);
  weir_context_drop_anchor(context, L, handle->anchor);
  weir_handle_is_closed(handle);
  weir_context_leave(context, outer);
  return 0;
}

/* function(handle**). Runs protected. */
static lua_results close_handle(lua_State *L) {
  weir_context *context = lua_touserdata(L, lua_upvalueindex(1));
  weir_handle *handle = *(weir_handle **)lua_touserdata(L, 1);
  weir_context_push(context, L, WEIR_SLOT_LUV);
  lua_getfield(L, -1, "close");
  weir_context_push_anchor(context, L, handle->anchor);
  if (handle->closed) {
    lua_pushlightuserdata(L, context);
    lua_pushlightuserdata(L, handle);
    lua_pushcclosure(L, on_closed, 2);
  }
  lua_call(L, handle->closed ? 2 : 1, 0);
  return 0;
}

static void close_it(void *self, weir_handle *handle) {
  weir_context *context = self;
  lua_State *L = weir_context_way_in(context);
  if (!L) { /* luv will close it, together with its state */
    weir_handle_let_go(handle);
    return;
  }
  if (!context->loop.uv->is_closing(handle->uv.any)) {
    weir_context_push(context, L, WEIR_SLOT_CLOSE_HANDLE);
    lua_pushlightuserdata(L, &handle);
    if (lua_pcall(L, 1, 0, 0) != LUA_OK) lua_pop(L, 1);
    else if (handle->closed) return; /* it will be called */
  }
  weir_context_drop_anchor(context, L, handle->anchor);
  weir_handle_let_go(handle); /* where closing it has raised, it goes on, and must not call us */
}

const weir_handle_maker weir_luv_maker = {.make = make, .close = close_it};

void weir_luv_open(weir_context *context, lua_State *L) {
  lua_pushlightuserdata(L, context);
  lua_pushcclosure(L, make_handle, 1);
  weir_context_set(context, L, WEIR_SLOT_MAKE_HANDLE);
  lua_pushlightuserdata(L, context);
  lua_pushcclosure(L, close_handle, 1);
  weir_context_set(context, L, WEIR_SLOT_CLOSE_HANDLE);
}
