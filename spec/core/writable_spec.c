/* writable_spec.c - what the public verbs answer: write, end, cork, uncork.
** SPDX-License-Identifier: MIT
*/
#include "core/writable.h"

#include "support/check.h"
#include "support/failing_alloc.h"
#include "support/fake_sink.h"

static fake_chunks chunks;
static fake_bytes bytes;

static fake_host *open_chunks(fake_options options) {
  return fake_chunks_new(&chunks, options);
}
static fake_host *open_bytes(fake_options options) {
  return fake_bytes_new(&bytes, options);
}

/* --- what write() answers --------------------------------------------------------------------- */

SPEC("a stream of mark 0 takes an empty chunk gladly, and asks to slow down after any byte "
     "[X-004]") {
  fake_host *host = open_chunks((fake_options){.mark = FAKE_ZERO});
  fake_write(host, "", "A");
  fake_answer(&chunks, NULL);
  fake_write(host, "b", "B");
  fake_write(host, "", "C");
  CHECK_LOG(host, "write() true A write(b) false false");
  fake_answer(&chunks, NULL);
  CHECK_LOG(host, "write() drain B");
  fake_answer(&chunks, NULL);
  CHECK_LOG(host, "C");
  fake_host_free(host);
}

SPEC("in object mode the length counts values, whatever they are") {
  fake_host *host = open_chunks((fake_options){.mark = 2, .object_mode = true});
  fake_write(host, "long value", NULL);
  fake_write(host, "", NULL);
  CHECK_EQUAL(host->writable->length, 2);
  CHECK_LOG(host, "write(long value) true false");
  fake_answer(&chunks, NULL);
  fake_answer(&chunks, NULL);
  CHECK_LOG(host, "write() drain");
  fake_host_free(host);
}

SPEC("a refused chunk takes nothing but the callback, and gives its values back at once") {
  fake_host *host = open_chunks((fake_options){0});
  fake_destroy(host, NULL);
  fake_write(host, "x", "A");
  CHECK_EQUAL(host->anchors[2].hold, FAKE_HELD);      /* the callback */
  CHECK_EQUAL(host->anchors[1].hold, FAKE_FORGOTTEN); /* the value */
  CHECK_EQUAL(host->writable->length, 0);
  CHECK_EQUAL(host->writable->stats.writes, 0);
  fake_host_free(host);
}

SPEC("over max_buffered a chunk is refused, the stream goes on, and the callback hears of it") {
  fake_host *host = open_chunks((fake_options){.mark = 4, .max_buffered = 5});
  fake_write(host, "abc", "A");
  fake_write(host, "def", "B");
  fake_write(host, "gh", "C");
  fake_write(host, "i", NULL);
  fake_run(host);
  CHECK_LOG(host, "write(abc) true refused(ENOBUFS) false refused(ENOBUFS) | B(ENOBUFS)");
  CHECK(weir_writable_is_writable(host->writable));
  fake_answer(&chunks, NULL);
  fake_answer(&chunks, NULL);
  CHECK_LOG(host, "write(gh) A drain C");
  fake_host_free(host);
}

SPEC("an end() whose chunk would exceed max_buffered is refused, and the stream is not ended") {
  fake_host *host = open_chunks((fake_options){.mark = 2, .max_buffered = 3});
  fake_cork(host);
  fake_write(host, "ab", NULL);
  fake_end(host, "cd", "E");
  CHECK_EQUAL(host->verdict, WEIR_REFUSED);
  CHECK_EQUAL(host->writable->writer, WEIR_OPEN);
  CHECK_EQUAL(host->writable->corked, 1);
  fake_run(host);
  CHECK_LOG(host, "false refused(ENOBUFS) | E(ENOBUFS)");
  fake_uncork(host);
  fake_answer(&chunks, NULL);
  fake_end(host, "cd", "F");
  fake_answer(&chunks, NULL);
  fake_run(host);
  CHECK_LOG(host, "write(ab) drain write(cd) prefinish | F finish close");
  fake_host_free(host);
}

SPEC("chunks of several pieces are copied or borrowed, and count as one write") {
  fake_host *host = open_bytes((fake_options){0});
  const weir_piece pieces[] = {
      {.bytes = "ab", .size = 2},
      {.bytes = "lent", .size = 4, .anchor = fake_anchor_new(host, "lent")},
      {.bytes = "cd", .size = 2}};
  fake_write_pieces(host, pieces, 3, "A");
  fake_write_pieces(host, pieces, 1, NULL);
  CHECK_EQUAL(host->writable->stats.writes, 2);
  CHECK_EQUAL(host->writable->length, 10);
  CHECK_EQUAL(weir_writable_queued_writes(host->writable), 2);
  fake_run(host);
  CHECK_LOG(host, "true true | take(ablentcdab)");
  fake_bytes_write(&bytes, 9);
  CHECK_EQUAL(weir_writable_queued_writes(host->writable), 1);
  fake_bytes_write(&bytes, 1);
  CHECK_LOG(host, "A");
  CHECK_EQUAL(weir_writable_queued_writes(host->writable), 0);
  fake_host_free(host);
}

