/* server.h - weir.create_server: an object that listens, and emits the connections that come.
**
** It is held while it listens, and after close() until its last connection has gone.
**
** Layer: binding.
** SPDX-License-Identifier: MIT
*/
#ifndef WEIR_BINDING_SERVER_H
#define WEIR_BINDING_SERVER_H

#include "binding/context.h"

typedef struct weir_server weir_server;

/* The functions of the core module, which lua/weir/server.lua calls. */
extern const luaL_Reg weir_server_functions[];

/* Fills the slots of this file; the context's table must exist. */
void weir_server_open(weir_context *context, lua_State *L);
/* Pushes the table of the methods of all servers. */
void weir_server_push_methods(weir_context *context, lua_State *L);

/* Whether the value at `index` is a server. Never raises. */
bool weir_server_test(lua_State *L, int index);

/* A connection of the server's has been closed. */
void weir_server_connection_closed(weir_server *server);

/* The state closes: nobody listens any more. */
void weir_server_end_all(weir_context *context);

#endif
