/* socket_stream.h - weir.connect: a stream to a peer, over TCP or a unix socket.
**
** Layer: binding.
** SPDX-License-Identifier: MIT
*/
#ifndef WEIR_BINDING_SOCKET_STREAM_H
#define WEIR_BINDING_SOCKET_STREAM_H

#include "binding/lua_stream.h"
#include "sinks/stream_sink.h"

/* What a script can wish for before there is a descriptor. */
typedef struct weir_socket_settings {
  bool no_delay, keep_alive;
  unsigned keep_alive_s; /* 0: the system's */
  uint64_t write_timeout_ms, linger_timeout_ms;
} weir_socket_settings;

/* Reads them from the table of checked options at `index`. */
void weir_socket_settings_read(lua_State *L, int index, weir_socket_settings *settings);

struct weir_server;

/* What a socket is to Lua: its sink, and what the script wished for before it was connected. */
typedef struct weir_socket {
  weir_stream_sink sink;      /* first: the stream has a pointer to it */
  struct weir_server *server; /* whose connection it is; NULL: nobody's */
  unsigned keep_alive_s;      /* of the settings, like the next two */
  bool no_delay, keep_alive;
  char path[]; /* of a unix socket, or its abstract name; "" for others */
} weir_socket;

/* core.connect(options): the table is one that lua/weir/options.lua has checked. Pushes the stream.
*/
lua_results weir_socket_connect_new(lua_State *L);

/* Pushes the stream of a connection that was taken, and begins to read. Raises without memory; then
** the descriptor stays the caller's.
*/
void weir_socket_push_accepted(weir_context *context, lua_State *L, int fd, weir_stream_type type,
                               const weir_stream_options *options,
                               const weir_socket_settings *settings, struct weir_server *server);

/* The socket that a stream is, or NULL. */
weir_socket *weir_socket_of(const weir_lua_stream *stream);

#endif
