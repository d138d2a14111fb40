/* options.c - see options.h.
** SPDX-License-Identifier: MIT
*/
#include "binding/options.h"

static void push_field(lua_State *L, int index, const char *name) {
  index = lua_absindex(L, index);
  lua_pushstring(L, name);
  lua_rawget(L, index);
}

bool weir_options_boolean(lua_State *L, int index, const char *name) {
  push_field(L, index, name);
  bool value = lua_toboolean(L, -1) != 0;
  lua_pop(L, 1);
  return value;
}

uint64_t weir_options_count(lua_State *L, int index, const char *name, uint64_t missing) {
  push_field(L, index, name);
  lua_Number number = lua_isnumber(L, -1) ? lua_tonumber(L, -1) : -1;
  uint64_t value = number >= 0 && number <= 9007199254740992.0 ? (uint64_t)number : missing;
  lua_pop(L, 1);
  return value;
}

const char *weir_options_string(lua_State *L, int index, const char *name) {
  push_field(L, index, name);
  const char *value = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : NULL;
  lua_pop(L, 1);
  return value;
}

void weir_options_read(lua_State *L, int index, weir_stream_options *options) {
  luaL_checktype(L, index, LUA_TTABLE);
  options->writable = (weir_writable_options){
      .high_water_mark = weir_options_count(L, index, "high_water_mark", 0),
      .low_water_mark = weir_options_count(L, index, "low_water_mark", 0),
      .max_buffered = weir_options_count(L, index, "max_buffered", WEIR_NO_LIMIT),
      .object_mode = weir_options_boolean(L, index, "object_mode"),
  };
  if (options->writable.low_water_mark >= options->writable.high_water_mark) {
    options->writable.low_water_mark = 0;
  }
  options->writable.disabled = weir_options_boolean(L, index, "writable_disabled");
  options->readable = (weir_readable_options){
      .high_water_mark = weir_options_count(L, index, "readable_high_water_mark", 0),
      .object_mode = weir_options_boolean(L, index, "readable_object_mode"),
      .disabled = weir_options_boolean(L, index, "readable_disabled"),
      .half_open = weir_options_boolean(L, index, "allow_half_open"),
      .is_asked = weir_options_boolean(L, index, "is_asked"),
  };
  options->source = NULL;
  options->auto_destroy = weir_options_boolean(L, index, "auto_destroy");
  options->emit_close = weir_options_boolean(L, index, "emit_close");
}
