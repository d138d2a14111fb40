/* file_stream.h - weir.create_write_stream: a stream into a file.
**
** Layer: binding.
** SPDX-License-Identifier: MIT
*/
#ifndef WEIR_BINDING_FILE_STREAM_H
#define WEIR_BINDING_FILE_STREAM_H

#include "binding/compat.h"

#include "sinks/file_io.h"

struct weir_lua_stream;

/* core.file(options): the table is one that lua/weir/options.lua has checked. Pushes the stream. */
lua_results weir_file_stream_new(lua_State *L);

/* What files have in common that are read or written: from the table of checked options at 1, for
** one that was just initialized. Returns false without memory.
*/
bool weir_file_options_read(lua_State *L, weir_file *file);

/* What the file was given by then is written also when the stream is destroyed. Nothing for other
** kinds of streams.
*/
void weir_file_stream_keep_writing(const struct weir_lua_stream *stream);

/* What streams into files have beside the methods of all. */
extern const luaL_Reg weir_file_methods[];

#endif
