/* stream_open_spec.c - what happens before, while and after a sink opens. The numbers are those of
** the logs in semantics.md, 9.2.
** SPDX-License-Identifier: MIT
*/
#include <string.h>

#include "core/stream.h"
#include "support/check.h"
#include "support/failing_alloc.h"
#include "support/fake_sink.h"

static fake_chunks sink;

static fake_host *open_with(fake_options options) {
  return fake_chunks_new(&sink, options);
}

static void destroy(fake_host *host) {
  fake_destroy(host, NULL);
}
static void tick(fake_host *host) {
  fake_tick(host, "tick");
}

SPEC("the sink is asked to open on the first tick, its answer counts on the next [35]") {
  fake_host *host = open_with((fake_options){.open = FAKE_NOW, .write = FAKE_NOW});
  fake_tick(host, "tick");
  fake_write(host, "a", "A");
  fake_run(host);
  CHECK_LOG(host, "true | construct tick write(a) A");
  fake_host_free(host);
}

SPEC("what was written before the sink opened leaves as one batch, then the end follows [32]") {
  fake_host *host = open_with(
      (fake_options){.open = FAKE_LATER, .batches = true, .write = FAKE_NOW, .finish = FAKE_NOW});
  fake_write(host, "a", "A");
  fake_write(host, "b", NULL);
  fake_end(host, NULL, "E");
  fake_run(host);
  CHECK_LOG(host, "true true | construct");
  fake_opened(&sink.sink, NULL);
  fake_run(host);
  CHECK_LOG(host, "| writev(a,b) final prefinish A E finish close");
  fake_host_free(host);
}

SPEC("a stream that has nothing to write finishes in the tick that opens it [X-041]") {
  fake_host *host = open_with((fake_options){.open = FAKE_NOW});
  fake_end(host, NULL, "E");
  fake_on(host, "prefinish", tick);
  fake_run(host);
  CHECK_LOG(host, "| construct prefinish E finish tick close");
  fake_host_free(host);
}

SPEC("marks count before the sink has opened, and drain comes after [X-042]") {
  fake_host *host = open_with((fake_options){.open = FAKE_LATER, .mark = 2, .write = FAKE_NOW});
  fake_write(host, "a", NULL);
  fake_write(host, "b", NULL);
  fake_run(host);
  fake_opened(&sink.sink, NULL);
  fake_run(host);
  CHECK_LOG(host, "true false | construct | write(a) write(b) drain");
  fake_host_free(host);
}

SPEC("a sink that fails to open fails the writes, the ends, then the stream [33]") {
  fake_host *host = open_with((fake_options){.open = "C", .close = FAKE_NOW});
  fake_write(host, "a", "A");
  fake_end(host, NULL, "E");
  fake_tick(host, "tick");
  fake_run(host);
  CHECK_LOG(host, "true | construct tick destroy(C) A(C) E(C) error(C) close");
  fake_host_free(host);
}

SPEC("without auto_destroy it fails the same, and the sink is not closed [Q-05]") {
  fake_host *host = open_with((fake_options){.open = "C", .close = FAKE_NOW, .survives = true});
  fake_write(host, "a", "A");
  fake_end(host, NULL, "E");
  fake_run(host);
  CHECK_LOG(host, "true | construct A(C) E(C) error(C)");
  fake_host_free(host);
}

SPEC("destroy() while the sink opens tells the writers; the sink closes when it has opened [34]") {
  fake_host *host = open_with((fake_options){.open = FAKE_LATER, .close = FAKE_NOW});
  fake_write(host, "a", "A");
  fake_end(host, NULL, "E");
  fake_destroy(host, "D");
  CHECK_EQUAL(host->stream->life, WEIR_DESTROYED);
  fake_run(host);
  CHECK_LOG(host, "true | construct A(D) E(D)");
  fake_opened(&sink.sink, NULL);
  fake_run(host);
  CHECK_LOG(host, "| destroy(D) error(D) close");
  fake_host_free(host);
}

static void cancel_open(void *self) {
  fake_chunks *it = self;
  fake_note(it->sink.host, "cancel");
  fake_opened(&it->sink, NULL);
}

SPEC("destroy() while the sink opens lets it give up, where it can, but not before it was asked") {
  fake_host *host = open_with((fake_options){.open = FAKE_LATER, .close = FAKE_NOW});
  sink.sink.port.cancel_open = cancel_open;
  fake_run(host);
  fake_destroy(host, "D");
  fake_run(host);
  CHECK_LOG(host, "| construct cancel | destroy(D) error(D) close");
  fake_host_free(host);

  host = open_with((fake_options){.open = FAKE_NOW, .close = FAKE_NOW});
  sink.sink.port.cancel_open = cancel_open;
  fake_destroy(host, "D");
  fake_run(host);
  CHECK_LOG(host, "| construct destroy(D) error(D) close");
  fake_host_free(host);
}

