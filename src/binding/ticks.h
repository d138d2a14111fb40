/* ticks.h - the loop as Lua sees it: next_tick, run, stop, the clock.
**
** Layer: binding.
** SPDX-License-Identifier: MIT
*/
#ifndef WEIR_BINDING_TICKS_H
#define WEIR_BINDING_TICKS_H

#include "binding/context.h"

extern const luaL_Reg weir_loop_functions[];

/* Fills the slot of this file; the context's table must exist. */
void weir_ticks_open(weir_context *context, lua_State *L);

#endif
