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
#include "support/failing_alloc.h"
#include "support/fake_host.h"

static char path[] = "/tmp/weir_file_sink_XXXXXX";
static weir_loop loop;
static weir_file_sink sink;

/* --- a stream ---------------------------------------------------------------------------------- */

static void on_opened(void *owner) {
  fake_note(owner, "open");
}

/* Behind every callback of the loop, as its own ticks would run. */
static void run_ticks(void *owner) {
  fake_host *host = owner;
  weir_ticks_run(&host->core.ticks);
}

/* A sink for `path`; options are set in sink.file before start(). */
static fake_host *prepare(void) {
  static bool named;
  if (!named) {
    int fd = mkstemp(path);
    if (fd < 0) abort();
    close(fd);
    named = true;
  }
  if (truncate(path, 0) != 0) abort();
  fake_host *host = fake_host_new();
  if (weir_loop_open(&loop) != 0) abort();
  loop.settled = run_ticks;
  loop.owner = host;
  weir_file_sink_init(&sink);
  sink.file.path = strdup(path);
  return host;
}

static void start_with(fake_host *host, weir_writable_options options) {
  weir_file_sink_attach(&sink, &loop, NULL, on_opened, host);
  fake_host_open(host, &options, &sink.port, &sink);
  sink.writable = host->writable;
}

static void start(fake_host *host) {
  start_with(host,
             (weir_writable_options){.high_water_mark = 16384, .max_buffered = WEIR_NO_LIMIT});
}

/* Runs until nothing happens any more. */
static void run(fake_host *host) {
  do {
    weir_ticks_run(&host->core.ticks);
  } while (weir_loop_run(&loop, UV_RUN_ONCE) || weir_ticks_pending(&host->core.ticks));
}

static void free_all(fake_host *host) {
  run(host);
  fake_host_drop(host);
  weir_file_sink_deinit(&sink);
  CHECK(weir_loop_close(&loop));
  fake_host_free(host);
}

static size_t content(char *text, size_t max) {
  FILE *in = fopen(path, "rb");
  if (!CHECK(in)) return 0;
  size_t size = fread(text, 1, max, in);
  fclose(in);
  return size;
}

static void check_content(const char *expected) {
  char text[256];
  text[content(text, sizeof text - 1)] = '\0';
  CHECK_STRING(text, expected);
}

/* --- in good weather --------------------------------------------------------------------------- */

SPEC("the file is opened from a tick, and tells so before anything is written") {
  fake_host *host = prepare();
  start(host);
  CHECK(!sink.job && !sink.is_open);
  fake_write(host, "abc", "a");
  fake_write(host, "def", "b");
  fake_end(host, NULL, "end");
  CHECK(!sink.job);
  weir_ticks_run(&host->core.ticks);
  CHECK(sink.job && !weir_file_sink_is_writing(&sink));
  run(host);
  CHECK_LOG(host, "true true open a b prefinish end finish close");
  CHECK_EQUAL(sink.file.fd, -1);
  CHECK(!sink.is_open);
  check_content("abcdef");
  free_all(host);
}

SPEC("what is written in one turn leaves together, at the turn's end") {
  fake_host *host = prepare();
  start(host);
  run(host);
  for (int i = 0; i < 10; i++) fake_write(host, "abc", NULL);
  CHECK(!weir_file_sink_is_writing(&sink));
  weir_ticks_run(&host->core.ticks);
  CHECK(weir_file_sink_is_writing(&sink));
  run(host);
  CHECK(!weir_file_sink_is_writing(&sink));
  CHECK_EQUAL(host->writable->stats.flushes, 1);
  CHECK_EQUAL(host->writable->length, 0);
  fake_end(host, NULL, NULL);
  free_all(host);
  check_content("abcabcabcabcabcabcabcabcabcabc");
}

SPEC("what reaches the mark leaves at once, and is seen to be written before the loop turns") {
  fake_host *host = prepare();
  start_with(host, (weir_writable_options){.high_water_mark = 4, .max_buffered = WEIR_NO_LIMIT});
  run(host);
  fake_log(host);
  fake_write(host, "abcd", "a");
  CHECK(weir_file_sink_is_writing(&sink));
  uint64_t began = uv_hrtime();
  while (sink.port.reap(&sink) < 4 && uv_hrtime() - began < UINT64_C(5000000000)) continue;
  CHECK_EQUAL(sink.port.reap(&sink), 4);
  CHECK_EQUAL(host->writable->length, 4);
  fake_write(host, "e", "b");
  CHECK_EQUAL(host->writable->length, 1);
  CHECK_LOG(host, "false true");
  run(host);
  const char *log = fake_log(host); /* b may have been written by the first tick */
  CHECK(strcmp(log, "drain a b") == 0 || strcmp(log, "a drain b") == 0);
  fake_end(host, NULL, NULL);
  free_all(host);
  check_content("abcde");
}

