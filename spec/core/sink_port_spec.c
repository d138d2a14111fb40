/* sink_port_spec.c - a sink of bytes through the port: how bytes gather and leave, what short takes
** and partial writes do, and when the stream finishes. (Failures: sink_port_failing_spec.c. A sink
** of chunks: writable_flow_spec.c.)
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

/* What has gathered leaves now. */
static void flush(fake_host *host) {
  fake_cork(host);
  fake_uncork(host);
}

static char big[65536];

static weir_verdict write_big(fake_host *host, size_t size) {
  return fake_write_pieces(host, &(weir_piece){.bytes = big, .size = size}, 1, NULL);
}

static void count_only(fake_bytes *self, const char *bytes, size_t size) {
  (void)self;
  (void)bytes;
  (void)size;
}

/* --- gathering -------------------------------------------------------------------------------- */

SPEC("small writes gather, and leave together at the turn's end") {
  fake_host *host = open_with((fake_options){0});
  fake_write(host, "ab", NULL);
  fake_write(host, "c", NULL);
  fake_tick(host, "tick");
  fake_run(host);
  CHECK_LOG(host, "true true | tick take(abc)");
  CHECK_EQUAL(sink.submits, 1);
  CHECK_EQUAL(host->writable->length, 3);
  fake_bytes_write(&sink, 3);
  CHECK_STRING(sink.delivered, "abc");
  CHECK_EQUAL(host->writable->length, 0);
  fake_host_free(host);
}

SPEC("at the mark they leave at once") {
  fake_host *host = open_with((fake_options){.mark = 4});
  fake_write(host, "abc", NULL);
  fake_write(host, "d", NULL);
  CHECK_LOG(host, "true take(abcd) false");
  fake_run(host);
  fake_bytes_write(&sink, 4);
  CHECK_LOG(host, "| drain");
  fake_host_free(host);
}

SPEC("a sink that is at work anyway gets more as it comes, but no crumbs") {
  fake_host *host = open_with((fake_options){.mark = 16384});
  fake_write(host, "a", NULL);
  write_big(host, 4094);
  CHECK_LOG(host, "true true");
  sink.awake = true;
  fake_write(host, "b", NULL);
  CHECK_LOG(host, "take(4096 bytes) true");
  fake_write(host, "b", NULL);
  fake_run(host);
  CHECK_LOG(host, "true | take(b)");
  sink.on_written = count_only;
  fake_bytes_write(&sink, 4097);
  sink.awake = false;
  write_big(host, 5000);
  fake_run(host);
  CHECK_LOG(host, "true | take(5000 bytes)");
  fake_bytes_write(&sink, 5000);
  fake_host_free(host);
}

SPEC("a sink need not say whether it is at work") {
  fake_host *host = open_with((fake_options){.mark = 16384});
  sink.sink.port.is_awake = NULL;
  write_big(host, 5000);
  fake_run(host);
  CHECK_LOG(host, "true | take(5000 bytes)");
  sink.on_written = count_only;
  fake_bytes_write(&sink, 5000);
  fake_host_free(host);
}

SPEC("a corked stream waits also at the mark and at the turn's end; uncork lets it go at once") {
  fake_host *host = open_with((fake_options){.mark = 2});
  fake_cork(host);
  fake_write(host, "abc", NULL);
  fake_run(host);
  CHECK_LOG(host, "false |");
  fake_uncork(host);
  CHECK_LOG(host, "take(abc)");
  fake_bytes_write(&sink, 3);
  CHECK_LOG(host, "drain");
  fake_host_free(host);
}

SPEC("a sink that has not opened gets nothing; then it gets all") {
  fake_host *host = open_with((fake_options){.mark = 2, .open = FAKE_LATER});
  fake_write(host, "ab", "A");
  fake_run(host);
  CHECK_LOG(host, "false | construct");
  fake_opened(&sink.sink, NULL);
  fake_run(host);
  CHECK_LOG(host, "| take(ab)");
  fake_bytes_write(&sink, 2);
  CHECK_LOG(host, "drain A");
  fake_host_free(host);
}

SPEC("many chunks leave 64 slices at a time, until the sink takes no more") {
  fake_host *host = open_with((fake_options){.mark = 1000});
  host->silent = true;
  for (int i = 0; i < 150; i++) fake_write(host, "x", "A");
  fake_run(host);
  CHECK_EQUAL(sink.submits, 3);
  CHECK_EQUAL(sink.slices_max, 64);
  fake_bytes_write(&sink, 150);
  CHECK_EQUAL(host->owed['A'], 0);
  fake_host_free(host);
}

