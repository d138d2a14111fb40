/* error_object.h - the one error object of Lua, and how it stands for an error of the core.
**
** A table: code, message, and where they apply errno, syscall, path. It is made when somebody is
** first told of the error and kept with it, so everyone is told the same object.
**
** Layer: binding.
** SPDX-License-Identifier: MIT
*/
#ifndef WEIR_BINDING_ERROR_OBJECT_H
#define WEIR_BINDING_ERROR_OBJECT_H

#include "binding/context.h"
#include "core/error.h"

/* Pushes a new metatable for error objects. */
void weir_error_object_push_meta(lua_State *L);
/* Fills the slots of this file; the context's table must exist. */
void weir_error_object_open(weir_context *context, lua_State *L);

/* Makes an error of the Lua value at `index`, with one reference; NULL for nil and false, which
** mean success. May raise "not enough memory".
*/
weir_error *weir_error_object_from(weir_context *context, lua_State *L, int index);

/* Pushes what stands for `error`; nil for NULL. `path` is the stream's, for errors of the system;
** NULL without one. Never raises: without memory it pushes a plain string.
*/
void weir_error_object_push(weir_context *context, lua_State *L, weir_error *error,
                            const char *path);

#endif
