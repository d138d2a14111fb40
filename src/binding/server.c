/* server.c - see server.h.
** SPDX-License-Identifier: MIT
*/
#include "binding/server.h"

#include <stdlib.h>
#include <string.h>

#include "binding/address.h"
#include "binding/emitter.h"
#include "binding/error_object.h"
#include "binding/objects.h"
#include "binding/options.h"
#include "binding/socket_stream.h"
#include "sinks/listener.h"
#include "sinks/lookup.h"

#define MAGIC UINT64_C(0x77656972b0a75e41)

typedef enum weir_server_state {
  WEIR_SERVER_IDLE,     /* does not listen (yet, or any more) */
  WEIR_SERVER_STARTING, /* looks the host up */
  WEIR_SERVER_LISTENING,
  WEIR_SERVER_CLOSING, /* its connections are still there */
} weir_server_state;

struct weir_server {
  weir_context *context;
  unsigned references; /* the userdata's, the listener's, each connection's and the tick's */
  weir_server_state state;
  weir_listener listener;
  weir_lookup *lookup; /* NULL: not under way */
  int port, backlog;
  weir_stream_type type;
  char *host; /* owned; NULL: any, or a path */
  char *path; /* owned; NULL: none */
  uint64_t connections, max_connections;
  bool no_ref;
  weir_stream_options options; /* of the connections */
  weir_socket_settings settings;
  /* What the tick tells. */
  weir_tick tick;
  bool tells_listening, tells_close;
  weir_error *tells_error;
  weir_server *next, *previous;
};

typedef struct box {
  uint64_t magic;
  weir_server *server; /* NULL: collected */
} box;

/* --- life --- */

static void unlink_it(weir_server *it) {
  if (it->previous) it->previous->next = it->next;
  else it->context->servers = it->next;
  if (it->next) it->next->previous = it->previous;
}

static void release(weir_server *it) {
  if (--it->references > 0) return;
  weir_context *context = it->context;
  unlink_it(it);
  weir_error_release(it->tells_error);
  free(it->host);
  free(it->path);
  free(it);
  weir_context_release(context);
}

static void set_held(weir_server *it, bool held) {
  weir_context *context = it->context;
  if (context->L) weir_object_hold(context, context->L, it, held);
}

/* --- telling --- */

static void emit(weir_server *it, int event, weir_error *error) {
  weir_context *context = it->context;
  lua_State *L = context->L;
  if (!L || !lua_checkstack(L, 16)) return;
  if (error) weir_error_object_push(context, L, error, it->path);
  weir_emit_for(context, it, L, event, error ? 1 : 0);
}

static void run_tick(weir_tick *tick) {
  weir_server *it = WEIR_TICK_OWNER(tick, weir_server, tick);
  weir_error *error = it->tells_error;
  bool listening = it->tells_listening, closed = it->tells_close;
  it->tells_error = NULL;
  it->tells_listening = it->tells_close = false;
  if (error) emit(it, WEIR_ON_ERROR, error);
  if (listening) emit(it, WEIR_ON_LISTENING, NULL);
  if (closed) emit(it, WEIR_ON_CLOSE, NULL);
  weir_error_release(error);
  if (it->state == WEIR_SERVER_IDLE && !weir_tick_is_queued(&it->tick)) set_held(it, false);
  release(it);
}

static void tell_later(weir_server *it) {
  if (weir_tick_is_queued(&it->tick)) return;
  it->references++;
  weir_ticks_push(&it->context->loop.core.ticks, &it->tick, run_tick);
}

/* --- taking connections --- */

typedef struct taking {
  weir_server *server;
  int fd;
} taking;

/* function(taking*) -> the stream. Its own function because it may raise. */
static lua_results make_connection(lua_State *L) {
  taking *taken = lua_touserdata(L, 1);
  weir_server *it = taken->server;
  weir_socket_push_accepted(it->context, L, taken->fd, it->type, &it->options, &it->settings, it);
  it->connections++;
  it->references++;
  taken->fd = -1;
  return 1;
}

