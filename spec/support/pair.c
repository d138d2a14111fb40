/* pair.c - see pair.h.
** SPDX-License-Identifier: MIT
*/
#include "support/pair.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "support/check.h"

/* --- what is told ------------------------------------------------------------------------------ */

static pair *pair_of(void *owner) {
  fake_host *host = owner;
  return host->context;
}

static void on_found(void *owner, const struct sockaddr *address, weir_error *error) {
  CHECK(!address == !!error);
  pair_of(owner)->found++;
}

static void on_connected(void *owner) {
  pair_of(owner)->connects++;
}

static void on_timed_out(void *owner) {
  pair_of(owner)->timeouts++;
}

static void on_closed(void *owner) {
  pair_of(owner)->closes++;
}

static const weir_stream_sink_host told = {
    .found = on_found, .connected = on_connected, .timed_out = on_timed_out, .closed = on_closed};
static const weir_stream_sink_host untold = {.found = NULL};

/* Behind every callback of the loop, as its own ticks would run. */
static void run_ticks(void *owner) {
  pair *it = owner;
  weir_ticks_run(&it->host->core.ticks);
}

/* --- beginning --------------------------------------------------------------------------------- */

static void open_loop(pair *it, bool foreign) {
  it->is_foreign = foreign;
  if (foreign) {
    foreign_begin(&it->foreign);
    CHECK_EQUAL(
        weir_loop_join(&it->loop, &it->foreign.uv, &weir_uv_linked, &foreign_maker, &it->foreign),
        0);
  } else {
    CHECK_EQUAL(weir_loop_open(&it->loop), 0);
  }
  it->uv = weir_uv_linked;
  it->loop.uv = &it->uv;
  it->loop.settled = run_ticks;
  it->loop.owner = it;
}

static void open_descriptor(pair *it) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0) abort();
  fcntl(ends[1], F_SETFL, O_NONBLOCK);
  CHECK_EQUAL(weir_stream_sink_adopt(&it->sink, ends[0]), 0);
  it->peer = ends[1];
}

fake_host *pair_begin(pair *it, pair_options options) {
  const weir_writable_options writable = {.high_water_mark = options.mark ? options.mark : 16384,
                                          .max_buffered = WEIR_NO_LIMIT};
  const weir_readable_options readable = {.high_water_mark = 65536, .half_open = options.half_open};
  const weir_sink_port *port =
      options.connector ? &weir_stream_sink_connecting_port : &weir_stream_sink_port;
  *it = (pair){.peer = -1, .host = fake_host_new()};
  it->host->context = it;
  open_loop(it, options.foreign);
  weir_stream_sink_init(&it->sink, WEIR_STREAM_UNIX);
  if (options.write_only) {
    fake_host_open(it->host, &writable, port, &it->sink);
  } else {
    fake_host_open_reader(it->host, &readable, &weir_stream_source_port, &writable, port,
                          &it->sink);
  }
  weir_stream_sink_attach(&it->sink, &it->loop, it->host->writable,
                          options.untold ? &untold : &told);
  if (options.connector) it->sink.connector = options.connector();
  else open_descriptor(it);
  return it->host;
}

/* --- running ----------------------------------------------------------------------------------- */

void pair_turn(pair *it) {
  weir_ticks_run(&it->host->core.ticks);
  weir_loop_run(&it->loop, UV_RUN_NOWAIT);
  weir_ticks_run(&it->host->core.ticks);
}

void pair_nap(pair *it) {
  const struct timespec nap = {.tv_nsec = 500000};
  pair_turn(it);
  nanosleep(&nap, NULL);
}

void pair_wait(pair *it, uint64_t ms) {
  uint64_t began_ns = uv_hrtime();
  do pair_nap(it);
  while (uv_hrtime() - began_ns < ms * 1000000);
}

void pair_end(pair *it) {
  if (it->host->stream) fake_destroy(it->host, NULL);
  do weir_ticks_run(&it->host->core.ticks);
  while (weir_loop_run(&it->loop, UV_RUN_DEFAULT) || weir_ticks_pending(&it->host->core.ticks));
  fake_host_drop(it->host);
  weir_handle_close(&it->sink.poll, NULL); /* of a stream that ended without the loop */
  weir_stream_sink_deinit(&it->sink);
  CHECK(weir_loop_close(&it->loop));
  if (it->is_foreign) foreign_end(&it->foreign);
  fake_host_free(it->host);
  if (it->peer >= 0) close(it->peer);
}

/* --- the peer ---------------------------------------------------------------------------------- */

void pair_send(const pair *it, const char *text) {
  CHECK_EQUAL(send(it->peer, text, strlen(text), 0), strlen(text));
}

void pair_peer_ends(const pair *it) {
  CHECK_EQUAL(shutdown(it->peer, SHUT_WR), 0);
}

void pair_peer_leaves(pair *it) {
  close(it->peer);
  it->peer = -1;
}

const char *pair_received(const pair *it) {
  static char text[256];
  ssize_t size = recv(it->peer, text, sizeof text - 1, 0);
  text[size < 0 ? 0 : size] = '\0';
  return text;
}

bool pair_peer_sees_end(const pair *it) {
  char byte;
  return recv(it->peer, &byte, 1, 0) == 0;
}
