/* server.c - see server.h.
** SPDX-License-Identifier: MIT
*/
#include "binding/server_parts.h"

#include <errno.h>
#include <stdlib.h>

#include "binding/address.h"
#include "binding/emitter.h"
#include "binding/error_object.h"
#include "binding/objects.h"

/* --- life --- */

static void unlink_it(weir_server *it) {
  if (it->previous) it->previous->next = it->next;
  else it->context->servers = it->next;
  if (it->next) it->next->previous = it->previous;
}

void weir_server_release(weir_server *it) {
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
  if (context->L) weir_object_hold(context, context->L, it, it->holder, held);
}

/* --- telling --- */

static void emit(weir_server *it, int event, weir_error *error) {
  weir_context *context = it->context;
  lua_State *L = weir_context_way_in(context);
  if (!L) return;
  if (error) weir_error_object_push(context, L, error, it->path);
  weir_emit_for(context, it, L, event, error ? 1 : 0);
}

static void run_tick(weir_tick *tick) {
  weir_server *it = WEIR_TICK_OWNER(tick, weir_server, tick);
  for (unsigned closes = it->closes; closes > 0; closes--) { /* they came before the others */
    it->closes--;
    emit(it, WEIR_ON_CLOSE, NULL);
  }
  weir_error *error = it->tells_error;
  it->tells_error = NULL;
  if (error) emit(it, WEIR_ON_ERROR, error);
  weir_error_release(error);
  bool listens = it->tells_listening;
  it->tells_listening = false;
  if (listens) emit(it, WEIR_ON_LISTENING, NULL);
  if (it->state == WEIR_SERVER_IDLE && !weir_tick_is_queued(&it->tick)) set_held(it, false);
  weir_server_release(it);
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
lua_results weir_server_make_connection(lua_State *L) {
  taking *taken = lua_touserdata(L, 1);
  weir_server *it = taken->server;
  weir_socket_push_accepted(it->context, L, taken->fd, it->type, &it->options, &it->settings, it);
  it->connections++;
  it->references++;
  return 1;
}

/* drop(address, port): there are max_connections already. */
static void drop(weir_server *it, int fd) {
  weir_context *context = it->context;
  lua_State *L = weir_context_way_in(context);
  if (L) {
    int values = weir_address_push(L, fd, true);
    weir_emit_for(context, it, L, WEIR_ON_DROP, values);
  }
  weir_socket_close(fd);
}

static void on_accepted(void *owner, int fd) {
  weir_listening *listening = owner;
  weir_server *it = listening->server;
  weir_context *context = it->context;
  if (it->connections >= it->max_connections) {
    drop(it, fd);
    return;
  }
  lua_State *L = weir_context_way_in(context);
  if (!L) {
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
  weir_socket_close(fd);
  weir_context_uncaught(context, L);
}

/* As in Node, one that listens again by then says so only once it is closed again. */
static void close_if_drained(weir_server *it) {
  if (!it->owes_close || it->connections > 0 || it->state == WEIR_SERVER_LISTENING) return;
  it->owes_close = false;
  if (it->state == WEIR_SERVER_CLOSING) it->state = WEIR_SERVER_IDLE;
  it->closes++;
  tell_later(it);
}

void weir_server_connection_closed(weir_server *it) {
  it->connections--;
  close_if_drained(it);
  weir_server_release(it);
}

static void on_listener_closed(void *owner) {
  weir_listening *listening = owner;
  weir_server *it = listening->server;
  free(listening);
  weir_server_release(it);
}

static void drop_listening(weir_server *it) {
  weir_listening *listening = it->listening;
  it->listening = NULL;
  if (!listening || listening->listener.fd < 0) free(listening);
  else weir_listener_close(&listening->listener); /* frees it, perhaps later */
}

/* --- listening --- */

static void fail(weir_server *it, int code, const char *syscall, const struct sockaddr *address) {
  char text[WEIR_ADDRESS_TEXT];
  const char *about = it->path ? NULL : it->host ? it->host : "::";
  if (address) {
    weir_address_to_text(address, text);
    about = text;
  }
  it->tells_error = weir_error_system_at(-code, syscall, about, it->port);
  drop_listening(it);
  it->state = it->owes_close ? WEIR_SERVER_CLOSING : WEIR_SERVER_IDLE;
  tell_later(it);
}

/* The listener has its socket, or an error. */
static void opened(weir_server *it, int error, const struct sockaddr *address) {
  weir_listener *listener = &it->listening->listener;
  if (!error) {
    listener->accepted = on_accepted;
    listener->closed = on_listener_closed;
    listener->owner = it->listening;
    it->references++;
    error = weir_listener_start(listener);
  }
  if (error) {
    fail(it, error, "listen", address);
    return;
  }
  it->state = WEIR_SERVER_LISTENING;
  weir_listener_set_ref(listener, !it->no_ref);
  it->tells_listening = true;
  tell_later(it);
}

/* The first address that can be had is the one. */
static void open_one(weir_server *it, struct addrinfo *found) {
  const struct addrinfo *address = NULL;
  int error = -EADDRNOTAVAIL;
  for (const struct addrinfo *next = found; next && error; next = next->ai_next) {
    address = next;
    error = weir_listener_open(&it->listening->listener, address->ai_addr, address->ai_addrlen,
                               it->backlog);
  }
  opened(it, error, address->ai_addr); /* the resolver has found one at least */
  it->context->loop.uv->freeaddrinfo(found);
}

static void on_found(void *owner, struct addrinfo *found, int error) {
  weir_server *it = owner;
  it->lookup = NULL;
  if (error) fail(it, error, "getaddrinfo", NULL);
  else open_one(it, found);
  weir_server_release(it);
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
  if (!error) {
    error = weir_listener_open_path(&it->listening->listener, &address, mode, it->backlog);
  }
  opened(it, error, NULL);
}

static void open_any(weir_server *it) {
  weir_listener *listener = &it->listening->listener;
  opened(it, weir_listener_open_any(listener, it->port, it->backlog), NULL);
}

void weir_server_start(weir_server *it, size_t size, bool abstract, mode_t mode) {
  it->state = WEIR_SERVER_STARTING;
  set_held(it, true);
  it->listening = calloc(1, sizeof *it->listening);
  if (!it->listening) {
    fail(it, -ENOMEM, "listen", NULL);
    return;
  }
  it->listening->server = it;
  weir_listener_init(&it->listening->listener, &it->context->loop);
  if (it->path) open_path(it, size, abstract, mode);
  else if (it->host) open_host(it);
  else open_any(it);
}

/* --- ending --- */

bool weir_server_stop(weir_server *it) {
  if (it->state != WEIR_SERVER_STARTING && it->state != WEIR_SERVER_LISTENING) return false;
  it->state = WEIR_SERVER_CLOSING;
  it->owes_close = true;
  it->tells_listening = false;
  if (it->lookup) {
    weir_lookup_cancel(it->lookup);
    it->lookup = NULL;
    weir_server_release(it);
  }
  drop_listening(it);
  close_if_drained(it);
  return true;
}

void weir_server_end_all(weir_context *context) {
  for (weir_server *it = context->servers, *next; it; it = next) {
    it->references++;
    weir_server_stop(it);
    next = it->next;
    weir_server_release(it);
  }
}
