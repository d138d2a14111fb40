/* writable_end_spec.c - when a stream finishes, who is told, and what becomes of the end when it
** cannot be kept. The numbers are those of the logs in semantics.md, 9.2.
** SPDX-License-Identifier: MIT
*/
#include <string.h>

#include "core/writable.h"
#include "support/check.h"
#include "support/fake_sink.h"

static fake_chunks sink;

static fake_host *open_with(fake_options options) {
  return fake_chunks_new(&sink, options);
}

static void end(fake_host *host) {
  fake_end(host, NULL, "F");
}
static void destroy(fake_host *host) {
  fake_destroy(host, NULL);
}
static void destroy_d(fake_host *host) {
  fake_destroy(host, "D");
}
static void write_n(fake_host *host) {
  fake_write(host, "n", "N");
}

/* --- finishing -------------------------------------------------------------------------------- */

SPEC("prefinish comes inside end(), the end's callback before finish, close a tick later [12]") {
  fake_host *host = open_with((fake_options){0});
  fake_end(host, NULL, "E");
  fake_on(host, "finish", end);
  fake_tick(host, "tick");
  fake_run(host);
  CHECK_LOG(host, "prefinish | E finish tick F(ALREADY_FINISHED) close");
  fake_host_free(host);
}

SPEC("the sink's end begins before the callbacks of answered writes, finish comes after [10]") {
  fake_host *host = open_with((fake_options){.write = FAKE_NOW});
  fake_write(host, "a", "A");
  fake_end(host, NULL, "E");
  fake_tick(host, "tick");
  fake_run(host);
  CHECK_LOG(host, "write(a) true prefinish | A tick E finish close");
  fake_host_free(host);
}

SPEC("end() with a last chunk writes it, finishes the sink, then closes it [11]") {
  fake_host *host =
      open_with((fake_options){.write = FAKE_NOW, .finish = FAKE_NOW, .close = FAKE_NOW});
  fake_end(host, "z", "E");
  CHECK_EQUAL(host->verdict, WEIR_GO_ON);
  fake_run(host);
  CHECK_LOG(host, "write(z) final prefinish | E finish destroy close");
  CHECK_EQUAL(host->stream->life, WEIR_CLOSED);
  fake_host_free(host);
}

SPEC("a sink that finishes later holds prefinish and finish back [13]") {
  fake_host *host = open_with((fake_options){.finish = FAKE_LATER});
  fake_end(host, NULL, "E");
  fake_run(host);
  CHECK_LOG(host, "final |");
  fake_finished(&sink.sink, NULL);
  fake_run(host);
  CHECK_LOG(host, "prefinish | E finish close");
  fake_host_free(host);
}

SPEC("the end waits for the write that is in the sink [14]") {
  fake_host *host = open_with((fake_options){0});
  fake_write(host, "a", "A");
  fake_end(host, NULL, "E");
  fake_run(host);
  fake_answer(&sink, NULL);
  fake_run(host);
  CHECK_LOG(host, "write(a) true | A prefinish | E finish close");
  fake_host_free(host);
}

SPEC("the sink is finished when its last write is answered, in the same call [15]") {
  fake_host *host = open_with((fake_options){.finish = FAKE_NOW});
  fake_write(host, "a", "A");
  fake_end(host, NULL, "E");
  fake_answer(&sink, NULL);
  fake_run(host);
  CHECK_LOG(host, "write(a) true A final prefinish | E finish close");
  fake_host_free(host);
}

SPEC("an end from inside a write's callback begins at once [37]") {
  fake_host *host = open_with((fake_options){.write = FAKE_NOW});
  fake_write(host, "a", "A");
  fake_on(host, "A", end);
  fake_run(host);
  CHECK_LOG(host, "write(a) true | A prefinish F finish close");
  fake_host_free(host);
}

