/* memory.c - how much memory is given out: once it is preloaded, package.loadlib(..., "allocated") is
** a function that returns the bytes of all pieces that malloc gave and free did not take, with what
** malloc itself needs for each. Any Lua will do; glibc.
**
** It counts what was asked for. malloc's own figures (mallinfo2) tell how its free pieces lay as well:
** one that is a little too large is given whole, which made 30 bytes of difference for a stream.
** SPDX-License-Identifier: MIT
*/
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#ifndef __GLIBC__
#error "only glibc has these"
#endif
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);
void __libc_free(void *piece);

typedef struct lua_State lua_State;
void lua_pushnumber(lua_State *L, double number);
int allocated(lua_State *L);

enum { PLACES = 1 << 20 };

/* A hash table of the pieces, by address; a place that was left is marked, not emptied. */
static struct {
  void *piece;
  size_t bytes;
} given[PLACES];
static char left_place;
static size_t total;
static atomic_flag busy = ATOMIC_FLAG_INIT;

static void lock(void) {
  while (atomic_flag_test_and_set(&busy)) {}
}

static size_t place_of(const void *piece) {
  return (size_t)(((uintptr_t)piece >> 4) * 2654435761U) % PLACES;
}

/* What malloc needs for so many bytes. */
static size_t gross(size_t size) {
  return size < 24 ? 32 : (size + 8 + 15) / 16 * 16;
}

static void *add(void *piece, size_t bytes) {
  if (!piece) return NULL;
  lock();
  size_t i = place_of(piece);
  while (given[i].piece && given[i].piece != &left_place) i = (i + 1) % PLACES;
  given[i].piece = piece;
  given[i].bytes = bytes;
  total += bytes;
  atomic_flag_clear(&busy);
  return piece;
}

/* Returns the bytes it was counted with; 0 if it came another way (aligned_alloc). */
static size_t subtract(const void *piece) {
  if (!piece) return 0;
  size_t bytes = 0;
  lock();
  for (size_t i = place_of(piece); given[i].piece; i = (i + 1) % PLACES) {
    if (given[i].piece != piece) continue;
    bytes = given[i].bytes;
    given[i].piece = &left_place;
    break;
  }
  total -= bytes;
  atomic_flag_clear(&busy);
  return bytes;
}

void *malloc(size_t size) { return add(__libc_malloc(size), gross(size)); }

void *calloc(size_t count, size_t size) {
  return add(__libc_calloc(count, size), gross(count * size));
}

void *realloc(void *old, size_t size) {
  size_t bytes = subtract(old); /* first, as another thread may be given its place */
  void *piece = __libc_realloc(old, size);
  if (!piece && size && bytes) add(old, bytes);
  return add(piece, gross(size));
}

void free(void *piece) {
  subtract(piece);
  __libc_free(piece);
}

int allocated(lua_State *L) {
  lua_pushnumber(L, (double)total);
  return 1;
}
