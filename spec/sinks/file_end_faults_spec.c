/* file_end_faults_spec.c - a stream into a file that ends without the loop, and one that goes on with
** another file, where calls fail or take their time. libuv's pool has one thread here.
** SPDX-License-Identifier: MIT
*/
#include "sinks/file_sink.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/check.h"
#include "support/failing_alloc.h"
#include "support/file_stream.h"
#include "support/preload/fault_shim.h"

static file_stream it;

/* The file that comes after the first. */
static const char *second_path(void) {
  static char path[80];
  snprintf(path, sizeof path, "%s.2", it.path);
  return path;
}

static void check_second(const char *expected) {
  char text[64] = "";
  FILE *in = fopen(second_path(), "rb");
  if (!CHECK(in)) return;
  text[fread(text, 1, sizeof text - 1, in)] = '\0';
  fclose(in);
  CHECK_STRING(text, expected);
  CHECK_EQUAL(unlink(second_path()), 0);
}

/* The file is open, and "abc" waits to be given to it. */
static fake_host *begin(weir_sync sync) {
  fake_host *host = file_prepare(&it);
  host->live_before = -1; /* of realpath */
  it.sink.file.sync = sync;
  unlink(second_path());
  file_start(&it);
  file_run(&it);
  fake_write(host, "abc", "a");
  fake_log(host);
  return host;
}

static weir_verdict reopen(const char *path) {
  weir_error *refusal = NULL;
  weir_callback callback = fake_callback(it.host, "r");
  weir_verdict verdict = weir_file_sink_reopen(&it.sink, path, callback, &refusal);
  if (verdict == WEIR_NO_MEMORY) {
    it.host->owed['r']--;
    fake_forget(it.host, callback.anchor);
  }
  weir_error_release(refusal);
  return verdict;
}

static void end_now(const char *rules, bool discard) {
  fault_shim_begin(rules, "/tmp/");
  weir_file_sink_end_now(&it.sink, discard);
  fault_shim_end();
  CHECK_EQUAL(it.sink.file.fd, -1);
}

/* As the binding leaves a loop that will never go on: nobody is told anything, neither of what was
** out on the pool, nor of what was written.
*/
static void done(void) {
  bool was_out = it.sink.job != NULL;
  weir_loop_unwatch(&it.loop, &it.sink.watch);
  it.loop.is_over = true;
  uv_idle_stop(it.loop.idle.uv.idle);
  it.loop.idle_active = false;
  uv_run(it.loop.handle, UV_RUN_DEFAULT);
  it.loop.is_over = false;
  it.sink.job = NULL;
  if (was_out) weir_stream_release(it.host->stream);
  it.host->stream->life = WEIR_CLOSED;
  it.host->leaves_untold = true;
  file_free(&it);
}

/* --- the end without the loop ------------------------------------------------------------------ */

SPEC("what waits is written without the loop, in however many parts, and synced if that is "
     "promised") {
  for (int sync = WEIR_SYNC_NONE; sync <= WEIR_SYNC_FULL; sync += WEIR_SYNC_FULL) {
    begin((weir_sync)sync);
    end_now("pwritev:1:s1", false);
    CHECK_EQUAL(fault_shim_count("pwritev"), 2);
    CHECK_EQUAL(fault_shim_count("fsync") > 0, sync == WEIR_SYNC_FULL);
    file_check(&it, "abc");
    done();
  }
}

SPEC("what is discarded, or belongs to a stream that has failed, is not written") {
  for (int fails = 0; fails <= 1; fails++) {
    fake_host *host = begin(WEIR_SYNC_FULL);
    host->stream->auto_destroy = false;
    if (fails) weir_stream_fail_with(host->stream, WEIR_E_OUT_OF_MEMORY);
    end_now("", !fails);
    CHECK_EQUAL(fault_shim_count("pwritev") + fault_shim_count("fsync"), 0);
    file_check(&it, "");
    done();
  }
}

SPEC("a write that fails without the loop ends it: nothing is synced") {
  begin(WEIR_SYNC_FULL);
  end_now("pwritev:1:EIO", false);
  CHECK_EQUAL(fault_shim_count("pwritev"), 1);
  CHECK_EQUAL(fault_shim_count("fsync"), 0);
  done();
}

SPEC("a file that was not open yet is opened for what waits; or is not, and nothing is lost but "
     "that") {
  for (int way = 0; way < 3; way++) {
    fake_host *host = file_prepare(&it);
    file_start(&it);
    fake_write(host, "abc", NULL);
    end_now(way == 1 ? "open:1:EACCES" : "", way == 2);
    CHECK_EQUAL(fault_shim_count("open"), way == 2 ? 0 : 1);
    file_check(&it, way == 0 ? "abc" : "");
    done();
  }
}

SPEC("a stream that is closed has nothing to end") {
  fake_host *host = begin(WEIR_SYNC_NONE);
  fake_end(host, NULL, NULL);
  file_run(&it);
  end_now("", false);
  CHECK_EQUAL(fault_shim_count("pwritev"), 0);
  file_check(&it, "abc");
  file_free(&it);
}

