/* readable_spec.c - push, unshift and read of a readable. The numbers are those of
** semantics-readable.md, 16.
** SPDX-License-Identifier: MIT
*/
#include "core/readable.h"

#include <string.h>

#include "support/check.h"
#include "support/failing_alloc.h"
#include "support/fake_source.h"

static fake_source source;

static fake_host *open_with(fake_reader options) {
  return fake_source_new(&source, options);
}

/* --- push ------------------------------------------------------------------------------------- */

SPEC("a new readable is readable, undecided and empty [RD-001]") {
  fake_host *host = open_with((fake_reader){.mark = 4});
  const weir_readable *r = host->readable;
  CHECK(weir_readable_is_readable(r) && !weir_readable_is_over(r));
  CHECK(!weir_readable_is_aborted(r) && !weir_readable_is_paused(r));
  CHECK_EQUAL(r->length, 0);
  CHECK_EQUAL(r->flow, WEIR_UNDECIDED);
  fake_host_free(host);
}

SPEC("push says false from the mark on, and takes the chunk all the same [RD-002]") {
  fake_host *host = open_with((fake_reader){.mark = 4});
  const char *chunks[] = {"ab", "c", "d", "e", ""};
  for (int i = 0; i < 5; i++) fake_push(host, chunks[i]);
  CHECK_LOG(host, "true true false false false");
  CHECK_EQUAL(host->readable->length, 5);
  fake_host_free(host);
}

SPEC("with a mark of 0 one chunk is as many as it takes [RD-003]") {
  fake_host *host = open_with((fake_reader){.mark = FAKE_NO_MARK});
  fake_push(host, "");
  fake_push(host, "a");
  CHECK_LOG(host, "true false");
  fake_host_free(host);
}

SPEC("who listens is told directly only where a push would go straight through") {
  fake_host *host = open_with((fake_reader){.mark = 4, .is_asked = true});
  weir_readable *r = host->readable;
  CHECK(!weir_readable_begin_direct(r)); /* nobody listens */
  fake_flow(host);
  CHECK(weir_readable_begin_direct(r));
  CHECK_EQUAL(weir_readable_end_direct(r), WEIR_GO_ON);
  CHECK(r->did_read);
  CHECK_EQUAL(r->takes, 1);
  CHECK_EQUAL(r->length, 0);
  weir_readable_pause(r);
  CHECK(!weir_readable_begin_direct(r));
  fake_push(host, "kept");
  weir_readable_resume(r);
  CHECK(!weir_readable_begin_direct(r)); /* one is before it */
  fake_run(host);
  CHECK(weir_readable_begin_direct(r));
  weir_readable_push_end(r); /* by the listener */
  CHECK_EQUAL(weir_readable_end_direct(r), WEIR_SLOW_DOWN);
  CHECK(!weir_readable_begin_direct(r));
  fake_host_free(host);
  host = open_with((fake_reader){.mark = 4, .is_asked = true});
  fake_flow(host);
  fake_destroy(host, NULL);
  CHECK(!weir_readable_begin_direct(host->readable));
  fake_host_free(host);
}

SPEC("in object mode each value counts 1") {
  fake_host *host = open_with((fake_reader){.mark = 2, .object_mode = true});
  fake_push(host, "first");
  fake_push(host, "second");
  CHECK_LOG(host, "true false");
  CHECK_EQUAL(host->readable->length, 2);
  fake_read(host, 5);
  fake_read_all(host);
  CHECK_LOG(host, "read data(first) got(first) data(second) got(second)");
  fake_host_free(host);
}

SPEC("no data after the end is silent; data fails the stream, once [RD-005]") {
  fake_host *host = open_with((fake_reader){0});
  fake_push_end(host);
  fake_push_end(host);
  fake_push(host, "");
  CHECK_LOG(host, "false");
  fake_push(host, "a");
  fake_push_borrowed(host, "b");
  fake_run(host);
  CHECK_LOG(host, "false false | error(PUSH_AFTER_EOF) close");
  fake_host_free(host);
}

