/* codec_stream_spec.c - a stream through a codec, without Lua and without zlib: when the codec works,
** how much it holds, and that nothing is left behind when it fails, is stopped, or memory runs out.
**
** The codec here makes each byte of input `growth` bytes of output, ends with "!", and fails at '#'.
** SPDX-License-Identifier: MIT
*/
#include "sinks/codec_stream.h"

#include <stdlib.h>
#include <string.h>

#include "support/check.h"
#include "support/failing_alloc.h"
#include "support/fake_host.h"

enum { MARK = 16384, MEBIBYTE = 1 << 20 };

/* --- the codec --------------------------------------------------------------------------------- */

typedef struct growing {
  size_t growth, given; /* bytes for each byte; given already for the one it is at */
  bool ended;
} growing;

static _Atomic int codecs; /* not freed */
static uint64_t largest_step;

static weir_codec_status step_growing(void *self, weir_codec_step *step,
                                      weir_codec_failure *failure) {
  growing *it = self;
  CHECK(step->output_size > 0);
  if (step->input_size > largest_step) largest_step = step->input_size;
  while (step->output_size > 0) {
    if (step->input_size == 0) {
      if (!step->last) return WEIR_CODEC_GOES_ON;
      *step->output++ = '!';
      step->output_size--;
      return WEIR_CODEC_ENDS;
    }
    if (*step->input == '#') {
      *failure = (weir_codec_failure){"E_HASH", "a hash", 7};
      return WEIR_CODEC_FAILS;
    }
    if (it->given < it->growth) {
      *step->output++ = *step->input;
      step->output_size--;
      it->given++;
    }
    if (it->given == it->growth) {
      it->given = 0;
      step->input++;
      step->input_size--;
    }
  }
  return WEIR_CODEC_GOES_ON;
}

static void free_growing(void *self) {
  codecs--;
  free(self);
}

static const weir_codec_port port = {
    .version = WEIR_CODEC_VERSION,
    .name = "growing",
    .step = step_growing,
    .free = free_growing,
};

/* --- a stream ---------------------------------------------------------------------------------- */

static weir_loop loop;
static weir_codec_stream stream;
static uint64_t seen; /* bytes of `data` */
static char last_byte;

/* Behind every callback of the loop, as its own ticks would run. */
static void run_ticks(void *owner) {
  fake_host *host = owner;
  weir_ticks_run(&host->core.ticks);
}

static void count(fake_host *host, const weir_entry *chunk) {
  (void)host;
  seen += chunk->size;
  last_byte = chunk->bytes[chunk->size - 1];
}

static fake_host *start(size_t growth) {
  fake_host *host = fake_host_new();
  if (weir_loop_open(&loop) != 0) abort();
  loop.settled = run_ticks;
  loop.owner = host;
  growing *codec = calloc(1, sizeof *codec);
  if (!codec) abort();
  codec->growth = growth;
  codecs++;
  weir_codec_stream_init(&stream, &port, codec, &loop, NULL);
  weir_writable_options options = {.high_water_mark = MARK, .max_buffered = WEIR_NO_LIMIT};
  fake_host_open_readable(host, &options, &stream.port, &stream.source_port, MARK, &stream);
  stream.job.stream = host->stream;
  seen = largest_step = 0;
  host->on_data = count;
  return host;
}

static void run(fake_host *host) {
  do {
    weir_ticks_run(&host->core.ticks);
  } while (weir_loop_run(&loop, UV_RUN_ONCE) || weir_ticks_pending(&host->core.ticks));
}

static void free_all(fake_host *host) {
  run(host);
  weir_codec_stream_deinit(&stream);
  fake_host_drop(host);
  CHECK(weir_loop_close(&loop));
  CHECK_EQUAL(codecs, 0);
  fake_host_free(host);
}

static weir_verdict write_much(fake_host *host, size_t size, const char *callback) {
  char *bytes = malloc(size);
  if (!bytes) abort();
  memset(bytes, 'a', size);
  weir_piece piece = {.bytes = bytes, .size = size};
  weir_verdict verdict = fake_write_pieces(host, &piece, 1, callback);
  free(bytes);
  return verdict;
}

/* --- in good weather --------------------------------------------------------------------------- */

SPEC("what is written comes out changed, then the end, and both sides are told") {
  fake_host *host = start(2);
  host->on_data = NULL;
  fake_listen(host);
  fake_write(host, "abc", "w");
  run(host);
  CHECK_LOG(host, "true resume 6 w");
  fake_end(host, "de", "e");
  run(host);
  CHECK_LOG(host, "4 1 prefinish end e finish close");
  CHECK_EQUAL(stream.consumed, 5);
  free_all(host);
}

