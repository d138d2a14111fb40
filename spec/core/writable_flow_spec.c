/* writable_flow_spec.c - when a sink of chunks gets its chunks, and when the writers hear of it.
** The numbers are those of the logs in semantics.md, 9.2.
** SPDX-License-Identifier: MIT
*/
#include "core/writable.h"
#include "support/check.h"
#include "support/fake_sink.h"

static fake_chunks sink;

static fake_host *open_with(fake_options options) {
  return fake_chunks_new(&sink, options);
}

/* --- a sink that answers at once -------------------------------------------------------------- */

SPEC("a sink that answers at once is called inside write(), the callback on a tick [1]") {
  fake_host *host = open_with((fake_options){.write = FAKE_NOW});
  fake_write(host, "a", "A");
  fake_tick(host, "tick");
  fake_run(host);
  CHECK_LOG(host, "write(a) true | A tick");
  fake_host_free(host);
}

SPEC("a sink that answers at once never asks to slow down [2]") {
  fake_host *host = open_with((fake_options){.mark = 3, .write = FAKE_NOW});
  fake_write(host, "abcdef", NULL);
  fake_run(host);
  CHECK_LOG(host, "write(abcdef) true |");
  CHECK_EQUAL(host->drains, 0);
  fake_host_free(host);
}

SPEC("corked chunks that go at once on uncork are told after one drain [5]") {
  fake_host *host = open_with((fake_options){.mark = 3, .write = FAKE_NOW});
  fake_cork(host);
  fake_write(host, "ab", "A");
  fake_write(host, "cd", "B");
  fake_uncork(host);
  fake_run(host);
  CHECK_LOG(host, "true false write(ab) write(cd) | drain A B");
  fake_host_free(host);
}

SPEC("callbacks come in the order of the writes, equal neighbours on one tick [6]") {
  fake_host *host = open_with((fake_options){.write = FAKE_NOW});
  const char *names[] = {"f", "f", "g", "f", "f"};
  for (int i = 0; i < 5; i++) fake_write(host, "x", names[i]);
  fake_log(host);
  int ticks = 0;
  for (weir_tick *tick = host->core.ticks.now.first; tick; ticks++) {
    tick = tick == host->core.ticks.now.last ? NULL : tick->next;
  }
  CHECK_EQUAL(ticks, 3);
  fake_run(host);
  CHECK_LOG(host, "| f f g f f");
  fake_host_free(host);
}

SPEC("a value is given back as soon as it is answered, though its callback still waits") {
  fake_host *host = open_with((fake_options){.write = FAKE_NOW});
  fake_write(host, "a", "A");
  CHECK_EQUAL(host->anchors[1].hold, FAKE_FORGOTTEN); /* the value */
  CHECK_EQUAL(host->anchors[2].hold, FAKE_HELD);      /* the callback */
  fake_host_free(host);
}

SPEC("a hundred writes that nobody waits for need no tick; in object mode they need one") {
  for (int object_mode = 0; object_mode <= 1; object_mode++) {
    fake_host *host = open_with((fake_options){.write = FAKE_NOW, .object_mode = object_mode == 1});
    host->silent = true;
    for (int i = 0; i < 100; i++) fake_write(host, "x", NULL);
    CHECK_EQUAL(weir_ticks_pending(&host->core.ticks), object_mode);
    CHECK_EQUAL(host->core.ticks.now.first == host->core.ticks.now.last, 1);
    CHECK_EQUAL(host->writable->untold, object_mode);
    fake_host_free(host);
  }
}

SPEC("a tick that looks at drain comes also when nobody waits, once") {
  fake_host *host = open_with((fake_options){.mark = 2, .write = FAKE_NOW});
  for (int i = 0; i < 2; i++) {
    fake_cork(host);
    fake_write(host, "ab", NULL);
    fake_write(host, "c", NULL);
    fake_uncork(host);
    fake_run(host);
    CHECK_LOG(host, "false false write(ab) write(c) | drain");
  }
  fake_host_free(host);
}

static void write_more_in_callback(fake_host *host) {
  fake_write(host, "y", "f");
}

SPEC("a batch of callbacks that is being told takes no more: the next comes on a tick of its own") {
  fake_host *host = open_with((fake_options){.write = FAKE_NOW});
  fake_write(host, "x", "f");
  fake_write(host, "x", "f");
  fake_log(host);
  fake_on(host, "f", write_more_in_callback);
  fake_tick(host, "tick");
  fake_run(host);
  CHECK_LOG(host, "| f write(y) true f tick f");
  fake_host_free(host);
}