SPEC("what a thread is writing is waited for, and not written twice") {
  fake_host *host = begin(WEIR_SYNC_NONE);
  fault_shim_begin("pwritev:1:d20", "/tmp/");
  weir_ticks_run(&host->core.ticks);
  CHECK(weir_file_sink_is_writing(&it.sink));
  fake_write(host, "de", "b");
  weir_file_sink_end_now(&it.sink, false);
  fault_shim_end();
  file_check(&it, "abcde");
  done();
}

static void begin_nothing(weir_pool_turn *turn) {
  CHECK(!turn->waits);
}

SPEC("what waits for a turn of the pool leaves the line, and is written all the same") {
  fake_host *host = begin(WEIR_SYNC_NONE);
  weir_pool_turn other = {.waits = false};
  weir_pool_take_turn(&it.loop.pool, &other, begin_nothing);
  weir_ticks_run(&host->core.ticks);
  CHECK(it.sink.turn.waits);
  end_now("", false);
  CHECK(!it.sink.turn.waits);
  file_check(&it, "abc");
  weir_pool_end_turn(&it.loop.pool);
  done();
}

/* --- another file ------------------------------------------------------------------------------ */

SPEC("without the loop what is behind a change of files goes to the other file") {
  fake_host *host = begin(WEIR_SYNC_NONE);
  CHECK_EQUAL(reopen(second_path()), WEIR_GO_ON);
  fake_write(host, "de", "b");
  end_now("", false);
  file_check(&it, "abc");
  check_second("de");
  done();
}

SPEC("without the loop a file that cannot be opened ends it") {
  fake_host *host = begin(WEIR_SYNC_NONE);
  CHECK_EQUAL(reopen("/no/such/folder/file"), WEIR_GO_ON);
  fake_write(host, "de", "b");
  end_now("", false);
  file_check(&it, "abc");
  done();
}

/* A thread is opening the other file, and takes 20 ms. */
static fake_host *begin_reopening(const char *path, const char *rules) {
  fake_host *host = begin(WEIR_SYNC_NONE);
  file_run(&it);
  CHECK_EQUAL(reopen(path), WEIR_GO_ON);
  fake_write(host, "de", "b");
  fake_log(host);
  fault_shim_begin(rules, "/tmp/");
  weir_ticks_run(&host->core.ticks);
  CHECK(it.sink.job && !weir_file_sink_is_writing(&it.sink));
  return host;
}

SPEC("a change of files that a thread is at is waited for without the loop, done or failed") {
  for (int fails = 0; fails <= 1; fails++) {
    begin_reopening(second_path(), fails ? "open:1:d20,open:1:EACCES" : "open:1:d20");
    while (fault_shim_count("open") == 0) usleep(100); /* else it would not have begun */
    weir_file_sink_end_now(&it.sink, false);
    fault_shim_end();
    CHECK_EQUAL(it.sink.file.fd, -1);
    file_check(&it, "abc");
    if (!fails) check_second("de");
    done();
  }
}

SPEC("what is written while the files change waits, and the change is not begun twice") {
  fake_host *host = begin_reopening(second_path(), "open:1:d20");
  fake_cork(host);
  fake_uncork(host); /* asks again at the fence */
  fake_end(host, NULL, NULL);
  file_run(&it);
  fault_shim_end();
  CHECK_LOG(host, "open r b prefinish finish close");
  check_second("de");
  file_free(&it);
}

SPEC(
    "a stream that is destroyed while the files change tells so, and closes the one or the other") {
  fake_host *host = begin_reopening(second_path(), "open:1:d20");
  fake_destroy(host, NULL);
  file_run(&it);
  fault_shim_end();
  CHECK_LOG(host, "r(DESTROYED) b(DESTROYED) close");
  CHECK_EQUAL(it.sink.file.fd, -1);
  check_second("");
  file_free(&it);
}

SPEC("a change of files for which there is no memory takes nothing") {
  if (!failing_alloc_works()) SKIP("no allocation can fail here");
  fake_host *host = begin(WEIR_SYNC_NONE);
  long nth = 0;
  bool failed;
  do {
    failing_alloc_begin(++nth, false);
    weir_verdict verdict = reopen(second_path());
    failed = failing_alloc_failed();
    failing_alloc_end();
    CHECK_EQUAL(verdict, failed ? WEIR_NO_MEMORY : WEIR_GO_ON);
  } while (failed && nth < 20);
  CHECK(nth > 2);
  fake_write(host, "de", "b");
  fake_end(host, NULL, NULL);
  file_run(&it);
  file_check(&it, "abc");
  check_second("de");
  file_free(&it);
}

SPEC("nothing is left of all this") {
  file_remove(&it);
}

int main(int argc, char **argv) {
  setenv("UV_THREADPOOL_SIZE", "1", 1);
  return check_main(argc, argv);
}
