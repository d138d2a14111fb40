/* stream_faults_spec.c - a stream on a socket where calls fail, are interrupted, or come to nothing: what
** is told, what is tried again, and what is left waiting.
** SPDX-License-Identifier: MIT
*/
#include "sinks/stream_sink.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "support/check.h"
#include "support/failing_alloc.h"
#include "support/pair.h"
#include "support/preload/fault_shim.h"

static pair it;

/* "before error(system N) close" */
static void check_failed(const char *before, int error) {
  char expected[64];
  snprintf(expected, sizeof expected, "%serror(system %d) close", before, error);
  CHECK_LOG(it.host, expected);
}

static int start_nothing(uv_poll_t *poll, int events, uv_poll_cb ready) {
  (void)poll, (void)events, (void)ready;
  return 0;
}

/* --- reading ----------------------------------------------------------------------------------- */

SPEC("a read that is interrupted is made again; one that finds nothing waits for more") {
  fake_host *host = pair_begin(&it, (pair_options){0});
  fake_listen(host);
  pair_send(&it, "abc");
  fault_shim_begin("read:1:EINTR,read:3:EAGAIN", "socket:");
  pair_turn(&it);
  pair_turn(&it);
  CHECK_EQUAL(fault_shim_count("read"), 2);
  CHECK_EQUAL(it.sink.read, 3);
  pair_send(&it, "de");
  pair_turn(&it);
  CHECK_EQUAL(fault_shim_count("read"), 3);
  CHECK_EQUAL(it.sink.read, 3);
  pair_turn(&it);
  CHECK_EQUAL(it.sink.read, 5);
  fault_shim_end();
  pair_end(&it);
}

SPEC("a read that fails is the stream's error") {
  fake_host *host = pair_begin(&it, (pair_options){0});
  fake_listen(host);
  fake_run(host);
  fake_log(host);
  pair_send(&it, "abc");
  fault_shim_begin("read:1:EIO", "socket:");
  pair_wait(&it, 0);
  fault_shim_end();
  pair_turn(&it);
  check_failed("", EIO);
  CHECK_EQUAL(it.closes, 1);
  pair_end(&it);
}

SPEC("a read for which there is no memory is the stream's error") {
  if (!failing_alloc_works()) SKIP("no allocation can fail here");
  fake_host *host = pair_begin(&it, (pair_options){0});
  fake_listen(host);
  pair_turn(&it);
  fake_log(host);
  pair_send(&it, "abc");
  failing_alloc_begin(1, false);
  pair_turn(&it);
  failing_alloc_end();
  pair_turn(&it);
  CHECK_LOG(host, "error(ENOMEM) close");
  pair_end(&it);
}

SPEC("what comes for a readable side that was abandoned is not read") {
  fake_host *host = pair_begin(&it, (pair_options){0});
  fake_listen(host);
  pair_turn(&it);
  weir_readable_abandon(host->readable);
  pair_send(&it, "abc");
  pair_wait(&it, 5);
  CHECK_EQUAL(it.sink.read, 0);
  CHECK(!it.sink.reading);
  pair_end(&it);
}

SPEC("nothing is asked of a peer that has ended, nor of a descriptor that is gone") {
  fake_host *host = pair_begin(&it, (pair_options){.half_open = true});
  fake_listen(host);
  pair_peer_ends(&it);
  pair_turn(&it);
  pair_turn(&it);
  CHECK(it.sink.input_ended);
  weir_stream_source_port.read(&it.sink, 1);
  CHECK(!it.sink.reading);
  fake_destroy(host, NULL);
  it.sink.input_ended = false;
  weir_stream_source_port.read(&it.sink, 1);
  CHECK(!it.sink.reading);
  pair_end(&it);
}

/* --- writing ----------------------------------------------------------------------------------- */

SPEC("a write that is refused for want of buffers is made again when it can be") {
  fake_host *host = pair_begin(&it, (pair_options){.write_only = true});
  fake_write(host, "abc", "A");
  fault_shim_begin("sendmsg:1:ENOBUFS", "socket:");
  fake_run(host);
  CHECK(it.sink.blocked);
  fault_shim_end();
  pair_turn(&it);
  CHECK_LOG(host, "true | A");
  CHECK_STRING(pair_received(&it), "abc");
  pair_end(&it);
}

SPEC("a write that fails is the stream's error, told to the writer first") {
  fake_host *host = pair_begin(&it, (pair_options){.write_only = true});
  pair_peer_leaves(&it);
  fake_write(host, "abc", "A");
  pair_turn(&it);
  pair_turn(&it);
  char told[32];
  snprintf(told, sizeof told, "true A(system %d) ", EPIPE);
  check_failed(told, EPIPE);
  pair_end(&it);
}

