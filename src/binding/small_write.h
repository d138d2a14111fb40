/* small_write.h - the short way of ws:write() for small pieces without a callback, into a sink of
** bytes whose bytes gather anyway. Whatever else is the case is left to the long way.
**
** Layer: binding.
** SPDX-License-Identifier: MIT
*/
#ifndef WEIR_BINDING_SMALL_WRITE_H
#define WEIR_BINDING_SMALL_WRITE_H

#include "binding/lua_stream.h"

/* Tries the write whose arguments are on the stack, self first. Returns false, with nothing done,
** if the short way is not open. Never raises, never calls Lua.
*/
bool weir_small_write(lua_State *L);

#endif
