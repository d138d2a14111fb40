/* refusal.c - see refusal.h.
** SPDX-License-Identifier: MIT
*/
#include "support/refusal.h"

int refuse_timer(uv_loop_t *loop, uv_timer_t *timer) {
  (void)loop, (void)timer;
  return UV_ENOMEM;
}

int refuse_poll(uv_loop_t *loop, uv_poll_t *poll, int fd) {
  (void)loop, (void)poll, (void)fd;
  return UV_ENOMEM;
}
