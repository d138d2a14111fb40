/* codec.h - weir.gzip and its kin: a stream that gives what a codec makes of what is written.
**
** Layer: binding.
** SPDX-License-Identifier: MIT
*/
#ifndef WEIR_BINDING_CODEC_H
#define WEIR_BINDING_CODEC_H

#include "binding/compat.h"

/* core.codec(options, box): the table is one that lua/weir/options.lua has checked, the box is of
** weir.zlib, and empty afterwards. Pushes the stream.
*/
lua_results weir_codec_new(lua_State *L);

#endif
