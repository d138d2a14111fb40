/* socket_methods.h - the methods that only sockets have. Other streams refuse them.
**
** Layer: binding.
** SPDX-License-Identifier: MIT
*/
#ifndef WEIR_BINDING_SOCKET_METHODS_H
#define WEIR_BINDING_SOCKET_METHODS_H

#include "binding/compat.h"

extern const luaL_Reg weir_socket_methods[];

#endif