/* --- short takes and partial writes ----------------------------------------------------------- */

SPEC("a sink that takes little is offered the rest whenever it makes progress") {
  fake_host *host = open_with((fake_options){0});
  sink.room = 3;
  fake_write(host, "ab", "A");
  fake_write(host, "cd", "B");
  fake_run(host);
  CHECK_LOG(host, "true true | take(abc) full");
  sink.room = 0;
  fake_bytes_write(&sink, 2);
  CHECK_LOG(host, "full A");
  sink.room = 9;
  fake_bytes_progress(&sink);
  CHECK_LOG(host, "take(d)");
  fake_bytes_write(&sink, 2);
  CHECK_LOG(host, "B");
  CHECK_STRING(sink.delivered, "abcd");
  fake_host_free(host);
}

SPEC("a sink that takes one byte at a time is asked until it has taken all") {
  fake_host *host = open_with((fake_options){0});
  sink.bite = 1;
  fake_write(host, "abc", NULL);
  fake_run(host);
  CHECK_LOG(host, "true | take(a) take(b) take(c)");
  fake_bytes_write(&sink, 1);
  fake_bytes_write(&sink, 2);
  CHECK_STRING(sink.delivered, "abc");
  fake_host_free(host);
}

SPEC("the length falls byte by byte as they are written, the callback comes with the last") {
  fake_host *host = open_with((fake_options){.mark = 4, .low_mark = 1});
  fake_write(host, "abcd", "A");
  CHECK_LOG(host, "take(abcd) false");
  fake_bytes_write(&sink, 1);
  CHECK_EQUAL(host->writable->length, 3);
  fake_bytes_write(&sink, 2);
  CHECK_EQUAL(host->writable->length, 1);
  CHECK_LOG(host, "drain");
  fake_bytes_write(&sink, 1);
  CHECK_LOG(host, "A");
  fake_host_free(host);
}

SPEC("more may be given to the sink while it works, and joins what it has") {
  fake_host *host = open_with((fake_options){0});
  fake_write(host, "ab", NULL);
  flush(host);
  fake_bytes_write(&sink, 1);
  fake_write(host, "c", NULL);
  flush(host);
  fake_write_borrowed(host, "lent", "L");
  fake_write(host, "d", NULL);
  flush(host);
  CHECK_LOG(host, "true take(ab) true take(c) true true take(lentd)");
  CHECK_EQUAL(host->writable->length, 7);
  fake_bytes_write(&sink, 7);
  CHECK_LOG(host, "L");
  CHECK_STRING(sink.delivered, "abclentd");
  fake_host_free(host);
}

SPEC("progress told from within submit is acted on by a tick, not inside write()") {
  fake_host *host = open_with((fake_options){.mark = 2});
  sink.writes_inside = true;
  fake_write(host, "ab", "A");
  CHECK_LOG(host, "take(ab) false");
  fake_write(host, "c", "C");
  fake_run(host);
  CHECK_LOG(host, "take(c) true | drain A C");
  CHECK_EQUAL(host->writable->length, 0);
  fake_host_free(host);
}

static void make_progress(fake_host *host) {
  (void)host;
  fake_bytes_progress(&sink);
}

SPEC("progress told from within a callback tells those behind it, and nobody is told twice") {
  fake_host *host = open_with((fake_options){0});
  fake_write(host, "a", "A");
  fake_write(host, "b", "B");
  fake_write(host, "c", "C");
  fake_run(host);
  fake_log(host);
  fake_on(host, "A", make_progress);
  fake_bytes_write(&sink, 3);
  CHECK_LOG(host, "A B C");
  fake_host_free(host);
}

SPEC("chunks of no bytes never reach the sink, and are told in their turn") {
  fake_host *host = open_with((fake_options){0});
  fake_write(host, "", "A");
  fake_write(host, "b", "B");
  fake_write(host, "", "C");
  fake_write(host, "", NULL);
  fake_run(host);
  CHECK_LOG(host, "true true true true | take(b) A");
  fake_bytes_write(&sink, 1);
  CHECK_LOG(host, "B C");
  fake_host_free(host);
}

SPEC("a stream of nothing but empty chunks finishes, and the sink was never called") {
  fake_host *host = open_with((fake_options){.finish = FAKE_NOW});
  fake_write(host, "", "A");
  fake_end(host, NULL, "E");
  fake_run(host);
  CHECK_LOG(host, "true | A final prefinish E finish close");
  CHECK_EQUAL(sink.submits, 0);
  fake_host_free(host);
}

