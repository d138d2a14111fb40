/* small_write.h - the short way of ws:write() for small pieces without a callback, into a sink of
** bytes whose bytes gather anyway. Whatever else is the case is left to the long way.
**
** On LuaJIT calling C through Lua's C API costs several times the work that is done here, so there
** write() is a function of Lua (lua/weir/front.lua) that calls the same code through the FFI.
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
bool weir_small_write(lua_State *L, weir_lua_stream *stream);

/* core.front(): for lua/weir/front.lua. Pushes the addresses of
**
**   bool (*)(void *userdata, const char *bytes, uint32_t size)
**   bool (*)(void *userdata, int count, const char *bytes1, double size1, ... size4)
**
** which try the write of one string, or of `count` pieces: strings with their sizes, or NULL and a
** number; the table whose keys are the userdata that may be given to them; and write(). They call
** no Lua.
*/
lua_results weir_small_write_front(lua_State *L);

#endif
