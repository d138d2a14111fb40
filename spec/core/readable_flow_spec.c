/* readable_flow_spec.c - when a readable announces, flows, reads ahead and ends. The numbers are
** those of semantics-readable.md, 16; the logs those of its 15.
** SPDX-License-Identifier: MIT
*/
#include "core/readable.h"
#include "support/check.h"
#include "support/failing_alloc.h"
#include "support/fake_sink.h"
#include "support/fake_source.h"

static fake_source source;

static fake_host *open_with(fake_reader options) {
  return fake_source_new(&source, options);
}

/* --- announcing ------------------------------------------------------------------------------- */

SPEC("any number of pushes in one turn give one `readable` [RD-016]") {
  fake_host *host = open_with((fake_reader){0});
  fake_watch(host);
  fake_run(host);
  fake_push(host, "a");
  fake_push(host, "b");
  fake_run(host);
  CHECK_LOG(host, "| read true true | readable read");
  fake_host_free(host);
}

SPEC("`readable` repeats on each arrival until there is more than the mark [RD-017]") {
  fake_host *host = open_with((fake_reader){.mark = 2});
  fake_watch(host);
  fake_run(host);
  fake_log(host);
  for (int i = 0; i < 4; i++) {
    fake_push(host, "a");
    fake_run(host);
  }
  CHECK_LOG(host, "true | readable read false | readable false | readable false |");
  fake_host_free(host);
}

SPEC("a listener for `readable` hears of what is there already") {
  fake_host *host = open_with((fake_reader){0});
  fake_push(host, "a");
  fake_watch(host);
  fake_watch(host); /* the second changes nothing */
  fake_run(host);
  CHECK_LOG(host, "true | read readable");
  fake_host_free(host);
}

SPEC("the end is announced, with unread data too [RD-018]") {
  fake_host *host = open_with((fake_reader){.script = "a ."});
  fake_watch(host);
  fake_run(host);
  CHECK_LOG(host, "| read readable read readable");
  fake_host_free(host);
}

static void read_all(fake_host *host) {
  fake_read_all(host);
}

/* Node queues a second announcement when data that was announced is read and more comes. */
SPEC("an announcement that is asked for twice in a turn comes twice") {
  fake_host *host = open_with((fake_reader){0});
  fake_watch(host);
  fake_run(host);
  fake_push(host, "a");
  fake_read_all(host);
  fake_push(host, "b");
  fake_log(host);
  fake_run(host);
  CHECK_LOG(host, "| readable read readable");
  fake_host_free(host);
}

SPEC("without memory for a second announcement, one has to do") {
  if (!failing_alloc_works()) SKIP("allocations cannot be made to fail here");
  fake_host *host = open_with((fake_reader){0});
  fake_watch(host);
  fake_run(host);
  fake_push_borrowed(host, "a");
  fake_read_all(host);
  fake_log(host);
  failing_alloc_begin(1, true);
  fake_push_borrowed(host, "b");
  failing_alloc_end();
  fake_run(host);
  CHECK_LOG(host, "true | readable read");
  fake_host_free(host);
}

/* --- flowing ---------------------------------------------------------------------------------- */

SPEC("a data listener makes it flow, on a tick [R-001]") {
  fake_host *host = open_with((fake_reader){.mark = 3, .script = "1 2 3 ."});
  fake_flow(host);
  CHECK_LOG(host, "");
  fake_run(host);
  CHECK_LOG(host, "| read resume read data(1) read data(2) read data(3) end close");
  fake_host_free(host);
}

SPEC("a mark of 0 asks once for each chunk [RD-015]") {
  fake_host *host = open_with((fake_reader){.mark = FAKE_NO_MARK, .script = "a b ."});
  fake_flow(host);
  fake_run(host);
  CHECK_LOG(host, "| read resume data(a) read data(b) read end close");
  fake_host_free(host);
}

