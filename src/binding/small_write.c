/* small_write.c - see small_write.h.
**
** The pieces are put where they will be written from, and count only when all of them are there.
** SPDX-License-Identifier: MIT
*/
#include "binding/small_write.h"

#include "binding/chunk.h"
#include "binding/digits.h"
#include "binding/stream_methods.h"
#include "core/writable_append.h"

/* Puts the piece at `index` at `at`. Returns where it ends; NULL if it cannot be done here. */
static char *put_piece(lua_State *L, int index, char *at, const char *end) {
  size_t size, room = (size_t)(end - at);
  int64_t integer;
  switch (lua_type(L, index)) {
    case LUA_TSTRING: {
      const char *bytes = lua_tolstring(L, index, &size);
      return size <= room && size < WEIR_BORROW_MIN ? weir_bytes_put(at, bytes, size) : NULL;
    }
    case LUA_TNUMBER:
      if (room < WEIR_DIGITS_MAX || !weir_is_written_as_integer(L, index, &integer)) return NULL;
      return weir_digits_write(at, integer);
    default: return NULL;
  }
}

static bool write_pieces(lua_State *L, int top, weir_writable *writable, char *begin, size_t room) {
  char *at = begin;
  for (int index = 2; index <= top; index++) {
    at = put_piece(L, index, at, begin + room);
    if (!at) return false;
  }
  if (at == begin) return false; /* no piece, or no bytes */
  weir_writable_append(writable, (size_t)(at - begin));
  return true;
}

/* One string, as in most writes. */
static inline bool write_string(weir_writable *writable, char *place, size_t room,
                                const char *bytes, size_t size) {
  if (size > room || size == 0 || size >= WEIR_BORROW_MIN) return false;
  weir_bytes_put(place, bytes, size);
  weir_writable_append(writable, size);
  return true;
}

bool weir_small_write(lua_State *L, weir_lua_stream *stream) {
  if (weir_context_is_of_parent(stream->context)) return false;
  weir_writable *writable = &stream->writable;
  size_t room;
  char *begin = weir_writable_place(writable, &room);
  if (room == 0) return false;
  int top = lua_gettop(L);
  if (top != 2 || lua_type(L, 2) != LUA_TSTRING) return write_pieces(L, top, writable, begin, room);
  size_t size;
  const char *bytes = lua_tolstring(L, 2, &size);
  return write_string(writable, begin, room, bytes, size);
}

/* --- through the FFI --- */

/* A number that `..` writes as a whole one; LuaJIT's have 14 digits at most. */
static char *put_number(double number, char *at, const char *end) {
  if ((size_t)(end - at) < WEIR_DIGITS_MAX || !(number > -1e14 && number < 1e14)) return NULL;
  int64_t integer = (int64_t)number;
  if ((double)integer < number || (double)integer > number) return NULL;
  if (integer == 0 && 1 / number < 0) return NULL; /* "-0" */
  return weir_digits_write(at, integer);
}

static char *put_given(const char *bytes, double size, char *at, const char *end) {
  if (!bytes) return put_number(size, at, end);
  if (size > (double)(end - at) || size >= WEIR_BORROW_MIN) return NULL;
  return weir_bytes_put(at, bytes, (size_t)size);
}

/* NULL: its __gc was called, or it is the parent's. */
static weir_writable *find_writable(void *userdata) {
  weir_lua_stream *stream = ((const weir_stream_box *)userdata)->stream;
  return stream && !weir_context_is_of_parent(stream->context) ? &stream->writable : NULL;
}

static bool write_one(void *userdata, const char *bytes, uint32_t size) {
  weir_writable *writable = find_writable(userdata);
  if (!writable) return false;
  size_t room;
  char *place = weir_writable_place(writable, &room);
  return place && write_string(writable, place, room, bytes, size);
}

static bool write_some(void *userdata, int count, const char *bytes1, double size1,
                       const char *bytes2, double size2, const char *bytes3, double size3,
                       const char *bytes4, double size4) {
  weir_writable *writable = find_writable(userdata);
  if (!writable) return false;
  size_t room;
  char *begin = weir_writable_place(writable, &room), *end = begin + room;
  if (room == 0) return false;
  char *at = put_given(bytes1, size1, begin, end);
  if (at && count > 1) at = put_given(bytes2, size2, at, end);
  if (at && count > 2) at = put_given(bytes3, size3, at, end);
  if (at && count > 3) at = put_given(bytes4, size4, at, end);
  if (!at || at == begin) return false;
  weir_writable_append(writable, (size_t)(at - begin));
  return true;
}

lua_results weir_small_write_front(lua_State *L) {
  weir_context *context = weir_context_of(L);
  union {
    bool (*function)(void *, const char *, uint32_t);
    void *address;
  } one = {.function = write_one};
  union {
    bool (*function)(void *, int, const char *, double, const char *, double, const char *, double,
                     const char *, double);
    void *address;
  } some = {.function = write_some};
  luaL_checkstack(L, 6, NULL);
  lua_pushlightuserdata(L, one.address);
  lua_pushlightuserdata(L, some.address);
  weir_context_push(context, L, WEIR_SLOT_FRONTED);
  lua_pushcfunction(L, weir_stream_write_from_lua);
  return 4;
}
