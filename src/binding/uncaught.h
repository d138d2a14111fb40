/* uncaught.h - calls of user code, and the errors that nobody caught.
**
** An error in one callback costs no other callback its call: it is caught, kept, and raised by
** weir.run() once libuv has unwound.
**
** Layer: binding.
** SPDX-License-Identifier: MIT
*/
#ifndef WEIR_BINDING_UNCAUGHT_H
#define WEIR_BINDING_UNCAUGHT_H

#include "binding/context.h"

/* Pushes the message handler: it adds a traceback to a string and leaves other values alone. */
void weir_uncaught_push_handler(lua_State *L);
/* Fills the slots of this file; the context's table must exist. */
void weir_uncaught_open(weir_context *context, lua_State *L);

/* weir.on_uncaught(fn) */
lua_results weir_uncaught_on(lua_State *L);

#endif
