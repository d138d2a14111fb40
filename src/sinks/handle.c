/* handle.c - see handle.h.
** SPDX-License-Identifier: MIT
*/
#include "sinks/handle.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "core/assert.h"
#include "sinks/loop.h"

/* --- the way back to handles that others made --- */

/* One map for all loops: a callback tells no more than the address of its handle. */
enum { BUCKETS = 256 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static weir_handle *buckets[BUCKETS];
static atomic_size_t mapped; /* how many there are: where there is none, nobody looks */

static weir_handle **bucket_of(const uv_handle_t *uv) {
  return &buckets[((uintptr_t)uv >> 4) % BUCKETS];
}

static void map(weir_handle *handle) {
  pthread_mutex_lock(&lock);
  weir_handle **bucket = bucket_of(handle->uv.any);
  handle->next = *bucket;
  *bucket = handle;
  atomic_fetch_add_explicit(&mapped, 1, memory_order_relaxed);
  pthread_mutex_unlock(&lock);
}

static void unmap(weir_handle *handle) {
  pthread_mutex_lock(&lock);
  weir_handle **link = bucket_of(handle->uv.any);
  while (*link && *link != handle) link = &(*link)->next;
  if (*link) {
    *link = handle->next;
    atomic_fetch_sub_explicit(&mapped, 1, memory_order_relaxed);
  }
  pthread_mutex_unlock(&lock);
}

weir_handle *weir_handle_of(const uv_handle_t *uv) {
  if (atomic_load_explicit(&mapped, memory_order_relaxed) == 0) return uv->data;
  pthread_mutex_lock(&lock);
  weir_handle *handle = *bucket_of(uv);
  while (handle && handle->uv.any != uv) handle = handle->next;
  pthread_mutex_unlock(&lock);
  return handle ? handle : uv->data;
}

/* --- making --- */

static int init(weir_handle *handle, uv_handle_type type, int argument) {
  const weir_uv_api *uv = handle->loop->uv;
  uv_loop_t *loop = handle->loop->handle;
  if (type == UV_IDLE) return uv->idle_init(loop, handle->uv.idle);
  if (type == UV_TIMER) return uv->timer_init(loop, handle->uv.timer);
  WEIR_ASSERT(type == UV_POLL);
  return uv->poll_init(loop, handle->uv.poll, argument);
}

int weir_handle_open(weir_handle *handle, weir_loop *loop, uv_handle_type type, int argument,
                     void *owner) {
  *handle = (weir_handle){.loop = loop, .owner = owner};
  int error;
  if (loop->maker) {
    error = loop->maker->make(loop->maker_self, handle, type, argument);
    if (!error) map(handle);
  } else {
    handle->uv.any = malloc(loop->uv->handle_size(type));
    error = handle->uv.any ? init(handle, type, argument) : UV_ENOMEM;
    if (error) free(handle->uv.any);
    else handle->uv.any->data = handle;
  }
  if (error) handle->uv.any = NULL;
  return error;
}

bool weir_handle_is_open(const weir_handle *handle) {
  return handle->uv.any && !handle->loop->uv->is_closing(handle->uv.any);
}

/* --- closing --- */

void weir_handle_is_closed(weir_handle *handle) {
  if (handle->loop->maker) unmap(handle);
  else free(handle->uv.any);
  handle->uv.any = NULL;
  if (handle->closed) handle->closed(handle);
}

static void on_closed(uv_handle_t *uv) {
  weir_handle_is_closed(uv->data);
}

void weir_handle_close(weir_handle *handle, void (*closed)(weir_handle *handle)) {
  const weir_loop *loop = handle->loop;
  if (handle->closing) return;
  handle->closing = true;
  handle->closed = closed;
  if (!handle->uv.any) { /* the loop's owner took it away */
    if (closed) closed(handle);
  } else if (loop->maker) {
    loop->maker->close(loop->maker_self, handle);
  } else {
    loop->uv->close(handle->uv.any, on_closed);
  }
}

void weir_handle_let_go(weir_handle *handle) {
  const weir_uv_api *uv = handle->loop->uv;
  if (weir_handle_is_open(handle)) {
    if (handle->uv.any->type == UV_IDLE) uv->idle_stop(handle->uv.idle);
    if (handle->uv.any->type == UV_TIMER) uv->timer_stop(handle->uv.timer);
    if (handle->uv.any->type == UV_POLL) uv->poll_stop(handle->uv.poll);
  }
  weir_handle_is_closed(handle);
}

/* NULL: there is none. */
static weir_handle *find_one(const weir_loop *loop) {
  weir_handle *found = NULL;
  pthread_mutex_lock(&lock);
  for (int i = 0; i < BUCKETS && !found; i++) {
    found = buckets[i];
    while (found && found->loop != loop) found = found->next;
  }
  pthread_mutex_unlock(&lock);
  return found;
}

void weir_handle_let_go_all(weir_loop *loop) {
  for (weir_handle *handle; (handle = find_one(loop));) weir_handle_let_go(handle);
}
