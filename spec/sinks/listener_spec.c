/* listener_spec.c - a listener that gets its socket, and then cannot be waited for.
** SPDX-License-Identifier: MIT
*/
#include "sinks/listener.h"

#include "support/check.h"
#include "support/refusal.h"

static weir_loop loop;
static weir_uv_api uv;
static int closed;

static void on_accepted(void *owner, int fd) {
  (void)owner, (void)fd;
  CHECK(false);
}

static void on_closed(void *owner) {
  CHECK(owner == &loop);
  closed++;
}

/* As the server does it, whose memory goes with `closed`: it must be told once. */
static void check_failing(void) {
  weir_listener listener;
  closed = 0;
  weir_listener_init(&listener, &loop);
  CHECK_EQUAL(weir_listener_open_any(&listener, 0, 1), 0);
  listener.accepted = on_accepted;
  listener.closed = on_closed;
  listener.owner = &loop;
  CHECK_EQUAL(weir_listener_start(&listener), UV_ENOMEM);
  weir_listener_close(&listener);
  CHECK(listener.fd == -1 && closed <= 1);
  weir_loop_run(&loop, UV_RUN_DEFAULT);
  CHECK_EQUAL(closed, 1);
  CHECK_EQUAL(listener.handles, 0);
  uv = weir_uv_linked;
}

static void begin(void) {
  CHECK_EQUAL(weir_loop_open(&loop), 0);
  uv = weir_uv_linked;
  loop.uv = &uv;
}

SPEC("a listener that gets no timer is closed once") {
  begin();
  uv.timer_init = refuse_timer;
  check_failing();
  CHECK(weir_loop_close(&loop));
}

SPEC("a listener that cannot be waited for is closed once, when its timer is") {
  begin();
  uv.poll_init = refuse_poll;
  check_failing();
  CHECK(weir_loop_close(&loop));
}

int main(int argc, char **argv) {
  return check_main(argc, argv);
}
