/* waiting.h - what lua/weir/tasks.lua needs of C: coroutines that wait for streams.
**
** A stream that a coroutine has waited for, or sent to, is **watched**: it has a table, the state
** of its waiters, and each of its events is told to one function of tasks.lua after the listeners
** have heard it. That function also decides what becomes of an `error` that nobody listens to.
**
** Layer: binding.
** SPDX-License-Identifier: MIT
*/
#ifndef WEIR_BINDING_WAITING_H
#define WEIR_BINDING_WAITING_H

#include "binding/lua_stream.h"

extern const luaL_Reg weir_waiting_functions[];

/* Tells the watcher of the stream at `self`, if it has one, of the event whose name is at `event`
** with `arguments` values from `first` on; `heard`: there was a listener. Returns whether it has.
** Never raises.
*/
bool weir_tell_watcher(weir_lua_stream *stream, lua_State *L, int self, int event, bool heard,
                       int first, int arguments);
/* Tells it of a `close` that is not emitted. */
void weir_tell_watcher_close(weir_lua_stream *stream, lua_State *L);

#endif
