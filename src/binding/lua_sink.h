/* lua_sink.h - sinks and sources whose operations are functions written in Lua.
**
** Layer: binding.
** SPDX-License-Identifier: MIT
*/
#ifndef WEIR_BINDING_LUA_SINK_H
#define WEIR_BINDING_LUA_SINK_H

#include "binding/context.h"

/* core.writable(options, hooks), readable, duplex, transform: both are tables that
** lua/weir/options.lua has checked and that are nobody else's. Each returns the stream.
** request_maker(options, hooks, class), response_maker: return a function of own and fields, see
** subclass.h, that makes such streams. Their hook `destroy` is called only if they are not through.
*/
extern const luaL_Reg weir_lua_sink_functions[];
/* Fills the slots of this file; the context's table must exist. */
void weir_lua_sink_open(weir_context *context, lua_State *L);

#endif
