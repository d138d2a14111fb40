/* file_sink_spec.c - a stream into a file, without Lua: what is asked of the pool, and when; what is told
** and in which order; and that every callback is called, every anchor given back, all memory freed.
** SPDX-License-Identifier: MIT
*/
#include "sinks/file_sink.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/check.h"
#include "support/file_stream.h"

static file_stream it;

/* --- in good weather --------------------------------------------------------------------------- */

SPEC("the file is opened from a tick, and tells so before anything is written") {
  fake_host *host = file_prepare(&it);
  file_start(&it);
  CHECK(!it.sink.job && !it.sink.is_open);
  fake_write(host, "abc", "a");
  fake_write(host, "def", "b");
  fake_end(host, NULL, "end");
  CHECK(!it.sink.job);
  weir_ticks_run(&host->core.ticks);
  CHECK(it.sink.job && !weir_file_sink_is_writing(&it.sink));
  file_run(&it);
  CHECK_LOG(host, "true true open a b prefinish end finish close");
  CHECK_EQUAL(it.sink.file.fd, -1);
  CHECK(!it.sink.is_open);
  file_check(&it, "abcdef");
  file_free(&it);
}

SPEC("what is written in one turn leaves together, at the turn's end") {
  fake_host *host = file_prepare(&it);
  file_start(&it);
  file_run(&it);
  for (int i = 0; i < 10; i++) fake_write(host, "abc", NULL);
  CHECK(!weir_file_sink_is_writing(&it.sink));
  weir_ticks_run(&host->core.ticks);
  CHECK(weir_file_sink_is_writing(&it.sink));
  file_run(&it);
  CHECK(!weir_file_sink_is_writing(&it.sink));
  CHECK_EQUAL(host->writable->stats.flushes, 1);
  CHECK_EQUAL(host->writable->length, 0);
  fake_end(host, NULL, NULL);
  file_free(&it);
  file_check(&it, "abcabcabcabcabcabcabcabcabcabc");
}

SPEC("what reaches the mark leaves at once, and is seen to be written before the loop turns") {
  fake_host *host = file_prepare(&it);
  file_start_with(&it,
                  (weir_writable_options){.high_water_mark = 4, .max_buffered = WEIR_NO_LIMIT});
  file_run(&it);
  fake_log(host);
  fake_write(host, "abcd", "a");
  CHECK(weir_file_sink_is_writing(&it.sink));
  uint64_t began = uv_hrtime();
  while (it.sink.port.reap(&it.sink) < 4 && uv_hrtime() - began < UINT64_C(5000000000)) continue;
  CHECK_EQUAL(it.sink.port.reap(&it.sink), 4);
  CHECK_EQUAL(host->writable->length, 4);
  fake_write(host, "e", "b");
  CHECK_EQUAL(host->writable->length, 1);
  CHECK_LOG(host, "false true");
  file_run(&it);
  const char *log = fake_log(host); /* b may have been written by the first tick */
  CHECK(strcmp(log, "drain a b") == 0 || strcmp(log, "a drain b") == 0);
  fake_end(host, NULL, NULL);
  file_free(&it);
  file_check(&it, "abcde");
}

SPEC("more writes than the ring has room for are written all the same") {
  fake_host *host = file_prepare(&it);
  file_start(&it);
  file_run(&it);
  for (int i = 0; i < 10 * WEIR_RING_SLICES; i++) fake_write(host, "abc", "x");
  fake_end(host, "end", "end");
  host->silent = true;
  file_run(&it);
  CHECK(host->writable->stats.flushes >= 10);
  CHECK_EQUAL(host->closes, 1);
  struct stat info;
  CHECK_EQUAL(stat(it.path, &info), 0);
  CHECK_EQUAL(info.st_size, 30 * WEIR_RING_SLICES + 3);
  host->log_size = 0;
  file_free(&it);
}

SPEC("borrowed bytes are given back when they are written, and not before") {
  fake_host *host = file_prepare(&it);
  file_start(&it);
  file_run(&it);
  fake_write_borrowed(host, "abc", "a");
  CHECK_EQUAL(host->anchors[1].hold + host->anchors[2].hold, 2 * FAKE_HELD);
  file_run(&it);
  fake_write_borrowed(host, "def", NULL);
  fake_end(host, NULL, NULL);
  file_free(&it); /* checks that all are given back */
  file_check(&it, "abcdef");
}

SPEC("an end waits for the writes, a sync for both, and close for all") {
  fake_host *host = file_prepare(&it);
  host->live_before = -1; /* realpath's memory is not counted, but its free is */
  it.sink.file.sync = WEIR_SYNC_FULL;
  file_start(&it);
  fake_write(host, "abc", "a");
  fake_end(host, "def", "end");
  file_run(&it);
  CHECK_LOG(host, "true open a prefinish end finish close");
  file_check(&it, "abcdef");
  file_free(&it);
}