SPEC("pause() and resume() tell once each [RD-023]") {
  fake_host *host = open_with((fake_reader){0});
  weir_readable_pause(host->readable);
  weir_readable_pause(host->readable);
  CHECK(weir_readable_is_paused(host->readable));
  weir_readable_resume(host->readable);
  weir_readable_resume(host->readable);
  CHECK(!weir_readable_is_paused(host->readable));
  fake_run(host);
  CHECK_LOG(host, "pause | read resume");
  fake_host_free(host);
}

SPEC("a data listener does not undo pause(); pause() in the same turn keeps all back [RD-021]") {
  fake_host *host = open_with((fake_reader){.script = "a"});
  weir_readable_pause(host->readable);
  fake_flow(host);
  fake_run(host);
  CHECK_LOG(host, "pause |");
  weir_readable_resume(host->readable);
  weir_readable_pause(host->readable);
  fake_run(host);
  CHECK_LOG(host, "pause | read resume read");
  fake_host_free(host);
}

static void pause_it(fake_host *host) {
  weir_readable_pause(host->readable);
}

SPEC("pause() within `data` holds back the rest") {
  fake_host *host = open_with((fake_reader){.script = "a+b+."});
  fake_flow(host);
  fake_on(host, "data(a)", pause_it);
  fake_run(host);
  CHECK_LOG(host, "| read resume data(a) pause");
  weir_readable_resume(host->readable);
  fake_run(host);
  CHECK_LOG(host, "| resume data(b) end close");
  fake_host_free(host);
}

static int reads;

static void pause_in_third_read(fake_host *host) {
  if (++reads < 3) return;
  weir_readable_pause(host->readable);
  failing_alloc_begin(3, true); /* the push has what it needs */
}

SPEC("without memory to join what is there, it fails") {
  if (!failing_alloc_works()) SKIP("allocations cannot be made to fail here");
  fake_host *host = open_with((fake_reader){.mark = 8, .script = "0 0 c"});
  fake_push_borrowed(host, "a");
  fake_push_borrowed(host, "b");
  reads = 0;
  source.on_read = pause_in_third_read;
  weir_readable_resume(host->readable);
  fake_run(host);
  failing_alloc_end();
  CHECK_LOG(host, "true true | read read resume read pause error(ENOMEM) close");
  CHECK_EQUAL(host->readable->length, 3);
  fake_host_free(host);
}

SPEC("a listener taken off leaves it flowing; what comes is lost [RD-019]") {
  fake_host *host = open_with((fake_reader){0});
  fake_flow(host);
  fake_run(host);
  fake_unflow(host);
  fake_push(host, "a");
  fake_run(host);
  CHECK_LOG(host, "| read resume true | read data(a)");
  CHECK_EQUAL(host->readable->length, 0);
  fake_host_free(host);
}

SPEC("a listener that is only put in front starts nothing [RD-020]") {
  fake_host *host = open_with((fake_reader){0});
  weir_readable_listener_added(host->readable, true, false);
  weir_readable_listener_added(host->readable, false, false);
  fake_run(host);
  CHECK_LOG(host, "|");
  fake_host_free(host);
}

SPEC("with a mark of 0 it reads ahead only while it flows [RD-014]") {
  fake_host *host = open_with((fake_reader){.mark = FAKE_NO_MARK, .script = "0 -"});
  fake_read(host, 0);
  fake_run(host);
  CHECK_LOG(host, "read got(nothing) |");
  fake_flow(host);
  fake_run(host);
  fake_push(host, "");
  fake_run(host);
  fake_push(host, "a");
  weir_readable_pause(host->readable);
  fake_push(host, "b");
  fake_run(host);
  CHECK_LOG(host, "| read resume true | read data(a) true pause false |");
  fake_host_free(host);
}

/* --- who is in charge ------------------------------------------------------------------------- */

SPEC("a `readable` listener is in charge, and resume() does not flow [RD-022]") {
  fake_host *host = open_with((fake_reader){.script = "a"});
  fake_watch(host);
  weir_readable_resume(host->readable);
  CHECK(weir_readable_is_paused(host->readable));
  fake_run(host);
  CHECK_LOG(host, "| read read resume readable");
  fake_host_free(host);
}