SPEC("after destroy a chunk is dropped, and given back [RD-006]") {
  fake_host *host = open_with((fake_reader){0});
  fake_destroy(host, NULL);
  fake_push(host, "a");
  fake_push_borrowed(host, "b");
  fake_unshift(host, "c");
  fake_push_end(host);
  fake_run(host);
  CHECK_LOG(host, "false false false | close");
  CHECK_EQUAL(host->readable->length, 0);
  CHECK(weir_readable_is_aborted(host->readable));
  fake_host_free(host);
}

SPEC("what is pushed within a read waits in the buffer; later chunks go straight through") {
  fake_host *host = open_with((fake_reader){.script = "a+b"});
  fake_flow(host);
  fake_run(host);
  CHECK_LOG(host, "| read resume read data(a) data(b)");
  fake_push(host, "c");
  CHECK_LOG(host, "data(c) true");
  CHECK_EQUAL(host->readable->length, 0);
  fake_host_free(host);
}

SPEC("a transform's first chunk goes straight through [RD-026]") {
  fake_host *host = open_with((fake_reader){.is_asked = true});
  fake_flow(host);
  fake_push_borrowed(host, "a");
  CHECK_LOG(host, "data(a) true");
  fake_host_free(host);
}

SPEC("a slab may be pushed piece by piece, each with a reference of its own") {
  fake_host *host = open_with((fake_reader){0});
  weir_slab *slab = weir_slab_new(&host->core.slabs, 100);
  memcpy(slab->bytes, "abcd", 4);
  weir_slab_hold(slab);
  CHECK(weir_readable_push_slab(host->readable, slab, 0, 2));
  CHECK(weir_readable_push_slab(host->readable, slab, 2, 2));
  CHECK_EQUAL(slab->references, 2);
  fake_read(host, 2);
  CHECK_EQUAL(slab->references, 1);
  fake_read(host, 1); /* a copy */
  fake_read(host, 1);
  CHECK_LOG(host, "read data(ab) got(ab) data(c) got(c) data(d) got(d)");
  fake_host_free(host);
}

SPEC("a native source without memory fails the stream") {
  if (!failing_alloc_works()) SKIP("allocations cannot be made to fail here");
  fake_host *host = open_with((fake_reader){0});
  weir_slab *slab = weir_slab_new(&host->core.slabs, 100);
  failing_alloc_begin(1, true);
  CHECK(!weir_readable_push_slab(host->readable, slab, 0, 2));
  fake_run(host);
  failing_alloc_end();
  CHECK_LOG(host, "| error(ENOMEM) close");
  fake_host_free(host);
}

SPEC("a push or unshift without memory takes nothing") {
  if (!failing_alloc_works()) SKIP("allocations cannot be made to fail here");
  fake_host *host = open_with((fake_reader){0});
  failing_alloc_begin(1, true);
  fake_push_borrowed(host, "a");
  failing_alloc_begin(2, true); /* the slab is there */
  fake_unshift(host, "a");
  failing_alloc_end();
  CHECK_LOG(host, "no_memory no_memory");
  CHECK_EQUAL(host->readable->length, 0);
  fake_host_free(host);
}

SPEC("the end that comes while nothing is asked for is announced at once") {
  fake_host *host = open_with((fake_reader){0});
  fake_watch(host);
  fake_run(host);
  fake_push_end(host);
  CHECK_LOG(host, "| read readable");
  fake_host_free(host);
}

SPEC("what it was is said when it is not any more") {
  fake_host *host = open_with((fake_reader){.survives = true, .script = "!"});
  fake_read_all(host);
  CHECK(!weir_readable_is_readable(host->readable)); /* the error was told */
  CHECK(weir_readable_is_aborted(host->readable));
  fake_destroy(host, NULL);
  CHECK(!weir_readable_is_readable(host->readable));
  fake_host_free(host);
  host = open_with((fake_reader){.survives = true, .script = "."});
  fake_read_all(host);
  fake_run(host);
  CHECK(!weir_readable_is_readable(host->readable));
  fake_destroy(host, NULL);
  CHECK(!weir_readable_is_aborted(host->readable)); /* it was read to its end */
  fake_host_free(host);
}

