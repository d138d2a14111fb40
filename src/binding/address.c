/* address.c - see address.h.
** SPDX-License-Identifier: MIT
*/
#include "binding/address.h"

#include <string.h>

#include "sinks/socket.h"

static lua_results push_path(lua_State *L, const weir_address *address) {
  const struct sockaddr_un *name = &address->as.path;
  size_t head = offsetof(struct sockaddr_un, sun_path);
  size_t size = address->size > head ? address->size - head : 0;
  if (size > sizeof name->sun_path) size = sizeof name->sun_path;
  bool abstract = size > 0 && name->sun_path[0] == 0;
  if (!abstract) size = strnlen(name->sun_path, size);
  lua_pushlstring(L, name->sun_path, size);
  return 1;
}

lua_results weir_address_push(lua_State *L, int fd, bool of_peer) {
  weir_address address = {.size = sizeof address.as};
  int failed = fd < 0 || (of_peer ? getpeername(fd, &address.as.any, &address.size)
                                  : getsockname(fd, &address.as.any, &address.size));
  char text[WEIR_ADDRESS_TEXT];
  if (failed) {
    lua_pushnil(L);
    return 1;
  }
  int port = weir_address_to_text(&address.as.any, text);
  if (port < 0) return push_path(L, &address);
  lua_pushstring(L, text);
  lua_pushinteger(L, port);
  lua_pushinteger(L, address.as.any.sa_family == AF_INET6 ? 6 : 4);
  return 3;
}
