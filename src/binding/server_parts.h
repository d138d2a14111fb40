/* server_parts.h - what the two files of the server ask of each other.
**
**   server.c          listens, takes connections, tells
**   server_methods.c  is called by Lua
**
** Layer: binding, private.
** SPDX-License-Identifier: MIT
*/
#ifndef WEIR_BINDING_SERVER_PARTS_H
#define WEIR_BINDING_SERVER_PARTS_H

#include "binding/server.h"
#include "binding/socket_stream.h"
#include "sinks/listener.h"
#include "sinks/lookup.h"

typedef enum weir_server_state {
  WEIR_SERVER_IDLE,     /* does not listen (yet, or any more) */
  WEIR_SERVER_STARTING, /* looks the host up */
  WEIR_SERVER_LISTENING,
  WEIR_SERVER_CLOSING, /* its connections are still there */
} weir_server_state;

/* One time of listening: libuv may have its handles still when the next one begins. */
typedef struct weir_listening {
  weir_listener listener;
  weir_server *server;
} weir_listening;

struct weir_server {
  weir_context *context;
  uint32_t holder;     /* see objects.h */
  unsigned references; /* the userdata's, the listener's, each connection's and the tick's */
  weir_server_state state;
  struct weir_listening *listening; /* NULL: not the owner of a listener (any more) */
  weir_lookup *lookup;              /* NULL: not under way */
  int port, backlog;
  weir_stream_type type;
  char *host; /* owned; NULL: any, or a path */
  char *path; /* owned; NULL: none */
  uint64_t connections, max_connections;
  bool no_ref;
  bool owes_close;             /* it was closed, and has not said so yet */
  weir_stream_options options; /* of the connections */
  weir_socket_settings settings;
  /* What the tick tells. */
  weir_tick tick;
  unsigned closes; /* times it is to tell `close` */
  bool tells_listening;
  weir_error *tells_error;
  weir_server *next, *previous;
};

/* Gives a reference back; the last one frees it. */
void weir_server_release(weir_server *server);
/* Begins to listen as its fields say; an abstract name, or a path, has `size` bytes. */
void weir_server_start(weir_server *server, size_t size, bool abstract, mode_t mode);
/* Nobody is taken any more. Returns false if nobody was. */
bool weir_server_stop(weir_server *server);
/* function(taking) -> the stream of a connection; see server.c. */
lua_results weir_server_make_connection(lua_State *L);

#endif
