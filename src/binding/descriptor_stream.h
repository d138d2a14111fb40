/* descriptor_stream.h - a stream into a descriptor that the script has and that can be waited for:
** a pipe, a terminal, a socket.
**
** Layer: binding.
** SPDX-License-Identifier: MIT
*/
#ifndef WEIR_BINDING_DESCRIPTOR_STREAM_H
#define WEIR_BINDING_DESCRIPTOR_STREAM_H

#include "binding/lua_stream.h"

/* Starts a new stream of the kind of files, whose options are in the table at 1, as one into `fd`.
** Returns false, with nothing done, where nobody waits at `fd` or it is no descriptor. May raise.
*/
bool weir_descriptor_stream_start(weir_lua_stream *stream, lua_State *L, int fd,
                                  const weir_stream_options *options);

#endif
