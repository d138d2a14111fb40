/* module.c - luaopen_weir_core: makes the context and registers what lua/weir calls. Nothing else.
** SPDX-License-Identifier: MIT
*/
#include "binding/codec.h"
#include "binding/context.h"
#include "binding/data.h"
#include "binding/error_object.h"
#include "binding/file_stream.h"
#include "binding/host_api.h"
#include "binding/inner.h"
#include "binding/inspect.h"
#include "binding/loop_choice.h"
#include "binding/lua_sink.h"
#include "binding/lua_stream.h"
#include "binding/luv.h"
#include "binding/pin.h"
#include "binding/pipe_writer.h"
#include "binding/read_stream.h"
#include "binding/server.h"
#include "binding/small_write.h"
#include "binding/socket_stream.h"
#include "binding/standard_streams.h"
#include "binding/subclass.h"
#include "binding/ticks.h"
#include "binding/timer.h"
#include "binding/uncaught.h"
#include "binding/waiting.h"
#include "binding/yieldable.h"

WEIR_EXPORT int luaopen_weir_core(lua_State *L);

static const luaL_Reg functions[] = {
    {"file", weir_file_stream_new},
    {"read_file", weir_read_stream_new},
    {"codec", weir_codec_new},
    {"standard", weir_standard_streams_get},
    {"connect", weir_socket_connect_new},
    {"set_timeout", weir_timer_set_timeout},
    {"on_uncaught", weir_uncaught_on},
    {"front", weir_small_write_front},
    {NULL, NULL},
};

/* Sets functions in the table on top of the stack; below it is what they carry as upvalue. */
static void set_functions(lua_State *L, const luaL_Reg *list) {
  lua_pushvalue(L, -2);
  luaL_setfuncs(L, list, 1);
}

static void fill(weir_context *context, lua_State *L) {
  weir_error_object_open(context, L);
  weir_uncaught_open(context, L);
  weir_lua_stream_open(context, L);
  weir_server_open(context, L);
  weir_lua_sink_open(context, L);
  weir_data_open(context, L);
  weir_ticks_open(context, L);
  weir_timer_open(context, L);
  weir_yieldable_open(L);
  weir_luv_open(context, L);
  weir_host_api_open(context, L);
}

int luaopen_weir_core(lua_State *L) {
  luaL_checkstack(L, 20, NULL);
  weir_pin(&weir_uv_linked);
  bool made;
  weir_context *context = weir_context_get(L, &made);
  if (made) {
    fill(context, L);
    weir_context_keep(L);
  }
  lua_newtable(L);
  set_functions(L, functions);
  set_functions(L, weir_server_functions);
  weir_server_push_methods(context, L);
  lua_setfield(L, -2, "server_methods");
  set_functions(L, weir_lua_sink_functions);
  set_functions(L, weir_loop_functions);
  set_functions(L, weir_inner_functions);
  set_functions(L, weir_inspect_functions);
  set_functions(L, weir_waiting_functions);
  set_functions(L, weir_pipe_writer_functions);
  set_functions(L, weir_loop_choice_functions);
  set_functions(L, weir_subclass_functions);
  return 1;
}
