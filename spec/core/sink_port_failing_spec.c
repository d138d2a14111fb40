/* sink_port_failing_spec.c - a sink of bytes that fails, or is stopped by destroy(): what was
** written is told success, the rest the error, in order, and nothing is lost or counted twice.
** SPDX-License-Identifier: MIT
*/
#include "core/sink.h"

#include "core/writable.h"
#include "support/check.h"
#include "support/fake_sink.h"

static fake_bytes sink;

static fake_host *open_with(fake_options options) {
  return fake_bytes_new(&sink, options);
}

static void destroy(fake_host *host) {
  fake_destroy(host, NULL);
}
static void write_n(fake_host *host) {
  fake_write(host, "n", "N");
}

/* What has gathered leaves now. */
static void flush(fake_host *host) {
  fake_cork(host);
  fake_uncork(host);
}

/* --- failing ---------------------------------------------------------------------------------- */

SPEC("a sink that fails midway: what it wrote is told success, the rest the error, in order") {
  fake_host *host = open_with((fake_options){.close = FAKE_NOW});
  fake_write(host, "ab", "A");
  fake_write(host, "cd", "B");
  fake_write(host, "ef", NULL);
  fake_write(host, "gh", "C");
  fake_end(host, NULL, "E");
  sink.room = 7;
  fake_run(host);
  fake_log(host);
  fake_bytes_write_quietly(&sink, 3);
  fake_bytes_fail(&sink, "X");
  fake_run(host);
  CHECK_LOG(host, "A B(X) C(X) E(X) destroy(X) | error(X) close");
  CHECK_EQUAL(host->writable->length, 0);
  CHECK_STRING(sink.delivered, "abc");
  fake_host_free(host);
}

SPEC(
    "without auto_destroy a failed sink leaves the stream alive, of no use, and its length right") {
  fake_host *host = open_with((fake_options){.survives = true});
  fake_write(host, "abcd", "A");
  fake_write(host, "ef", NULL);
  fake_run(host);
  fake_bytes_write(&sink, 3);
  fake_log(host);
  fake_bytes_fail(&sink, "X");
  CHECK_LOG(host, "A(X) error(X)");
  CHECK_EQUAL(host->writable->length, 0);
  fake_write(host, "g", "B");
  fake_run(host);
  CHECK_LOG(host, "refused(X) | B(X)");
  CHECK_EQUAL(host->writable->length, 0);
  fake_host_free(host);
}

SPEC("a sink that fails from within submit is told of on a tick, never inside write()") {
  fake_host *host = open_with((fake_options){.mark = 2, .close = FAKE_NOW});
  sink.failure = "X";
  fake_write(host, "a", "A");
  flush(host);
  sink.fails_inside = true;
  fake_write(host, "bc", "B");
  CHECK_LOG(host, "true take(a) destroy(X) false");
  fake_run(host);
  CHECK_LOG(host, "| A(X) B(X) error(X) close");
  fake_host_free(host);

  host = open_with((fake_options){.mark = 2, .survives = true});
  sink.failure = "X";
  sink.fails_inside = true;
  fake_write(host, "bc", "B");
  fake_write(host, "d", "D");
  fake_run(host);
  CHECK_LOG(host, "false false | B(X) D(X) error(X)");
  fake_host_free(host);
}

SPEC("what a sink wrote before it failed from within submit is told success") {
  fake_host *host = open_with((fake_options){.mark = 2, .close = FAKE_NOW});
  fake_write(host, "a", "A");
  flush(host);
  fake_bytes_write_quietly(&sink, 1);
  sink.failure = "X";
  sink.fails_inside = true;
  fake_write(host, "bc", "B");
  fake_run(host);
  CHECK_LOG(host, "true take(a) destroy(X) false | A B(X) error(X) close");
  fake_host_free(host);
}

SPEC("after its error a stream says no drain, though one was owed") {
  fake_host *host = open_with((fake_options){.mark = 2, .survives = true});
  sink.writes_inside = true;
  fake_write(host, "ab", "A");
  fake_bytes_fail(&sink, "X");
  fake_run(host);
  CHECK_LOG(host, "take(ab) false A error(X) |");
  fake_host_free(host);
}

SPEC("a write from a failed write's callback fails too, before the error") {
  fake_host *host = open_with((fake_options){.close = FAKE_NOW});
  fake_write(host, "a", "A");
  fake_write(host, "b", "B");
  fake_run(host);
  fake_log(host);
  fake_on(host, "A(X)", write_n);
  fake_bytes_fail(&sink, "X");
  fake_run(host);
  CHECK_LOG(host, "A(X) false B(X) N(X) destroy(X) | error(X) close");
  CHECK_EQUAL(host->writable->length, 0);
  fake_host_free(host);
}

/* --- destroyed -------------------------------------------------------------------------------- */

SPEC("destroy() in flight: the sink stops first, what it wrote by then is told success") {
  fake_host *host = open_with((fake_options){.close = FAKE_LATER});
  fake_write(host, "ab", "A");
  fake_write(host, "cd", "B");
  fake_write(host, "ef", "C");
  sink.room = 5;
  fake_run(host);
  fake_log(host);
  fake_destroy(host, "D");
  fake_run(host);
  CHECK_LOG(host, "destroy(D) |");
  fake_bytes_write_quietly(&sink, 3);
  fake_bytes_stop(&sink);
  fake_closed(&sink.sink, NULL);
  fake_run(host);
  CHECK_LOG(host, "| A B(D) C(D) close");
  CHECK_EQUAL(host->writable->length, 0);
  fake_host_free(host);
}

