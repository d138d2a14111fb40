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

#include <stdbool.h>

/* All of them: F(result, name without uv_, (parameters)). */
#define WEIR_UV_FUNCTIONS(F) \
  F(int, loop_init, (uv_loop_t * loop)) \
  F(int, loop_close, (uv_loop_t * loop)) \
  F(int, loop_alive, (const uv_loop_t *loop)) \
  F(int, run, (uv_loop_t * loop, uv_run_mode mode)) \
  F(void, stop, (uv_loop_t * loop)) \
  F(int, backend_fd, (const uv_loop_t *loop)) \
  F(int, backend_timeout, (const uv_loop_t *loop)) \
  F(void, update_time, (uv_loop_t * loop)) \
  F(uint64_t, now, (const uv_loop_t *loop)) \
  F(uint64_t, hrtime, (void)) \
  F(size_t, handle_size, (uv_handle_type type)) \
  F(void, close, (uv_handle_t * handle, uv_close_cb on_closed)) \
  F(int, is_closing, (const uv_handle_t *handle)) \
  F(void, ref, (uv_handle_t * handle)) \
  F(void, unref, (uv_handle_t * handle)) \
  F(int, idle_init, (uv_loop_t * loop, uv_idle_t * idle)) \
  F(int, idle_start, (uv_idle_t * idle, uv_idle_cb on_idle)) \
  F(int, idle_stop, (uv_idle_t * idle)) \
  F(int, timer_init, (uv_loop_t * loop, uv_timer_t * timer)) \
  F(int, timer_start, \
    (uv_timer_t * timer, uv_timer_cb on_timer, uint64_t timeout_ms, uint64_t repeat_ms)) \
  F(int, timer_stop, (uv_timer_t * timer)) \
  F(int, poll_init, (uv_loop_t * loop, uv_poll_t * poll, int fd)) \
  F(int, poll_start, (uv_poll_t * poll, int events, uv_poll_cb on_poll)) \
  F(int, poll_stop, (uv_poll_t * poll)) \
  F(int, queue_work, \
    (uv_loop_t * loop, uv_work_t * work, uv_work_cb on_work, uv_after_work_cb after_work)) \
  F(int, getaddrinfo, \
    (uv_loop_t * loop, uv_getaddrinfo_t * request, uv_getaddrinfo_cb on_found, const char *node, \
     const char *service, const struct addrinfo *hints)) \
  F(void, freeaddrinfo, (struct addrinfo * addresses)) \
  F(int, cancel, (uv_req_t * request)) \
  F(int, translate_sys_error, (int error)) \
  F(const char *, err_name, (int error)) \
  F(const char *, strerror, (int error))

typedef struct weir_uv_api {
#define WEIR_UV_MEMBER(result, name, parameters) result(*name) parameters;
  WEIR_UV_FUNCTIONS(WEIR_UV_MEMBER)
#undef WEIR_UV_MEMBER
} weir_uv_api;

/* The libuv that weir itself is linked to. */
extern const weir_uv_api weir_uv_linked;

/* Whether weir's own libuv is the one that made this loop. */
bool weir_uv_is_linked(const uv_loop_t *loop);
/* Fills `api` with the functions of the libuv that made this loop. Returns false where they cannot
** be reached.
*/
bool weir_uv_rebind(weir_uv_api *api, const uv_loop_t *loop);

#endif