/* --- unshift ---------------------------------------------------------------------------------- */

SPEC("unshift puts in front, also after the end of input") {
  fake_host *host = open_with((fake_reader){0});
  fake_push(host, "b");
  fake_push_end(host);
  fake_unshift(host, "a");
  fake_unshift(host, "");
  fake_read_all(host);
  fake_run(host);
  CHECK_LOG(host, "true false false data(ab) got(ab) | end close");
  fake_host_free(host);
}

SPEC("unshift into an empty buffer makes its chunk the last one too") {
  fake_host *host = open_with((fake_reader){0});
  fake_unshift(host, "a");
  fake_push(host, "b");
  fake_read_all(host);
  CHECK_LOG(host, "true true read data(ab) got(ab)");
  fake_host_free(host);
}

SPEC("an unshift cancels an end that is about to be told") {
  fake_host *host = open_with((fake_reader){.script = "a+."});
  fake_read_all(host);
  fake_read_all(host);
  fake_unshift(host, "z");
  fake_run(host);
  CHECK_LOG(host, "read data(a) got(a) got(nothing) false |");
  fake_read_all(host);
  fake_run(host);
  CHECK_LOG(host, "data(z) got(z) | end close");
  fake_host_free(host);
}

SPEC("unshift after `end` fails the stream") {
  fake_host *host = open_with((fake_reader){.survives = true, .script = "."});
  fake_read_all(host);
  fake_run(host);
  fake_unshift(host, "a");
  CHECK_LOG(host, "read got(nothing) | end error(UNSHIFT_AFTER_END_EVENT) false");
  fake_host_free(host);
}

/* --- read ------------------------------------------------------------------------------------- */

SPEC("read(n) gives n bytes or nothing, across chunks [RD-008]") {
  fake_host *host = open_with((fake_reader){.mark = 32});
  fake_push(host, "abc");
  fake_push(host, "def");
  fake_log(host);
  fake_read(host, 2);
  fake_read(host, 10);
  fake_read(host, -1);
  fake_read(host, 0);
  fake_read(host, 3);
  fake_read_all(host);
  CHECK_LOG(host, "read data(ab) got(ab) got(nothing) got(nothing) got(nothing) data(cde) got(cde) "
                  "data(f) got(f)");
  fake_host_free(host);
}

SPEC("a read beyond the mark raises it to the next power of two [RD-009]") {
  fake_host *host = open_with((fake_reader){.mark = 4});
  const int64_t asked[] = {5, 16, 17}, marks[] = {8, 16, 32};
  for (int i = 0; i < 3; i++) {
    fake_read(host, asked[i]);
    CHECK_EQUAL(host->readable->high_water_mark, marks[i]);
  }
  fake_host_free(host);
}

SPEC("after the end a read of too much gives what is left") {
  fake_host *host = open_with((fake_reader){0});
  fake_push(host, "abc");
  fake_push_end(host);
  fake_read(host, 10);
  fake_run(host);
  CHECK_LOG(host, "true data(abc) got(abc) | end close");
  fake_host_free(host);
}

SPEC("a read of exactly what is left does not see the end; the next does") {
  fake_host *host = open_with((fake_reader){0});
  fake_push(host, "abc");
  fake_push_end(host);
  fake_read(host, 3);
  fake_read(host, -1);
  fake_run(host);
  CHECK_LOG(host, "true data(abc) got(abc) got(nothing) | end close");
  fake_host_free(host);
}

SPEC("a read of nothing, of an ended stream with data left, tells no end") {
  fake_host *host = open_with((fake_reader){0});
  fake_push(host, "abc");
  fake_push_end(host);
  fake_read(host, -1);
  fake_read(host, 0);
  fake_run(host);
  CHECK_LOG(host, "true got(nothing) got(nothing) |");
  fake_host_free(host);
}

