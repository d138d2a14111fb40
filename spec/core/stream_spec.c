/* stream_spec.c - the life of a stream: destruction, close, the first error, references. The
** numbers are those of the logs in semantics.md, 9.2. (Opening: stream_open_spec.c.)
** SPDX-License-Identifier: MIT
*/
#include "core/stream.h"

#include "core/writable.h"
#include "support/check.h"
#include "support/fake_sink.h"

static fake_chunks sink;

static fake_host *open_with(fake_options options) {
  return fake_chunks_new(&sink, options);
}

static void destroy(fake_host *host) {
  fake_destroy(host, NULL);
}
static void drop(fake_host *host) {
  fake_host_drop(host);
}

/* --- destruction ------------------------------------------------------------------------------ */

SPEC("destroy() closes the sink at once, and says close on a tick") {
  fake_host *host = open_with((fake_options){.close = FAKE_NOW});
  fake_destroy(host, NULL);
  CHECK_EQUAL(host->stream->life, WEIR_CLOSED);
  CHECK(!weir_writable_is_writable(host->writable));
  CHECK(weir_writable_is_aborted(host->writable));
  fake_run(host);
  CHECK_LOG(host, "destroy | close");
  fake_host_free(host);
}

SPEC("destroy() with an error says error, then close, on one tick [26]") {
  fake_host *host = open_with((fake_options){.close = FAKE_NOW});
  fake_destroy(host, "D");
  fake_tick(host, "tick");
  fake_run(host);
  CHECK_LOG(host, "destroy(D) | error(D) close tick");
  fake_host_free(host);
}

SPEC("a second destroy() does nothing, and its error is dropped [W-157]") {
  fake_host *host = open_with((fake_options){.close = FAKE_LATER});
  fake_destroy(host, "D");
  fake_destroy(host, "D2");
  fake_run(host);
  CHECK_LOG(host, "destroy(D) |");
  fake_closed(&sink.sink, NULL);
  fake_destroy(host, "D3");
  fake_run(host);
  CHECK_LOG(host, "| close");
  CHECK_STRING(fake_error_name(host, host->stream->error), "D");
  fake_host_free(host);
}

SPEC("a write on a destroyed stream is refused, and its callback comes behind close [25]") {
  fake_host *host = open_with((fake_options){0});
  fake_destroy(host, NULL);
  fake_write(host, "x", "A");
  fake_run(host);
  CHECK_LOG(host, "refused(DESTROYED) | close A(DESTROYED)");
  fake_host_free(host);
}

SPEC("an operation in the sink is told its own result, those behind it the error [27]") {
  fake_host *host = open_with((fake_options){0});
  fake_write(host, "a", "A");
  fake_write(host, "b", "B");
  fake_end(host, NULL, "E");
  fake_destroy(host, "D");
  fake_run(host);
  CHECK_LOG(host, "write(a) true true | error(D) close");
  CHECK_EQUAL(host->writable->length, 2);
  fake_answer(&sink, NULL);
  CHECK_LOG(host, "A B(D) E(D)");
  CHECK_EQUAL(host->writable->length, 0);
  fake_host_free(host);
}

SPEC("an operation that fails after destroy() is told its own error, which is no event") {
  fake_host *host = open_with((fake_options){0});
  fake_write(host, "a", "A");
  fake_write(host, "b", "B");
  fake_destroy(host, NULL);
  fake_run(host);
  fake_answer(&sink, "W");
  fake_run(host);
  CHECK_LOG(host, "write(a) true true | close A(W) B(W) |");
  CHECK_STRING(fake_error_name(host, host->stream->error), "W");
  fake_host_free(host);
}

SPEC("chunks that only wait are told on the tick before error and close [28, X-032]") {
  fake_host *host = open_with((fake_options){0});
  fake_cork(host);
  fake_write(host, "a", "A");
  fake_write(host, "b", NULL);
  fake_write(host, "c", "C");
  fake_destroy(host, "D");
  CHECK_EQUAL(host->writable->length, 3);
  fake_run(host);
  CHECK_LOG(host, "true true true | A(D) C(D) error(D) close");
  CHECK_EQUAL(host->writable->length, 0);
  fake_host_free(host);
}

