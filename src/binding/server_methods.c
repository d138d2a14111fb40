/* server_methods.c - what Lua calls. See server.h, and lua/weir/types.lua for what is promised.
** SPDX-License-Identifier: MIT
*/
#include "binding/server_parts.h"

#include <stdlib.h>
#include <string.h>

#include "binding/address.h"
#include "binding/emitter.h"
#include "binding/error_object.h"
#include "binding/objects.h"
#include "binding/options.h"

#define MAGIC UINT64_C(0x77656972b0a75e41)

typedef struct box {
  uint64_t magic;
  weir_server *server; /* NULL: collected */
} box;

/* --- the functions for Lua --- */

static box *test_box(lua_State *L, int index) {
  box *it = lua_touserdata(L, index);
  if (!it || lua_type(L, index) != LUA_TUSERDATA) return NULL; /* or a light one */
  if (lua_rawlen(L, index) != sizeof(box)) return NULL;
  return it->magic == MAGIC ? it : NULL;
}

bool weir_server_test(lua_State *L, int index) {
  const box *it = test_box(L, index);
  return it && it->server;
}

static weir_server *check(lua_State *L, const char *method) {
  box *it = test_box(L, 1);
  luaL_checkstack(L, WEIR_STACK, NULL);
  if (!it || !it->server) {
    luaL_error(L, "calling '%s' on bad self (weir server expected)", method);
    return NULL;
  }
  return it->server;
}

static void raise_code(lua_State *L, weir_context *context, weir_code code) {
  weir_error *error = weir_error_new(code, NULL);
  weir_error_object_push(context, L, error, NULL);
  weir_error_release(error);
  lua_error(L);
}

/* server(options): the table is one that lua/weir/options.lua has checked. */
static lua_results server_new(lua_State *L) {
  weir_context *context = weir_context_of(L);
  weir_stream_options options;
  weir_options_read(L, 1, &options);
  weir_context_loop(context, L); /* it must have one; may raise */
  luaL_checkstack(L, WEIR_STACK, NULL);
  box *owner = weir_newuserdata(L, sizeof *owner);
  *owner = (box){.magic = MAGIC};
  weir_context_push(context, L, WEIR_SLOT_SERVER_META);
  lua_setmetatable(L, -2);
  lua_newtable(L); /* of its listeners, see emitter.c */
  lua_setuservalue(L, -2);
  weir_server *it = calloc(1, sizeof *it);
  if (!it) return luaL_error(L, "not enough memory");
  it->context = context;
  it->references = 1;
  it->options = options;
  it->max_connections = weir_options_count(L, 1, "max_connections", UINT64_MAX);
  weir_socket_settings_read(L, 1, &it->settings);
  weir_context_hold(context);
  it->next = context->servers;
  if (it->next) it->next->previous = it;
  context->servers = it;
  owner->server = it; /* from here on __gc releases it */
  it->holder = weir_object_enter(context, L, it);
  return 1;
}

static void set_text(lua_State *L, char **field, const char *text) {
  free(*field);
  *field = text ? strdup(text) : NULL;
  if (text && !*field) luaL_error(L, "not enough memory");
}

/* server_listen(server, options) */
static lua_results server_listen(lua_State *L) {
  weir_server *it = check(L, "listen");
  weir_context *context = it->context;
  luaL_checktype(L, 2, LUA_TTABLE);
  if (it->state == WEIR_SERVER_STARTING || it->state == WEIR_SERVER_LISTENING ||
      it->tells_error /* else this listen's error would take its place */) {
    raise_code(L, context, WEIR_E_SERVER_ALREADY_LISTEN);
  }
  const char *abstract = weir_options_string(L, 2, "abstract");
  const char *path = weir_options_string(L, 2, "path");
  set_text(L, &it->path, abstract ? abstract : path);
  set_text(L, &it->host, weir_options_string(L, 2, "host"));
  it->type = it->path ? WEIR_STREAM_UNIX : WEIR_STREAM_TCP;
  it->port = (int)weir_options_count(L, 2, "port", 0);
  it->backlog = (int)weir_options_count(L, 2, "backlog", 511);
  mode_t mode = (mode_t)weir_options_count(L, 2, "mode", 0);
  lua_getfield(L, 2, abstract ? "abstract" : "path");
  size_t size = it->path ? lua_rawlen(L, -1) : 0;
  lua_settop(L, 1);
  lua_State *outer = weir_context_enter(context, L);
  weir_server_start(it, size, abstract != NULL, mode);
  weir_context_leave(context, outer);
  return 1;
}