SPEC("more writes than the ring has room for are written all the same") {
  fake_host *host = prepare();
  start(host);
  run(host);
  for (int i = 0; i < 10 * WEIR_RING_SLICES; i++) fake_write(host, "abc", "x");
  fake_end(host, "end", "end");
  host->silent = true;
  run(host);
  CHECK(host->writable->stats.flushes >= 10);
  CHECK_EQUAL(host->closes, 1);
  struct stat info;
  CHECK_EQUAL(stat(path, &info), 0);
  CHECK_EQUAL(info.st_size, 30 * WEIR_RING_SLICES + 3);
  host->log_size = 0;
  free_all(host);
}

SPEC("borrowed bytes are given back when they are written, and not before") {
  fake_host *host = prepare();
  start(host);
  run(host);
  fake_write_borrowed(host, "abc", "a");
  CHECK_EQUAL(host->anchors[1].hold + host->anchors[2].hold, 2 * FAKE_HELD);
  run(host);
  fake_write_borrowed(host, "def", NULL);
  fake_end(host, NULL, NULL);
  free_all(host); /* checks that all are given back */
  check_content("abcdef");
}

SPEC("an end waits for the writes, a sync for both, and close for all") {
  fake_host *host = prepare();
  host->live_before = -1; /* realpath's memory is not counted, but its free is */
  sink.file.sync = WEIR_SYNC_FULL;
  start(host);
  fake_write(host, "abc", "a");
  fake_end(host, "def", "end");
  run(host);
  CHECK_LOG(host, "true open a prefinish end finish close");
  check_content("abcdef");
  free_all(host);
}

SPEC("a stream into a given descriptor opens nothing, and says nothing of it") {
  fake_host *host = prepare();
  free(sink.file.path);
  sink.file.path = NULL;
  sink.file.given = sink.file.shared = true;
  sink.file.fd = open(path, O_WRONLY);
  start(host);
  CHECK(sink.is_open);
  fake_write(host, "abc", "a");
  fake_end(host, NULL, "end");
  run(host);
  CHECK_LOG(host, "true a prefinish end finish close");
  check_content("abc");
  free_all(host);
}

/* --- in bad weather ---------------------------------------------------------------------------- */

SPEC("a file that cannot be opened fails all who wait, then says error and close") {
  fake_host *host = prepare();
  free(sink.file.path);
  sink.file.path = strdup("/no/such/file");
  start(host);
  fake_write(host, "abc", "a");
  fake_end(host, NULL, "end");
  run(host);
  char expected[128];
  snprintf(expected, sizeof expected, "true a(system %d) end(system %d) error(system %d) close",
           ENOENT, ENOENT, ENOENT);
  CHECK_LOG(host, expected);
  free_all(host);
}

SPEC("a write that fails stops what is behind it, and no second one is tried") {
  fake_host *host = prepare();
  sink.file.flags = O_RDONLY;
  start(host);
  run(host);
  fake_write(host, "abc", "a");
  weir_ticks_run(&host->core.ticks);
  fake_write(host, "def", "b");
  run(host);
  char expected[128];
  snprintf(expected, sizeof expected,
           "open true true a(system %d) b(system %d) error(system %d) close", EBADF, EBADF, EBADF);
  CHECK_LOG(host, expected);
  CHECK_EQUAL(sink.port.reap(&sink), 0);
  free_all(host);
}

SPEC("without auto_destroy a failed stream stays, refuses, and can be destroyed") {
  fake_host *host = prepare();
  sink.file.flags = O_RDONLY;
  start(host);
  host->stream->auto_destroy = false;
  fake_write(host, "abc", "a");
  run(host);
  CHECK_EQUAL(host->closes, 0);
  CHECK_EQUAL(host->errors, 1);
  fake_log(host);
  fake_write(host, "def", "b");
  run(host);
  fake_destroy(host, NULL);
  run(host);
  char expected[128];
  snprintf(expected, sizeof expected, "refused(system %d) b(system %d) close", EBADF, EBADF);
  CHECK_LOG(host, expected);
  free_all(host);
}

SPEC("destroyed before it is open, it waits for that, and closes what was opened") {
  fake_host *host = prepare();
  start(host);
  fake_write(host, "abc", "a");
  weir_ticks_run(&host->core.ticks);
  fake_destroy(host, "X");
  run(host);
  CHECK_LOG(host, "true a(X) open error(X) close");
  CHECK_EQUAL(sink.file.fd, -1);
  check_content("");
  free_all(host);
}