SPEC("a data listener beside it waits until it is taken off") {
  fake_host *host = open_with((fake_reader){.script = "a"});
  fake_watch(host);
  fake_flow(host);
  fake_run(host);
  CHECK_EQUAL(host->readable->length, 1);
  fake_log(host);
  fake_unwatch(host);
  CHECK_EQUAL(host->readable->flow, WEIR_WAITING);
  fake_run(host);
  CHECK_LOG(host, "| resume data(a)");
  fake_host_free(host);
}

SPEC("taken off with nobody else there, nothing is decided any more") {
  fake_host *host = open_with((fake_reader){0});
  fake_watch(host);
  fake_unwatch(host);
  fake_unwatch(host); /* twice in a turn */
  fake_run(host);
  CHECK_EQUAL(host->readable->flow, WEIR_UNDECIDED);
  fake_host_free(host);
}

SPEC("put on anew before the tick, it stays in charge") {
  fake_host *host = open_with((fake_reader){0});
  fake_watch(host);
  fake_run(host);
  fake_unwatch(host);
  fake_watch(host);
  fake_run(host);
  CHECK_EQUAL(host->readable->flow, WEIR_WAITING);
  CHECK(host->readable->watched);
  fake_host_free(host);
}

SPEC("resume() twice while it is in charge queues one tick; pause() is remembered") {
  fake_host *host = open_with((fake_reader){.script = "-"});
  fake_read(host, 0);
  fake_watch(host); /* the source was asked already */
  weir_readable_resume(host->readable);
  weir_readable_resume(host->readable);
  weir_readable_pause(host->readable);
  fake_unwatch(host);
  fake_run(host);
  CHECK_LOG(host, "read got(nothing) | resume");
  CHECK_EQUAL(host->readable->flow, WEIR_UNDECIDED);
  CHECK(weir_readable_is_paused(host->readable));
  fake_watch(host);
  weir_readable_resume(host->readable);
  weir_readable_pause(host->readable);
  fake_unwatch(host);
  weir_ticks_run(&host->core.ticks);
  fake_host_free(host);
}

SPEC("a pause() between resume() and its tick keeps it from flowing again") {
  fake_host *host = open_with((fake_reader){0});
  fake_watch(host);
  fake_unwatch(host);
  weir_readable_resume(host->readable);
  weir_readable_pause(host->readable);
  weir_ticks_run(&host->core.ticks);
  CHECK(host->readable->flow != WEIR_FLOWING);
  fake_host_free(host);
}

SPEC("taken off after resume(), it flows") {
  fake_host *host = open_with((fake_reader){.script = "a"});
  fake_watch(host);
  fake_unwatch(host);
  weir_readable_resume(host->readable);
  CHECK_EQUAL(host->readable->flow, WEIR_WAITING);
  weir_ticks_run(&host->core.ticks);
  CHECK_EQUAL(host->readable->flow, WEIR_FLOWING);
  fake_host_free(host);
}

SPEC("a `readable` listener of a stream that is over changes nothing") {
  fake_host *host = open_with((fake_reader){.survives = true, .script = "."});
  fake_flow(host);
  fake_run(host);
  fake_log(host);
  fake_watch(host);
  fake_run(host);
  CHECK_LOG(host, "|");
  fake_host_free(host);
}

/* --- reading ahead ---------------------------------------------------------------------------- */

SPEC("a source that answers at once fills the buffer to the mark, a tick after its first push") {
  fake_host *host = open_with((fake_reader){.mark = 6, .script = "ab cd ef gh"});
  fake_read(host, 0);
  CHECK_LOG(host, "read got(nothing)");
  CHECK_EQUAL(host->readable->length, 2);
  fake_run(host);
  CHECK_LOG(host, "| read read");
  CHECK_EQUAL(host->readable->length, 6);
  fake_host_free(host);
}

SPEC("a source that pushes nothing is asked once more, then waits for a reader [RD-013]") {
  fake_host *host = open_with((fake_reader){.script = "0 0 0 x ."});
  fake_watch(host);
  fake_run(host);
  CHECK_LOG(host, "| read read");
  fake_host_free(host);
}

