/* address.h - the addresses of a socket, as Lua sees them.
**
** Layer: binding.
** SPDX-License-Identifier: MIT
*/
#ifndef WEIR_BINDING_ADDRESS_H
#define WEIR_BINDING_ADDRESS_H

#include "binding/compat.h"

/* Pushes the address of this side, or of the peer: "127.0.0.1", the port, and 4 or 6; for a unix
** socket its path, or "" if it has none. nil if the socket is not connected (any more).
*/
lua_results weir_address_push(lua_State *L, int fd, bool of_peer);

#endif
