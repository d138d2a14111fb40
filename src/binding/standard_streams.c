/* standard_streams.c - see standard_streams.h.
** SPDX-License-Identifier: MIT
*/
#include "binding/standard_streams.h"

#include "binding/file_stream.h"
#include "binding/lua_stream.h"
#include "binding/options.h"
#include "binding/read_stream.h"

lua_results weir_standard_streams_get(lua_State *L) {
  weir_context *context = weir_context_of(L);
  luaL_checktype(L, 1, LUA_TTABLE);
  int fd = (int)weir_options_count(L, 1, "fd", 1);
  int slot = WEIR_SLOT_STDIN + fd;
  weir_context_push(context, L, slot);
  if (lua_isuserdata(L, -1)) return 1;
  if (fd == 0) weir_read_stream_new(L);
  else weir_file_stream_new(L);
  weir_lua_stream *stream = weir_lua_stream_test(L, -1);
  stream->standard = (uint8_t)(fd + 1);
  weir_file_stream_keep_writing(stream);
  lua_pushvalue(L, -1);
  weir_context_set(context, L, slot);
  return 1;
}
