/* readable_methods.h - the methods of a stream's readable side, as Lua calls them.
**
** Layer: binding.
** SPDX-License-Identifier: MIT
*/
#ifndef WEIR_BINDING_READABLE_METHODS_H
#define WEIR_BINDING_READABLE_METHODS_H

#include "binding/compat.h"

extern const luaL_Reg weir_readable_methods[];

#endif
