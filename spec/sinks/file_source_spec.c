/* file_source_spec.c - a stream out of a file, without Lua: what is asked of the pool, how far it reads
** ahead, and that nothing is left behind when memory runs out, or when it is stopped.
** SPDX-License-Identifier: MIT
*/
#include "sinks/file_source.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/check.h"
#include "support/failing_alloc.h"
#include "support/fake_host.h"

enum { BLOCK = 1024, BLOCKS = 40, FILE_BYTES = BLOCK * BLOCKS };

static char path[] = "/tmp/weir_file_source_XXXXXX";
static weir_loop loop;
static weir_file_source source;
static uint64_t seen; /* bytes of `data`, each compared with the file's */

/* --- a stream ---------------------------------------------------------------------------------- */

static char byte_at(uint64_t position) {
  return (char)(position * 7 + position / 251);
}

static void make_file(void) {
  static char content[FILE_BYTES];
  static bool made;
  if (made) return;
  for (size_t i = 0; i < sizeof content; i++) content[i] = byte_at(i);
  int fd = mkstemp(path);
  if (fd < 0 || write(fd, content, sizeof content) != FILE_BYTES) abort();
  close(fd);
  made = true;
}

static void remove_file(void) {
  unlink(path);
}

static void on_opened(void *owner) {
  fake_note(owner, "open");
}

/* Behind every callback of the loop, as its own ticks would run. */
static void run_ticks(void *owner) {
  fake_host *host = owner;
  weir_ticks_run(&host->core.ticks);
}

static void compare(fake_host *host, const weir_entry *chunk) {
  (void)host;
  for (size_t i = 0; i < chunk->size; i++) {
    if (!CHECK_EQUAL(chunk->bytes[i], byte_at(source.file.start + seen + i))) break;
  }
  seen += chunk->size;
}

static fake_host *prepare(void) {
  make_file();
  fake_host *host = fake_host_new();
  if (weir_loop_open(&loop) != 0) abort();
  loop.settled = run_ticks;
  loop.owner = host;
  weir_file_source_init(&source);
  source.file.path = strdup(path);
  if (!source.file.path) abort();
  seen = 0;
  return host;
}

static void start(fake_host *host, uint64_t left) {
  weir_file_source_attach(&source, &loop, NULL, BLOCK, left, on_opened, host);
  fake_host_open_readable(host, NULL, &source.port, &source.source_port, BLOCK, &source);
  source.job.stream = host->stream;
}

/* Runs until nothing happens any more. */
static void run(fake_host *host) {
  do {
    weir_ticks_run(&host->core.ticks);
  } while (weir_loop_run(&loop, UV_RUN_ONCE) || weir_ticks_pending(&host->core.ticks));
}

static void free_all(fake_host *host) {
  run(host);
  weir_file_source_deinit(&source);
  fake_host_drop(host);
  CHECK(weir_loop_close(&loop));
  fake_host_free(host);
}

/* --- in good weather --------------------------------------------------------------------------- */

SPEC("the file is opened from a tick, and nothing is read before somebody asks") {
  fake_host *host = prepare();
  start(host, UINT64_MAX);
  CHECK(!weir_job_is_out(&source.job));
  weir_ticks_run(&host->core.ticks);
  CHECK(weir_job_is_out(&source.job));
  run(host);
  CHECK_LOG(host, "open");
  CHECK_EQUAL(source.offset, 0);
  fake_destroy(host, NULL);
  free_all(host);
}

SPEC("all of it comes, block by block, then the end") {
  fake_host *host = prepare();
  start(host, UINT64_MAX);
  host->on_data = compare;
  fake_listen(host);
  run(host);
  CHECK_EQUAL(host->closes, 1);
  CHECK_EQUAL(host->errors, 0);
  CHECK_EQUAL(seen, FILE_BYTES);
  CHECK_EQUAL(source.pushed, FILE_BYTES);
  CHECK_EQUAL(source.file.fd, -1);
  free_all(host);
}