static void write_cd(fake_host *host) {
  fake_write(host, "cd", "C");
}

SPEC("a write from inside submit waits its turn, and what submit wrote counts when it returns") {
  for (int writes_inside = 0; writes_inside <= 1; writes_inside++) {
    fake_host *host = open_with((fake_options){.mark = 2});
    fake_write(host, "x", NULL);
    flush(host);
    sink.writes_inside = writes_inside == 1;
    fake_on(host, "take(ab)", write_cd);
    fake_write(host, "ab", "A");
    CHECK_LOG(host, "true take(x) take(ab) false take(cd) false");
    fake_run(host);
    if (!writes_inside) fake_bytes_write(&sink, 5);
    CHECK_LOG(host, "| drain A C");
    CHECK_STRING(sink.delivered, "xabcd");
    fake_host_free(host);
  }
}

/* --- what write() answers --------------------------------------------------------------------- */

SPEC("write() asks what has been written meanwhile before it says slow down") {
  fake_host *host = open_with((fake_options){.mark = 4});
  fake_write(host, "abc", "A");
  flush(host);
  fake_bytes_write_quietly(&sink, 3);
  CHECK_EQUAL(host->writable->length, 3);
  fake_write(host, "de", "B");
  CHECK_LOG(host, "true take(abc) take(de) true");
  CHECK_EQUAL(host->writable->length, 2);
  fake_run(host);
  CHECK_LOG(host, "| A");
  fake_bytes_write(&sink, 2);
  CHECK_LOG(host, "B");
  fake_host_free(host);
}

SPEC("callbacks that write() found due come on the next tick, also of a corked stream") {
  fake_host *host = open_with((fake_options){.mark = 4});
  fake_write(host, "abc", "A");
  flush(host);
  fake_run(host);
  fake_log(host);
  fake_bytes_write_quietly(&sink, 3);
  fake_cork(host);
  fake_write(host, "de", NULL);
  fake_run(host);
  CHECK_LOG(host, "true | A");
  fake_uncork(host);
  fake_bytes_write(&sink, 2);
  fake_host_free(host);
}

SPEC("the chunk just accepted counts as not written, however fast the sink is") {
  fake_host *host = open_with((fake_options){.mark = 2});
  sink.writes_inside = true;
  fake_write(host, "abc", "A");
  CHECK_LOG(host, "take(abc) false");
  CHECK_EQUAL(host->writable->length, 3);
  fake_run(host);
  CHECK_LOG(host, "| drain A");
  fake_host_free(host);
}

SPEC("a writer that outruns the callbacks is asked to slow down, though all is written") {
  fake_host *host = open_with((fake_options){.mark = 2});
  host->silent = sink.writes_inside = true;
  int writes = 0;
  do writes++;
  while (fake_write(host, "a", "A") == WEIR_GO_ON && writes < 5000);
  CHECK(writes > 1024 && writes < 1100);
  CHECK_EQUAL(host->drains, 0);
  fake_run(host);
  CHECK_EQUAL(host->drains, 1);
  CHECK_EQUAL(host->owed['A'], 0);
  fake_host_free(host);
}

SPEC("a writer that never returns to the loop is asked to slow down after 1 MiB") {
  fake_host *host = open_with((fake_options){.mark = 100000, .low_mark = 70000});
  host->silent = sink.writes_inside = sink.awake = true;
  sink.on_written = count_only;
  for (int turn = 1; turn <= 2; turn++) {
    for (int i = 1; i < 16; i++) CHECK_EQUAL(write_big(host, 65536), WEIR_GO_ON);
    CHECK_EQUAL(write_big(host, 65536), WEIR_SLOW_DOWN);
    fake_run(host);
    CHECK_EQUAL(host->drains, turn);
  }
  fake_host_free(host);
}

static uint64_t written_on;

static void write_on(fake_host *host) {
  fake_on(host, "drain", write_on);
  do written_on += 4096;
  while (written_on < 64u << 20 && write_big(host, 4096) == WEIR_GO_ON);
}

