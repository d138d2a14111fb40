/* inspect.h - what a stream says of itself: tostring(), weir.inspect() and what weir.debug() needs.
**
** Layer: binding.
** SPDX-License-Identifier: MIT
*/
#ifndef WEIR_BINDING_INSPECT_H
#define WEIR_BINDING_INSPECT_H

#include "binding/compat.h"

extern const luaL_Reg weir_stream_metamethods[];
/* inspect(), and for weir.debug meta(). */
extern const luaL_Reg weir_inspect_functions[];

#endif
