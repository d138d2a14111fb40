/* file_stream.c - see file_stream.h.
** SPDX-License-Identifier: MIT
*/
#include "support/file_stream.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/check.h"

static void on_opened(void *owner) {
  fake_note(owner, "open");
}

/* Behind every callback of the loop, as its own ticks would run. */
static void run_ticks(void *owner) {
  fake_host *host = owner;
  weir_ticks_run(&host->core.ticks);
}

fake_host *file_prepare(file_stream *it) {
  static char path[] = "/tmp/weir_file_stream_XXXXXX";
  static bool named;
  if (!named) {
    int fd = mkstemp(path);
    if (fd < 0) abort();
    close(fd);
    named = true;
  }
  if (truncate(path, 0) != 0) abort();
  *it = (file_stream){.host = fake_host_new()};
  snprintf(it->path, sizeof it->path, "%s", path);
  if (weir_loop_open(&it->loop) != 0) abort();
  it->loop.settled = run_ticks;
  it->loop.owner = it->host;
  weir_file_sink_init(&it->sink);
  it->sink.file.path = strdup(path);
  return it->host;
}

void file_start_with(file_stream *it, weir_writable_options options) {
  weir_file_sink_attach(&it->sink, &it->loop, NULL, on_opened, it->host);
  fake_host_open(it->host, &options, &it->sink.port, &it->sink);
  it->sink.writable = it->host->writable;
}

void file_start(file_stream *it) {
  file_start_with(it,
                  (weir_writable_options){.high_water_mark = 16384, .max_buffered = WEIR_NO_LIMIT});
}

void file_run(file_stream *it) {
  weir_ticks *ticks = &it->host->core.ticks;
  do {
    weir_ticks_run(ticks);
  } while (weir_loop_run(&it->loop, UV_RUN_ONCE) || weir_ticks_pending(ticks));
}

void file_free(file_stream *it) {
  file_run(it);
  fake_host_drop(it->host);
  weir_file_sink_deinit(&it->sink);
  CHECK(weir_loop_close(&it->loop));
  fake_host_free(it->host);
}

size_t file_content(const file_stream *it, char *text, size_t max) {
  FILE *in = fopen(it->path, "rb");
  if (!CHECK(in)) return 0;
  size_t size = fread(text, 1, max, in);
  fclose(in);
  return size;
}

void file_check(const file_stream *it, const char *expected) {
  char text[256];
  text[file_content(it, text, sizeof text - 1)] = '\0';
  CHECK_STRING(text, expected);
}

void file_remove(const file_stream *it) {
  CHECK_EQUAL(unlink(it->path), 0);
}
