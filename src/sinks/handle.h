/* handle.h - the one place where handles of libuv are made.
**
** Whoever needs a timer, a socket, a poll makes it here, whatever the loop. On our own loop and on
** a host's it is our memory. On luv's loop it must come from luv's own constructors: luv takes
** every handle it meets for its own, in uv.walk and when its state closes. There
**
**   - `uv->data` is luv's: never touch it; weir_handle_of() finds the way back from a callback;
**   - the script may close it behind our back: ask weir_handle_is_open() before each use;
**   - requests (uv_write_t, uv_work_t) are ours on every loop.
**
** Layer: sinks. One thread at a time for each loop.
** SPDX-License-Identifier: MIT
*/
#ifndef WEIR_SINKS_HANDLE_H
#define WEIR_SINKS_HANDLE_H

#include "sinks/uv_api.h"

struct weir_loop;

typedef struct weir_handle weir_handle;
struct weir_handle {
  union {
    uv_handle_t *any;
    uv_idle_t *idle;
    uv_timer_t *timer;
    uv_poll_t *poll;
  } uv; /* any == NULL: not open */
  struct weir_loop *loop;
  void *owner;
  void (*closed)(weir_handle *handle);
  bool closing;      /* by weir_handle_close */
  uint32_t anchor;   /* what the maker keeps it by */
  weir_handle *next; /* in the map of the handles that others made */
};

/* Somebody else who makes the handles of a loop. */
typedef struct weir_handle_maker {
  /* Sets `handle->uv` and, if it likes, `anchor`. Returns 0 or a libuv error. */
  int (*make)(void *self, weir_handle *handle, uv_handle_type type, int argument);
  /* Closes it, if nobody has, and calls weir_handle_is_closed() when libuv is done with it; at once
  ** if somebody else closes it.
  */
  void (*close)(void *self, weir_handle *handle);
} weir_handle_maker;

/* Makes a handle that does nothing yet: UV_IDLE, UV_TIMER or UV_POLL; `argument` is the descriptor
** of the last, else 0. Returns 0 or a libuv error; then the handle is not open. `handle` must stay
** where it is until it is closed.
*/
int weir_handle_open(weir_handle *handle, struct weir_loop *loop, uv_handle_type type, int argument,
                     void *owner);

/* The weir_handle of a handle of ours that libuv calls back for. */
weir_handle *weir_handle_of(const uv_handle_t *uv);

/* Whether it can be used: open, and nobody has closed it. */
bool weir_handle_is_open(const weir_handle *handle);

/* Closes it and calls `closed` (NULL: nobody) when libuv is done with it, perhaps from within this
** call. Nothing for one that is already being closed, or was.
*/
void weir_handle_close(weir_handle *handle, void (*closed)(weir_handle *handle));
/* For makers: libuv is done with it. */
void weir_handle_is_closed(weir_handle *handle);
/* For makers that will close it at some time and cannot tell: it does nothing from now on. */
void weir_handle_let_go(weir_handle *handle);
/* Lets go of all handles of a loop that has a maker. */
void weir_handle_let_go_all(struct weir_loop *loop);

#endif