/* drop(address, port): there are max_connections already. */
static void drop(weir_server *it, int fd) {
  weir_context *context = it->context;
  lua_State *L = context->L;
  if (L && lua_checkstack(L, 16)) {
    int values = weir_address_push(L, fd, true);
    weir_emit_for(context, it, L, WEIR_ON_DROP, values);
  }
  weir_socket_close(fd);
}

static void on_accepted(void *owner, int fd) {
  weir_server *it = owner;
  weir_context *context = it->context;
  lua_State *L = context->L;
  if (it->connections >= it->max_connections) {
    drop(it, fd);
    return;
  }
  if (!L || !lua_checkstack(L, 16)) {
    weir_socket_close(fd);
    return;
  }
  taking taken = {it, fd};
  weir_context_push(context, L, WEIR_SLOT_MAKE_CONNECTION);
  lua_pushlightuserdata(L, &taken);
  if (lua_pcall(L, 1, 1, 0) == LUA_OK) {
    weir_emit_for(context, it, L, WEIR_ON_CONNECTION, 1);
    return;
  }
  if (taken.fd >= 0) weir_socket_close(fd);
  weir_context_uncaught(context, L);
}

static void close_if_drained(weir_server *it) {
  if (it->state != WEIR_SERVER_CLOSING || it->connections > 0 || it->listener.handles > 0) return;
  it->state = WEIR_SERVER_IDLE;
  it->tells_close = true;
  tell_later(it);
}

void weir_server_connection_closed(weir_server *it) {
  it->connections--;
  close_if_drained(it);
  release(it);
}

static void on_listener_closed(void *owner) {
  weir_server *it = owner;
  close_if_drained(it);
  release(it);
}

/* --- listening --- */

static void fail(weir_server *it, int code, const char *syscall, const struct sockaddr *address) {
  char text[WEIR_ADDRESS_TEXT];
  const char *about = it->path ? NULL : it->host ? it->host : "::";
  if (address && weir_address_to_text(address, text) >= 0) about = text;
  weir_error_release(it->tells_error);
  it->tells_error = weir_error_system_at(-code, syscall, about, it->port);
  it->state = WEIR_SERVER_IDLE;
  tell_later(it);
}

/* The listener has its socket, or an error. */
static void opened(weir_server *it, int error, const struct sockaddr *address) {
  if (!error) {
    it->listener.accepted = on_accepted;
    it->listener.closed = on_listener_closed;
    it->listener.owner = it;
    it->references++;
    error = weir_listener_start(&it->listener);
    if (error) weir_listener_close(&it->listener);
  }
  if (error) {
    fail(it, error, "listen", address);
    return;
  }
  it->state = WEIR_SERVER_LISTENING;
  weir_listener_set_ref(&it->listener, !it->no_ref);
  it->tells_listening = true;
  tell_later(it);
}

/* The first address that can be had is the one. */
static void open_one(weir_server *it, struct addrinfo *found) {
  int error = -EADDRNOTAVAIL;
  const struct addrinfo *address = found;
  for (; address; address = address->ai_next) {
    error = weir_listener_open(&it->listener, address->ai_addr, address->ai_addrlen, it->backlog);
    if (!error || !address->ai_next) break;
  }
  opened(it, error, address ? address->ai_addr : NULL);
  it->context->loop.uv->freeaddrinfo(found);
}

static void on_found(void *owner, struct addrinfo *found, int error) {
  weir_server *it = owner;
  it->lookup = NULL;
  if (error) fail(it, error, "getaddrinfo", NULL);
  else open_one(it, found);
  release(it);
}

static void open_host(weir_server *it) {
  weir_host_name name = {it->host, it->port, 0};
  struct addrinfo *found = weir_lookup_literal(&name);
  int error;
  if (found) {
    open_one(it, found);
    return;
  }
  it->lookup = weir_lookup_start(&it->context->loop, &name, on_found, it, &error);
  if (it->lookup) it->references++;
  else fail(it, error, "getaddrinfo", NULL);
}