SPEC("it works before anybody reads, until the reader's mark is reached, and then rests") {
  fake_host *host = start(1000);
  write_much(host, 1000, "w");
  run(host);
  CHECK(!weir_job_is_out(&stream.job));
  CHECK(host->readable->length >= MARK && host->readable->length <= MARK + (64 << 10));
  CHECK(host->writable->length > 0);
  fake_listen(host);
  fake_end(host, NULL, NULL);
  free_all(host);
  CHECK_EQUAL(seen, 1000 * 1000 + 1);
  CHECK_EQUAL(last_byte, '!');
}

SPEC("much of it is taken in parts, so that nobody waits long for the thread") {
  fake_host *host = start(1);
  fake_listen(host);
  write_much(host, MEBIBYTE, "w");
  fake_end(host, NULL, NULL);
  free_all(host);
  CHECK_EQUAL(seen, MEBIBYTE + 1);
  CHECK(largest_step <= 256 << 10);
}

SPEC("many small pieces share a slab") {
  fake_host *host = start(1);
  for (int i = 0; i < 100; i++) {
    fake_write(host, "abcdefgh", NULL);
    run(host);
  }
  CHECK_EQUAL(host->readable->length, 800);
  CHECK(host->readable->first->slab == host->readable->last->slab);
  host->silent = true;
  fake_destroy(host, NULL);
  free_all(host);
}

/* --- in bad weather ---------------------------------------------------------------------------- */

SPEC("what the codec made before it failed is handed over, then everybody hears of it") {
  fake_host *host = start(1);
  host->on_data = NULL;
  fake_listen(host);
  fake_write(host, "abc", "a");
  run(host);
  fake_write(host, "de#fg", "b");
  fake_write(host, "hi", "c");
  run(host);
  weir_error *error = host->stream->error;
  if (CHECK(error)) {
    CHECK_EQUAL(error->code, WEIR_E_LIBRARY);
    CHECK_STRING(error->name, "E_HASH");
    CHECK_STRING(error->text, "a hash");
    CHECK_EQUAL(error->system, 7);
  }
  CHECK_EQUAL(host->errors, 1);
  CHECK_EQUAL(host->finishes, 0);
  CHECK_EQUAL(host->closes, 1);
  free_all(host);
}

SPEC("a job in flight when it is destroyed is waited for, and its output dropped") {
  for (int turns = 0; turns < 6; turns++) {
    fake_host *host = start(100);
    fake_listen(host);
    write_much(host, 100000, "w");
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
    free_all(host);
  }
}

static void destroy_it(fake_host *host, const weir_entry *chunk) {
  count(host, chunk);
  fake_destroy(host, "X");
}

SPEC("it may be destroyed from within a push, the last one too") {
  for (int last = 0; last <= 1; last++) {
    fake_host *host = start(1);
    host->on_data = destroy_it;
    fake_listen(host);
    if (!last) write_much(host, MEBIBYTE, "w");
    fake_end(host, NULL, "e");
    run(host);
    CHECK_EQUAL(seen, last ? 1 : 64 << 10);
    CHECK_EQUAL(host->errors, 1);
    CHECK_EQUAL(host->finishes, 0);
    free_all(host);
  }
}

SPEC("without memory it fails, closes, and leaks nothing, whichever allocation it was") {
  if (!failing_alloc_works()) SKIP("no allocation can be made to fail here");
  static char bytes[100000];
  for (int sticky = 0; sticky <= 1; sticky++) {
    long nth = 0;
    bool failed;
    do {
      fake_host *host = start(3);
      host->silent = true;
      fake_listen(host);
      run(host);
      failing_alloc_begin(++nth, sticky);
      weir_piece piece = {.bytes = bytes, .size = sizeof bytes};
      fake_write_pieces(host, &piece, 1, "w");
      bool ended = fake_end(host, NULL, "e") != WEIR_NO_MEMORY;
      bool written = host->writable->stats.accepted > 0;
      run(host);
      failing_alloc_end();
      failed = failing_alloc_failed();
      if (!ended) fake_destroy(host, NULL);
      run(host);
      CHECK_EQUAL(host->closes, 1);
      CHECK(!ended || host->errors == 1 || seen == (written ? 300001 : 1));
      CHECK(failed || host->finishes == 1);
      free_all(host);
    } while (failed && !check_has_failed());
    CHECK(nth > 5);
  }
}

int main(int argc, char **argv) {
  return check_main(argc, argv);
}