SPEC("destroyed while it writes, it waits for that; what is written counts as written") {
  for (int round = 0; round < 50; round++) {
    fake_host *host = prepare();
    start_with(host, (weir_writable_options){.high_water_mark = 1, .max_buffered = WEIR_NO_LIMIT});
    run(host);
    fake_log(host);
    fake_write(host, "abc", "a");
    for (int i = 0; i < 100 * (round % 5); i++) (void)uv_hrtime();
    fake_destroy(host, NULL);
    run(host);
    uint64_t written = sink.port.reap(&sink);
    CHECK(written == 0 || written == 3);
    CHECK_LOG(host, written == 3 ? "false a close" : "false a(DESTROYED) close");
    check_content(written == 3 ? "abc" : "");
    free_all(host);
  }
}

SPEC("destroyed while a sync was asked for and waits, it does not sync") {
  fake_host *host = prepare();
  sink.file.sync = WEIR_SYNC_FULL;
  start(host);
  run(host);
  fake_log(host);
  fake_write(host, "abc", "a");
  weir_ticks_run(&host->core.ticks);
  fake_end(host, NULL, "end");
  fake_destroy(host, "X");
  run(host);
  const char *log = fake_log(host);
  CHECK(strcmp(log, "true a end(X) error(X) close") == 0 ||
        strcmp(log, "true a(X) end(X) error(X) close") == 0);
  CHECK_EQUAL(host->finishes, 0);
  free_all(host);
}

SPEC("a close that fails is an error, after finish") {
  fake_host *host = prepare();
  start(host);
  fake_write(host, "abc", "a");
  run(host);
  CHECK_EQUAL(close(sink.file.fd), 0); /* behind its back */
  fake_end(host, NULL, "end");
  run(host);
  char expected[128];
  snprintf(expected, sizeof expected, "true open a prefinish end finish error(system %d) close",
           EBADF);
  CHECK_LOG(host, expected);
  check_content("abc");
  free_all(host);
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
      case 0: weir_loop_run(&loop, UV_RUN_NOWAIT); break;
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
    fake_host *host = prepare();
    host->silent = true;
    uint64_t mark = check_random(3) == 0 ? 1 : (uint64_t)1 << check_random(18);
    start_with(host, (weir_writable_options){
                         .high_water_mark = mark,
                         .low_water_mark = mark > 1 ? check_random(mark) : 0,
                         .max_buffered = check_random(4) == 0 ? 2 * mark : WEIR_NO_LIMIT,
                     });
    uint64_t accepted = act_at_random(host);
    bool destroyed = check_random(4) == 0;
    if (destroyed) fake_destroy(host, NULL);
    else fake_end(host, NULL, "end");
    run(host);
    size_t size = content(target, sizeof target);
    CHECK_EQUAL(size, sink.port.reap(&sink));
    CHECK(destroyed ? size <= accepted : size == accepted);
    CHECK(memcmp(source, target, size) == 0);
    CHECK_EQUAL(host->closes, 1);
    CHECK_EQUAL(host->finishes, destroyed ? 0 : 1);
    CHECK_EQUAL(host->errors, 0);
    free_all(host);
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
  fake_host *host = prepare();
  host->silent = true;
  start_with(host, (weir_writable_options){.high_water_mark = 4, .max_buffered = WEIR_NO_LIMIT});
  run(host);
  writes_left = count;
  write_again(host);
  run(host);
  CHECK_EQUAL(host->drains, count);
  CHECK_EQUAL(host->finishes, 1);
  CHECK_EQUAL(sink.file.fd, -1);
  free_all(host);
  CHECK_EQUAL(content(target, sizeof target), 4 * (size_t)count);
}

static void run_ticks_unwatched(void *owner) {
  if (sink.job && !weir_file_sink_is_writing(&sink)) CHECK(!sink.watch.look);
  run_ticks(owner);
}

SPEC("a write that fails is not watched any more when the file is closed, for the stream may go") {
  fake_host *host = prepare();
  free(sink.file.path);
  sink.file.path = strdup("/dev/full");
  start_with(host, (weir_writable_options){.high_water_mark = 4, .max_buffered = WEIR_NO_LIMIT});
  run(host);
  loop.settled = run_ticks_unwatched;
  fake_write(host, "abcd", "a");
  fake_end(host, NULL, NULL);
  run(host);
  CHECK_LOG(host, "open false a(system 28) error(system 28) close");
  free_all(host);
}

SPEC("nothing is left of all this") {
  CHECK_EQUAL(unlink(path), 0);
}

int main(int argc, char **argv) {
  return check_main(argc, argv);
}