SPEC("what waits to flow is not read ahead of") {
  fake_host *host = open_with((fake_reader){.mark = 2});
  fake_push(host, "abc");
  weir_readable_resume(host->readable);
  fake_run(host);
  CHECK_LOG(host, "false | resume read data(abc)");
  fake_host_free(host);
}

SPEC("read(0) with enough in the buffer only announces it again") {
  fake_host *host = open_with((fake_reader){.mark = 2});
  fake_push(host, "abc");
  host->readable->needs_notice = true;
  fake_read(host, 0);
  fake_run(host);
  CHECK_LOG(host, "false got(nothing) |");
  fake_host_free(host);
}

/* --- construction ----------------------------------------------------------------------------- */

SPEC("nothing is asked before the source has opened") {
  fake_host *host = open_with((fake_reader){.opens = true, .script = "a ."});
  fake_flow(host);
  fake_run(host);
  CHECK_LOG(host, "| construct resume");
  fake_source_opened(&source, NULL);
  fake_run(host);
  CHECK_LOG(host, "| read read data(a) end close");
  fake_host_free(host);
}

SPEC("opened without anybody waiting, it asks nothing") {
  fake_host *host = open_with((fake_reader){.opens = true});
  fake_run(host);
  fake_source_opened(&source, NULL);
  fake_run(host);
  CHECK_LOG(host, "| construct |");
  fake_host_free(host);
}

SPEC("a source that cannot open is the end of the stream") {
  fake_host *host = open_with((fake_reader){.opens = true});
  fake_run(host);
  fake_push(host, "a"); /* buffered, and announced as usual */
  fake_source_opened(&source, "X");
  fake_run(host);
  CHECK_LOG(host, "| construct true | error(X) close");
  fake_host_free(host);
}

/* --- the end ---------------------------------------------------------------------------------- */

SPEC("nobody reading, there is no end") {
  fake_host *host = open_with((fake_reader){0});
  fake_push_end(host);
  fake_run(host);
  CHECK_LOG(host, "|");
  weir_readable_resume(host->readable);
  fake_run(host);
  CHECK_LOG(host, "| resume end close");
  fake_host_free(host);
}

SPEC("the end is told once, however often it is seen [RD-030]") {
  fake_host *host = open_with((fake_reader){.survives = true});
  fake_push_end(host);
  fake_read_all(host);
  fake_read_all(host);
  fake_run(host);
  fake_read_all(host);
  fake_run(host);
  CHECK_LOG(host, "got(nothing) got(nothing) | end got(nothing) |");
  CHECK(weir_readable_is_over(host->readable));
  fake_host_free(host);
}

SPEC("an end that is seen only after destroy() is not told any more") {
  fake_host *host = open_with((fake_reader){0});
  fake_push_end(host);
  fake_destroy(host, NULL);
  fake_read_all(host);
  fake_run(host);
  CHECK_LOG(host, "got(nothing) | close");
  fake_host_free(host);
}

/* The first tick of the end finds what was put back; read, it asks for a third, but the second is
** told first.
*/
SPEC("an end that is seen again between its ticks is told once") {
  fake_host *host = open_with((fake_reader){.survives = true});
  fake_push_end(host);
  fake_read_all(host);
  fake_tick(host, "between");
  fake_on(host, "between", fake_read_all);
  fake_read_all(host);
  fake_unshift(host, "z");
  fake_log(host);
  fake_run(host);
  CHECK_LOG(host, "| between data(z) got(z) end");
  fake_host_free(host);
}

SPEC("destroy() after the end was seen does not hide it; with an error it does") {
  for (int with_error = 0; with_error <= 1; with_error++) {
    fake_host *host = open_with((fake_reader){0});
    fake_push_end(host);
    fake_read_all(host);
    fake_destroy(host, with_error ? "X" : NULL);
    fake_log(host);
    fake_run(host);
    CHECK_LOG(host, with_error ? "| error(X) close" : "| end close");
    fake_host_free(host);
  }
}

