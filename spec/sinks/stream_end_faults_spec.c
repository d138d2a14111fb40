/* stream_end_faults_spec.c - how a stream on a socket ends: without the loop, where nobody reads what the
** peer still sends, and where the state closes.
** SPDX-License-Identifier: MIT
*/
#include "sinks/stream_sink.h"

#include <errno.h>
#include <string.h>

#include "support/check.h"
#include "support/failing_alloc.h"
#include "support/pair.h"
#include "support/preload/fault_shim.h"

static pair it;

/* Has written `text`, which is on its way. */
static fake_host *begin_written(pair_options options, const char *text) {
  fake_host *host = pair_begin(&it, options);
  fake_write(host, text, NULL);
  fake_run(host);
  CHECK_EQUAL(it.sink.written, strlen(text));
  fake_log(host);
  return host;
}

/* Has ended, and waits for the peer to do the same. */
static fake_host *begin_lingering(pair_options options) {
  options.half_open = true;
  fake_host *host = begin_written(options, "abc");
  fake_end(host, NULL, NULL);
  fake_run(host);
  fake_run(host);
  return host;
}

/* --- without the loop -------------------------------------------------------------------------- */

static void end_now(const char *rules, uint64_t timeout_ms) {
  fault_shim_begin(rules, "socket:");
  weir_stream_sink_end_now(&it.sink, false, uv_hrtime() + timeout_ms * 1000000);
  fault_shim_end();
  CHECK_EQUAL(it.sink.fd, -1);
}

SPEC("without the loop what is queued is written, whatever interrupts it, and the peer is heard "
     "out") {
  fake_host *host = pair_begin(&it, (pair_options){0});
  fake_write(host, "abc", NULL);
  pair_send(&it, "de");
  pair_peer_ends(&it);
  end_now("sendmsg:1:EAGAIN,sendmsg:2:s0,sendmsg:3:s1,poll:1:EINTR", 60000);
  CHECK(it.sink.input_ended);
  CHECK_STRING(pair_received(&it), "abc");
  CHECK(pair_peer_sees_end(&it));
  weir_stream_sink_end_now(&it.sink, false, 0); /* a second one does nothing */
  pair_end(&it);
}

SPEC("without the loop what the peer does not take in time is given up") {
  fake_host *host = pair_begin(&it, (pair_options){0});
  fake_write(host, "abc", NULL);
  end_now("sendmsg:*:EAGAIN", 0);
  CHECK_EQUAL(fault_shim_count("poll"), 0);
  CHECK_STRING(pair_received(&it), "");
  CHECK(pair_peer_sees_end(&it));
  pair_end(&it);
}

SPEC("without the loop a peer that cannot be waited for, or is gone, is not waited for") {
  for (int leaves = 0; leaves <= 1; leaves++) {
    fake_host *host = pair_begin(&it, (pair_options){0});
    fake_write(host, "abc", NULL);
    if (leaves) pair_peer_leaves(&it);
    end_now(leaves ? "" : "sendmsg:*:EAGAIN,poll:1:EINVAL", 60000);
    CHECK_EQUAL(fault_shim_count("poll"), leaves ? 0 : 1);
    pair_end(&it);
  }
}

SPEC("without the loop a peer that goes on sending is heard no longer than there is time") {
  begin_written((pair_options){0}, "abc");
  pair_send(&it, "de");
  end_now("", 0);
  CHECK_EQUAL(fault_shim_count("poll"), 0);
  CHECK_STRING(pair_received(&it), "abc");
  pair_end(&it);
}

SPEC("without the loop a peer that was written nothing, or knows of the end, costs no time") {
  for (int written = 0; written <= 1; written++) {
    if (written) begin_written((pair_options){0}, "abc");
    else pair_begin(&it, (pair_options){0});
    end_now("shutdown:1:ENOTCONN", 60000);
    CHECK_EQUAL(fault_shim_count("shutdown"), written);
    CHECK_EQUAL(fault_shim_count("poll"), 0);
    pair_end(&it);
  }
}