SPEC(
    "without an error those that wait are told that the stream was destroyed, as write or as end") {
  fake_host *host = open_with((fake_options){0});
  fake_cork(host);
  fake_write(host, "a", "A");
  fake_destroy(host, NULL);
  fake_end(host, NULL, "E");
  fake_run(host);
  CHECK_LOG(host, "true | A(DESTROYED) close E(DESTROYED)");
  fake_host_free(host);
}

SPEC("destroy() from inside the sink stops the flush; the rest is told after the answer [X-031]") {
  fake_host *host = open_with((fake_options){.write = FAKE_NOW});
  fake_cork(host);
  fake_write(host, "a", "A");
  fake_write(host, "b", "B");
  fake_write(host, "c", "C");
  fake_on(host, "write(a)", destroy);
  fake_uncork(host);
  fake_run(host);
  CHECK_LOG(host, "true true true write(a) | close A B(DESTROYED) C(DESTROYED)");
  fake_host_free(host);
}

SPEC("destroy() from inside the sink tells the rest also when nobody waits for that chunk") {
  fake_host *host = open_with((fake_options){.write = FAKE_NOW});
  fake_cork(host);
  fake_write(host, "a", NULL);
  fake_write(host, "b", "B");
  fake_on(host, "write(a)", destroy);
  fake_uncork(host);
  fake_run(host);
  CHECK_LOG(host, "true true write(a) | close B(DESTROYED)");
  fake_host_free(host);
}

SPEC("destroy() from a callback leaves the chunk in the sink alone and fails the rest after it") {
  fake_host *host = open_with((fake_options){0});
  fake_write(host, "a", "A");
  fake_write(host, "b", "B");
  fake_write(host, "c", "C");
  fake_on(host, "A", destroy);
  fake_answer(&sink, NULL);
  fake_run(host);
  CHECK_LOG(host, "write(a) true true true write(b) A | close");
  fake_answer(&sink, NULL);
  CHECK_LOG(host, "B C(DESTROYED)");
  fake_host_free(host);
}

SPEC("destroy() from drain still tells the write that drained") {
  fake_host *host = open_with((fake_options){.mark = 1});
  fake_write(host, "a", "A");
  fake_on(host, "drain", destroy);
  fake_answer(&sink, NULL);
  fake_run(host);
  CHECK_LOG(host, "write(a) false drain A | close");
  fake_host_free(host);
}

SPEC("after destroy() the first tick fails all that waits, before later callbacks [Q-19]") {
  fake_host *host = open_with((fake_options){.write = FAKE_NOW});
  fake_write(host, "a", "A");
  fake_write(host, "b", "B");
  fake_cork(host);
  fake_write(host, "c", "C");
  fake_destroy(host, NULL);
  fake_run(host);
  CHECK_LOG(host, "write(a) true write(b) true true | A C(DESTROYED) B close");
  fake_host_free(host);
}

SPEC("without emit_close the stream closes in silence, and still says its error [X-036]") {
  fake_host *host = open_with((fake_options){.close = FAKE_NOW, .closes_silent = true});
  fake_destroy(host, "D");
  fake_run(host);
  CHECK_LOG(host, "destroy(D) | error(D)");
  CHECK_EQUAL(host->stream->life, WEIR_CLOSED);
  fake_host_free(host);
}

/* --- the sink's close ------------------------------------------------------------------------- */

SPEC("the sink's close decides what is told: nothing, or another error [W-153, W-156]") {
  fake_host *host = open_with((fake_options){.close = FAKE_SILENT});
  fake_destroy(host, "D");
  fake_run(host);
  CHECK_LOG(host, "destroy(D) | close");
  CHECK_STRING(fake_error_name(host, host->stream->error), "D");
  fake_host_free(host);

  host = open_with((fake_options){.close = "K"});
  fake_destroy(host, NULL);
  fake_run(host);
  CHECK_LOG(host, "destroy | error(K) close");
  fake_host_free(host);
}

SPEC("a close answered twice counts once") {
  fake_host *host = open_with((fake_options){.close = FAKE_LATER});
  fake_destroy(host, NULL);
  weir_stream_closed(host->stream, NULL);
  fake_closed(&sink.sink, "K");
  fake_run(host);
  CHECK_LOG(host, "destroy | close");
  CHECK(host->stream->error == NULL);
  fake_host_free(host);
}

