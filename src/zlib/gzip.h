/* gzip.h - the two codecs of zlib: gzip and gunzip.
**
** Layer: zlib. Knows the core's codec port; neither Lua nor libuv.
** SPDX-License-Identifier: MIT
*/
#ifndef WEIR_ZLIB_GZIP_H
#define WEIR_ZLIB_GZIP_H

#include "core/codec.h"

enum { WEIR_GZIP_LEVEL_DEFAULT = -1, WEIR_GZIP_LEVEL_MAX = 9 };

/* Makes one gzip member of all its input. `level` from 0 (stored) to 9 (smallest), or the default.
*/
extern const weir_codec_port weir_gzip_port;
/* NULL: no memory. */
void *weir_gzip_new(int level);

/* Undoes it. Members that follow each other are read as one, zero bytes behind a member are
** padding; all else behind one is taken for the next. Input that ends within a member, or has
** none, is the error Z_BUF_ERROR, "unexpected end of file".
*/
extern const weir_codec_port weir_gunzip_port;
/* NULL: no memory. */
void *weir_gunzip_new(void);

#endif