SPEC("destroy() while the sink has part of a chunk: the chunk fails when the sink has stopped") {
  fake_host *host = open_with((fake_options){.close = FAKE_LATER});
  sink.room = 2;
  fake_write(host, "abcd", "A");
  fake_run(host);
  CHECK_LOG(host, "true | take(ab) full");
  fake_destroy(host, NULL);
  fake_run(host);
  CHECK_LOG(host, "destroy |");
  fake_bytes_write_quietly(&sink, 1);
  fake_bytes_stop(&sink);
  fake_closed(&sink.sink, NULL);
  fake_run(host);
  CHECK_LOG(host, "| A(DESTROYED) close");
  CHECK_EQUAL(host->writable->length, 0);
  fake_host_free(host);
}

SPEC("destroy() calls nobody before it returns, also when the sink stops at once") {
  fake_host *host = open_with((fake_options){.close = FAKE_NOW});
  fake_write(host, "ab", "A");
  flush(host);
  fake_write(host, "cd", "B");
  fake_log(host);
  fake_destroy(host, NULL);
  CHECK_LOG(host, "destroy");
  CHECK_EQUAL(host->writable->length, 4);
  fake_run(host);
  CHECK_LOG(host, "| A(DESTROYED) B(DESTROYED) close");
  fake_host_free(host);
}

SPEC("destroy() from inside submit is the end of it: no more is submitted, all are told") {
  const char *scripts[] = {FAKE_ABSENT, FAKE_NOW, FAKE_LATER};
  for (int i = 0; i < 3; i++) {
    fake_host *host = open_with((fake_options){.close = scripts[i]});
    sink.bite = 2;
    fake_write(host, "ab", "A");
    fake_write(host, "cd", "B");
    fake_on(host, "take(ab)", destroy);
    fake_run(host);
    CHECK_EQUAL(sink.submits, 1);
    if (i == 0) fake_bytes_write(&sink, 2);
    if (i == 2) fake_bytes_stop(&sink);
    if (i == 2) fake_closed(&sink.sink, NULL);
    fake_run(host);
    CHECK_EQUAL(host->owed['A'] + host->owed['B'], 0);
    CHECK_EQUAL(host->writable->length, 0);
    fake_host_free(host);
  }
}

SPEC("progress after destroy() tells what was written, and gives the sink nothing more") {
  fake_host *host = open_with((fake_options){.close = FAKE_LATER});
  fake_write(host, "ab", "A");
  fake_write(host, "cd", "B");
  sink.room = 2;
  fake_run(host);
  fake_log(host);
  fake_destroy(host, NULL);
  sink.room = 9;
  fake_bytes_write(&sink, 2);
  fake_bytes_stop(&sink);
  fake_closed(&sink.sink, NULL);
  fake_run(host);
  CHECK_LOG(host, "destroy A B(DESTROYED) | close");
  fake_host_free(host);
}

SPEC("after close the sink is asked nothing, though callbacks still wait") {
  fake_host *host = open_with((fake_options){.mark = 2, .close = FAKE_NOW});
  sink.writes_inside = true;
  fake_write(host, "ab", "A");
  fake_write(host, "cd", "B");
  fake_destroy(host, NULL);
  fake_run(host);
  CHECK_LOG(host, "take(ab) false take(cd) false destroy | A B close");
  fake_host_free(host);
}

SPEC("a sink that needs no close is told of by what it wrote, also after destroy()") {
  fake_host *host = open_with((fake_options){.mark = 2});
  sink.writes_inside = true;
  fake_write(host, "ab", "A");
  fake_write(host, "cd", "B");
  fake_destroy(host, NULL);
  fake_run(host);
  CHECK_LOG(host, "take(ab) false take(cd) false | A B close");
  fake_host_free(host);

  host = open_with((fake_options){.mark = 2});
  fake_write(host, "ab", "A");
  fake_destroy(host, NULL);
  fake_run(host);
  fake_bytes_write(&sink, 2);
  CHECK_LOG(host, "take(ab) false | close A");
  fake_host_free(host);
}

SPEC("destroy() from a callback fails the rest, and the length stays right") {
  fake_host *host = open_with((fake_options){.close = FAKE_NOW});
  fake_write(host, "ab", "A");
  fake_write_borrowed(host, "lent", NULL);
  fake_cork(host);
  fake_write(host, "cd", "B");
  fake_uncork(host);
  fake_log(host);
  fake_cork(host);
  fake_write(host, "ef", "C");
  fake_on(host, "A", destroy);
  fake_bytes_write(&sink, 6);
  fake_run(host);
  CHECK_LOG(host, "true A destroy B(DESTROYED) C(DESTROYED) | close");
  CHECK_EQUAL(host->writable->length, 0);
  fake_host_free(host);
}

SPEC("a stream that is let go with callbacks due gives them back, and tells nobody") {
  fake_host *host = open_with((fake_options){.mark = 2, .max_buffered = 3});
  host->leaves_untold = true;
  fake_write(host, "ab", "A");
  fake_run(host);
  fake_bytes_write_quietly(&sink, 2);
  fake_write(host, "cdef", NULL); /* finds that ab was written */
  fake_host_drop(host);
  CHECK_LOG(host, "take(ab) false | refused(ENOBUFS)");
  CHECK(host->stream == NULL);
  fake_host_free(host);
}

int main(int argc, char **argv) {
  return check_main(argc, argv);
}