SPEC("when opening fails after destroy(), destroy's error counts, else that of opening") {
  fake_host *host = open_with((fake_options){.open = "C", .close = FAKE_NOW});
  fake_destroy(host, "D");
  fake_run(host);
  CHECK_LOG(host, "| construct destroy(D) error(D) close");
  fake_host_free(host);

  host = open_with((fake_options){.open = "C", .close = FAKE_NOW});
  fake_destroy(host, NULL);
  fake_run(host);
  CHECK_LOG(host, "| construct destroy(C) error(C) close");
  fake_host_free(host);
}

SPEC("destroy() from inside the sink's open closes it on the tick after its answer [X-043]") {
  fake_host *host = open_with((fake_options){.open = FAKE_NOW, .close = FAKE_NOW});
  fake_on(host, "construct", destroy);
  fake_run(host);
  CHECK_LOG(host, "| construct destroy close");
  fake_host_free(host);
}

SPEC("an opening answered twice is an error, the second answer's own if it has one [W-180]") {
  const char *second[] = {NULL, "C2"}, *third[] = {"C3", NULL};
  const char *logs[] = {"| | error(MULTIPLE_CALLBACK) close", "| | error(C2) close"};
  for (int i = 0; i < 2; i++) {
    fake_host *host = open_with((fake_options){.open = FAKE_LATER});
    weir_ticks_run(&host->core.ticks);
    fake_log(host);
    fake_note(host, "|");
    fake_opened(&sink.sink, NULL);
    fake_opened(&sink.sink, second[i]);
    fake_opened(&sink.sink, third[i]);
    fake_run(host);
    CHECK_LOG(host, logs[i]);
    fake_host_free(host);
  }
}

static struct {
  weir_stream stream;
  int errors, closes;
  bool unused;
} bare;

static void count_event(void *owner, weir_event event, weir_error *error) {
  CHECK(owner == &bare);
  if (error) bare.errors++;
  if (event == WEIR_EVENT_CLOSE) bare.closes++;
}
static void note_unused(void *owner) {
  CHECK(owner == &bare);
  bare.unused = true;
}
static void open_nothing(void *self) {
  (void)self;
}

SPEC("a second answer of the sink is told once, also without memory") {
  static const weir_host host = {.event = count_event, .unused = note_unused};
  static const weir_sink_port port = {.name = "none", .open = open_nothing};
  if (!failing_alloc_works()) SKIP("allocations cannot be made to fail here");
  for (int destroys = 0; destroys <= 1; destroys++) {
    weir_core core;
    weir_core_init(&core, NULL);
    memset(&bare, 0, sizeof bare);
    weir_stream_init(&bare.stream, &core, &host, &bare, &port, NULL);
    bare.stream.auto_destroy = destroys;
    weir_ticks_run(&core.ticks);
    weir_stream_constructed(&bare.stream, NULL);
    failing_alloc_begin(1, true);
    weir_stream_constructed(&bare.stream, NULL);
    weir_stream_constructed(&bare.stream, NULL);
    failing_alloc_end();
    CHECK_EQUAL(bare.errors, 0); /* whoever answered is on the stack */
    weir_ticks_run(&core.ticks);
    CHECK_EQUAL(bare.errors, 1);
    weir_stream_destroy(&bare.stream, NULL);
    weir_ticks_run(&core.ticks);
    CHECK_EQUAL(bare.errors, 1);
    weir_stream_release(&bare.stream);
    CHECK(bare.unused);
    weir_core_deinit(&core);
  }
}

SPEC("a stream without a writable side opens, fails and closes as well") {
  static const weir_host host = {.event = count_event, .unused = note_unused};
  static const weir_sink_port port = {.name = "none", .open = open_nothing};
  for (int fails = 0; fails <= 1; fails++) {
    weir_core core;
    weir_core_init(&core, NULL);
    memset(&bare, 0, sizeof bare);
    weir_stream_init(&bare.stream, &core, &host, &bare, &port, NULL);
    bare.stream.auto_destroy = false;
    weir_ticks_run(&core.ticks);
    weir_error *error = fails ? weir_error_new(WEIR_E_LOOP_RUNNING, NULL) : NULL;
    weir_stream_constructed(&bare.stream, error);
    weir_error_release(error);
    weir_ticks_run(&core.ticks);
    CHECK_EQUAL(bare.errors, fails);
    weir_stream_fail_with(&bare.stream, WEIR_E_MULTIPLE_CALLBACK);
    CHECK_EQUAL(bare.errors, 1);
    weir_stream_destroy(&bare.stream, NULL);
    weir_ticks_run(&core.ticks);
    CHECK_EQUAL(bare.closes, 1);
    weir_stream_release(&bare.stream);
    CHECK(bare.unused);
    weir_core_deinit(&core);
  }
}

int main(int argc, char **argv) {
  return check_main(argc, argv);
}