/* --- a sink that answers later ---------------------------------------------------------------- */

SPEC("a chunk of exactly the mark asks to slow down; drain comes before its callback [3]") {
  fake_host *host = open_with((fake_options){.mark = 3});
  fake_write(host, "abc", "A");
  CHECK(weir_writable_needs_drain(host->writable));
  fake_tick(host, "tick");
  fake_run(host);
  fake_answer(&sink, NULL);
  CHECK_LOG(host, "write(abc) false | tick drain A");
  CHECK(!weir_writable_needs_drain(host->writable));
  fake_host_free(host);
}

SPEC("the next chunk goes to the sink before anyone is told; drain comes once, when empty [4]") {
  fake_host *host = open_with((fake_options){.mark = 4});
  fake_write(host, "aaa", "A");
  fake_write(host, "b", "B");
  fake_write(host, "cc", "C");
  CHECK_LOG(host, "write(aaa) true false false");
  fake_answer(&sink, NULL);
  CHECK_LOG(host, "write(b) A");
  CHECK_EQUAL(host->writable->length, 3);
  fake_answer(&sink, NULL);
  CHECK_LOG(host, "write(cc) B");
  CHECK_EQUAL(host->writable->length, 2);
  fake_answer(&sink, NULL);
  CHECK_LOG(host, "drain C");
  CHECK_EQUAL(host->writable->length, 0);
  fake_host_free(host);
}

static void write_z_on_drain(fake_host *host) {
  fake_write(host, "z", "Z");
}

SPEC("a write in a drain listener reaches the sink before the callback that drained [7]") {
  fake_host *host = open_with((fake_options){.mark = 1});
  fake_write(host, "a", "A");
  fake_on(host, "drain", write_z_on_drain);
  fake_answer(&sink, NULL);
  CHECK_LOG(host, "write(a) false drain write(z) false A");
  fake_answer(&sink, NULL);
  CHECK_LOG(host, "drain Z");
  fake_host_free(host);
}

SPEC("an answer that comes later is told at once, those that come with it on a tick [8]") {
  fake_host *host = open_with((fake_options){.mark = 2});
  fake_write(host, "a", "A");
  fake_write(host, "b", "B");
  fake_write(host, "c", "C");
  fake_log(host);
  sink.write = FAKE_NOW;
  fake_answer(&sink, NULL);
  CHECK_LOG(host, "write(b) write(c) drain A");
  fake_run(host);
  CHECK_LOG(host, "| B C");
  fake_host_free(host);
}

SPEC("data accepted before the tick of drain puts drain off [9]") {
  fake_host *host = open_with((fake_options){.mark = 1, .write = FAKE_NOW});
  fake_cork(host);
  fake_write(host, "a", "A");
  fake_uncork(host);
  sink.write = FAKE_LATER;
  fake_write(host, "b", "B");
  CHECK_LOG(host, "false write(a) write(b) false");
  fake_run(host);
  CHECK_LOG(host, "| A");
  fake_answer(&sink, NULL);
  CHECK_LOG(host, "drain B");
  fake_host_free(host);
}

SPEC("with a low mark drain comes when the length falls to it") {
  fake_host *host = open_with((fake_options){.mark = 4, .low_mark = 2});
  fake_write(host, "aa", "A");
  fake_write(host, "bb", "B");
  fake_log(host);
  fake_answer(&sink, NULL);
  CHECK_LOG(host, "write(bb) drain A");
  CHECK_EQUAL(host->writable->length, 2);
  fake_answer(&sink, NULL);
  CHECK_LOG(host, "B");
  fake_host_free(host);
}

/* --- batches ---------------------------------------------------------------------------------- */

SPEC("what gathered behind a chunk leaves as one batch, told in the order of the writes") {
  fake_host *host = open_with((fake_options){.batches = true});
  const char *texts[] = {"a", "b", "c", "d"}, *names[] = {"A", "B", NULL, "D"};
  for (int i = 0; i < 4; i++) fake_write(host, texts[i], names[i]);
  CHECK_LOG(host, "write(a) true true true true");
  fake_answer(&sink, NULL);
  CHECK_LOG(host, "writev(b,c,d) A");
  fake_answer(&sink, NULL);
  CHECK_LOG(host, "B D");
  fake_host_free(host);
}

