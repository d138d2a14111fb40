/* options.h - the options that all streams have, read from a table that lua/weir/options.lua has
** checked and filled with defaults.
**
** Layer: binding.
** SPDX-License-Identifier: MIT
*/
#ifndef WEIR_BINDING_OPTIONS_H
#define WEIR_BINDING_OPTIONS_H

#include "binding/lua_stream.h"

/* Reads the common options of the table at `index`, raw. Raises if it is no table. */
void weir_options_read(lua_State *L, int index, weir_stream_options *options);

/* One raw field of the table at `index`. A missing one is false, or `missing`. */
bool weir_options_boolean(lua_State *L, int index, const char *name);
uint64_t weir_options_count(lua_State *L, int index, const char *name, uint64_t missing);
/* The string, which lives as long as it stays in the table; NULL if missing. */
const char *weir_options_string(lua_State *L, int index, const char *name);

#endif
