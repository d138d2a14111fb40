/* error_object.c - see error_object.h.
** SPDX-License-Identifier: MIT
*/
#include "binding/error_object.h"

#include <errno.h>
#include <string.h>

/* --- the object --- */

/* Appends field `name` of the error, between `before` and `after`, to the string on top. */
static void append_field(lua_State *L, const char *before, const char *name, const char *after) {
  lua_pushstring(L, name);
  lua_rawget(L, 1);
  if (lua_isstring(L, -1)) lua_pushfstring(L, "%s%s%s", before, lua_tostring(L, -1), after);
  else lua_pushliteral(L, "");
  lua_remove(L, -2);
  lua_concat(L, 2);
}

/* ENOSPC: no space left on device, write 'out.txt' */
static lua_results error_tostring(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 1);
  lua_pushliteral(L, "");
  append_field(L, "", "code", "");
  append_field(L, ": ", "message", "");
  append_field(L, ", ", "syscall", "");
  append_field(L, " '", "path", "'");
  append_field(L, " ", "address", "");
  append_field(L, ":", "port", "");
  return 1;
}

void weir_error_object_push_meta(lua_State *L) {
  lua_createtable(L, 0, 2);
  lua_pushcfunction(L, error_tostring);
  lua_setfield(L, -2, "__tostring");
  lua_pushliteral(L, "weir.error");
  lua_setfield(L, -2, "__name");
}

static void set_text(lua_State *L, const char *name, const char *text) {
  if (!text) return;
  lua_pushstring(L, text);
  lua_setfield(L, -2, name);
}

/* Names that libuv does not know. */
static const char *name_of(int system) {
  static const struct {
    int system;
    const char *name;
  } known[] = {{EDQUOT, "EDQUOT"}, {ESTALE, "ESTALE"},   {EDEADLK, "EDEADLK"}, {ENOLCK, "ENOLCK"},
               {ECHILD, "ECHILD"}, {ENOEXEC, "ENOEXEC"}, {ENOTBLK, "ENOTBLK"}, {EDOM, "EDOM"}};
  for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
    if (known[i].system == system) return known[i].name;
  }
  return NULL;
}

static void set_integer(lua_State *L, const char *name, int value) {
  lua_pushinteger(L, value);
  lua_setfield(L, -2, name);
}

/* The resolver's codes lie where no errno does. An unknown name is called as in Node. */
static void set_resolver_code(const weir_uv_api *uv, lua_State *L, int code) {
  bool unknown = code == UV_EAI_NONAME || code == UV_EAI_NODATA;
  set_text(L, "code", unknown ? "ENOTFOUND" : uv->err_name(code));
  set_text(L, "message", unknown ? "host not found" : uv->strerror(code));
}

static void set_system_code(weir_context *context, lua_State *L, const weir_error *error) {
  const weir_uv_api *uv = context->loop.uv;
  int code = uv->translate_sys_error(error->system);
  const char *name = name_of(error->system);
  if (code <= UV_EAI_ADDRFAMILY && code >= UV_EAI_PROTOCOL) {
    set_resolver_code(uv, L, code);
  } else {
    set_text(L, "code", name ? name : uv->err_name(code));
    set_text(L, "message", name ? strerror(error->system) : uv->strerror(code));
    set_integer(L, "errno", error->system);
  }
  set_text(L, "address", error->address);
  if (error->port > 0) set_integer(L, "port", error->port);
}

static void set_code(weir_context *context, lua_State *L, const weir_error *error) {
  if (error->code == WEIR_E_SYSTEM) {
    set_system_code(context, L, error);
    return;
  }
  if (error->code == WEIR_E_LIBRARY) {
    set_text(L, "code", error->name);
    set_text(L, "message", error->text);
    set_integer(L, "errno", error->system);
    return;
  }
  set_text(L, "code", weir_code_name(error->code));
  lua_pushfstring(L, weir_code_message(error->code), error->method ? error->method : "");
  lua_setfield(L, -2, "message");
}

/* --- making one --- */

static void forget(void *holder, uint32_t anchor) {
  weir_context *context = holder;
  if (context->L) weir_context_drop_anchor(context, context->L, anchor);
  weir_context_release(context);
}

/* The error stands for what `anchor` holds. */
static void attach(weir_context *context, weir_error *error, uint32_t anchor) {
  error->anchor = anchor;
  error->holder = context;
  error->forget = forget;
  weir_context_hold(context);
}

typedef struct making {
  weir_error *error;
  const char *path;
} making;

/* function(making*) -> the object. Its own function because it may raise. */
static lua_results make_error(lua_State *L) {
  weir_context *context = lua_touserdata(L, lua_upvalueindex(1));
  making *made = lua_touserdata(L, 1);
  weir_error *error = made->error;
  lua_createtable(L, 0, 5);
  set_code(context, L, error);
  set_text(L, "syscall", error->syscall);
  if (error->code == WEIR_E_SYSTEM) set_text(L, "path", made->path);
  weir_context_push(context, L, WEIR_SLOT_ERROR_META);
  lua_setmetatable(L, -2);
  /* The error of last resort is shared by all; nothing can be attached to it. */
  if (error->code != WEIR_E_OUT_OF_MEMORY) {
    lua_pushvalue(L, -1);
    attach(context, error, weir_context_anchor(context, L));
  }
  return 1;
}

void weir_error_object_open(weir_context *context, lua_State *L) {
  lua_pushlightuserdata(L, context);
  lua_pushcclosure(L, make_error, 1);
  weir_context_set(context, L, WEIR_SLOT_MAKE_ERROR);
}

weir_error *weir_error_object_from(weir_context *context, lua_State *L, int index) {
  if (!lua_toboolean(L, index)) return NULL;
  lua_pushvalue(L, index);
  uint32_t anchor = weir_context_anchor(context, L);
  weir_error *error = weir_error_new(WEIR_E_VALUE, NULL);
  if (error->code == WEIR_E_OUT_OF_MEMORY) {
    weir_context_drop_anchor(context, L, anchor);
    luaL_error(L, "not enough memory");
  }
  attach(context, error, anchor);
  return error;
}

void weir_error_object_push(weir_context *context, lua_State *L, weir_error *error,
                            const char *path) {
  if (!error) {
    lua_pushnil(L);
  } else if (error->anchor) {
    weir_context_push_anchor(context, L, error->anchor);
  } else {
    making made = {error, path};
    weir_context_push(context, L, WEIR_SLOT_MAKE_ERROR);
    lua_pushlightuserdata(L, &made);
    lua_pcall(L, 1, 1, 0); /* without memory: Lua's own message, which exists already */
  }
}
