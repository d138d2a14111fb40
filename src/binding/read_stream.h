/* read_stream.h - weir.create_read_stream: a stream out of a file.
**
** Layer: binding.
** SPDX-License-Identifier: MIT
*/
#ifndef WEIR_BINDING_READ_STREAM_H
#define WEIR_BINDING_READ_STREAM_H

#include "binding/compat.h"

/* core.read_file(options): the table is one that lua/weir/options.lua has checked. Pushes the
** stream.
*/
lua_results weir_read_stream_new(lua_State *L);

#endif