SPEC("an end from inside the sink waits for its answer [38]") {
  fake_host *host = open_with((fake_options){.write = FAKE_NOW});
  fake_on(host, "write(a)", end);
  fake_write(host, "a", "A");
  fake_run(host);
  CHECK_LOG(host, "write(a) true | A prefinish F finish close");
  fake_host_free(host);
}

SPEC("several ends are told in their order, right before finish") {
  fake_host *host = open_with((fake_options){0});
  fake_write(host, "a", NULL);
  fake_end(host, NULL, "E");
  fake_end(host, NULL, NULL);
  fake_end(host, NULL, "F");
  fake_answer(&sink, NULL);
  fake_run(host);
  CHECK_LOG(host, "write(a) true prefinish | E F finish close");
  CHECK_EQUAL(host->writable->writer, WEIR_FINISHED);
  CHECK(!weir_writable_is_aborted(host->writable));
  fake_host_free(host);
}

SPEC("a chunk of no bytes is written before the stream finishes") {
  fake_host *host = open_with((fake_options){.finish = FAKE_NOW});
  fake_write(host, "a", NULL);
  fake_write(host, "", NULL);
  fake_write(host, "", "B");
  fake_end(host, NULL, "E");
  fake_answer(&sink, NULL);
  CHECK_LOG(host, "write(a) true true true write()");
  fake_answer(&sink, NULL);
  CHECK_LOG(host, "write()");
  fake_answer(&sink, NULL);
  fake_run(host);
  CHECK_LOG(host, "B final prefinish | E finish close");
  fake_host_free(host);
}

SPEC("without auto_destroy the stream stays as it is after finish") {
  fake_host *host = open_with((fake_options){.close = FAKE_NOW, .survives = true});
  fake_end(host, NULL, "E");
  fake_run(host);
  CHECK_LOG(host, "prefinish | E finish");
  CHECK_EQUAL(host->stream->life, WEIR_ALIVE);
  fake_destroy(host, NULL);
  fake_run(host);
  CHECK_LOG(host, "destroy | close");
  fake_host_free(host);
}

SPEC("a cork after end() holds the end back; the flush of uncork() begins it [Q-20]") {
  fake_host *host = open_with((fake_options){0});
  fake_write(host, "a", NULL);
  fake_write(host, "b", NULL);
  fake_end(host, NULL, "E");
  fake_cork(host);
  fake_answer(&sink, NULL);
  sink.write = FAKE_NOW;
  CHECK_LOG(host, "write(a) true true");
  fake_uncork(host);
  fake_run(host);
  CHECK_LOG(host, "write(b) prefinish | E finish close");
  fake_host_free(host);
}

static void end_again(fake_host *host) {
  fake_end(host, NULL, "G");
}

SPEC("an end from inside prefinish is told with the others") {
  fake_host *host = open_with((fake_options){.finish = FAKE_NOW});
  fake_on(host, "prefinish", end_again);
  fake_write(host, "a", NULL);
  fake_end(host, NULL, "E");
  fake_answer(&sink, NULL);
  fake_run(host);
  CHECK_LOG(host, "write(a) true final prefinish | E G finish close");
  fake_host_free(host);
}

/* --- the sink cannot finish ------------------------------------------------------------------- */

SPEC("a sink that fails to finish at once: error, close, then the end's callback [20]") {
  fake_host *host = open_with((fake_options){.finish = "X"});
  fake_end(host, NULL, "E");
  fake_run(host);
  CHECK_LOG(host, "final | error(X) close E(X)");
  CHECK(weir_writable_is_aborted(host->writable));
  fake_host_free(host);
}

SPEC("a sink that fails to finish later: the end's callback, then error and close [21]") {
  fake_host *host = open_with((fake_options){.finish = FAKE_LATER});
  fake_end(host, NULL, "E");
  fake_finished(&sink.sink, "X");
  fake_run(host);
  CHECK_LOG(host, "final E(X) | error(X) close");
  fake_host_free(host);
}

