/* socket_stream.h - weir.connect: a stream to a peer, over TCP or a unix socket.
**
** Layer: binding.
** SPDX-License-Identifier: MIT
*/
#ifndef WEIR_BINDING_SOCKET_STREAM_H
#define WEIR_BINDING_SOCKET_STREAM_H

#include "binding/lua_stream.h"
#include "sinks/stream_sink.h"

/* What a socket is to Lua: its sink, and what the script wished for before it was connected. */
typedef struct weir_socket {
  weir_stream_sink sink; /* first: the stream has a pointer to it */
  bool no_delay, keep_alive;
  unsigned keep_alive_s;
  char path[]; /* of a unix socket, "" for others */
} weir_socket;

/* core.connect(options): the table is one that lua/weir/options.lua has checked. Pushes the stream.
*/
lua_results weir_socket_connect_new(lua_State *L);

/* The socket that a stream is, or NULL. */
weir_socket *weir_socket_of(const weir_lua_stream *stream);

#endif
