/* luv.h - luv's loop, from the inside: how it is found, how its handles are made, how Lua is called
** on it.
**
** Nothing of luv's is linked to. Its context in the registry begins, since 1.30, with the loop, a
** state and the function that calls callbacks; what it says about the loop is checked against a
** handle that luv makes.
**
** Layer: binding.
** SPDX-License-Identifier: MIT
*/
#ifndef WEIR_BINDING_LUV_H
#define WEIR_BINDING_LUV_H

#include "binding/context.h"

/* Whether the table at `index` looks like luv's functions. `index` counts from the bottom. */
bool weir_luv_is(lua_State *L, int index);
/* Looks at the table of luv's functions at `index`. Returns its loop, and in `*hook` how it calls
** callbacks, or NULL; returns NULL if it is none. Never raises. Leaves a handle that is closing:
** weir_context_end_first() must follow.
*/
uv_loop_t *weir_luv_find(lua_State *L, int index, weir_hook *hook);

/* Makes and closes handles by the functions of WEIR_SLOT_LUV; its self is the context. */
extern const weir_handle_maker weir_luv_maker;

/* Fills the slots of this file. */
void weir_luv_open(weir_context *context, lua_State *L);

#endif
