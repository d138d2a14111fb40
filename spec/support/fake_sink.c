/* fake_sink.c - see fake_sink.h.
** SPDX-License-Identifier: MIT
*/
#include "support/fake_sink.h"

#include <stdlib.h>
#include <string.h>

/* --- what both have -------------------------------------------------------------------------- */

static bool is(const char *script, const char *what) {
  return script && strcmp(script, what) == 0;
}

void fake_begin_answer(fake_sink *sink) {
  weir_stream_hold(sink->host->stream);
  sink->answering++;
}

void fake_end_answer(fake_sink *sink) {
  sink->answering--;
  weir_stream_release(sink->host->stream);
}

/* While somebody works for the stream, it stays. */
static void begin_work(fake_sink *sink, bool *working) {
  CHECK(!*working);
  *working = true;
  weir_stream_hold(sink->host->stream);
}

static void end_work(fake_sink *sink, bool *working) {
  if (!*working) return; /* a second answer */
  *working = false;
  weir_stream_release(sink->host->stream);
}

static void sink_open(void *self) {
  fake_sink *sink = self;
  begin_work(sink, &sink->opening);
  fake_note(sink->host, "construct");
  if (!is(sink->open, FAKE_LATER)) fake_opened(sink, sink->open);
}

void fake_opened(fake_sink *sink, const char *name) {
  weir_error *error = fake_error(sink->host, name);
  fake_begin_answer(sink);
  weir_stream_constructed(sink->host->stream, error);
  weir_error_release(error);
  end_work(sink, &sink->opening);
  fake_end_answer(sink);
}

static void sink_finish(void *self) {
  fake_sink *sink = self;
  const weir_stream *stream = sink->host->stream;
  CHECK(!sink->opening && !sink->closing && !sink->closed);
  CHECK(stream->life == WEIR_ALIVE && !stream->error);
  CHECK_EQUAL(sink->host->writable->length, 0);
  begin_work(sink, &sink->finishing);
  fake_note(sink->host, "final");
  if (!is(sink->finish, FAKE_LATER)) fake_finished(sink, sink->finish);
}

void fake_finished(fake_sink *sink, const char *name) {
  weir_error *error = fake_error(sink->host, name);
  fake_begin_answer(sink);
  weir_writable_finished(sink->host->writable, error);
  weir_error_release(error);
  end_work(sink, &sink->finishing);
  fake_end_answer(sink);
}

static void answer_close(fake_sink *sink, weir_error *error) {
  fake_begin_answer(sink);
  weir_stream_closed(sink->host->stream, error);
  end_work(sink, &sink->closing);
  fake_end_answer(sink);
  sink->closed = true;
}

void fake_closed(fake_sink *sink, const char *name) {
  weir_error *error = fake_error(sink->host, name);
  answer_close(sink, error);
  weir_error_release(error);
}

static void note_close(fake_sink *sink, const weir_error *error) {
  CHECK(!sink->opening && !sink->closing && !sink->closed);
  CHECK_EQUAL(sink->host->stream->life, WEIR_DESTROYED);
  begin_work(sink, &sink->closing);
  if (error) fake_note(sink->host, "destroy(%s)", fake_error_name(sink->host, error));
  else fake_note(sink->host, "destroy");
}

static void close_at_once(fake_sink *sink, weir_error *given) {
  if (is(sink->close, FAKE_NOW)) answer_close(sink, given);
  else if (is(sink->close, FAKE_SILENT)) answer_close(sink, NULL);
  else fake_closed(sink, sink->close);
}

static void sink_close(void *self, weir_error *error) {
  fake_sink *sink = self;
  note_close(sink, error);
  if (!is(sink->close, FAKE_LATER)) close_at_once(sink, error);
}

static void init_sink(fake_sink *sink, fake_host *host, const fake_options *options) {
  sink->host = host;
  sink->open = options->open;
  sink->finish = options->finish;
  sink->close = options->close;
  sink->port = (weir_sink_port){.name = "fake",
                                .open = options->open ? sink_open : NULL,
                                .finish = options->finish ? sink_finish : NULL,
                                .close = options->close ? sink_close : NULL};
}

