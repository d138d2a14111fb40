/* host_api.h - what weir.h offers to programs in C, and what that needs of the module.
**
** Layer: binding.
** SPDX-License-Identifier: MIT
*/
#ifndef WEIR_BINDING_HOST_API_H
#define WEIR_BINDING_HOST_API_H

#include "binding/lua_stream.h"

void weir_host_api_open(weir_context *context, lua_State *L);

#endif
