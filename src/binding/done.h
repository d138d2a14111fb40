/* done.h - the functions with which the hooks of a script answer, and what they answer for.
**
** An answer finds its way by the number of the operation, so a second call of an old `done` never
** answers a newer operation: that is why each operation needs a `done` of its own.
**
** That of a transform's write is called with an error and a value, which it pushes. It keeps its
** answer back while the readable side is at its mark, until more is asked for.
**
** Layer: binding.
** SPDX-License-Identifier: MIT
*/
#ifndef WEIR_BINDING_DONE_H
#define WEIR_BINDING_DONE_H

#include "binding/lua_stream.h"

/* The hooks, by their place in the table of hooks and in the stream's. */
enum { HOOK_WRITE = 1, HOOK_WRITEV, HOOK_FINAL, HOOK_CONSTRUCT, HOOK_DESTROY, HOOK_READ };
enum { HOOKS = HOOK_READ };

/* What stands behind a stream of hooks. */
typedef struct lua_sink {
  weir_sink_port port; /* both have only what the hooks provide */
  weir_source_port source;
  weir_lua_stream *stream;
  bool writes;        /* has `write`; without it, `writev` gets batches of one */
  bool transforms;    /* its writes are answered with a value */
  uint64_t held_back; /* transforms: the operation whose answer is kept back; 0: none */
} lua_sink;

/* Pushes the `done` of a write of this stream, whose userdata is at `self`. May raise. */
void weir_done_push_of_write(lua_State *L, int self, const weir_lua_stream *stream,
                             uint64_t operation);
/* Pushes that of another hook. May raise. */
void weir_done_push(lua_State *L, int self, int hook);

/* Answers for one hook; `operation` counts only for writes. */
void weir_done_answer(weir_lua_stream *stream, int hook, uint64_t operation, weir_error *error);
/* Answers a write with success, where Lua can be called. Never raises. */
void weir_done_succeed(weir_lua_stream *stream, uint64_t operation);

/* next_tick(done): if the value at index 1 is the `done` of a write, it is called on a tick, but
** without Lua. Returns false, with nothing done, if it is not, or without memory. Never raises.
*/
bool weir_done_on_tick(weir_context *context, lua_State *L);

#endif
