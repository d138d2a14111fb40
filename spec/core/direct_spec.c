/* direct_spec.c - a chunk that is given to a sink of chunks without being queued, and an answer that
** only counts: where they are open, and where the long way has to be gone.
** SPDX-License-Identifier: MIT
*/
#include "core/writable.h"

#include "support/check.h"
#include "support/failing_alloc.h"
#include "support/fake_sink.h"

static fake_chunks sink;

static fake_host *open_with(fake_options options) {
  return fake_chunks_new(&sink, options);
}

/* Gives a chunk of `size` past the queue, to a sink that answers at once. */
static bool gives(const fake_host *host, uint64_t size) {
  weir_writable *w = host->writable;
  if (!weir_writable_begin_direct(w, size)) return false;
  CHECK(weir_writable_answer_quietly(w, w->operation_id));
  CHECK_EQUAL(weir_writable_end_direct(w, size), WEIR_GO_ON);
  return true;
}

SPEC("a chunk goes past the queue where the sink is idle and the stream in order") {
  fake_host *host = open_with((fake_options){.max_buffered = 20});
  CHECK(gives(host, 3));
  CHECK_EQUAL(host->writable->stats.writes, 1);
  CHECK_EQUAL(host->writable->stats.accepted, 3);
  CHECK_EQUAL(host->writable->length, 0);
  CHECK(gives(host, 20));
  CHECK(!gives(host, 21));
  fake_cork(host);
  CHECK(!gives(host, 1));
  fake_uncork(host);
  CHECK(gives(host, 1));
  fake_host_free(host);
}

SPEC("behind others, or while the sink is busy, a chunk keeps its place in the queue") {
  fake_host *host = open_with((fake_options){0});
  fake_cork(host);
  fake_write(host, "a", NULL);
  CHECK(!gives(host, 1));
  fake_uncork(host);
  CHECK(!gives(host, 1));
  fake_answer(&sink, NULL);
  CHECK(gives(host, 1));
  fake_host_free(host);
}

SPEC("after the end of a stream that has not opened no chunk goes past the queue") {
  fake_host *host = open_with((fake_options){.open = FAKE_LATER});
  fake_run(host);
  CHECK(!gives(host, 1));
  fake_end(host, NULL, NULL);
  CHECK(!gives(host, 1));
  fake_opened(&sink.sink, NULL);
  fake_host_free(host);
}

SPEC("after the end no chunk goes past the queue, nor from deep within other sinks") {
  fake_host *host = open_with((fake_options){.finish = FAKE_LATER});
  host->core.sink_depth = WEIR_SINK_DEPTH_MAX;
  CHECK(!gives(host, 1));
  host->core.sink_depth = 0;
  CHECK(gives(host, 1));
  fake_end(host, NULL, NULL);
  CHECK(!gives(host, 1));
  fake_run(host);
  fake_finished(&sink.sink, NULL);
  fake_host_free(host);
}

SPEC("without memory no chunk goes past the queue, and nothing was taken") {
  if (!failing_alloc_works()) SKIP("no allocation can fail here");
  fake_host *host = open_with((fake_options){0});
  failing_alloc_begin(1, true);
  CHECK(!gives(host, 1));
  CHECK(failing_alloc_failed());
  failing_alloc_end();
  CHECK_EQUAL(host->writable->stats.writes, 0);
  CHECK(gives(host, 1));
  fake_host_free(host);
}

/* What the sink itself does while it has the chunk: it writes, and ends the stream. */
static void write_and_end(fake_host *host, bool ends) {
  weir_writable *w = host->writable;
  CHECK(weir_writable_begin_direct(w, 1));
  fake_write(host, "behind", NULL);
  if (ends) fake_end(host, NULL, NULL);
  CHECK(weir_writable_answer_quietly(w, w->operation_id));
  weir_writable_end_direct(w, 1);
}