SPEC("without auto_destroy a sink that fails to finish is an error, and no close follows") {
  fake_host *host = open_with((fake_options){.finish = FAKE_LATER, .survives = true});
  fake_end(host, NULL, "E");
  fake_finished(&sink.sink, "X");
  CHECK_LOG(host, "final E(X) error(X)");
  fake_host_free(host);

  host = open_with((fake_options){.finish = "X", .survives = true});
  fake_end(host, NULL, "E");
  fake_run(host);
  CHECK_LOG(host, "final | error(X) E(X)");
  fake_host_free(host);
}

SPEC("a finish answered twice is an error, before or after the stream finished") {
  fake_host *host = open_with((fake_options){.finish = FAKE_LATER, .survives = true});
  fake_end(host, NULL, "E");
  fake_finished(&sink.sink, NULL);
  fake_finished(&sink.sink, NULL);
  fake_run(host);
  CHECK_LOG(host, "final prefinish E(MULTIPLE_CALLBACK) error(MULTIPLE_CALLBACK) |");
  fake_host_free(host);

  host = open_with((fake_options){.finish = FAKE_LATER, .survives = true});
  fake_end(host, NULL, "E");
  fake_finished(&sink.sink, NULL);
  fake_run(host);
  fake_finished(&sink.sink, "X");
  CHECK_LOG(host, "final prefinish | E finish error(X)");
  fake_host_free(host);
}

/* --- writes and ends after the end ------------------------------------------------------------ */

SPEC("a write after end() fails the stream: its callback, the ends, error, close [22]") {
  fake_host *host = open_with((fake_options){0});
  fake_end(host, NULL, "E");
  fake_write(host, "x", "W");
  CHECK_EQUAL(host->stream->life, WEIR_CLOSED);
  fake_run(host);
  CHECK_LOG(host, "prefinish refused(WRITE_AFTER_END) | W(WRITE_AFTER_END) E(WRITE_AFTER_END) "
                  "error(WRITE_AFTER_END) close");
  fake_host_free(host);
}

SPEC("without auto_destroy it tells the same, but there is no close [23, Q-05]") {
  fake_host *host = open_with((fake_options){.survives = true});
  fake_end(host, NULL, "E");
  fake_write(host, "x", "W");
  fake_run(host);
  CHECK_LOG(host, "prefinish refused(WRITE_AFTER_END) | W(WRITE_AFTER_END) E(WRITE_AFTER_END) "
                  "error(WRITE_AFTER_END)");
  fake_host_free(host);
}

SPEC("a second end() with a chunk fails both, the first one when its chunk is answered [24]") {
  fake_host *host = open_with((fake_options){0});
  fake_end(host, "a", "C");
  fake_end(host, "b", "D");
  CHECK_EQUAL(host->verdict, WEIR_GO_ON);
  fake_run(host);
  CHECK_LOG(host, "write(a) | error(WRITE_AFTER_END) close D(WRITE_AFTER_END)");
  fake_answer(&sink, NULL);
  CHECK_LOG(host, "C(WRITE_AFTER_END)");
  fake_host_free(host);
}

SPEC("a write from inside prefinish ends the hope of a finish [W-105]") {
  fake_host *host = open_with((fake_options){0});
  fake_on(host, "prefinish", write_n);
  fake_write(host, "a", NULL);
  fake_end(host, NULL, "E");
  fake_answer(&sink, NULL);
  fake_run(host);
  CHECK_LOG(host, "write(a) true prefinish refused(WRITE_AFTER_END) | N(WRITE_AFTER_END) "
                  "E(WRITE_AFTER_END) error(WRITE_AFTER_END) close");
  fake_host_free(host);
}

SPEC("an end() after a failure that is not told yet hears of it, and the stream is not ended") {
  fake_host *host = open_with((fake_options){.write = "X", .survives = true});
  fake_write(host, "a", NULL);
  fake_end(host, NULL, "E");
  CHECK_EQUAL(host->writable->writer, WEIR_OPEN);
  fake_run(host);
  CHECK_LOG(host, "write(a) false | error(X) E(X)");
  fake_write(host, "b", "B");
  fake_end(host, "c", "F");
  fake_run(host);
  CHECK_LOG(host, "refused(X) | B(X) F(X)");
  fake_host_free(host);
}

