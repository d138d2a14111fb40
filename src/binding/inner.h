/* inner.h - what the Lua part of weir sees of a stream beyond its public methods.
**
** Layer: binding.
** SPDX-License-Identifier: MIT
*/
#ifndef WEIR_BINDING_INNER_H
#define WEIR_BINDING_INNER_H

#include "binding/compat.h"

extern const luaL_Reg weir_inner_functions[];

#endif