SPEC("while the sink closes, the stream is destroyed and not closed, and refuses writes") {
  fake_host *host = open_with((fake_options){.close = FAKE_LATER});
  fake_destroy(host, NULL);
  CHECK_EQUAL(host->stream->life, WEIR_DESTROYED);
  fake_write(host, "x", "A");
  fake_run(host);
  CHECK_LOG(host, "destroy refused(DESTROYED) | A(DESTROYED)");
  fake_closed(&sink.sink, NULL);
  CHECK_EQUAL(host->stream->life, WEIR_CLOSED);
  fake_run(host);
  CHECK_LOG(host, "| close");
  fake_host_free(host);
}

static void answer_close_of_a_live_stream(void) {
  open_with((fake_options){0});
  weir_stream_closed(sink.sink.host->stream, NULL);
}

SPEC("a sink that was not asked to close cannot say that it is closed") {
  CHECK_ABORTS(answer_close_of_a_live_stream);
}

/* --- errors ----------------------------------------------------------------------------------- */

SPEC(
    "without auto_destroy the first error stays, is told once, and a later destroy() only closes") {
  fake_host *host = open_with((fake_options){.survives = true});
  fake_write(host, "a", NULL);
  fake_write(host, "b", "B");
  fake_answer(&sink, "X");
  fake_answer_to(&sink, sink.operation, "Y");
  CHECK_LOG(host, "write(a) true true B(X) error(X)");
  fake_destroy(host, "D");
  fake_run(host);
  CHECK_LOG(host, "| close");
  CHECK_STRING(fake_error_name(host, host->stream->error), "X");
  fake_host_free(host);
}

static void fail_without_error(void) {
  weir_stream_fail(open_with((fake_options){0})->stream, NULL, false);
}

SPEC("a failure without an error is an impossible state") {
  CHECK_ABORTS(fail_without_error);
}

/* --- references ------------------------------------------------------------------------------- */

SPEC("the stream lives while ticks are queued, though its owner let go") {
  fake_host *host = open_with((fake_options){.write = FAKE_NOW});
  CHECK(!weir_stream_is_busy(host->stream));
  fake_write(host, "a", "A");
  CHECK(weir_stream_is_busy(host->stream));
  fake_host_drop(host);
  CHECK(host->stream != NULL);
  fake_run(host);
  CHECK(host->stream == NULL);
  CHECK_LOG(host, "write(a) true | A");
  fake_host_free(host);
}

SPEC("the owner may let go inside any callback that comes from the sink or from a tick") {
  const char *words[] = {"drain", "A", "prefinish", "E", "finish", "close"};
  for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
    fake_host *host = open_with((fake_options){.mark = 1, .close = FAKE_NOW});
    fake_write(host, "a", "A");
    if (i > 0) fake_end(host, NULL, "E");
    fake_on(host, words[i], drop);
    fake_answer(&sink, NULL);
    fake_run(host);
    CHECK(host->stream == NULL);
    fake_host_free(host);
  }
}

SPEC("the owner hears when nothing works for the stream any more") {
  fake_host *host = open_with((fake_options){0});
  fake_write(host, "a", NULL);
  CHECK_EQUAL(host->idles, 0);
  fake_answer(&sink, NULL);
  CHECK_EQUAL(host->idles, 1);
  fake_host_free(host);
}

SPEC("a stream that was destroyed while it opened may be let go before the sink answers") {
  fake_host *host = open_with((fake_options){.open = FAKE_LATER});
  fake_run(host);
  fake_destroy(host, "D");
  fake_run(host);
  weir_stream_release(host->stream); /* the sink is gone: it will not answer */
  fake_host_drop(host);
  CHECK(host->stream == NULL);
  CHECK_LOG(host, "| construct |");
  fake_host_free(host);
}

SPEC("a stream that is let go gives back what it still has, and tells nobody") {
  fake_host *host = open_with((fake_options){.batches = true});
  host->leaves_untold = true;
  fake_write(host, "a", "A");
  fake_write(host, "b", "B");
  fake_end(host, NULL, "E");
  fake_log(host);
  weir_stream_release(host->stream); /* the sink is gone: it will not answer */
  fake_host_drop(host);
  CHECK(host->stream == NULL);
  CHECK_LOG(host, "");
  fake_host_free(host);
}

static void release_once_too_often(void) {
  weir_stream stream = {.references = 0};
  weir_stream_release(&stream);
}

SPEC("a release without a reference is an impossible state") {
  CHECK_ABORTS(release_once_too_often);
}

int main(int argc, char **argv) {
  return check_main(argc, argv);
}