SPEC("a part of it comes from where it begins, and no more") {
  fake_host *host = prepare();
  source.file.has_start = true;
  source.file.start = 1500;
  start(host, 2 * BLOCK + 1);
  fake_listen(host);
  run(host);
  CHECK_LOG(host, "resume open 1024 1024 1 end close");
  CHECK_EQUAL(source.pushed, 2 * BLOCK + 1);
  free_all(host);
}

SPEC("who reads one block at a time finds a few read ahead, and never more") {
  fake_host *host = prepare();
  start(host, UINT64_MAX);
  host->on_data = compare;
  while (seen < FILE_BYTES) {
    weir_entry *chunk = weir_readable_read(host->readable, WEIR_READ_ALL, NULL);
    if (chunk) weir_readable_give_back(host->readable, chunk);
    run(host);
    CHECK(source.given - source.first <= 2 * 4);
    if (check_has_failed()) break;
  }
  weir_readable_read(host->readable, 0, NULL);
  fake_listen(host);
  free_all(host);
  CHECK_EQUAL(seen, FILE_BYTES);
}

SPEC("a descriptor of others is read no further than what was asked for") {
  fake_host *host = prepare();
  source.file.shared = true;
  start(host, UINT64_MAX);
  run(host);
  for (int i = 1; i < 4; i++) {
    weir_entry *chunk = weir_readable_read(host->readable, BLOCK, NULL);
    if (chunk) weir_readable_give_back(host->readable, chunk);
    run(host);
    CHECK_EQUAL(source.offset, source.pushed);
    CHECK_EQUAL(lseek(source.file.fd, 0, SEEK_CUR), source.pushed);
  }
  fake_destroy(host, NULL);
  free_all(host);
}

/* --- in bad weather ---------------------------------------------------------------------------- */

SPEC("what is in flight when it is destroyed is waited for, and dropped") {
  for (int turns = 0; turns < 12; turns++) {
    fake_host *host = prepare();
    start(host, UINT64_MAX);
    host->on_data = compare;
    fake_listen(host);
    for (int i = 0; i < turns; i++) {
      weir_ticks_run(&host->core.ticks);
      weir_loop_run(&loop, UV_RUN_NOWAIT);
    }
    uint64_t before = seen;
    fake_destroy(host, "X");
    run(host);
    CHECK_EQUAL(seen, before);
    CHECK_EQUAL(host->errors, 1);
    CHECK_EQUAL(host->closes, 1);
    CHECK_EQUAL(source.file.fd, -1);
    free_all(host);
  }
}

SPEC("without memory it fails, closes, and leaks nothing, whichever allocation it was") {
  if (!failing_alloc_works()) SKIP("no allocation can be made to fail here");
  for (int sticky = 0; sticky <= 1; sticky++) {
    long nth = 0;
    bool failed;
    do {
      fake_host *host = prepare();
      start(host, UINT64_MAX);
      host->on_data = compare;
      failing_alloc_begin(++nth, sticky);
      fake_listen(host);
      run(host);
      failing_alloc_end();
      failed = failing_alloc_failed();
      CHECK_EQUAL(host->closes, 1);
      CHECK(failed || seen == FILE_BYTES);
      CHECK(host->errors == 1 || seen == FILE_BYTES); /* 1 also if only the end was to come */
      free_all(host);
    } while (failed && !check_has_failed());
    CHECK(nth > 10);
  }
}

SPEC("without the loop it is closed at once") {
  fake_host *host = prepare();
  start(host, UINT64_MAX);
  run(host);
  CHECK(source.file.fd >= 0);
  weir_file_source_end_now(&source);
  CHECK_EQUAL(source.file.fd, -1);
  fake_destroy(host, NULL); /* here the loop goes on, to free all */
  free_all(host);
}

int main(int argc, char **argv) {
  atexit(remove_file);
  return check_main(argc, argv);
}