SPEC("queued writes are those in the sink and those behind it") {
  fake_host *host = open_chunks((fake_options){.batches = true});
  for (int i = 0; i < 4; i++) fake_write(host, "x", NULL);
  CHECK_EQUAL(weir_writable_queued_writes(host->writable), 4);
  fake_answer(&chunks, NULL);
  CHECK_EQUAL(weir_writable_queued_writes(host->writable), 3);
  fake_answer(&chunks, NULL);
  CHECK_EQUAL(weir_writable_queued_writes(host->writable), 0);
  fake_host_free(host);
}

SPEC("the oldest write is the one in the sink, else the first behind it, else there is none") {
  fake_host *host = open_chunks((fake_options){0});
  CHECK_EQUAL(weir_writable_oldest_ns(host->writable), 0);
  fake_write(host, "a", NULL);
  fake_run(host);
  fake_now_ns += 5;
  fake_write(host, "b", NULL);
  fake_now_ns += 2;
  CHECK_EQUAL(weir_writable_oldest_ns(host->writable), 7);
  fake_cork(host);
  fake_answer(&chunks, NULL);
  CHECK_EQUAL(weir_writable_oldest_ns(host->writable), 2);
  fake_uncork(host);
  fake_answer(&chunks, NULL);
  CHECK_EQUAL(weir_writable_oldest_ns(host->writable), 0);
  fake_host_free(host);
}

/* --- cork ------------------------------------------------------------------------------------- */

SPEC("corks nest; an uncork too many does nothing") {
  fake_host *host = open_chunks((fake_options){.batches = true});
  fake_cork(host);
  fake_cork(host);
  fake_write(host, "a", NULL);
  fake_write(host, "b", NULL);
  fake_uncork(host);
  CHECK_LOG(host, "true true");
  CHECK_EQUAL(host->writable->corked, 1);
  fake_uncork(host);
  CHECK_LOG(host, "writev(a,b)");
  fake_uncork(host);
  CHECK_EQUAL(host->writable->corked, 0);
  fake_answer(&chunks, NULL);
  fake_host_free(host);
}

SPEC("a cork does not stop the operation in flight, but what is behind it") {
  fake_host *host = open_chunks((fake_options){0});
  fake_write(host, "a", "A");
  fake_write(host, "b", NULL);
  fake_cork(host);
  fake_answer(&chunks, NULL);
  CHECK_LOG(host, "write(a) true true A");
  fake_uncork(host);
  CHECK_LOG(host, "write(b)");
  fake_answer(&chunks, NULL);
  fake_host_free(host);
}

SPEC("end() undoes every cork, and its chunk leaves with the corked ones [X-046]") {
  fake_host *host = open_chunks((fake_options){.batches = true});
  fake_cork(host);
  fake_cork(host);
  fake_write(host, "a", NULL);
  fake_end(host, "b", NULL);
  CHECK_LOG(host, "true writev(a,b)");
  CHECK_EQUAL(host->writable->corked, 0);
  fake_answer(&chunks, NULL);
  fake_host_free(host);
}

/* --- state and numbers ------------------------------------------------------------------------ */

SPEC("after end() no drain is owed any more [X-024]") {
  fake_host *host = open_chunks((fake_options){.mark = 1});
  fake_write(host, "a", NULL);
  CHECK(weir_writable_needs_drain(host->writable));
  fake_end(host, NULL, NULL);
  CHECK(!weir_writable_needs_drain(host->writable));
  CHECK(!weir_writable_is_writable(host->writable));
  fake_answer(&chunks, NULL);
  fake_run(host);
  CHECK_LOG(host, "write(a) false prefinish | finish close");
  fake_host_free(host);
}