SPEC("without the loop nothing more is written of what is discarded, nor after an error") {
  for (int fails = 0; fails <= 1; fails++) {
    fake_host *host = pair_begin(&it, (pair_options){0});
    fake_write(host, "abc", NULL);
    if (fails) {
      host->stream->auto_destroy = false;
      weir_stream_fail_with(host->stream, WEIR_E_OUT_OF_MEMORY);
    }
    weir_stream_sink_end_now(&it.sink, !fails, uv_hrtime() + 1000000000);
    CHECK_STRING(pair_received(&it), "");
    CHECK(pair_peer_sees_end(&it));
    pair_end(&it);
  }
}

/* --- the end of our side ----------------------------------------------------------------------- */

SPEC("an end that cannot be told the peer is the stream's error, unless the peer is gone already") {
  for (int gone = 0; gone <= 1; gone++) {
    fake_host *host = pair_begin(&it, (pair_options){.write_only = true});
    fault_shim_begin(gone ? "shutdown:1:ENOTCONN" : "shutdown:1:ENOBUFS", "socket:");
    fake_end(host, NULL, NULL);
    pair_turn(&it);
    fault_shim_end();
    CHECK_EQUAL(host->errors, gone ? 0 : 1);
    CHECK_EQUAL(host->finishes, gone ? 1 : 0);
    pair_end(&it);
  }
}

SPEC("a peer that does not end is awaited for a while, then what it sends, then no more") {
  fake_host *host = begin_lingering((pair_options){0});
  it.sink.linger_timeout_ms = 10;
  CHECK(it.sink.lingering);
  PAIR_UNTIL(&it, it.sink.discarding);
  PAIR_UNTIL(&it, host->closes == 1);
  CHECK(!it.sink.lingering);
  pair_end(&it);
}

SPEC("a stream that the script closes itself, or for which there is no memory, awaits nobody") {
  fake_host *host = pair_begin(&it, (pair_options){.half_open = true});
  host->stream->auto_destroy = false;
  fake_end(host, NULL, NULL);
  pair_turn(&it);
  CHECK(it.sink.shut && !it.sink.lingering);
  pair_end(&it);
  if (!failing_alloc_works()) return;
  host = pair_begin(&it, (pair_options){.half_open = true});
  failing_alloc_begin(1, true);
  fake_end(host, NULL, NULL);
  failing_alloc_end();
  CHECK(it.sink.shut && !it.sink.lingering);
  pair_end(&it);
}

SPEC("a stream that does not keep the loop running does not when it awaits the peer's end either") {
  pair_begin(&it, (pair_options){.half_open = true});
  weir_stream_sink_set_ref(&it.sink, false);
  fake_end(it.host, NULL, NULL);
  fake_run(it.host);
  CHECK(it.sink.lingering);
  CHECK(!uv_loop_alive(it.loop.handle));
  pair_end(&it);
}

SPEC("who has read, or listens, is not taken the rest from") {
  for (int reads = 0; reads <= 1; reads++) {
    fake_host *host = pair_begin(&it, (pair_options){.half_open = true});
    if (reads) {
      weir_readable_read(host->readable, 0, NULL);
      pair_send(&it, "de");
      pair_turn(&it);
      weir_entry *chunk = weir_readable_read(host->readable, 1, NULL);
      if (CHECK(chunk)) weir_readable_give_back(host->readable, chunk);
    } else {
      weir_readable_listener_added(host->readable, true, false); /* one that starts nothing */
    }
    fake_end(host, NULL, NULL);
    pair_turn(&it);
    CHECK(it.sink.shut && !it.sink.lingering);
    pair_end(&it);
  }
}

SPEC("who begins to care while the peer is awaited is not taken the rest from") {
  fake_host *host = begin_lingering((pair_options){0});
  CHECK(it.sink.lingering);
  weir_readable_pause(host->readable);
  PAIR_UNTIL(&it, !it.sink.lingering);
  CHECK(!it.sink.discarding && !it.sink.lingering);
  CHECK_EQUAL(host->closes, 0);
  pair_end(&it);
}