SPEC("read(0) of an ended, empty stream tells the end") {
  fake_host *host = open_with((fake_reader){.script = "-"});
  fake_read(host, 0);
  host->readable->needs_notice = true;
  host->readable->input = WEIR_INPUT_ENDED;
  fake_read(host, 0);
  fake_run(host);
  CHECK_LOG(host, "read got(nothing) got(nothing) | end close");
  fake_host_free(host);
}

SPEC("the source is not asked again while it has not pushed [RD-011]") {
  fake_host *host = open_with((fake_reader){0});
  fake_read_all(host);
  fake_read_all(host);
  weir_readable_resume(host->readable);
  fake_run(host);
  CHECK_LOG(host, "read got(nothing) got(nothing) | resume");
  fake_push(host, "");
  fake_run(host);
  CHECK_LOG(host, "true | read");
  fake_host_free(host);
}

SPEC("in object mode an empty stream has no value to give") {
  fake_host *host = open_with((fake_reader){.object_mode = true, .script = "- "});
  fake_read(host, 1);
  fake_read_all(host);
  CHECK_LOG(host, "read got(nothing) got(nothing)");
  fake_host_free(host);
}

SPEC("a push within the read completes that very read") {
  fake_host *host = open_with((fake_reader){.script = "abc"});
  fake_read(host, 2);
  CHECK_LOG(host, "read data(ab) got(ab)");
  fake_host_free(host);
}

static void read_inside(fake_host *host) {
  source.on_read = NULL;
  fake_read_all(host);
}

SPEC("what is consumed within the source's read is not counted twice (C-02)") {
  fake_host *host = open_with((fake_reader){.mark = 8});
  fake_push(host, "abc");
  source.on_read = read_inside;
  fake_read(host, 2);
  CHECK_LOG(host, "true read data(abc) got(abc) got(nothing)");
  CHECK_EQUAL(host->readable->length, 0);
  fake_host_free(host);
}

SPEC("a source that cannot be read fails the stream with the first read") {
  fake_host *host = open_with((fake_reader){.mute = true});
  fake_read_all(host);
  fake_run(host);
  CHECK_LOG(host, "got(nothing) | error(METHOD_NOT_IMPLEMENTED) close");
  fake_host_free(host);
}

SPEC("a source that fails is not asked again; what is there can be read [RD-028]") {
  fake_host *host = open_with((fake_reader){.survives = true, .script = "abc !"});
  fake_read(host, 1);
  fake_read(host, 0);
  fake_read(host, 1);
  fake_push(host, "z");
  fake_read_all(host);
  fake_read_all(host);
  CHECK_LOG(host,
            "read data(a) got(a) read error(X) got(nothing) got(b) false got(c) got(nothing)");
  CHECK(!weir_readable_is_readable(host->readable));
  fake_host_free(host);
}

SPEC("a destroyed stream still gives what it holds, and tells of it until close [RD-027]") {
  fake_host *host = open_with((fake_reader){0});
  fake_push(host, "a");
  fake_push(host, "b");
  fake_destroy(host, NULL);
  fake_read(host, 1);
  fake_run(host);
  fake_read(host, 1);
  CHECK_LOG(host, "true true data(a) got(a) | close got(b)");
  fake_host_free(host);
}

SPEC("a read without memory takes nothing") {
  if (!failing_alloc_works()) SKIP("allocations cannot be made to fail here");
  fake_host *host = open_with((fake_reader){0});
  fake_push(host, "abc");
  fake_push(host, "def");
  fake_push_end(host);
  fake_log(host);
  for (long nth = 1; nth <= 2; nth++) { /* the entry, then the slab */
    failing_alloc_begin(nth, true);
    fake_read(host, 5);
    failing_alloc_end();
  }
  CHECK_EQUAL(host->readable->length, 6);
  fake_read(host, 5);
  CHECK_LOG(host, "no_memory no_memory data(abcde) got(abcde)");
  fake_host_free(host);
}

SPEC("a stream that is dropped gives back what nobody has read") {
  fake_host *host = open_with((fake_reader){0});
  fake_push(host, "a");
  fake_push_borrowed(host, "b");
  fake_host_free(host);
}

int main(int argc, char **argv) {
  return check_main(argc, argv);
}
