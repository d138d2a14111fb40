/* yieldable.h - whether the running function could yield, asked before anything is taken.
**
** Layer: binding.
** SPDX-License-Identifier: MIT
*/
#ifndef WEIR_BINDING_YIELDABLE_H
#define WEIR_BINDING_YIELDABLE_H

#include "binding/compat.h"

/* Called by a C function that Lua has called: whether that Lua code could yield here. */
bool weir_is_yieldable(lua_State *L);

/* To be called once in each state before the other: finds out how to ask. May raise. */
void weir_yieldable_open(lua_State *L);

#endif