static void open_path(weir_server *it, size_t size, bool abstract, mode_t mode) {
  weir_address address;
  int error = weir_address_of_path(&address, it->path, size, abstract);
  if (!error) error = weir_listener_open_path(&it->listener, &address, mode, it->backlog);
  opened(it, error, NULL);
}

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
  weir_loop *loop = weir_context_loop(context, L);
  luaL_checkstack(L, WEIR_STACK, NULL);
  box *owner = weir_newuserdata(L, sizeof *owner);
  *owner = (box){.magic = MAGIC};
  weir_context_push(context, L, WEIR_SLOT_SERVER_META);
  lua_setmetatable(L, -2);
  weir_lua_stream_push_fields(L);
  lua_setuservalue(L, -2);
  weir_server *it = calloc(1, sizeof *it);
  if (!it) return luaL_error(L, "not enough memory");
  it->context = context;
  it->references = 1;
  it->options = options;
  it->max_connections = weir_options_count(L, 1, "max_connections", UINT64_MAX);
  weir_socket_settings_read(L, 1, &it->settings);
  weir_listener_init(&it->listener, loop);
  weir_context_hold(context);
  it->next = context->servers;
  if (it->next) it->next->previous = it;
  context->servers = it;
  owner->server = it; /* from here on __gc releases it */
  weir_object_enter(context, L, it);
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
  if (it->state != WEIR_SERVER_IDLE || it->listener.handles > 0) {
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
  it->state = WEIR_SERVER_STARTING;
  weir_listener_init(&it->listener, &context->loop);
  set_held(it, true);
  if (it->path) open_path(it, size, abstract != NULL, mode);
  else if (it->host) open_host(it);
  else opened(it, weir_listener_open_any(&it->listener, it->port, it->backlog), NULL);
  weir_context_leave(context, outer);
  return 1;
}

/* Nobody is taken any more. Returns false if nobody was. */
static bool stop(weir_server *it) {
  if (it->state != WEIR_SERVER_STARTING && it->state != WEIR_SERVER_LISTENING) return false;
  it->state = WEIR_SERVER_CLOSING;
  it->tells_listening = false;
  if (it->lookup) {
    weir_lookup_cancel(it->lookup);
    it->lookup = NULL;
    release(it);
  }
  weir_listener_close(&it->listener);
  close_if_drained(it);
  return true;
}

/* server_close(server) -> true, or nil and an error if it does not listen */
static lua_results server_close(lua_State *L) {
  weir_server *it = check(L, "close");
  weir_context *context = it->context;
  lua_State *outer = weir_context_enter(context, L);
  bool stopped = stop(it);
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
  return weir_address_push(L, it->listener.fd, false);
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
  weir_listener_set_ref(&it->listener, on);
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
  if (it->context->L) weir_object_leave(it->context, L, it);
  release(it);
  return 0;
}

void weir_server_end_all(weir_context *context) {
  for (weir_server *it = context->servers, *next; it; it = next) {
    it->references++;
    stop(it);
    next = it->next;
    release(it);
  }
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
  lua_createtable(L, 0, 5);
  lua_newtable(L);
  luaL_setfuncs(L, weir_emitter_methods, 0);
  luaL_setfuncs(L, methods, 0);
  lua_setfield(L, -2, "__index");
  lua_pushcfunction(L, server_gc);
  lua_setfield(L, -2, "__gc");
  lua_pushcfunction(L, server_tostring);
  lua_setfield(L, -2, "__tostring");
  lua_pushliteral(L, "weir.server");
  lua_setfield(L, -2, "__name");
  lua_pushliteral(L, "weir.server");
  lua_setfield(L, -2, "__metatable");
  weir_context_set(context, L, WEIR_SLOT_SERVER_META);
  lua_pushcfunction(L, make_connection);
  weir_context_set(context, L, WEIR_SLOT_MAKE_CONNECTION);
}

const luaL_Reg weir_server_functions[] = {
    {"server", server_new},
    {"server_listen", server_listen},
    {"server_close", server_close},
    {NULL, NULL},
};