static void open_stream(fake_sink *sink, void *self, const fake_options *options) {
  uint64_t mark = options->mark ? options->mark : 16;
  weir_writable_options given = {
      .high_water_mark = mark == FAKE_ZERO ? 0 : mark,
      .low_water_mark = options->low_mark,
      .max_buffered = options->max_buffered ? options->max_buffered : WEIR_NO_LIMIT,
      .object_mode = options->object_mode,
  };
  fake_host_open(sink->host, &given, &sink->port, self);
  sink->host->stream->auto_destroy = !options->survives;
  sink->host->stream->emit_close = !options->closes_silent;
}

/* --- chunks ---------------------------------------------------------------------------------- */

static void note_chunks(fake_chunks *sink, const weir_entry *first, size_t count) {
  fake_host *host = sink->sink.host;
  char texts[128] = "";
  size_t seen = 0;
  for (const weir_entry *entry = first; entry; entry = entry->next, seen++) {
    CHECK_EQUAL(host->anchors[entry->anchor].hold, FAKE_HELD);
    if (strlen(texts) + FAKE_TEXT_MAX >= sizeof texts) continue;
    if (seen > 0) strcat(texts, ",");
    strcat(texts, host->anchors[entry->anchor].text);
  }
  CHECK_EQUAL(seen, count);
  fake_note(host, "%s(%s)", count > 1 ? "writev" : "write", texts);
}

static void answer_inside(fake_chunks *sink, uint64_t operation) {
  fake_host *host = sink->sink.host;
  if (sink->raises) fake_raise(sink, sink->write);
  else fake_answer_to(sink, operation, sink->write);
  fake_react(host, "answered");
  if (sink->times > 1) fake_answer_to(sink, operation, sink->late);
  if (sink->raises_after) fake_raise(sink, sink->raises_after);
}

static void submit_chunks(void *self, weir_entry *first, size_t count, uint64_t operation) {
  fake_chunks *sink = self;
  const weir_stream *stream = sink->sink.host->stream;
  CHECK(count == 1 || (count > 1 && sink->sink.port.takes_batches));
  CHECK(stream->life == WEIR_ALIVE && !stream->error && !stream->constructing);
  CHECK(!sink->sink.finishing);
  CHECK(operation != sink->operation);
  sink->operation = operation;
  begin_work(&sink->sink, &sink->pending);
  if (sink->on_submit) sink->on_submit(sink, first);
  note_chunks(sink, first, count);
  /* The spec may have answered meanwhile. */
  if (sink->pending && !is(sink->write, FAKE_LATER)) answer_inside(sink, operation);
}

static void end_operation(fake_chunks *sink, const char *error) {
  if (sink->pending && sink->on_answer) sink->on_answer(sink, error && *error ? error : NULL);
  end_work(&sink->sink, &sink->pending);
}

void fake_answer_to(fake_chunks *sink, uint64_t operation, const char *name) {
  weir_error *error = fake_error(sink->sink.host, name);
  fake_begin_answer(&sink->sink);
  if (operation == sink->operation) end_operation(sink, name);
  weir_writable_answer(sink->sink.host->writable, operation, error);
  weir_error_release(error);
  fake_end_answer(&sink->sink);
}

void fake_answer(fake_chunks *sink, const char *name) {
  CHECK(sink->pending);
  fake_answer_to(sink, sink->operation, name);
}

void fake_raise(fake_chunks *sink, const char *name) {
  weir_error *error = fake_error(sink->sink.host, name);
  fake_begin_answer(&sink->sink);
  end_operation(sink, name);
  weir_writable_raised(sink->sink.host->writable, sink->operation, error);
  weir_error_release(error);
  fake_end_answer(&sink->sink);
}

void fake_chunks_init(fake_chunks *sink, fake_host *host, const fake_options *options) {
  *sink = (fake_chunks){.times = 1};
  init_sink(&sink->sink, host, options);
  sink->write = options->write ? options->write : FAKE_LATER;
  sink->sink.port.submit_chunks = submit_chunks;
  sink->sink.port.takes_batches = options->batches;
  open_stream(&sink->sink, sink, options);
}

