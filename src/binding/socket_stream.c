/* socket_stream.c - see socket_stream.h.
** SPDX-License-Identifier: MIT
*/
#include "binding/socket_stream.h"

#include <string.h>

#include "binding/emitter.h"
#include "binding/error_object.h"
#include "binding/options.h"
#include "binding/server.h"

weir_socket *weir_socket_of(const weir_lua_stream *stream) {
  return stream->kind->is_socket ? stream->core.sink : NULL;
}

/* --- the kinds --- */

static const char *path_of(const weir_lua_stream *stream) {
  const weir_socket *socket = stream->core.sink;
  return socket->path[0] ? socket->path : NULL;
}

static void push_fd(const weir_lua_stream *stream, lua_State *L) {
  const weir_socket *socket = stream->core.sink;
  if (socket->sink.fd >= 0) lua_pushinteger(L, socket->sink.fd);
  else lua_pushnil(L);
}

static void push_pending(const weir_lua_stream *stream, lua_State *L) {
  const weir_socket *socket = stream->core.sink;
  lua_pushboolean(L, socket->sink.fd < 0);
}

static void push_bytes_read(const weir_lua_stream *stream, lua_State *L) {
  const weir_socket *socket = stream->core.sink;
  weir_push_count(L, socket->sink.read);
}

static void unused(weir_lua_stream *stream) {
  weir_socket *socket = stream->core.sink;
  weir_stream_sink_deinit(&socket->sink);
}

static void end_now(weir_lua_stream *stream, bool discard) {
  weir_socket *socket = stream->core.sink;
  weir_stream_sink_end_now(&socket->sink, discard, stream->context->loop.ending_by_ns);
}

static bool may_reset(const weir_lua_stream *stream) {
  const weir_socket *socket = stream->core.sink;
  return weir_stream_sink_may_reset(&socket->sink);
}

static bool drops_input(weir_lua_stream *stream) {
  weir_socket *socket = stream->core.sink;
  return weir_stream_sink_drop_input(&socket->sink);
}

#define SOCKET_KIND(NAME) \
  { \
    .name = (NAME), .is_socket = true, .reads = true, .borrows = true, .path = path_of, \
    .push_fd = push_fd, .push_pending = push_pending, .push_bytes_read = push_bytes_read, \
    .unused = unused, .may_reset = may_reset, .drops_input = drops_input, .end_now = end_now \
  }

static const weir_stream_kind tcp_kind = SOCKET_KIND("tcp"), unix_kind = SOCKET_KIND("unix");

/* --- what the core does not tell --- */

/* lookup(err, address, family, host) */
static void on_found(void *owner, const struct sockaddr *address, weir_error *error) {
  weir_lua_stream *stream = owner;
  lua_State *L = weir_lua_stream_way_in(stream);
  if (!L) return;
  char text[WEIR_ADDRESS_TEXT];
  weir_error_object_push(stream->context, L, error, NULL);
  if (address) {
    weir_address_to_text(address, text);
    lua_pushstring(L, text);
    lua_pushinteger(L, address->sa_family == AF_INET6 ? 6 : 4);
  } else {
    lua_pushnil(L);
    lua_pushnil(L);
  }
  const weir_socket *socket = stream->core.sink;
  lua_pushstring(L, weir_connector_name(socket->sink.connector));
  weir_emit(stream, L, WEIR_ON_LOOKUP, 4);
}

static void apply(const weir_socket *socket) {
  if (socket->sink.type != WEIR_STREAM_TCP) return;
  if (socket->no_delay) weir_socket_set_no_delay(socket->sink.fd, true);
  if (socket->keep_alive) {
    weir_socket_set_keep_alive(socket->sink.fd, true, socket->keep_alive_s);
  }
}

static void on_connected(void *owner) {
  weir_lua_stream *stream = owner;
  apply(stream->core.sink);
  lua_State *L = weir_lua_stream_way_in(stream);
  if (!L) return;
  weir_emit(stream, L, WEIR_ON_CONNECT, 0);
  weir_emit(stream, L, WEIR_ON_READY, 0);
}

static void on_timed_out(void *owner) {
  weir_lua_stream *stream = owner;
  lua_State *L = weir_lua_stream_way_in(stream);
  if (L) weir_emit(stream, L, WEIR_ON_TIMEOUT, 0);
}

static void on_closed(void *owner) {
  weir_lua_stream *stream = owner;
  weir_socket *socket = stream->core.sink;
  struct weir_server *server = socket->server;
  socket->server = NULL;
  if (server) weir_server_connection_closed(server);
}

static const weir_stream_sink_host sink_host = {
    .found = on_found,
    .connected = on_connected,
    .timed_out = on_timed_out,
    .closed = on_closed,
};

/* --- making one --- */

