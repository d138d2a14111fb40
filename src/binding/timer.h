/* timer.h - weir.set_timeout: a function of the user's, once, after some milliseconds.
**
** Layer: binding.
** SPDX-License-Identifier: MIT
*/
#ifndef WEIR_BINDING_TIMER_H
#define WEIR_BINDING_TIMER_H

#include "binding/context.h"

/* Creates the metatable of timers; the context's table must exist. */
void weir_timer_open(weir_context *context, lua_State *L);
/* set_timeout(fn, ms) -> timer */
lua_results weir_timer_set_timeout(lua_State *L);
/* The state closes: no timer fires any more. */
void weir_timer_end_all(weir_context *context);

#endif
