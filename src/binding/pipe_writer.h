/* pipe_writer.h - the `data` listener of a pipe: writes each chunk into the destination.
**
** It is a listener like any other, so pipes keep their place among the listeners. But whoever emits
** a chunk of native bytes recognizes it, and gives it the bytes as they are: between a native
** source and a native sink no Lua string is made.
**
** Layer: binding.
** SPDX-License-Identifier: MIT
*/
#ifndef WEIR_BINDING_PIPE_WRITER_H
#define WEIR_BINDING_PIPE_WRITER_H

#include "binding/lua_stream.h"

/* pipe_writer(destination, full) -> function(chunk). `full(nil, nil)` is called when the
** destination says "slow down", `full(chunk, err)` when it has refused the chunk, `full(chunk,
** nil)` without asking it while the pipe is blocked.
**
** block_pipe(writer, blocked)
*/
extern const luaL_Reg weir_pipe_writer_functions[];

/* Whether the function on top of the stack is a pipe writer that takes these bytes as they are. */
bool weir_pipe_writer_takes(lua_State *L, const weir_entry *chunk);
/* Gives the one on top of the stack the bytes, and pops it. Never raises. */
void weir_pipe_writer_give(weir_context *context, lua_State *L, const weir_entry *chunk);
/* The function below the value on top of the stack may be a pipe writer whose destination takes the
** value at once: then it gets it, and both are popped. Returns false, with nothing done, if it has
** to be called. Never raises.
*/
bool weir_pipe_writer_give_value(weir_context *context, lua_State *L);

#endif