SPEC("what the sink writes while it has such a chunk comes behind it, and so does an end") {
  for (int ends = 0; ends <= 1; ends++) {
    fake_host *host = open_with((fake_options){.write = FAKE_NOW});
    write_and_end(host, ends);
    fake_run(host);
    CHECK_LOG(host, ends ? "true write(behind) prefinish | finish close" : "true write(behind) |");
    fake_host_free(host);
  }
}

SPEC("an end from within such a chunk waits until that is told") {
  fake_host *host = open_with((fake_options){0});
  weir_writable *w = host->writable;
  CHECK(weir_writable_begin_direct(w, 1));
  fake_end(host, NULL, NULL);
  weir_writable_answer(w, w->operation_id, NULL);
  CHECK_EQUAL(w->untold, 0);
  weir_writable_end_direct(w, 1);
  fake_run(host);
  CHECK_EQUAL(host->finishes, 1);
  fake_host_free(host);
}

static void try_quietly(fake_chunks *self, const weir_entry *first) {
  weir_writable *w = self->sink.host->writable;
  CHECK(first == w->operation);
  CHECK(!weir_writable_answer_quietly(w, w->operation_id));
  CHECK(first == w->operation && !w->answered);
}

SPEC(
    "an answer is no quiet one where a value is still held, a writer waits, or a batch was given") {
  fake_host *host = open_with((fake_options){.batches = true});
  sink.on_submit = try_quietly;
  fake_write(host, "held", NULL);
  fake_answer(&sink, NULL);
  fake_write(host, "waited for", "A");
  fake_cork(host);
  fake_write(host, "one", NULL);
  fake_write(host, "two", NULL);
  fake_uncork(host);
  fake_answer(&sink, NULL);
  fake_answer(&sink, NULL);
  fake_host_free(host);
}

static bool was_quiet;

/* Gives the value back, and answers as quietly as it can. */
static void take_at_once(void *self, weir_entry *first, size_t count, uint64_t operation) {
  fake_host *host = self;
  CHECK_EQUAL(count, 1);
  fake_forget(host, first->anchor);
  first->anchor = 0;
  was_quiet = weir_writable_answer_quietly(host->writable, operation);
  if (!was_quiet) weir_writable_answer(host->writable, operation, NULL);
}

static bool answers_quietly(weir_writable_options options, const char *callback, bool corked) {
  static const weir_sink_port port = {.name = "quiet", .submit_chunks = take_at_once};
  options.max_buffered = WEIR_NO_LIMIT;
  fake_host *host = fake_host_new();
  fake_host_open(host, &options, &port, host);
  if (corked) fake_cork(host);
  fake_write(host, "ab", callback);
  if (corked) fake_uncork(host);
  fake_run(host);
  CHECK_EQUAL(host->writable->length, 0);
  fake_host_free(host);
  return was_quiet;
}

SPEC(
    "an answer is a quiet one where nothing but counts changes: no callback, no drain, no object") {
  CHECK(answers_quietly((weir_writable_options){.high_water_mark = 9}, NULL, false));
  CHECK(answers_quietly((weir_writable_options){.high_water_mark = 9}, NULL, true));
  CHECK(!answers_quietly((weir_writable_options){.high_water_mark = 9}, "A", false));
  CHECK(!answers_quietly((weir_writable_options){.high_water_mark = 1}, NULL, true));
  CHECK(!answers_quietly((weir_writable_options){.high_water_mark = 9, .object_mode = true}, NULL,
                         false));
}

SPEC("an answer after the call, or to another operation, is no quiet one") {
  fake_host *host = open_with((fake_options){0});
  weir_writable *w = host->writable;
  CHECK(weir_writable_begin_direct(w, 1));
  CHECK(!weir_writable_answer_quietly(w, w->operation_id - 1));
  CHECK_EQUAL(weir_writable_end_direct(w, 1), WEIR_GO_ON);
  CHECK(!weir_writable_answer_quietly(w, w->operation_id));
  weir_writable_answer(w, w->operation_id, NULL);
  CHECK_EQUAL(w->length, 0);
  fake_host_free(host);
}

int main(int argc, char **argv) {
  return check_main(argc, argv);
}