SPEC("a writer that writes on at every drain lets the loop go on: no more than 1 MiB a turn") {
  fake_host *host = open_with((fake_options){.mark = 16384});
  sink.writes_inside = sink.awake = host->silent = true;
  sink.on_written = count_only;
  written_on = 0;
  write_on(host);
  for (uint64_t turn = 1; turn <= 3; turn++) {
    CHECK_EQUAL(written_on, turn << 20);
    weir_ticks_run(&host->core.ticks);
  }
  host->awaited = NULL;
  weir_ticks_run(&host->core.ticks);
  fake_host_free(host);
}

/* A stream that accepted all that one turn may. The sink has written it; `tells`: and said so. */
static fake_host *open_overrun(fake_options options, bool tells) {
  fake_host *host = open_with(options);
  sink.awake = true;
  sink.on_written = count_only;
  host->silent = true;
  for (int i = 1; i <= 16; i++) {
    write_big(host, 65536);
    if (tells) fake_bytes_write(&sink, 65536);
    else fake_bytes_write_quietly(&sink, 65536);
  }
  host->silent = false;
  return host;
}

SPEC("a drain that is owed for the turn's sake comes at its end, though all is written") {
  for (int tells = 0; tells <= 1; tells++) {
    fake_host *host = open_overrun((fake_options){.mark = 2000000}, tells == 1);
    fake_write(host, "", NULL);
    fake_tick(host, "tick");
    fake_run(host);
    CHECK_LOG(host, "false | tick drain");
    fake_host_free(host);
  }
}

SPEC("a stream destroyed before that turn's end says no drain, and asks its sink nothing") {
  fake_host *host = open_overrun((fake_options){.mark = 2000000, .close = FAKE_LATER}, false);
  fake_destroy(host, NULL);
  fake_run(host);
  CHECK_LOG(host, "destroy |");
  fake_bytes_stop(&sink);
  fake_closed(&sink.sink, NULL);
  fake_run(host);
  CHECK_LOG(host, "| close");
  fake_host_free(host);
}

SPEC("over max_buffered a chunk is refused, after asking what has been written meanwhile") {
  fake_host *host = open_with((fake_options){.mark = 4, .max_buffered = 6});
  fake_write(host, "abcd", "A");
  fake_write(host, "efg", "B");
  CHECK_LOG(host, "take(abcd) false refused(ENOBUFS)");
  fake_bytes_write_quietly(&sink, 1);
  fake_write(host, "hij", "C");
  CHECK_LOG(host, "take(hij) false");
  fake_run(host);
  CHECK_LOG(host, "| B(ENOBUFS)");
  fake_bytes_write(&sink, 6);
  CHECK_LOG(host, "drain A C");
  CHECK_EQUAL(host->stream->life, WEIR_ALIVE);
  fake_host_free(host);
}

/* --- finishing -------------------------------------------------------------------------------- */

SPEC("the sink finishes when all is written, and closes after finish") {
  fake_host *host = open_with((fake_options){.finish = FAKE_LATER, .close = FAKE_NOW});
  fake_write(host, "a", "A");
  fake_end(host, "b", "E");
  fake_run(host);
  CHECK_LOG(host, "true | take(ab)");
  fake_bytes_write(&sink, 2);
  CHECK_LOG(host, "A final");
  fake_finished(&sink.sink, NULL);
  fake_run(host);
  CHECK_LOG(host, "prefinish | E finish destroy close");
  fake_host_free(host);
}

SPEC("a sink that still reports progress after finish disturbs nothing") {
  fake_host *host = open_with((fake_options){.survives = true});
  fake_end(host, NULL, "E");
  fake_run(host);
  fake_bytes_progress(&sink);
  fake_run(host);
  CHECK_LOG(host, "prefinish | E finish |");
  fake_host_free(host);
}

SPEC("finish waits for callbacks of bytes that write() found written") {
  fake_host *host = open_with((fake_options){.mark = 2});
  sink.writes_inside = true;
  fake_write(host, "ab", "A");
  fake_write(host, "cd", "B");
  fake_end(host, NULL, "E");
  fake_run(host);
  CHECK_LOG(host, "take(ab) false take(cd) false | A B prefinish E finish close");
  fake_host_free(host);
}

SPEC("a sink that fails to finish fails the end and the stream") {
  fake_host *host = open_with((fake_options){.finish = FAKE_LATER, .close = FAKE_NOW});
  fake_end(host, NULL, "E");
  fake_bytes_fail(&sink, "X");
  fake_run(host);
  CHECK_LOG(host, "final E(X) destroy(X) | error(X) close");
  fake_host_free(host);
}

int main(int argc, char **argv) {
  return check_main(argc, argv);
}
