/* at_exit.h - exit() without lua_close: os.exit(n), Neovim, a C host. What was accepted is flushed
** by the process that accepted it, without Lua and without the loop.
**
** Layer: binding. Thread safe.
** SPDX-License-Identifier: MIT
*/
#ifndef WEIR_BINDING_AT_EXIT_H
#define WEIR_BINDING_AT_EXIT_H

#include "binding/context.h"

/* The context has a loop, of this process and this thread. */
void weir_at_exit_add(weir_context *context);
/* Its state closes. */
void weir_at_exit_remove(weir_context *context);

#endif
