/* module.c - luaopen_weir_zlib: hands out codecs in boxes, which weir.core runs. It links to zlib
** and to nothing of weir's, so weir.core is whole without it.
** SPDX-License-Identifier: MIT
*/
#include "binding/codec_box.h"
#include "binding/pin.h"
#include "zlib/gzip.h"

WEIR_EXPORT int luaopen_weir_zlib(lua_State *L);

static lua_results box_gc(lua_State *L) {
  weir_codec_box *box = weir_codec_box_test(L, 1);
  if (!box || !box->codec) return 0;
  box->port->free(box->codec);
  box->codec = NULL;
  return 0;
}

/* Pushes an empty box. The metatable is the function's upvalue. */
static weir_codec_box *push_box(lua_State *L, const weir_codec_port *port) {
  weir_codec_box *box = weir_newuserdata(L, sizeof *box);
  *box = (weir_codec_box){.magic = WEIR_CODEC_BOX_MAGIC, .port = port};
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_setmetatable(L, -2);
  return box;
}

static lua_results fill_box(lua_State *L, weir_codec_box *box, void *codec) {
  if (!codec) return luaL_error(L, "not enough memory");
  box->codec = codec;
  return 1;
}

/* gzip([level]) */
static lua_results zlib_gzip(lua_State *L) {
  lua_Number level = luaL_optnumber(L, 1, WEIR_GZIP_LEVEL_DEFAULT);
  bool known = level >= WEIR_GZIP_LEVEL_DEFAULT && level <= WEIR_GZIP_LEVEL_MAX;
  luaL_argcheck(L, known, 1, "a level from 0 to 9 expected");
  return fill_box(L, push_box(L, &weir_gzip_port), weir_gzip_new((int)level));
}

/* gunzip() */
static lua_results zlib_gunzip(lua_State *L) {
  return fill_box(L, push_box(L, &weir_gunzip_port), weir_gunzip_new());
}

static const luaL_Reg functions[] = {
    {"gzip", zlib_gzip},
    {"gunzip", zlib_gunzip},
    {NULL, NULL},
};

int luaopen_weir_zlib(lua_State *L) {
  weir_pin(&weir_gzip_port);
  lua_newtable(L);
  lua_createtable(L, 0, 2);
  lua_pushcfunction(L, box_gc);
  lua_setfield(L, -2, "__gc");
  lua_pushliteral(L, "weir.codec");
  lua_setfield(L, -2, "__metatable");
  luaL_setfuncs(L, functions, 1);
  return 1;
}