fake_host *fake_chunks_new(fake_chunks *sink, fake_options options) {
  fake_host *host = fake_host_new();
  fake_chunks_init(sink, host, &options);
  return host;
}

/* --- bytes ----------------------------------------------------------------------------------- */

static void deliver(fake_bytes *sink, const char *bytes, size_t size) {
  if (sink->on_written) {
    sink->on_written(sink, bytes, size);
    return;
  }
  size_t had = strlen(sink->delivered);
  if (CHECK(had + size < FAKE_DELIVERED_MAX)) memcpy(sink->delivered + had, bytes, size);
}

static bool is_unchanged(const fake_bytes *sink, const char *bytes, size_t size) {
  for (size_t i = 0; i < size; i++) {
    if (bytes[i] != sink->copies[(sink->written + i) % FAKE_OUTSTANDING_MAX]) return false;
  }
  return true;
}

/* Writes bytes that it kept: they must be where they were, and as they were. */
static void write_kept(fake_bytes *sink, uint64_t bytes) {
  if (!CHECK(bytes <= sink->taken - sink->written)) abort();
  while (bytes > 0) {
    weir_slice *slice = &sink->kept[sink->kept_first];
    size_t part = slice->size < bytes ? slice->size : (size_t)bytes;
    CHECK(is_unchanged(sink, slice->base, part));
    deliver(sink, slice->base, part);
    slice->base += part;
    slice->size -= part;
    sink->written += part;
    bytes -= part;
    if (slice->size > 0) continue;
    sink->kept_first = (sink->kept_first + 1) % FAKE_SLICES_MAX;
    sink->kept_count--;
  }
}

static void keep(fake_bytes *sink, const char *base, size_t size) {
  size_t end = sink->kept_first + sink->kept_count;
  weir_slice *last = &sink->kept[(end + FAKE_SLICES_MAX - 1) % FAKE_SLICES_MAX];
  if (sink->kept_count > 0 && last->base + last->size == base) {
    last->size += size;
  } else {
    if (!CHECK(sink->kept_count < FAKE_SLICES_MAX)) abort();
    sink->kept[end % FAKE_SLICES_MAX] = (weir_slice){base, size};
    sink->kept_count++;
  }
  for (size_t i = 0; i < size; i++) {
    sink->copies[(sink->taken + i) % FAKE_OUTSTANDING_MAX] = base[i];
  }
  sink->taken += size;
}

static uint64_t least(uint64_t a, uint64_t b) {
  return a < b ? a : b;
}

static void note_taken(fake_bytes *sink, uint64_t taken) {
  char text[64] = "";
  if (taken > 32) {
    fake_note(sink->sink.host, "take(%llu bytes)", (unsigned long long)taken);
    return;
  }
  for (uint64_t i = 0; i < taken; i++) {
    text[i] = sink->copies[(sink->taken - taken + i) % FAKE_OUTSTANDING_MAX];
  }
  fake_note(sink->sink.host, taken > 0 ? "take(%s)" : "full", text);
}

/* As many bytes as it may take now. */
static uint64_t take(fake_bytes *sink, const weir_slice *slices, size_t count) {
  uint64_t most = least(sink->room, FAKE_OUTSTANDING_MAX - (sink->taken - sink->written));
  if (sink->bite) most = least(most, sink->bite);
  uint64_t taken = 0;
  for (size_t i = 0; i < count; i++) {
    CHECK(slices[i].size > 0);
    size_t part = (size_t)least(slices[i].size, most - taken);
    if (part > 0) keep(sink, slices[i].base, part);
    taken += part;
  }
  if (sink->room != UINT64_MAX) sink->room -= taken;
  return taken;
}

static void hold_while_it_has_bytes(fake_bytes *sink, bool had) {
  bool has = sink->taken > sink->written;
  if (has && !had) weir_stream_hold(sink->sink.host->stream);
  if (had && !has) weir_stream_release(sink->sink.host->stream);
}

static bool has_bytes(const fake_bytes *sink) {
  return sink->taken > sink->written;
}

