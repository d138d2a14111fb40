/* objects.h - the userdata that stand for things on the C side, found by the things' addresses.
**
** A weak table leads from a thing to its userdata. Those with work pending, and with them their
** listeners and callbacks, are held among the context's anchors.
**
** Layer: binding.
** SPDX-License-Identifier: MIT
*/
#ifndef WEIR_BINDING_OBJECTS_H
#define WEIR_BINDING_OBJECTS_H

#include "binding/context.h"

/* Pushes the metatable of such userdata, called `name`, with all methods of the lists, the last of
** which is NULL. May raise.
*/
void weir_object_push_meta(lua_State *L, const char *name, lua_CFunction gc,
                           const luaL_Reg *const *methods);

/* The userdata on top of the stack stands for `thing` from now on. Returns the anchor that can keep
** it alive, never 0. May raise.
*/
uint32_t weir_object_enter(weir_context *context, lua_State *L, const void *thing);
/* It does not any more. `holder` is the anchor, or 0. The others never raise and never allocate. */
void weir_object_leave(weir_context *context, lua_State *L, const void *thing, uint32_t holder);
/* Pushes it; returns false, with nothing pushed, if it is gone. */
bool weir_object_push(weir_context *context, lua_State *L, const void *thing);
/* Keeps it alive, or lets go of it. Returns whether it is kept: one that is gone cannot be. */
bool weir_object_hold(weir_context *context, lua_State *L, const void *thing, uint32_t holder,
                      bool held);

#endif
