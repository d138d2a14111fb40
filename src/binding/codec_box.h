/* codec_box.h - a codec on its way from the library that made it to the stream that will run it.
**
** The box is a userdata. Whoever takes the codec out leaves NULL behind; one that nobody took is
** freed with the box.
**
** Layer: binding.
** SPDX-License-Identifier: MIT
*/
#ifndef WEIR_BINDING_CODEC_BOX_H
#define WEIR_BINDING_CODEC_BOX_H

#include "binding/compat.h"
#include "core/codec.h"

#define WEIR_CODEC_BOX_MAGIC UINT64_C(0x776569725f636f64)

typedef struct weir_codec_box {
  uint64_t magic;
  const weir_codec_port *port;
  void *codec; /* NULL: taken */
} weir_codec_box;

/* The box at `index`; NULL for anything else. Never raises. */
static inline weir_codec_box *weir_codec_box_test(lua_State *L, int index) {
  weir_codec_box *box = lua_touserdata(L, index);
  if (!box || lua_type(L, index) != LUA_TUSERDATA) return NULL; /* or a light one */
  if (lua_rawlen(L, index) != sizeof *box) return NULL;
  return box->magic == WEIR_CODEC_BOX_MAGIC ? box : NULL;
}

#endif
