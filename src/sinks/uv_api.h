/* uv_api.h - the libuv functions weir calls, as a table.
**
** Every call goes through the table of its loop, because another copy of libuv may own that loop (a
** LuaRocks luv carries one inside): handing its loop to our copy would hang.
**
** Layer: sinks.
** SPDX-License-Identifier: MIT
*/
#ifndef WEIR_SINKS_UV_API_H
#define WEIR_SINKS_UV_API_H

/* Before any header of the system: uv.h needs what plain -std=c11 hides. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <uv.h>

typedef struct weir_uv_api {
  int (*loop_init)(uv_loop_t *loop);
  int (*loop_close)(uv_loop_t *loop);
  int (*loop_alive)(const uv_loop_t *loop);
  int (*run)(uv_loop_t *loop, uv_run_mode mode);
  void (*stop)(uv_loop_t *loop);
  int (*backend_fd)(const uv_loop_t *loop);
  int (*backend_timeout)(const uv_loop_t *loop);
  void (*update_time)(uv_loop_t *loop);
  uint64_t (*hrtime)(void);
  void (*close)(uv_handle_t *handle, uv_close_cb on_closed);
  int (*idle_init)(uv_loop_t *loop, uv_idle_t *idle);
  int (*idle_start)(uv_idle_t *idle, uv_idle_cb on_idle);
  int (*idle_stop)(uv_idle_t *idle);
  int (*timer_init)(uv_loop_t *loop, uv_timer_t *timer);
  int (*timer_start)(uv_timer_t *timer, uv_timer_cb on_timer, uint64_t timeout_ms,
                     uint64_t repeat_ms);
  int (*queue_work)(uv_loop_t *loop, uv_work_t *work, uv_work_cb on_work,
                    uv_after_work_cb after_work);
  int (*cancel)(uv_req_t *request);
  int (*translate_sys_error)(int error);
  const char *(*err_name)(int error);
  const char *(*strerror)(int error);
} weir_uv_api;

/* The libuv that weir itself is linked to. */
extern const weir_uv_api weir_uv_linked;

#endif
