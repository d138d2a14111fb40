/* uv_alloc.c - allocations of libuv that fail. Pool threads allocate as well.
** SPDX-License-Identifier: MIT
*/
#define _GNU_SOURCE
#include <stdatomic.h>
#include <stdlib.h>
#include <uv.h>

#include "torture/host.h"

static atomic_long asked, failing_nth;
static atomic_bool failing_sticky;

static bool fails(void) {
  long nth = failing_nth, number = ++asked;
  return nth != 0 && (number == nth || (number > nth && failing_sticky));
}

/* What the linker makes: malloc itself counts as ours. */
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
void __real_free(void *memory);

static void *uv_malloc(size_t size) {
  return fails() ? NULL : __real_malloc(size);
}

static void *uv_calloc(size_t count, size_t size) {
  return fails() ? NULL : __real_calloc(count, size);
}

static void *uv_realloc(void *memory, size_t size) {
  return fails() ? NULL : __real_realloc(memory, size);
}

void torture_uv_install(void) {
  uv_replace_allocator(uv_malloc, uv_realloc, uv_calloc, __real_free);
}

void torture_uv_begin(long nth, bool sticky) {
  asked = 0;
  failing_sticky = sticky;
  failing_nth = nth;
}

void torture_uv_end(void) {
  failing_nth = 0;
}

long torture_uv_asked(void) {
  return asked;
}