SPEC("a write that nobody takes for its time is an error") {
  fake_host *host = pair_begin(&it, (pair_options){0});
  it.uv.poll_start = start_nothing;
  it.sink.write_timeout_ms = 5;
  weir_timer far = {.fired = weir_timer_stop, .freed = weir_timer_stop}; /* the loop goes on */
  CHECK_EQUAL(weir_timer_start(&far, &it.loop, 60000), 0);
  fault_shim_begin("sendmsg:*:EAGAIN", "socket:");
  fake_write(host, "abc", NULL);
  PAIR_UNTIL(&it, host->closes == 1);
  fault_shim_end();
  weir_timer_end(&far);
  check_failed("true ", ETIMEDOUT);
  pair_end(&it);
}

static uint64_t stopped_ns;

static uint64_t stopped_clock(void) {
  return stopped_ns;
}

SPEC("a write that was taken in its time has no limit any more") {
  fake_host *host = pair_begin(&it, (pair_options){0});
  it.uv.hrtime = stopped_clock;
  it.sink.write_timeout_ms = 5;
  fake_listen(host);
  fault_shim_begin("sendmsg:1:EAGAIN", "socket:");
  fake_write(host, "abc", NULL);
  fake_run(host);
  CHECK(it.sink.blocked && it.sink.clock);
  fault_shim_end();
  PAIR_UNTIL(&it, !it.sink.blocked);
  stopped_ns += 10000000; /* its time is over, and the timer sees it */
  pair_wait(&it, 10);
  CHECK_EQUAL(host->errors, 0);
  CHECK_STRING(pair_received(&it), "abc");
  pair_end(&it);
}

SPEC("without memory for a clock a write has no limit, and there is no time of idleness") {
  if (!failing_alloc_works()) SKIP("no allocation can fail here");
  fake_host *host = pair_begin(&it, (pair_options){.write_only = true});
  it.sink.write_timeout_ms = 5;
  fake_write(host, "abc", NULL);
  fault_shim_begin("sendmsg:1:EAGAIN", "socket:");
  failing_alloc_begin(1, true);
  fake_run(host);
  CHECK(!weir_stream_sink_set_timeout(&it.sink, 10));
  failing_alloc_end();
  fault_shim_end();
  CHECK(it.sink.blocked && !it.sink.clock);
  pair_turn(&it);
  CHECK_STRING(pair_received(&it), "abc");
  pair_end(&it);
}

/* --- idleness ---------------------------------------------------------------------------------- */

SPEC("the time of idleness is told once, unless it is taken back or the stream is over") {
  fake_host *host = pair_begin(&it, (pair_options){0});
  fake_listen(host);
  CHECK(weir_stream_sink_set_timeout(&it.sink, 0));
  CHECK(!it.sink.clock); /* none is made to take back nothing */
  CHECK(weir_stream_sink_set_timeout(&it.sink, 2));
  PAIR_UNTIL(&it, it.timeouts == 1);
  pair_wait(&it, 10);
  CHECK_EQUAL(it.timeouts, 1);
  CHECK(weir_stream_sink_set_timeout(&it.sink, 2));
  CHECK(weir_stream_sink_set_timeout(&it.sink, 0));
  pair_wait(&it, 10);
  CHECK_EQUAL(it.timeouts, 1);
  fake_destroy(host, NULL);
  CHECK(weir_stream_sink_set_timeout(&it.sink, 2));
  CHECK(!it.sink.clock);
  pair_end(&it);
}

SPEC("nobody need be told of idleness, nor that the descriptor is gone") {
  fake_host *host = pair_begin(&it, (pair_options){.untold = true});
  fake_listen(host);
  CHECK(weir_stream_sink_set_timeout(&it.sink, 2));
  pair_wait(&it, 10);
  fake_destroy(host, NULL);
  pair_turn(&it);
  CHECK_EQUAL(host->closes, 1);
  pair_end(&it);
}

/* --- on a loop of somebody else's -------------------------------------------------------------- */

SPEC("a stream whose handle a script has closed waits for nothing, and closes all the same") {
  fake_host *host = pair_begin(&it, (pair_options){.foreign = true});
  fake_listen(host);
  pair_turn(&it);
  CHECK(it.sink.reading);
  fake_write(host, "abc", "A");
  foreign_close(&it.sink.poll);
  fault_shim_begin("sendmsg:1:EAGAIN", "socket:");
  fake_run(host);
  fault_shim_end();
  CHECK(it.sink.blocked);
  weir_stream_sink_set_ref(&it.sink, false);
  weir_stream_sink_set_ref(&it.sink, true);
  pair_turn(&it);
  CHECK_EQUAL(it.closes, 0);
  fake_destroy(host, NULL);
  CHECK_EQUAL(it.closes, 1);
  pair_turn(&it);
  CHECK_EQUAL(host->closes, 1);
  CHECK(pair_peer_sees_end(&it));
  pair_end(&it);
}

int main(int argc, char **argv) {
  return check_main(argc, argv);
}
