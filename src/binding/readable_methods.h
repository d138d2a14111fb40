/* readable_methods.h - the methods of a stream's readable side, as Lua calls them.
**
** Layer: binding.
** SPDX-License-Identifier: MIT
*/
#ifndef WEIR_BINDING_READABLE_METHODS_H
#define WEIR_BINDING_READABLE_METHODS_H

#include "binding/lua_stream.h"

extern const luaL_Reg weir_readable_methods[];

/* push() of the value at index 2, which is the top, into the stream at index 1. Returns whether to
** push more. May raise, with nothing taken.
*/
bool weir_readable_push_value(lua_State *L, weir_lua_stream *stream);

#endif