/* --- destroyed before the finish -------------------------------------------------------------- */

SPEC("destroy() between end() and finish fails the end, and nothing finishes [29, 30, Q-08]") {
  fake_host *host = open_with((fake_options){0});
  fake_end(host, NULL, "E");
  fake_destroy(host, "D");
  fake_run(host);
  CHECK_LOG(host, "prefinish | E(D) error(D) close");
  CHECK(weir_writable_is_aborted(host->writable));
  fake_host_free(host);

  host = open_with((fake_options){.finish = FAKE_NOW});
  fake_end(host, NULL, "E");
  fake_destroy(host, NULL);
  fake_run(host);
  CHECK_LOG(host, "final prefinish | E(DESTROYED) close");
  fake_host_free(host);
}

SPEC("destroy() while the sink finishes fails the end; the late answer is ignored [X-027]") {
  fake_host *host = open_with((fake_options){.finish = FAKE_LATER});
  fake_end(host, NULL, "E");
  fake_destroy(host, "D");
  fake_run(host);
  CHECK_LOG(host, "final | E(D) error(D) close");
  fake_finished(&sink.sink, NULL);
  fake_run(host);
  CHECK_LOG(host, "|");
  fake_host_free(host);

  host = open_with((fake_options){.finish = FAKE_LATER});
  fake_end(host, NULL, "E");
  fake_destroy(host, NULL);
  fake_run(host);
  fake_finished(&sink.sink, "X");
  fake_run(host);
  CHECK_LOG(host, "final | E(DESTROYED) close |");
  fake_host_free(host);
}

SPEC("destroy() from inside prefinish fails also the end that is being called [Q-04]") {
  fake_host *host = open_with((fake_options){0});
  fake_on(host, "prefinish", destroy);
  fake_end(host, NULL, "E");
  fake_run(host);
  CHECK_LOG(host, "prefinish | close E(DESTROYED)");
  fake_host_free(host);
}

SPEC("destroy() from inside an end's callback does not take the finish back") {
  fake_host *host = open_with((fake_options){0});
  fake_end(host, NULL, "E");
  fake_on(host, "E", destroy_d);
  fake_run(host);
  CHECK_LOG(host, "prefinish | E finish error(D) close");
  fake_host_free(host);
}

SPEC("end() on a destroyed stream is told so, and counts as ended only without an error [Q-04]") {
  fake_host *host = open_with((fake_options){0});
  fake_destroy(host, NULL);
  fake_end(host, NULL, "E");
  CHECK_EQUAL(host->writable->writer, WEIR_ENDED);
  fake_end(host, NULL, "F");
  fake_end(host, NULL, NULL);
  fake_run(host);
  CHECK_LOG(host, "| close E(DESTROYED) F(DESTROYED)");
  fake_host_free(host);

  host = open_with((fake_options){0});
  fake_destroy(host, "D");
  fake_end(host, NULL, "E");
  fake_end(host, "x", "F");
  CHECK_EQUAL(host->writable->writer, WEIR_OPEN);
  fake_run(host);
  CHECK_LOG(host, "| error(D) close E(DESTROYED) F(DESTROYED)");
  fake_host_free(host);
}

SPEC("end() after finish is an error for its callback only") {
  fake_host *host = open_with((fake_options){0});
  fake_end(host, NULL, NULL);
  fake_run(host);
  fake_log(host);
  fake_end(host, NULL, "E");
  fake_end(host, NULL, NULL);
  fake_run(host);
  CHECK_LOG(host, "| E(ALREADY_FINISHED)");
  fake_write(host, "x", "W");
  fake_run(host);
  CHECK_LOG(host, "refused(WRITE_AFTER_END) | W(WRITE_AFTER_END)");
  fake_host_free(host);
}

int main(int argc, char **argv) {
  return check_main(argc, argv);
}
