/* standard_streams.h - weir.stdin, weir.stdout and weir.stderr: one stream each for a Lua state,
** made when it is first asked for.
**
** Layer: binding.
** SPDX-License-Identifier: MIT
*/
#ifndef WEIR_BINDING_STANDARD_STREAMS_H
#define WEIR_BINDING_STANDARD_STREAMS_H

#include "binding/compat.h"

/* core.standard(options): the table is one that lua/weir/options.lua has checked, with the
** descriptor as `fd`. Pushes the stream.
*/
lua_results weir_standard_streams_get(lua_State *L);

#endif