SPEC("destroy() within `data` does not stop what flows (C-04)") {
  fake_host *host = open_with((fake_reader){.script = "a+b+c"});
  fake_flow(host);
  fake_on(host, "data(a)", read_all);
  fake_run(host);
  CHECK_LOG(host, "| read resume read data(a) data(b) got(b) data(c)");
  fake_host_free(host);
}

SPEC("abandoned, it counts as over") {
  fake_host *host = open_with((fake_reader){0});
  weir_readable_abandon(host->readable);
  CHECK(weir_readable_is_over(host->readable));
  CHECK(!weir_readable_is_readable(host->readable) && !weir_readable_is_aborted(host->readable));
  fake_host_free(host);
}

/* --- both sides ------------------------------------------------------------------------------- */

static const weir_sink_port no_sink = {.name = "none"};

static fake_host *open_duplex(fake_reader options) {
  options.writes = &no_sink;
  options.sink = &source;
  return fake_source_new(&source, options);
}

SPEC("a duplex closes when both its sides are over, whichever is first") {
  fake_host *host = open_duplex((fake_reader){.half_open = true, .script = "."});
  fake_end(host, NULL, "e");
  fake_run(host);
  CHECK_LOG(host, "prefinish | e finish");
  fake_read_all(host);
  fake_run(host);
  CHECK_LOG(host, "read got(nothing) | end close");
  fake_host_free(host);
  host = open_duplex((fake_reader){.half_open = true, .script = "."});
  fake_read_all(host);
  fake_run(host);
  CHECK_LOG(host, "read got(nothing) | end");
  fake_end(host, NULL, "e");
  fake_run(host);
  CHECK_LOG(host, "prefinish | e finish close");
  fake_host_free(host);
}

SPEC("a duplex that is not half open ends its other side, on a tick [T-021]") {
  fake_host *host = open_duplex((fake_reader){.script = "."});
  fake_read_all(host);
  fake_run(host);
  CHECK_LOG(host, "read got(nothing) | end prefinish finish close");
  fake_host_free(host);
}

static void end_it(fake_host *host) {
  fake_end(host, NULL, NULL);
}

static void end_before_it(fake_host *host) {
  fake_tick(host, "late");
  fake_on(host, "late", end_it);
}

SPEC("one that is ended before that tick is not ended again") {
  fake_host *host = open_duplex((fake_reader){.script = "."});
  fake_read_all(host);
  fake_on(host, "end", end_before_it);
  fake_run(host);
  CHECK_LOG(host, "read got(nothing) | end late prefinish finish close");
  fake_host_free(host);
}

SPEC("one that ended by itself meanwhile is not ended again") {
  fake_host *host = open_duplex((fake_reader){.script = "."});
  fake_read_all(host);
  fake_on(host, "end", end_it);
  fake_run(host);
  CHECK_LOG(host, "read got(nothing) | end prefinish finish close");
  fake_host_free(host);
}

SPEC("a readable side that is disabled is over from the start") {
  fake_host *host = open_duplex((fake_reader){.disabled = true});
  CHECK(!weir_readable_is_readable(host->readable));
  fake_end(host, NULL, NULL);
  fake_run(host);
  CHECK_LOG(host, "prefinish | finish close");
  fake_host_free(host);
}

SPEC("a writable side that is disabled is over from the start") {
  fake_host *host = fake_host_new();
  weir_writable_options none = {.disabled = true, .max_buffered = WEIR_NO_LIMIT};
  weir_readable_options options = {.high_water_mark = 4, .half_open = true};
  static const weir_source_port port = {NULL};
  fake_host_open_reader(host, &options, &port, &none, &no_sink, NULL);
  CHECK(!weir_writable_is_writable(host->writable));
  fake_push_end(host);
  fake_read_all(host);
  fake_run(host);
  CHECK_LOG(host, "got(nothing) | end close");
  fake_host_free(host);
}

int main(int argc, char **argv) {
  return check_main(argc, argv);
}
