/* failing_alloc.c - see failing_alloc.h. The linker's --wrap=malloc sends calls of malloc to
** __wrap_malloc, and calls of __real_malloc to the true one.
** SPDX-License-Identifier: MIT
*/
#define _GNU_SOURCE
#include "support/failing_alloc.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

static atomic_long asked, failed, live;
static atomic_long failing_nth; /* 0: none */
static atomic_bool failing_sticky;

void failing_alloc_begin(long nth, bool sticky) {
  asked = failed = 0;
  failing_sticky = sticky;
  failing_nth = nth;
}

void failing_alloc_end(void) {
  failing_nth = 0;
}

bool failing_alloc_failed(void) {
  return failed > 0;
}

long failing_alloc_asked(void) {
  return asked;
}

long failing_alloc_live(void) {
  return live;
}

#ifdef SPEC_WRAPS_MALLOC

bool failing_alloc_works(void) {
  return true;
}

/* What the linker makes. */
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
char *__real_realpath(const char *path, char *resolved);
void __real_free(void *memory);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *memory, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);
char *__wrap_strdup(const char *string);
char *__wrap_strndup(const char *string, size_t length_max);
char *__wrap_realpath(const char *path, char *resolved);
void __wrap_free(void *memory);

/* Counts one request; says whether it is the one that fails. */
static bool fails(void) {
  long nth = failing_nth, number = ++asked;
  if (nth == 0 || number < nth || (number > nth && !failing_sticky)) return false;
  failed++;
  errno = ENOMEM;
  return true;
}

static void *counted(void *memory) {
  if (memory) live++;
  return memory;
}

void *__wrap_malloc(size_t size) {
  return fails() ? NULL : counted(__real_malloc(size));
}

void *__wrap_calloc(size_t count, size_t size) {
  return fails() ? NULL : counted(__real_calloc(count, size));
}

void *__wrap_aligned_alloc(size_t alignment, size_t size) {
  return fails() ? NULL : counted(__real_aligned_alloc(alignment, size));
}

/* A size of 0 is not for portable code, which may not know whether it freed. */
void *__wrap_realloc(void *memory, size_t size) {
  if (fails()) return NULL;
  void *moved = __real_realloc(memory, size);
  return memory ? moved : counted(moved);
}

char *__wrap_strndup(const char *string, size_t length_max) {
  size_t length = strnlen(string, length_max);
  char *copy = __wrap_malloc(length + 1);
  if (!copy) return NULL;
  memcpy(copy, string, length);
  copy[length] = '\0';
  return copy;
}

char *__wrap_strdup(const char *string) {
  return __wrap_strndup(string, strlen(string));
}

/* It allocates inside of libc what the caller frees. */
char *__wrap_realpath(const char *path, char *resolved) {
  if (resolved) return __real_realpath(path, resolved);
  return fails() ? NULL : counted(__real_realpath(path, NULL));
}

void __wrap_free(void *memory) {
  if (memory) live--;
  __real_free(memory);
}

#else

bool failing_alloc_works(void) {
  return false;
}

#endif