SPEC("the numbers add up: writes, bytes, flushes, drains, the peak, and the time spent waiting") {
  fake_host *host = open_chunks((fake_options){.mark = 2});
  const weir_stats *stats = &host->writable->stats;
  const uint64_t waits[] = {100, 30};
  for (int i = 0; i < 2; i++) {
    fake_write(host, "abc", NULL);
    fake_now_ns += waits[i];
    fake_write(host, "d", NULL);
    CHECK_EQUAL(weir_writable_waiting_ns(host->writable), waits[i]);
    fake_answer(&chunks, NULL);
    fake_answer(&chunks, NULL);
    fake_now_ns += 1000; /* waits for nobody */
    CHECK_EQUAL(weir_writable_waiting_ns(host->writable), 0);
  }
  CHECK_EQUAL(stats->writes, 4);
  CHECK_EQUAL(stats->accepted, 8);
  CHECK_EQUAL(stats->flushes, 4);
  CHECK_EQUAL(stats->drains, 2);
  CHECK_EQUAL(stats->peak_buffered, 4);
  CHECK_EQUAL(stats->blocked_ns, 130);
  CHECK_EQUAL(stats->longest_blocked_ns, 100);
  fake_host_free(host);
}

/* --- depth ------------------------------------------------------------------------------------ */

SPEC("beyond 32 nested sink calls a write waits for a tick, and the end for the write") {
  fake_host *host = open_chunks((fake_options){.write = FAKE_NOW});
  host->core.sink_depth = WEIR_SINK_DEPTH_MAX;
  fake_write(host, "a", "A");
  fake_write(host, "b", NULL);
  fake_end(host, NULL, "E");
  CHECK_LOG(host, "true true");
  host->core.sink_depth = WEIR_SINK_DEPTH_MAX - 1;
  fake_run(host);
  CHECK_LOG(host, "| write(a) write(b) A prefinish E finish close");
  host->core.sink_depth = 0;
  fake_host_free(host);
}

static fake_chunks links[40];

/* Each stream's sink writes into the next stream before it answers. */
static void write_on(fake_host *host) {
  for (int i = 0; i + 1 < 40; i++) {
    if (links[i].sink.host == host) fake_write(links[i + 1].sink.host, "a", "A");
  }
}

SPEC("streams that write into each other do not nest deeper than 32 sink calls") {
  fake_host *hosts[40];
  weir_core *core = NULL;
  long live_before = failing_alloc_live();
  for (int i = 0; i < 40; i++) {
    hosts[i] = fake_chunks_new(&links[i], (fake_options){.write = FAKE_NOW});
    if (!core) core = &hosts[0]->core;
    hosts[i]->stream->core = core;
    hosts[i]->live_before = -1;
    fake_on(hosts[i], "write(a)", write_on);
  }
  fake_write(hosts[0], "a", "A");
  CHECK_STRING(fake_log(hosts[31]), "write(a) true");
  CHECK_STRING(fake_log(hosts[32]), "true");
  CHECK_EQUAL(core->sink_depth, 0);
  weir_ticks_run(&core->ticks);
  for (int i = 0; i < 40; i++) CHECK_EQUAL(hosts[i]->owed['A'], 0);
  CHECK_STRING(fake_log(hosts[32]), "write(a) A");
  for (int i = 39; i >= 0; i--) fake_host_free(hosts[i]);
  CHECK_EQUAL(failing_alloc_live(), live_before);
}

/* --- without memory --------------------------------------------------------------------------- */

/* Tries the act with the nth allocation failing. Returns whether it asked for so many. */
static bool is_refused(fake_host *host, weir_verdict (*act)(fake_host *host), long nth,
                       bool sticky) {
  uint64_t length = host->writable->length, accepted = host->writable->stats.accepted;
  weir_slab_pool_deinit(&host->core.slabs);
  weir_slab_pool_init(&host->core.slabs);
  weir_entry_pool_deinit(&host->core.entries);
  failing_alloc_begin(nth, sticky);
  weir_verdict verdict = act(host);
  failing_alloc_end();
  if (!failing_alloc_failed()) return false;
  CHECK_EQUAL(verdict, WEIR_NO_MEMORY);
  CHECK_EQUAL(host->writable->length, length);
  CHECK_EQUAL(host->writable->stats.accepted, accepted);
  CHECK_EQUAL(host->writable->writer, WEIR_OPEN);
  CHECK_EQUAL(host->stream->life, WEIR_ALIVE);
  return true;
}

/* Every allocation that the act needs fails in turn, alone and with all behind it; then none. */
static void without_memory(fake_host *host, weir_verdict (*act)(fake_host *host)) {
  if (!failing_alloc_works()) return;
  long nth = 1;
  while (is_refused(host, act, nth, true) && is_refused(host, act, nth, false)) nth++;
  CHECK(nth > 1);
  CHECK(host->verdict != WEIR_NO_MEMORY);
}

static weir_verdict write_with_callback(fake_host *host) {
  return fake_write(host, "abc", "A");
}
static weir_verdict write_borrowed(fake_host *host) {
  return fake_write_borrowed(host, "lent", "L");
}
static weir_verdict end_with_chunk(fake_host *host) {
  return fake_end(host, "z", "E");
}
static weir_verdict end_with_chunk_unheard(fake_host *host) {
  return fake_end(host, "z", NULL);
}
static weir_verdict write_too_much(fake_host *host) {
  return fake_write(host, "0123456789", "B");
}

