/* ticks.h - the loop as Lua sees it: next_tick, run, stop, the clock.
**
** Layer: binding.
** SPDX-License-Identifier: MIT
*/
#ifndef WEIR_BINDING_TICKS_H
#define WEIR_BINDING_TICKS_H

#include "binding/context.h"

extern const luaL_Reg weir_loop_functions[];

#endif
