/* foreign_loop.c - see foreign_loop.h.
** SPDX-License-Identifier: MIT
*/
#include "support/foreign_loop.h"

#include <stddef.h>
#include <stdlib.h>

#include "support/check.h"

/* What the handles point to is the maker's own. */
static char not_ours[64];

/* As long as we hold a handle its memory stays, closed or not: here, until the end. */
typedef struct foreign_memory {
  struct foreign_memory *next;
  weir_handle *closing; /* who is told when it is closed, or NULL */
  max_align_t handle[];
} foreign_memory;

static uv_handle_t *allocate(foreign_loop *host, uv_handle_type type) {
  foreign_memory *memory = malloc(sizeof *memory + uv_handle_size(type));
  if (!memory) abort();
  memory->next = host->memory;
  memory->closing = NULL;
  host->memory = memory;
  return (uv_handle_t *)memory->handle;
}

static int make(void *self, weir_handle *handle, uv_handle_type type, int argument) {
  foreign_loop *it = self;
  if (it->refuses) return UV_ENOMEM;
  handle->uv.any = allocate(it, type);
  if (type == UV_IDLE) uv_idle_init(&it->uv, handle->uv.idle);
  else if (type == UV_TIMER) uv_timer_init(&it->uv, handle->uv.timer);
  else uv_poll_init(&it->uv, handle->uv.poll, argument);
  handle->uv.any->data = not_ours;
  it->made++;
  return 0;
}

static foreign_memory *memory_of(uv_handle_t *uv) {
  return (foreign_memory *)(void *)((char *)uv - offsetof(foreign_memory, handle));
}

static void on_closed(uv_handle_t *uv) {
  CHECK(uv->data == not_ours);
  weir_handle *closing = memory_of(uv)->closing;
  if (closing) weir_handle_is_closed(closing);
}

static void close_handle(void *self, weir_handle *handle) {
  foreign_loop *it = self;
  it->closed++;
  if (uv_is_closing(handle->uv.any)) {
    weir_handle_is_closed(handle);
  } else {
    memory_of(handle->uv.any)->closing = handle;
    uv_close(handle->uv.any, on_closed);
  }
}

const weir_handle_maker foreign_maker = {.make = make, .close = close_handle};

void foreign_begin(foreign_loop *host) {
  *host = (foreign_loop){.made = 0};
  CHECK_EQUAL(uv_loop_init(&host->uv), 0);
}

void foreign_end(foreign_loop *host) {
  uv_run(&host->uv, UV_RUN_NOWAIT);
  CHECK_EQUAL(uv_loop_close(&host->uv), 0);
  while (host->memory) {
    foreign_memory *memory = host->memory;
    host->memory = memory->next;
    free(memory);
  }
}

void foreign_close(const weir_handle *handle) {
  uv_close(handle->uv.any, on_closed);
}

static void close_one(uv_handle_t *uv, void *unused) {
  (void)unused;
  if (!uv_is_closing(uv)) uv_close(uv, on_closed);
}

void foreign_close_all(foreign_loop *host) {
  uv_walk(&host->uv, close_one, NULL);
}