static uint64_t submit(void *self, const weir_slice *slices, size_t count) {
  fake_bytes *sink = self;
  const weir_stream *stream = sink->sink.host->stream;
  CHECK(count > 0);
  CHECK(stream->life == WEIR_ALIVE && !stream->error && !stream->constructing);
  CHECK(!sink->sink.closing && !sink->sink.closed && !sink->sink.finishing);
  sink->submits++;
  if ((int)count > sink->slices_max) sink->slices_max = (int)count;
  if (sink->fails_inside) {
    sink->fails_inside = false;
    fake_bytes_fail(sink, sink->failure);
    return 0;
  }
  bool had = has_bytes(sink);
  int times_let_go = sink->times_let_go;
  uint64_t taken = take(sink, slices, count);
  if (taken > 0 && sink->writes_inside) write_kept(sink, sink->taken - sink->written);
  hold_while_it_has_bytes(sink, had);
  note_taken(sink, taken);
  if (sink->times_let_go > times_let_go) return 0; /* destroyed from within */
  if (taken > 0 && sink->writes_inside) fake_bytes_progress(sink);
  return taken;
}

/* Nothing is asked of a sink before it has opened and after it has closed. */
static bool is_shut(const fake_bytes *sink) {
  return sink->sink.host->stream->constructing || sink->sink.closed;
}

static uint64_t reap(void *self) {
  const fake_bytes *sink = self;
  CHECK(!is_shut(sink));
  CHECK(!sink->sink.closing || sink->sink.answering); /* close is the last call */
  return sink->written;
}

static bool is_awake(void *self) {
  const fake_bytes *sink = self;
  CHECK(!is_shut(sink) && !sink->sink.closing);
  return sink->awake;
}

static void bytes_close(void *self, weir_error *error) {
  fake_bytes *sink = self;
  note_close(&sink->sink, error);
  if (is(sink->sink.close, FAKE_LATER)) return;
  fake_bytes_stop(sink);
  close_at_once(&sink->sink, error);
}

void fake_bytes_write_quietly(fake_bytes *sink, uint64_t bytes) {
  bool had = has_bytes(sink);
  write_kept(sink, bytes);
  hold_while_it_has_bytes(sink, had);
}

void fake_bytes_progress(fake_bytes *sink) {
  CHECK(!sink->sink.closed && !sink->failed);
  fake_begin_answer(&sink->sink);
  weir_writable_progress(sink->sink.host->writable);
  fake_end_answer(&sink->sink);
}

void fake_bytes_write(fake_bytes *sink, uint64_t bytes) {
  weir_stream *stream = sink->sink.host->stream;
  weir_stream_hold(stream);
  fake_bytes_write_quietly(sink, bytes);
  fake_bytes_progress(sink);
  weir_stream_release(stream);
}

/* It has nothing any more: what it has not written it never will. */
static void let_go(fake_bytes *sink) {
  bool had = has_bytes(sink);
  sink->kept_count = 0;
  sink->times_let_go++;
  sink->taken = sink->written;
  hold_while_it_has_bytes(sink, had);
}

void fake_bytes_fail(fake_bytes *sink, const char *name) {
  weir_error *error = fake_error(sink->sink.host, name);
  fake_begin_answer(&sink->sink);
  sink->failed = true;
  let_go(sink);
  weir_writable_failed(sink->sink.host->writable, error);
  weir_error_release(error);
  end_work(&sink->sink, &sink->sink.finishing);
  fake_end_answer(&sink->sink);
}

void fake_bytes_stop(fake_bytes *sink) {
  fake_begin_answer(&sink->sink);
  let_go(sink);
  weir_writable_stopped(sink->sink.host->writable);
  fake_end_answer(&sink->sink);
}

fake_host *fake_bytes_new(fake_bytes *sink, fake_options options) {
  fake_host *host = fake_host_new();
  memset(sink, 0, sizeof *sink);
  sink->room = UINT64_MAX;
  init_sink(&sink->sink, host, &options);
  sink->sink.port.submit = submit;
  sink->sink.port.reap = reap;
  sink->sink.port.is_awake = is_awake;
  if (options.close) sink->sink.port.close = bytes_close;
  open_stream(&sink->sink, sink, &options);
  return host;
}