SPEC("a listener that comes when input is dropped already gets the rest, for as long as it likes") {
  fake_host *host = begin_lingering((pair_options){0});
  it.sink.linger_timeout_ms = 5;
  while (!it.sink.discarding) pair_turn(&it); /* and nothing since */
  weir_readable_listener_added(host->readable, false, false);
  PAIR_UNTIL(&it, !it.sink.lingering);
  CHECK_EQUAL(host->closes, 0);
  pair_end(&it);
}

/* --- where the state closes -------------------------------------------------------------------- */

SPEC("where the state closes, a peer's end is awaited that has got something and may lose it") {
  fake_host *host = begin_lingering((pair_options){0});
  CHECK(weir_stream_sink_drop_input(&it.sink));
  pair_send(&it, "de");
  pair_turn(&it);
  pair_peer_ends(&it);
  PAIR_UNTIL(&it, host->closes == 1);
  CHECK_STRING(pair_received(&it), "abc");
  pair_end(&it);
}

SPEC("where the state closes, a peer that does not end is awaited for a while only") {
  fake_host *host = begin_written((pair_options){.half_open = true}, "abc");
  CHECK(!weir_stream_sink_drop_input(&it.sink)); /* our own end comes first */
  fake_end(host, NULL, NULL);
  fake_run(host);
  CHECK(it.sink.lingering);
  CHECK_EQUAL(host->finishes, 0);
  PAIR_UNTIL(&it, host->finishes == 1);
  CHECK(!it.sink.lingering);
  pair_end(&it);
}

SPEC("where the state closes, nothing is awaited of who has ended, got nothing or is reset") {
  begin_written((pair_options){.half_open = true}, "abc");
  CHECK(weir_stream_sink_may_reset(&it.sink));
  it.sink.resets = true;
  CHECK(!weir_stream_sink_may_reset(&it.sink));
  it.sink.resets = false;
  it.sink.type = WEIR_STREAM_BORROWED;
  CHECK(!weir_stream_sink_may_reset(&it.sink));
  CHECK(!weir_stream_sink_drop_input(&it.sink));
  it.sink.type = WEIR_STREAM_UNIX;
  it.sink.input_ended = true;
  CHECK(!weir_stream_sink_may_reset(&it.sink));
  CHECK(!weir_stream_sink_drop_input(&it.sink));
  it.sink.input_ended = false;
  fake_destroy(it.host, NULL);
  CHECK(!weir_stream_sink_may_reset(&it.sink));
  CHECK(!weir_stream_sink_drop_input(&it.sink));
  pair_end(&it);

  fake_host *host = pair_begin(&it, (pair_options){.half_open = true});
  weir_stream_sink_drop_input(&it.sink);
  fake_end(host, NULL, NULL);
  pair_turn(&it);
  CHECK_EQUAL(host->finishes, 1);
  pair_end(&it);
}

SPEC("where the state closes and there is no memory for a clock, nothing is awaited") {
  if (!failing_alloc_works()) SKIP("no allocation can fail here");
  fake_host *host = begin_written((pair_options){.half_open = true}, "abc");
  weir_stream_sink_drop_input(&it.sink);
  failing_alloc_begin(1, true);
  fake_end(host, NULL, NULL);
  failing_alloc_end();
  CHECK(it.sink.shut && !it.sink.lingering);
  fake_run(host);
  CHECK_EQUAL(host->finishes, 1);
  pair_end(&it);
}

SPEC("where the state closes, a peer that ends before us ends nothing of ours") {
  fake_host *host = begin_written((pair_options){.half_open = true}, "abc");
  weir_stream_sink_drop_input(&it.sink);
  pair_peer_ends(&it);
  PAIR_UNTIL(&it, it.sink.input_ended && !it.sink.reading);
  CHECK_EQUAL(host->finishes, 0);
  fake_write(host, "de", NULL);
  fake_end(host, NULL, NULL);
  pair_turn(&it);
  CHECK_EQUAL(host->finishes, 1);
  CHECK_STRING(pair_received(&it), "abcde");
  pair_end(&it);
}

int main(int argc, char **argv) {
  return check_main(argc, argv);
}
