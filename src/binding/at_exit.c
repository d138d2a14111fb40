/* at_exit.c - see at_exit.h.
** SPDX-License-Identifier: MIT
*/
#include "binding/at_exit.h"

#include <stdlib.h>

#include "binding/lua_stream.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static weir_context *contexts;
atomic_uint weir_forks;

/* A child that inherits the lock in the middle of something cannot wait for who holds it. */
static void in_child(void) {
  atomic_fetch_add_explicit(&weir_forks, 1, memory_order_relaxed);
  pthread_mutex_init(&lock, NULL);
  contexts = NULL;
}

/* States of other threads may be at work right now: they are left alone. */
static weir_context *take_one(void) {
  pthread_mutex_lock(&lock);
  weir_context **link = &contexts;
  while (*link && !pthread_equal((*link)->thread, pthread_self())) link = &(*link)->next_at_exit;
  weir_context *context = *link;
  if (context) *link = context->next_at_exit;
  pthread_mutex_unlock(&lock);
  return context;
}

static void flush_all(void) {
  for (weir_context *context; (context = take_one());) {
    context->L = NULL;
    context->closed = true; /* a lua_close that comes later finds nothing to do */
    weir_lua_stream_end_all(context);
  }
}

static void prepare(void) {
  atexit(flush_all);
  pthread_atfork(NULL, NULL, in_child);
}

void weir_at_exit_add(weir_context *context) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, prepare);
  context->forks = atomic_load_explicit(&weir_forks, memory_order_relaxed);
  context->thread = pthread_self();
  pthread_mutex_lock(&lock);
  context->next_at_exit = contexts;
  contexts = context;
  pthread_mutex_unlock(&lock);
}

void weir_at_exit_remove(weir_context *context) {
  pthread_mutex_lock(&lock);
  weir_context **link = &contexts;
  while (*link && *link != context) link = &(*link)->next_at_exit;
  if (*link) *link = context->next_at_exit;
  pthread_mutex_unlock(&lock);
}