/* server_close(server) -> true, or nil and an error if it does not listen */
static lua_results server_close(lua_State *L) {
  weir_server *it = check(L, "close");
  weir_context *context = it->context;
  lua_State *outer = weir_context_enter(context, L);
  bool stopped = weir_server_stop(it);
  weir_context_leave(context, outer);
  if (stopped) {
    lua_pushboolean(L, 1);
    return 1;
  }
  weir_error *error = weir_error_new(WEIR_E_SERVER_NOT_RUNNING, NULL);
  lua_pushnil(L);
  weir_error_object_push(context, L, error, NULL);
  weir_error_release(error);
  return 2;
}

static lua_results server_address(lua_State *L) {
  const weir_server *it = check(L, "address");
  return weir_address_push(L, it->listening ? it->listening->listener.fd : -1, false);
}

static lua_results server_listening(lua_State *L) {
  lua_pushboolean(L, check(L, "listening")->state == WEIR_SERVER_LISTENING);
  return 1;
}

static lua_results server_connections(lua_State *L) {
  weir_push_count(L, check(L, "connections")->connections);
  return 1;
}

static lua_results set_ref(lua_State *L, const char *method, bool on) {
  weir_server *it = check(L, method);
  it->no_ref = !on;
  if (it->listening) weir_listener_set_ref(&it->listening->listener, on);
  lua_settop(L, 1);
  return 1;
}

static lua_results server_ref(lua_State *L) {
  return set_ref(L, "ref", true);
}

static lua_results server_unref(lua_State *L) {
  return set_ref(L, "unref", false);
}

static lua_results server_tostring(lua_State *L) {
  static const char *const states[] = {"idle", "starting", "listening", "closing"};
  const box *it = test_box(L, 1);
  if (it && it->server) {
    lua_pushfstring(L, "weir.server (%s): %p", states[it->server->state], (void *)it->server);
  } else {
    lua_pushliteral(L, "weir.server (collected)");
  }
  return 1;
}

/* Collected: it does not listen, or the state closes. */
static lua_results server_gc(lua_State *L) {
  box *owner = test_box(L, 1);
  weir_server *it = owner ? owner->server : NULL;
  if (!it) return 0;
  owner->server = NULL;
  if (it->context->L) weir_object_leave(it->context, L, it, it->holder);
  weir_server_release(it);
  return 0;
}

/* --- open --- */

static const luaL_Reg methods[] = {
    {"address", server_address},
    {"listening", server_listening},
    {"connections", server_connections},
    {"ref", server_ref},
    {"unref", server_unref},
    {NULL, NULL},
};

void weir_server_push_methods(weir_context *context, lua_State *L) {
  weir_context_push(context, L, WEIR_SLOT_SERVER_META);
  lua_getfield(L, -1, "__index");
  lua_remove(L, -2);
}

void weir_server_open(weir_context *context, lua_State *L) {
  const luaL_Reg *const all[] = {weir_emitter_methods, methods, NULL};
  weir_object_push_meta(L, "weir.server", server_gc, all);
  lua_pushcfunction(L, server_tostring);
  lua_setfield(L, -2, "__tostring");
  weir_context_set(context, L, WEIR_SLOT_SERVER_META);
  lua_pushcfunction(L, weir_server_make_connection);
  weir_context_set(context, L, WEIR_SLOT_MAKE_CONNECTION);
}

const luaL_Reg weir_server_functions[] = {
    {"server", server_new},
    {"server_listen", server_listen},
    {"server_close", server_close},
    {NULL, NULL},
};
