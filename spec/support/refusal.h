/* refusal.h - functions for a weir_uv_api: a libuv that has no memory for a handle.
** SPDX-License-Identifier: MIT
*/
#ifndef SPEC_SUPPORT_REFUSAL_H
#define SPEC_SUPPORT_REFUSAL_H

#include "sinks/uv_api.h"

int refuse_timer(uv_loop_t *loop, uv_timer_t *timer);
int refuse_poll(uv_loop_t *loop, uv_poll_t *poll, int fd);

#endif