SPEC("without memory a write takes nothing and tells nobody, and the stream goes on") {
  fake_host *host = open_bytes((fake_options){.finish = FAKE_NOW});
  host->silent = true;
  without_memory(host, write_with_callback);
  without_memory(host, write_borrowed);
  without_memory(host, end_with_chunk);
  host->silent = false;
  fake_run(host);
  CHECK_LOG(host, "| take(abclentz)");
  fake_bytes_write(&bytes, 8);
  fake_run(host);
  CHECK_LOG(host, "A L final prefinish | E finish close");
  fake_host_free(host);
}

SPEC("the same with a sink of chunks") {
  fake_host *host = open_chunks((fake_options){0});
  host->silent = true;
  without_memory(host, write_with_callback);
  without_memory(host, end_with_chunk_unheard);
  host->silent = false;
  fake_answer(&chunks, NULL);
  fake_answer(&chunks, NULL);
  fake_run(host);
  CHECK_LOG(host, "write(z) A prefinish | finish close");
  fake_host_free(host);
}

SPEC("whoever was refused may ask for a drain, if anything is there to drain") {
  fake_host *host = fake_bytes_new(&bytes, (fake_options){.mark = 8, .max_buffered = 8});
  CHECK(!weir_writable_want_drain(host->writable));
  fake_write(host, "abc", NULL);
  fake_run(host);
  CHECK(weir_writable_want_drain(host->writable));
  CHECK(weir_writable_want_drain(host->writable)); /* once more makes no difference */
  fake_bytes_write(&bytes, 3);
  CHECK_LOG(host, "true | take(abc) drain");
  fake_host_free(host);
}

SPEC("without memory a chunk over max_buffered does not destroy the stream either") {
  fake_host *host = open_bytes((fake_options){.mark = 4, .max_buffered = 5});
  host->silent = true;
  without_memory(host, write_too_much);
  host->silent = false;
  fake_run(host);
  CHECK_LOG(host, "| B(ENOBUFS)");
  CHECK_EQUAL(host->stream->life, WEIR_ALIVE);
  fake_host_free(host);
}

SPEC("a stream that failed for want of memory refuses writes with that error") {
  if (!failing_alloc_works()) SKIP("allocations cannot be made to fail here");
  fake_host *host = open_chunks((fake_options){.survives = true});
  fake_write(host, "a", "A");
  failing_alloc_begin(1, true);
  fake_answer(&chunks, "X");
  failing_alloc_end();
  fake_write(host, "b", "B");
  fake_run(host);
  CHECK_LOG(host, "write(a) true A(ENOMEM) error(ENOMEM) refused(ENOMEM) | B(ENOMEM)");
  fake_host_free(host);
}

SPEC("a stream that ran out of memory while it failed still tells everybody something") {
  if (!failing_alloc_works()) SKIP("allocations cannot be made to fail here");
  fake_host *host = open_chunks((fake_options){0});
  fake_cork(host);
  fake_write(host, "a", "A");
  fake_destroy(host, NULL);
  failing_alloc_begin(1, true);
  fake_run(host);
  failing_alloc_end();
  CHECK_LOG(host, "true | A(ENOMEM) close");
  fake_host_free(host);
}

/* --- impossible states ------------------------------------------------------------------------ */

static void low_mark_at_the_high_one(void) {
  open_bytes((fake_options){.mark = 4, .low_mark = 4});
}

static void write_copied_bytes_as_chunk(void) {
  fake_host *host = open_chunks((fake_options){0});
  fake_write_pieces(host, &(weir_piece){.bytes = "a", .size = 1}, 1, NULL);
}
static void write_chunk_of_two_pieces(void) {
  fake_host *host = open_chunks((fake_options){0});
  const weir_piece pieces[] = {{.bytes = "a", .size = 1, .anchor = fake_anchor_new(host, "a")},
                               {.bytes = "b", .size = 1, .anchor = fake_anchor_new(host, "b")}};
  fake_write_pieces(host, pieces, 2, NULL);
}

SPEC("a sink of chunks gets each chunk as one piece with an anchor") {
  CHECK_ABORTS(write_copied_bytes_as_chunk);
  CHECK_ABORTS(write_chunk_of_two_pieces);
}

SPEC("the low mark lies below the high one") {
  CHECK_ABORTS(low_mark_at_the_high_one);
}

int main(int argc, char **argv) {
  return check_main(argc, argv);
}
