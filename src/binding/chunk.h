/* chunk.h - one chunk, read from the arguments of write() and end_().
**
** Everything that can raise happens in weir_chunk_read and weir_chunk_hold, before the core takes
** anything.
**
** Layer: binding.
** SPDX-License-Identifier: MIT
*/
#ifndef WEIR_BINDING_CHUNK_H
#define WEIR_BINDING_CHUNK_H

#include "binding/compat.h"
#include "binding/digits.h"
#include "binding/lua_stream.h"

enum {
  WEIR_PIECES_MAX = 16,   /* more are joined into one string first */
  WEIR_BORROW_MIN = 4096, /* from this size on a string is lent, not copied */
};

typedef struct weir_chunk {
  weir_piece pieces[WEIR_PIECES_MAX];
  size_t count;                /* 0: no chunk */
  int values[WEIR_PIECES_MAX]; /* for each piece, the stack index of what to anchor; 0: nothing */
  int callback;                /* stack index; 0: none */
  weir_callback held;          /* after weir_chunk_hold */
  char digits[WEIR_PIECES_MAX][WEIR_DIGITS_MAX];
} weir_chunk;

/* Reads arguments 2 and up: pieces and a callback, or in object mode a value and a callback. With
** `may_be_absent` (end_) there may be no chunk. Raises "bad argument" for anything else.
*/
void weir_chunk_read(weir_chunk *chunk, lua_State *L, const weir_lua_stream *stream,
                     const char *method, bool may_be_absent);
/* Anchors what has to be. Raises "not enough memory" with nothing held. */
void weir_chunk_hold(weir_chunk *chunk, lua_State *L, weir_lua_stream *stream);
/* Gives back what weir_chunk_hold took. */
void weir_chunk_forget(weir_chunk *chunk, lua_State *L, weir_lua_stream *stream);

#endif