SPEC("a stream into a given descriptor opens nothing, and says nothing of it") {
  fake_host *host = file_prepare(&it);
  free(it.sink.file.path);
  it.sink.file.path = NULL;
  it.sink.file.given = it.sink.file.shared = true;
  it.sink.file.fd = open(it.path, O_WRONLY);
  file_start(&it);
  CHECK(it.sink.is_open);
  fake_write(host, "abc", "a");
  fake_end(host, NULL, "end");
  file_run(&it);
  CHECK_LOG(host, "true a prefinish end finish close");
  file_check(&it, "abc");
  file_free(&it);
}

/* --- in bad weather ---------------------------------------------------------------------------- */

SPEC("a file that cannot be opened fails all who wait, then says error and close") {
  fake_host *host = file_prepare(&it);
  free(it.sink.file.path);
  it.sink.file.path = strdup("/no/such/file");
  file_start(&it);
  fake_write(host, "abc", "a");
  fake_end(host, NULL, "end");
  file_run(&it);
  char expected[128];
  snprintf(expected, sizeof expected, "true a(system %d) end(system %d) error(system %d) close",
           ENOENT, ENOENT, ENOENT);
  CHECK_LOG(host, expected);
  file_free(&it);
}

SPEC("a write that fails stops what is behind it, and no second one is tried") {
  fake_host *host = file_prepare(&it);
  it.sink.file.flags = O_RDONLY;
  file_start(&it);
  file_run(&it);
  fake_write(host, "abc", "a");
  weir_ticks_run(&host->core.ticks);
  fake_write(host, "def", "b");
  file_run(&it);
  char expected[128];
  snprintf(expected, sizeof expected,
           "open true true a(system %d) b(system %d) error(system %d) close", EBADF, EBADF, EBADF);
  CHECK_LOG(host, expected);
  CHECK_EQUAL(it.sink.port.reap(&it.sink), 0);
  file_free(&it);
}

SPEC("without auto_destroy a failed stream stays, refuses, and can be destroyed") {
  fake_host *host = file_prepare(&it);
  it.sink.file.flags = O_RDONLY;
  file_start(&it);
  host->stream->auto_destroy = false;
  fake_write(host, "abc", "a");
  file_run(&it);
  CHECK_EQUAL(host->closes, 0);
  CHECK_EQUAL(host->errors, 1);
  fake_log(host);
  fake_write(host, "def", "b");
  file_run(&it);
  fake_destroy(host, NULL);
  file_run(&it);
  char expected[128];
  snprintf(expected, sizeof expected, "refused(system %d) b(system %d) close", EBADF, EBADF);
  CHECK_LOG(host, expected);
  file_free(&it);
}

SPEC("destroyed before it is open, it waits for that, and closes what was opened") {
  fake_host *host = file_prepare(&it);
  file_start(&it);
  fake_write(host, "abc", "a");
  weir_ticks_run(&host->core.ticks);
  fake_destroy(host, "X");
  file_run(&it);
  CHECK_LOG(host, "true a(X) open error(X) close");
  CHECK_EQUAL(it.sink.file.fd, -1);
  file_check(&it, "");
  file_free(&it);
}

SPEC("destroyed while it writes, it waits for that; what is written counts as written") {
  for (int round = 0; round < 50; round++) {
    fake_host *host = file_prepare(&it);
    file_start_with(&it,
                    (weir_writable_options){.high_water_mark = 1, .max_buffered = WEIR_NO_LIMIT});
    file_run(&it);
    fake_log(host);
    fake_write(host, "abc", "a");
    for (int i = 0; i < 100 * (round % 5); i++) (void)uv_hrtime();
    fake_destroy(host, NULL);
    file_run(&it);
    uint64_t written = it.sink.port.reap(&it.sink);
    CHECK(written == 0 || written == 3);
    CHECK_LOG(host, written == 3 ? "false a close" : "false a(DESTROYED) close");
    file_check(&it, written == 3 ? "abc" : "");
    file_free(&it);
  }
}

SPEC("destroyed while a sync was asked for and waits, it does not sync") {
  fake_host *host = file_prepare(&it);
  it.sink.file.sync = WEIR_SYNC_FULL;
  file_start(&it);
  file_run(&it);
  fake_log(host);
  fake_write(host, "abc", "a");
  weir_ticks_run(&host->core.ticks);
  fake_end(host, NULL, "end");
  fake_destroy(host, "X");
  file_run(&it);
  const char *log = fake_log(host);
  CHECK(strcmp(log, "true a end(X) error(X) close") == 0 ||
        strcmp(log, "true a(X) end(X) error(X) close") == 0);
  CHECK_EQUAL(host->finishes, 0);
  file_free(&it);
}

SPEC("a close that fails is an error, after finish") {
  fake_host *host = file_prepare(&it);
  file_start(&it);
  fake_write(host, "abc", "a");
  file_run(&it);
  CHECK_EQUAL(close(it.sink.file.fd), 0); /* behind its back */
  fake_end(host, NULL, "end");
  file_run(&it);
  char expected[128];
  snprintf(expected, sizeof expected, "true open a prefinish end finish error(system %d) close",
           EBADF);
  CHECK_LOG(host, expected);
  file_check(&it, "abc");
  file_free(&it);
}

