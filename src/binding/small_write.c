/* small_write.c - see small_write.h.
**
** The pieces are put where they will be written from, and count only when all of them are there.
** SPDX-License-Identifier: MIT
*/
#include "binding/small_write.h"

#include "binding/digits.h"
#include "core/writable_append.h"

/* Puts the piece at `index` at `at`. Returns where it ends; NULL if it cannot be done here. */
static char *put_piece(lua_State *L, int index, char *at, const char *end) {
  size_t size, room = (size_t)(end - at);
  int64_t integer;
  switch (lua_type(L, index)) {
    case LUA_TSTRING: {
      const char *bytes = lua_tolstring(L, index, &size);
      return size <= room ? weir_bytes_put(at, bytes, size) : NULL;
    }
    case LUA_TNUMBER:
      if (room < WEIR_DIGITS_MAX || !weir_is_written_as_integer(L, index, &integer)) return NULL;
      return weir_digits_write(at, integer);
    default: return NULL;
  }
}

bool weir_small_write(lua_State *L) {
  const weir_stream_box *box = weir_stream_box_test(L, 1);
  if (!box || !box->stream) return false;
  weir_writable *writable = &box->stream->writable;
  size_t room;
  char *begin = weir_writable_place(writable, &room);
  if (room == 0) return false;
  char *at = begin;
  int top = lua_gettop(L);
  for (int index = 2; index <= top; index++) {
    at = put_piece(L, index, at, begin + room);
    if (!at) return false;
  }
  if (at == begin) return false; /* no piece, or no bytes */
  weir_writable_append(writable, (size_t)(at - begin));
  return true;
}