SPEC("a batch that is answered at once is told on one tick, and shares it with nobody") {
  fake_host *host = open_with((fake_options){.batches = true, .write = FAKE_NOW});
  fake_cork(host);
  fake_write(host, "a", "f");
  fake_write(host, "b", "f");
  fake_uncork(host);
  CHECK_LOG(host, "true true writev(a,b)");
  fake_write(host, "c", "f");
  fake_write(host, "d", "f");
  fake_cork(host);
  fake_write(host, "e", "g");
  fake_write(host, "h", NULL);
  fake_uncork(host);
  fake_run(host);
  CHECK_LOG(host, "write(c) true write(d) true true true writev(e,h) | f f f f g");
  fake_host_free(host);
}

SPEC("one corked chunk is a write, not a batch") {
  fake_host *host = open_with((fake_options){.batches = true});
  fake_cork(host);
  fake_write(host, "a", NULL);
  fake_uncork(host);
  CHECK_LOG(host, "true write(a)");
  fake_answer(&sink, NULL);
  fake_host_free(host);
}

SPEC("a batch that fails tells each of its writers the same error, then those behind it") {
  fake_host *host = open_with((fake_options){.batches = true});
  fake_cork(host);
  fake_write(host, "a", "A");
  fake_write(host, "b", "B");
  fake_uncork(host);
  fake_write(host, "c", "C");
  fake_log(host);
  fake_answer(&sink, "X");
  fake_run(host);
  CHECK_LOG(host, "A(X) B(X) C(X) | error(X) close");
  CHECK_EQUAL(host->writable->length, 0);
  fake_host_free(host);
}

/* --- writes from inside the sink -------------------------------------------------------------- */

static void write_n_in_write_a(fake_host *host) {
  fake_write(host, "n", "N");
}

SPEC("a write from inside the sink waits its turn, and its callback too [Q-01]") {
  fake_host *host = open_with((fake_options){.write = FAKE_NOW});
  fake_on(host, "write(a)", write_n_in_write_a);
  fake_write(host, "a", "A");
  fake_run(host);
  CHECK_LOG(host, "write(a) true write(n) true | A N");
  fake_host_free(host);
}

static void write_n_after_answer(fake_host *host) {
  fake_write(host, "n", "N");
}

SPEC("a write from inside the sink after its answer does not overtake the queue [Q-02]") {
  fake_host *host = open_with((fake_options){.write = FAKE_NOW});
  fake_cork(host);
  fake_write(host, "a", "A");
  fake_write(host, "b", "B");
  fake_on(host, "answered", write_n_after_answer);
  fake_uncork(host);
  fake_run(host);
  CHECK_LOG(host, "true true write(a) true write(b) write(n) | A B N");
  fake_host_free(host);
}

static void write_n_in_batch(fake_host *host) {
  fake_write(host, "n", "N");
}

SPEC("a write from inside a batch is not lost [Q-21]") {
  fake_host *host = open_with((fake_options){.batches = true, .write = FAKE_NOW});
  fake_cork(host);
  fake_write(host, "a", "A");
  fake_write(host, "b", "B");
  fake_on(host, "writev(a,b)", write_n_in_batch);
  fake_uncork(host);
  fake_run(host);
  CHECK_LOG(host, "true true writev(a,b) true write(n) | A B N");
  CHECK_EQUAL(host->writable->length, 0);
  fake_host_free(host);
}

static void cork_in_write_a(fake_host *host) {
  fake_cork(host);
}

SPEC("a cork from inside the sink does not stop the flush that has begun [X-045]") {
  fake_host *host = open_with((fake_options){.write = FAKE_NOW});
  fake_cork(host);
  fake_write(host, "a", NULL);
  fake_write(host, "b", NULL);
  fake_on(host, "write(a)", cork_in_write_a);
  fake_uncork(host);
  fake_write(host, "c", NULL);
  CHECK_LOG(host, "true true write(a) write(b) true");
  fake_uncork(host);
  CHECK_LOG(host, "write(c)");
  fake_host_free(host);
}

/* --- failures --------------------------------------------------------------------------------- */

SPEC("a later failure: its callback, those queued, then error and close on a tick [16]") {
  fake_host *host = open_with((fake_options){0});
  fake_write(host, "a", "A");
  fake_write(host, "b", "B");
  fake_write(host, "c", "C");
  fake_log(host);
  fake_answer(&sink, "X");
  fake_run(host);
  CHECK_LOG(host, "A(X) B(X) C(X) | error(X) close");
  fake_host_free(host);
}

SPEC("a failure at once is told on a tick, also to those that came behind it [17]") {
  fake_host *host = open_with((fake_options){.write = "X"});
  fake_write(host, "a", "A");
  CHECK(!weir_writable_is_writable(host->writable));
  fake_write(host, "b", "B");
  fake_end(host, NULL, "E");
  CHECK_EQUAL(host->writable->writer, WEIR_OPEN);
  fake_run(host);
  CHECK_LOG(host, "write(a) false false | A(X) B(X) E(X) error(X) close");
  fake_host_free(host);
}

