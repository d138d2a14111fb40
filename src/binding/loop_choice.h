/* loop_choice.h - which loop the streams of a state run on, decided at the first need and for good.
**
** The host's, if it has named one (weir.h); else the one the script has named (weir.use), else that
** of luv or Neovim if they are there; else our own.
**
** Layer: binding.
** SPDX-License-Identifier: MIT
*/
#ifndef WEIR_BINDING_LOOP_CHOICE_H
#define WEIR_BINDING_LOOP_CHOICE_H

#include "binding/context.h"

extern const luaL_Reg weir_loop_choice_functions[];

/* Opens or joins the loop. Raises, with nothing open, if that cannot be. */
void weir_loop_choose(weir_context *context, lua_State *L);

/* The loop may have come to need its turn: on luv's loop, where scripts may close what keeps it, or
** across a bridge, where luv has to be told. Never raises.
*/
void weir_loop_arm(weir_context *context);

#endif
