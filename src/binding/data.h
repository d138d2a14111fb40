/* data.h - chunks of the readable side on their way into Lua.
**
** Layer: binding.
** SPDX-License-Identifier: MIT
*/
#ifndef WEIR_BINDING_DATA_H
#define WEIR_BINDING_DATA_H

#include "binding/lua_stream.h"

/* Fills the slot of this file; the context's table must exist. */
void weir_data_open(weir_context *context, lua_State *L);

/* Pushes the value of a chunk; returns false, with a message pushed, if memory ran out. `self` is
** the index of its stream's userdata, which one in a slab does not need. Never raises.
*/
bool weir_data_push(const weir_lua_stream *stream, lua_State *L, int self, const weir_entry *chunk);

/* Emits `data`. Gives back the chunk's anchor, where it is the last use. Never raises. */
void weir_data_emit(weir_lua_stream *stream, lua_State *L, weir_entry *chunk, bool is_last);
/* The same, of a chunk whose value is at `index`. */
void weir_data_emit_value(weir_lua_stream *stream, lua_State *L, int index);

#endif
