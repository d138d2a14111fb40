/* emitter.h - listeners and events.
**
** Listeners live in the stream's table, by event: an array that is never changed in place, so a
** running emit keeps the list it started with for free. An entry is the function, or for once() a
** table that holds it until it has fired.
**
** Layer: binding.
** SPDX-License-Identifier: MIT
*/
#ifndef WEIR_BINDING_EMITTER_H
#define WEIR_BINDING_EMITTER_H

#include "binding/lua_stream.h"

/* on, once, off, prepend_listener, ...: the methods of every stream, and of servers. */
extern const luaL_Reg weir_emitter_methods[];

/* A running emit, in steps: the list of an event as it was when it began. */
typedef struct weir_emission {
  int self, event, list; /* stack indices */
  int count, next;
} weir_emission;

/* Begins one of an event of weir's own; pushes three values. Returns false, with nothing pushed, if
** the userdata of the thing is gone (objects.h). Never raises.
*/
bool weir_emission_begin(weir_emission *emission, weir_context *context, const void *thing,
                         lua_State *L, int event);
/* Pushes the function to call next; returns false, with nothing pushed, after the last one. */
bool weir_emission_next(weir_emission *emission, lua_State *L);

/* Emits an event of weir's own (WEIR_ON_...), with the `arguments` values on top of the stack,
** which it takes off. What a listener raises is an uncaught error; so is an `error` that nobody
** listens to. Never raises.
*/
void weir_emit(weir_lua_stream *stream, lua_State *L, int event, int arguments);
/* Emits `open` with a descriptor, then `ready`. */
void weir_emit_opened(weir_lua_stream *stream, int fd);
/* The same as weir_emit for anything that has listeners. */
void weir_emit_for(weir_context *context, const void *thing, lua_State *L, int event,
                   int arguments);

#endif
