/* uv_api.c - see uv_api.h.
** SPDX-License-Identifier: MIT
*/
#include "sinks/uv_api.h"

const weir_uv_api weir_uv_linked = {
    .loop_init = uv_loop_init,
    .loop_close = uv_loop_close,
    .loop_alive = uv_loop_alive,
    .run = uv_run,
    .stop = uv_stop,
    .backend_fd = uv_backend_fd,
    .backend_timeout = uv_backend_timeout,
    .update_time = uv_update_time,
    .hrtime = uv_hrtime,
    .close = uv_close,
    .idle_init = uv_idle_init,
    .idle_start = uv_idle_start,
    .idle_stop = uv_idle_stop,
    .timer_init = uv_timer_init,
    .timer_start = uv_timer_start,
    .queue_work = uv_queue_work,
    .cancel = uv_cancel,
    .translate_sys_error = uv_translate_sys_error,
    .err_name = uv_err_name,
    .strerror = uv_strerror,
};
