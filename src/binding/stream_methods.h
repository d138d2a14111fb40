/* stream_methods.h - the methods of a stream, as Lua calls them.
**
** Each checks its arguments, makes one call of the core, and returns the answer.
**
** Layer: binding.
** SPDX-License-Identifier: MIT
*/
#ifndef WEIR_BINDING_STREAM_METHODS_H
#define WEIR_BINDING_STREAM_METHODS_H

#include "binding/compat.h"

extern const luaL_Reg weir_stream_methods[];

lua_results weir_stream_write_from_lua(lua_State *L);
/* write(), whose errors of arguments are raised in the name of `method`. */
lua_results weir_stream_write_as(lua_State *L, const char *method);

#endif
