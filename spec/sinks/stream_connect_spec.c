/* stream_connect_spec.c - a stream that has to connect first: who is told, and what becomes of the
** descriptor where things change on the way. (The way itself: connector_faults_spec.c.)
** SPDX-License-Identifier: MIT
*/
#include "sinks/stream_sink.h"

#include <string.h>

#include "support/check.h"
#include "support/pair.h"

static pair it;
static int listener = -1;
static int port, received;

/* A socket that listens. */
static void prepare(void) {
  weir_address there = {.size = sizeof there.as.ip4, .as.ip4 = {.sin_family = AF_INET}};
  there.as.ip4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  listener = weir_socket_open(AF_INET);
  CHECK_EQUAL(bind(listener, &there.as.any, there.size), 0);
  CHECK_EQUAL(listen(listener, 8), 0);
  CHECK_EQUAL(getsockname(listener, &there.as.any, &there.size), 0);
  port = ntohs(there.as.ip4.sin_port);
}

/* On the way to it. */
static weir_connector *connector(void) {
  return weir_connector_to_host("127.0.0.1", port, 0, 0);
}

static void end(void) {
  pair_end(&it);
  weir_socket_close(listener);
}

/* Until the stream has its descriptor, or has failed. */
static void connect_it(void) {
  PAIR_UNTIL(&it, it.sink.fd >= 0 || it.host->errors > 0);
  pair_turn(&it);
}

/* The other end of the connection. */
static void take_it(void) {
  received = 0;
  PAIR_UNTIL(&it, (it.peer = weir_socket_accept(listener)) >= 0);
}

/* Its bytes may come one by one. */
static bool is_received(const char *text) {
  received += (int)strlen(pair_received(&it));
  return received == (int)strlen(text);
}

SPEC("what was written on the way is sent; who is told is told once, and the peer's end is seen") {
  prepare();
  fake_host *host = pair_begin(&it, (pair_options){.connector = connector});
  fake_write(host, "abc", "A");
  connect_it();
  CHECK_EQUAL(it.connects, 1);
  take_it();
  PAIR_UNTIL(&it, is_received("abc"));
  pair_peer_leaves(&it);
  PAIR_UNTIL(&it, it.sink.input_ended);
  end();
}

SPEC("nobody need be told; a stream that is paused does not begin to read") {
  prepare();
  fake_host *host = pair_begin(&it, (pair_options){.connector = connector, .untold = true});
  weir_readable_pause(host->readable);
  connect_it();
  CHECK(it.sink.fd >= 0);
  CHECK(!it.sink.reading);
  end();
}

static int polls_left;

static int run_out_of_polls(uv_loop_t *handle, uv_poll_t *poll, int fd) {
  return polls_left-- > 0 ? uv_poll_init(handle, poll, fd) : UV_ENOMEM;
}

SPEC("a connection that cannot be waited for is the stream's error, and is let go of") {
  prepare();
  fake_host *host = pair_begin(&it, (pair_options){.connector = connector});
  it.uv.poll_init = run_out_of_polls;
  polls_left = 1; /* for the way */
  connect_it();
  CHECK_EQUAL(host->errors, 1);
  CHECK_EQUAL(it.sink.fd, -1);
  CHECK_EQUAL(it.connects, 0);
  take_it();
  PAIR_UNTIL(&it, pair_peer_sees_end(&it));
  end();
}

SPEC("a stream that is destroyed on the way, or before, is not told that it is connected") {
  for (int turns = 0; turns < 2; turns++) {
    prepare();
    fake_host *host = pair_begin(&it, (pair_options){.connector = connector});
    if (turns > 0) weir_ticks_run(&host->core.ticks);
    fake_destroy(host, NULL);
    pair_wait(&it, 5);
    CHECK_EQUAL(it.connects, 0);
    CHECK_EQUAL(host->closes, 1);
    end();
  }
}

SPEC("what is destroyed when it is connected, and has not been told of it, is not told") {
  prepare();
  fake_host *host = pair_begin(&it, (pair_options){.connector = connector});
  for (int i = 0; i < 5000 && it.sink.fd < 0; i++) {
    weir_ticks_run(&host->core.ticks);
    it.loop.settled = NULL;
    weir_loop_run(&it.loop, UV_RUN_NOWAIT);
  }
  CHECK(it.sink.fd >= 0);
  fake_destroy(host, NULL);
  pair_turn(&it);
  CHECK_EQUAL(it.connects, 0);
  CHECK_EQUAL(host->closes, 1);
  end();
}

SPEC("a stream that drops its input already when it is connected reads and drops it") {
  prepare();
  fake_host *host = pair_begin(&it, (pair_options){.connector = connector});
  fake_write(host, "abc", NULL);
  weir_ticks_run(&host->core.ticks);
  CHECK(!weir_stream_sink_drop_input(&it.sink)); /* there is none yet */
  connect_it();
  CHECK(it.sink.reading && it.sink.drops);
  take_it();
  pair_send(&it, "de");
  PAIR_UNTIL(&it, is_received("abc"));
  CHECK_EQUAL(it.sink.read, 0);
  end();
}

int main(int argc, char **argv) {
  return check_main(argc, argv);
}