/* --- at random --------------------------------------------------------------------------------- */

enum { BYTES = 1 << 18 };
static char source[BYTES], target[BYTES + 1];

static void write_some(fake_host *host, uint64_t *at) {
  size_t size = (size_t)check_random((uint64_t)1 << check_random(15));
  if (size > BYTES - *at) size = (size_t)(BYTES - *at);
  weir_piece piece = {.bytes = source + *at, .size = size};
  if (fake_write_pieces(host, &piece, 1, check_random(2) ? "x" : NULL) <= WEIR_SLOW_DOWN)
    *at += size;
}

/* Acts at random until the bytes are used up, or the end has come; returns how many were accepted. */
static uint64_t act_at_random(fake_host *host) {
  uint64_t at = 0;
  int corks = 0;
  for (int step = 0; step < 400 && at < BYTES; step++) {
    switch (check_random(8)) {
      case 0: weir_loop_run(&it.loop, UV_RUN_NOWAIT); break;
      case 1: weir_ticks_run(&host->core.ticks); break;
      case 2:
        if (corks++ < 3) fake_cork(host);
        break;
      case 3: fake_uncork(host); break;
      default: write_some(host, &at);
    }
  }
  return at;
}

SPEC("whatever is written when, the file has it, and every callback comes") {
  for (size_t i = 0; i < BYTES; i++) source[i] = (char)check_random(256);
  for (int round = 0; round < 40; round++) {
    check_random_begin(check_seed() + (uint64_t)round);
    fake_host *host = file_prepare(&it);
    host->silent = true;
    uint64_t mark = check_random(3) == 0 ? 1 : (uint64_t)1 << check_random(18);
    file_start_with(&it, (weir_writable_options){
                             .high_water_mark = mark,
                             .low_water_mark = mark > 1 ? check_random(mark) : 0,
                             .max_buffered = check_random(4) == 0 ? 2 * mark : WEIR_NO_LIMIT,
                         });
    uint64_t accepted = act_at_random(host);
    bool destroyed = check_random(4) == 0;
    if (destroyed) fake_destroy(host, NULL);
    else fake_end(host, NULL, "end");
    file_run(&it);
    size_t size = file_content(&it, target, sizeof target);
    CHECK_EQUAL(size, it.sink.port.reap(&it.sink));
    CHECK(destroyed ? size <= accepted : size == accepted);
    CHECK(memcmp(source, target, size) == 0);
    CHECK_EQUAL(host->closes, 1);
    CHECK_EQUAL(host->finishes, destroyed ? 0 : 1);
    CHECK_EQUAL(host->errors, 0);
    file_free(&it);
  }
}

/* --- waiting awake ----------------------------------------------------------------------------- */

static int writes_left;

/* A pause at random, so that the write comes while the writer waits awake, leaves, or has left. */
static void write_again(fake_host *host) {
  if (writes_left-- == 0) {
    fake_end(host, NULL, NULL);
    return;
  }
  uint64_t pause_ns = check_random(120000), began_ns = uv_hrtime();
  while (uv_hrtime() - began_ns < pause_ns) weir_pool_relax();
  fake_on(host, "drain", write_again);
  fake_write(host, "abcd", NULL);
}

SPEC("whenever a write comes, the drain it waits for comes as well") {
  const int count = getenv("SPEC_TOOL") ? 200 : 4000;
  fake_host *host = file_prepare(&it);
  host->silent = true;
  file_start_with(&it,
                  (weir_writable_options){.high_water_mark = 4, .max_buffered = WEIR_NO_LIMIT});
  file_run(&it);
  writes_left = count;
  write_again(host);
  file_run(&it);
  CHECK_EQUAL(host->drains, count);
  CHECK_EQUAL(host->finishes, 1);
  CHECK_EQUAL(it.sink.file.fd, -1);
  file_free(&it);
  CHECK_EQUAL(file_content(&it, target, sizeof target), 4 * (size_t)count);
}

static void run_ticks_unwatched(void *owner) {
  CHECK(owner == it.host);
  if (it.sink.job && !weir_file_sink_is_writing(&it.sink)) CHECK(!it.sink.watch.look);
  weir_ticks_run(&it.host->core.ticks);
}

SPEC("a write that fails is not watched any more when the file is closed, for the stream may go") {
  fake_host *host = file_prepare(&it);
  free(it.sink.file.path);
  it.sink.file.path = strdup("/dev/full");
  file_start_with(&it,
                  (weir_writable_options){.high_water_mark = 4, .max_buffered = WEIR_NO_LIMIT});
  file_run(&it);
  it.loop.settled = run_ticks_unwatched;
  fake_write(host, "abcd", "a");
  fake_end(host, NULL, NULL);
  file_run(&it);
  CHECK_LOG(host, "open false a(system 28) error(system 28) close");
  file_free(&it);
}

SPEC("nothing is left of all this") {
  file_remove(&it);
}

int main(int argc, char **argv) {
  return check_main(argc, argv);
}