/* What is longer than 49 days is as good as never. */
static uint32_t bounded(uint64_t timeout_ms) {
  return timeout_ms < UINT32_MAX ? (uint32_t)timeout_ms : UINT32_MAX;
}

void weir_socket_settings_read(lua_State *L, int index, weir_socket_settings *settings) {
  *settings = (weir_socket_settings){
      .no_delay = weir_options_boolean(L, index, "no_delay"),
      .keep_alive = weir_options_boolean(L, index, "keep_alive"),
      .keep_alive_s = (unsigned)(weir_options_count(L, index, "keep_alive_delay", 0) / 1000),
      .write_timeout_ms = weir_options_count(L, index, "write_timeout", 0),
      .linger_timeout_ms = weir_options_count(L, index, "linger_timeout", 0),
  };
}

static const weir_stream_kind *kind_of(weir_stream_type type) {
  return type == WEIR_STREAM_UNIX ? &unix_kind : &tcp_kind;
}

/* Pushes a stream that is not started yet. May raise. */
static weir_lua_stream *new_stream(weir_context *context, lua_State *L, weir_stream_type type,
                                   const char *path, const weir_socket_settings *settings) {
  size_t size = offsetof(weir_socket, path) + strlen(path) + 1;
  if (size < sizeof(weir_socket)) size = sizeof(weir_socket);
  weir_lua_stream *stream = weir_lua_stream_new(context, L, kind_of(type), size);
  weir_socket *socket = weir_lua_stream_sink_place(stream);
  weir_stream_sink_init(&socket->sink, type);
  memcpy(socket->path, path, strlen(path));
  socket->no_delay = settings->no_delay;
  socket->keep_alive = settings->keep_alive;
  socket->keep_alive_s = settings->keep_alive_s;
  socket->sink.write_timeout_ms = bounded(settings->write_timeout_ms);
  socket->sink.linger_timeout_ms = bounded(settings->linger_timeout_ms);
  weir_stream_sink_attach(&socket->sink, &context->loop, &stream->writable, &sink_host);
  return stream;
}

static void start(weir_lua_stream *stream, weir_socket *socket, const weir_sink_port *port,
                  const weir_stream_options *options) {
  weir_stream_options both = *options;
  both.source = &weir_stream_source_port;
  weir_lua_stream_start(stream, port, socket, &both);
  weir_stream_sink_begin_to_read(&socket->sink);
  weir_lua_stream_settle(stream);
}

void weir_socket_push_accepted(weir_context *context, lua_State *L, int fd, weir_stream_type type,
                               const weir_stream_options *options,
                               const weir_socket_settings *settings, struct weir_server *server) {
  weir_lua_stream *stream = new_stream(context, L, type, "", settings);
  weir_socket *socket = weir_lua_stream_sink_place(stream);
  int error = weir_stream_sink_adopt(&socket->sink, fd);
  if (error) {
    luaL_error(L, "a connection cannot be waited for: %s", context->loop.uv->strerror(error));
  }
  socket->server = server;
  apply(socket);
  start(stream, socket, &weir_stream_sink_port, options);
}

/* The address was checked by lua/weir/options.lua, except for its length, which is the system's
** matter; then the attempt fails. NULL without memory.
*/
static weir_connector *make_connector(lua_State *L, const char *path, const char *abstract) {
  uint64_t timeout_ms = weir_options_count(L, 1, "connect_timeout", 0);
  const char *name = abstract ? abstract : path;
  if (!name) {
    return weir_connector_to_host(weir_options_string(L, 1, "host"),
                                  (int)weir_options_count(L, 1, "port", 0),
                                  (int)weir_options_count(L, 1, "family", 0), timeout_ms);
  }
  weir_address address;
  lua_getfield(L, 1, abstract ? "abstract" : "path");
  int error = weir_address_of_path(&address, name, lua_rawlen(L, -1), abstract != NULL);
  lua_pop(L, 1);
  return weir_connector_to_path(&address, error, timeout_ms);
}

lua_results weir_socket_connect_new(lua_State *L) {
  weir_context *context = weir_context_of(L);
  weir_stream_options options;
  weir_options_read(L, 1, &options);
  lua_settop(L, 1);
  const char *path = weir_options_string(L, 1, "path");
  const char *abstract = weir_options_string(L, 1, "abstract");
  weir_stream_type type = path || abstract ? WEIR_STREAM_UNIX : WEIR_STREAM_TCP;
  weir_socket_settings settings;
  weir_socket_settings_read(L, 1, &settings);
  const char *name = path ? path : abstract;
  weir_lua_stream *stream = new_stream(context, L, type, name ? name : "", &settings);
  weir_socket *socket = weir_lua_stream_sink_place(stream);
  socket->sink.connector = make_connector(L, path, abstract);
  if (!socket->sink.connector) return luaL_error(L, "not enough memory");
  start(stream, socket, &weir_stream_sink_connecting_port, &options);
  return 1;
}