SPEC("a failure at once stops the flush: the rest fails with it and is not written [18, Q-03]") {
  fake_host *host = open_with((fake_options){.write = "X"});
  fake_cork(host);
  fake_write(host, "a", "A");
  fake_write(host, "b", "B");
  fake_write(host, "c", "C");
  fake_uncork(host);
  fake_run(host);
  CHECK_LOG(host, "true true true write(a) | A(X) B(X) C(X) error(X) close");
  fake_host_free(host);
}

SPEC("without auto_destroy a failure tells the same, but there is no close [19]") {
  fake_host *host = open_with((fake_options){.write = "X", .survives = true});
  fake_cork(host);
  fake_write(host, "a", "A");
  fake_write(host, "b", "B");
  fake_uncork(host);
  fake_run(host);
  CHECK_LOG(host, "true true write(a) | A(X) B(X) error(X)");
  CHECK_EQUAL(host->stream->life, WEIR_ALIVE);
  fake_host_free(host);
}

static void write_in_failed_callback(fake_host *host) {
  fake_write(host, "n", "N");
}

SPEC("a write from inside a failed write's callback fails with it, before the error [X-014]") {
  fake_host *host = open_with((fake_options){0});
  fake_write(host, "a", "A");
  fake_write(host, "b", "B");
  fake_on(host, "A(X)", write_in_failed_callback);
  fake_log(host);
  fake_answer(&sink, "X");
  fake_run(host);
  CHECK_LOG(host, "A(X) false B(X) N(X) | error(X) close");
  CHECK_EQUAL(host->writable->length, 0);
  fake_host_free(host);
}

SPEC("a failed write's callback comes even if destroy() came first, and wins over the error") {
  fake_host *host = open_with((fake_options){.write = "X"});
  fake_write(host, "a", "A");
  fake_destroy(host, NULL);
  fake_run(host);
  CHECK_LOG(host, "write(a) false | A(X) close");
  CHECK_STRING(fake_error_name(host, host->stream->error), "X");
  fake_host_free(host);
}

/* --- the sink's own mistakes ------------------------------------------------------------------ */

SPEC("an answer given twice keeps the first, and is an error [31]") {
  fake_host *host = open_with((fake_options){.write = FAKE_NOW});
  sink.times = 2;
  fake_write(host, "a", "A");
  fake_run(host);
  CHECK_LOG(host, "write(a) false | A error(MULTIPLE_CALLBACK) close");
  fake_host_free(host);
}

SPEC("a second answer never answers the next operation [Q-07]") {
  fake_host *host = open_with((fake_options){.survives = true});
  fake_write(host, "a", "A");
  uint64_t first = sink.operation;
  fake_answer(&sink, NULL);
  fake_write(host, "b", "B");
  fake_log(host);
  fake_answer_to(&sink, first, NULL);
  CHECK_LOG(host, "error(MULTIPLE_CALLBACK)");
  CHECK_EQUAL(host->writable->length, 1);
  fake_answer(&sink, NULL);
  CHECK_LOG(host, "B");
  fake_host_free(host);
}

SPEC("what the sink raises is its answer [Q-09]") {
  fake_host *host = open_with((fake_options){.write = "X"});
  sink.raises = true;
  fake_write(host, "a", "A");
  fake_run(host);
  CHECK_LOG(host, "write(a) false | A(X) error(X) close");
  fake_host_free(host);
}

SPEC("what the sink raises after its answer is an error, and the answer stands") {
  fake_host *host = open_with((fake_options){.write = FAKE_NOW});
  sink.raises_after = "X";
  fake_write(host, "a", "A");
  fake_run(host);
  CHECK_LOG(host, "write(a) false | A error(X) close");
  fake_host_free(host);
}

SPEC("without auto_destroy a second answer inside write() fails the rest after the first") {
  fake_host *host = open_with((fake_options){.write = FAKE_NOW, .survives = true});
  fake_cork(host);
  fake_write(host, "a", "A");
  fake_write(host, "b", "B");
  sink.times = 2;
  fake_uncork(host);
  fake_run(host);
  CHECK_LOG(host, "true true write(a) error(MULTIPLE_CALLBACK) | A B(MULTIPLE_CALLBACK)");
  CHECK_EQUAL(host->writable->length, 0);
  fake_host_free(host);
}

int main(int argc, char **argv) {
  return check_main(argc, argv);
}
