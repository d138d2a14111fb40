/* fake_host.c - see fake_host.h.
** SPDX-License-Identifier: MIT
*/
#include "support/fake_host.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/writable_append.h"
#include "support/failing_alloc.h"

uint64_t fake_now_ns;

static uint64_t read_clock(void) {
  return fake_now_ns;
}

/* --- the log --------------------------------------------------------------------------------- */

void fake_note(fake_host *host, const char *format, ...) {
  char word[256];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(word, sizeof word, format, arguments);
  va_end(arguments);
  size_t size = strlen(word);
  if (!host->silent && CHECK(host->log_size + size + 2 < FAKE_LOG_MAX)) {
    if (host->log_size > 0) host->log[host->log_size++] = ' ';
    memcpy(host->log + host->log_size, word, size + 1);
    host->log_size += size;
  }
  fake_react(host, word);
}

void fake_react(fake_host *host, const char *word) {
  if (host->on_word) host->on_word(host, word);
  if (!host->awaited || strcmp(word, host->awaited) != 0) return;
  host->awaited = NULL;
  host->reaction(host);
}

void fake_on(fake_host *host, const char *word, void (*reaction)(fake_host *host)) {
  host->awaited = word;
  host->reaction = reaction;
}

const char *fake_log(fake_host *host) {
  static char taken[FAKE_LOG_MAX];
  memcpy(taken, host->log, host->log_size);
  taken[host->log_size] = '\0';
  host->log_size = 0;
  return taken;
}

/* --- anchors, callbacks, errors -------------------------------------------------------------- */

uint32_t fake_anchor_new(fake_host *host, const char *text) {
  uint32_t anchor = ++host->anchor_count;
  if (!CHECK(anchor < FAKE_ANCHORS_MAX) || !CHECK(strlen(text) < FAKE_TEXT_MAX)) abort();
  host->anchors[anchor].hold = FAKE_HELD;
  strcpy(host->anchors[anchor].text, text);
  return anchor;
}

void fake_forget(void *holder, uint32_t anchor) {
  fake_host *host = holder;
  if (!CHECK(anchor > 0 && anchor <= host->anchor_count)) return;
  CHECK_EQUAL(host->anchors[anchor].hold, FAKE_HELD);
  host->anchors[anchor].hold = FAKE_FORGOTTEN;
  memset(host->anchors[anchor].text, '#', strlen(host->anchors[anchor].text));
}

weir_callback fake_callback(fake_host *host, const char *name) {
  if (!name) return WEIR_NOBODY;
  host->owed[(unsigned char)name[0]]++;
  return (weir_callback){fake_anchor_new(host, name), (unsigned char)name[0]};
}

/* The core took nothing, so nobody is owed anything. */
static void take_back(fake_host *host, const weir_piece *pieces, size_t count,
                      weir_callback callback) {
  for (size_t i = 0; i < count; i++) {
    if (pieces[i].anchor) fake_forget(host, pieces[i].anchor);
  }
  if (!callback.anchor) return;
  host->owed[callback.identity]--;
  fake_forget(host, callback.anchor);
}

weir_error *fake_error(fake_host *host, const char *name) {
  if (!name || !*name) return NULL;
  weir_error *error = weir_error_new(WEIR_E_VALUE, NULL);
  if (error->code == WEIR_E_OUT_OF_MEMORY) return error;
  error->anchor = fake_anchor_new(host, name);
  error->forget = fake_forget;
  error->holder = host;
  return error;
}

const char *fake_error_name(const fake_host *host, const weir_error *error) {
  static char name[64];
  if (!error) return "";
  if (error->code == WEIR_E_VALUE) return host->anchors[error->anchor].text;
  if (error->code == WEIR_E_SYSTEM) {
    snprintf(name, sizeof name, "system %d", error->system);
    return name;
  }
  const char *text = error->name ? error->name : weir_code_name(error->code);
  if (strncmp(text, "ERR_", 4) == 0) text += 4;
  if (strncmp(text, "STREAM_", 7) == 0) text += 7;
  return text;
}

/* --- what the stream tells ------------------------------------------------------------------- */

static void on_event(void *owner, weir_event event, weir_error *error) {
  fake_host *host = owner;
  if (event != WEIR_EVENT_RESUME)
    CHECK_EQUAL(host->closes, 0); /* its tick comes late, as in Node */
  CHECK((event == WEIR_EVENT_ERROR) == (error != NULL));
  switch (event) {
    case WEIR_EVENT_DRAIN:
      host->drains++;
      CHECK(host->writable->length <= host->writable->low_water_mark);
      fake_note(host, "drain");
      break;
    case WEIR_EVENT_PREFINISH: fake_note(host, "prefinish"); break;
    case WEIR_EVENT_FINISH:
      CHECK_EQUAL(host->finishes++, 0);
      CHECK_EQUAL(host->errors, 0);
      fake_note(host, "finish");
      break;
    case WEIR_EVENT_ERROR:
      CHECK_EQUAL(host->errors++, 0);
      fake_note(host, "error(%s)", fake_error_name(host, error));
      break;
    case WEIR_EVENT_CLOSE:
      host->closes++;
      fake_note(host, "close");
      break;
    case WEIR_EVENT_READABLE:
      if (host->readable->has_readable_listener) fake_note(host, "readable");
      break;
    case WEIR_EVENT_END: fake_note(host, "end"); break;
    case WEIR_EVENT_PAUSE: fake_note(host, "pause"); break;
    case WEIR_EVENT_RESUME: fake_note(host, "resume"); break;
  }
}

const char *fake_chunk_text(const fake_host *host, const weir_entry *chunk) {
  static char text[256];
  if (!chunk->bytes) return host->anchors[chunk->anchor].text;
  snprintf(text, sizeof text, "%.*s", (int)chunk->size, chunk->bytes);
  return text;
}

static void on_call(void *owner, weir_callback callback, weir_error *error) {
  fake_host *host = owner;
  if (!CHECK(callback.anchor > 0 && callback.anchor <= host->anchor_count)) return;
  const fake_anchor *anchor = &host->anchors[callback.anchor];
  CHECK_EQUAL(anchor->hold, FAKE_HELD);
  if (host->on_call) {
    host->on_call(host, callback, error);
    return;
  }
  CHECK(host->owed[callback.identity]-- > 0);
  if (error) fake_note(host, "%s(%s)", anchor->text, fake_error_name(host, error));
  else fake_note(host, "%s", anchor->text);
}

static void on_data(void *owner, weir_entry *chunk, bool is_last) {
  (void)is_last;
  fake_host *host = owner;
  CHECK_EQUAL(host->closes, 0);
  if (host->on_data) host->on_data(host, chunk);
  else fake_note(host, "%zu", chunk->size);
}

static void on_idle(void *owner) {
  fake_host *host = owner;
  CHECK(!weir_stream_is_busy(host->stream));
  host->idles++;
}

static void on_unused(void *owner) {
  fake_host *host = owner;
  CHECK(host->dropped);
  if (host->writable) weir_writable_deinit(host->writable);
  if (host->readable) weir_readable_deinit(host->readable);
  free(host->writable);
  free(host->readable);
  free(host->stream);
  host->writable = NULL;
  host->readable = NULL;
  host->stream = NULL;
}

static const weir_host told = {.event = on_event,
                               .data = on_data,
                               .call = on_call,
                               .forget = fake_forget,
                               .idle = on_idle,
                               .unused = on_unused};

/* --- life ------------------------------------------------------------------------------------ */

static void *must(void *memory) {
  if (!memory) abort();
  return memory;
}

fake_host *fake_host_new(void) {
  long live_before = failing_alloc_live();
  fake_host *host = must(calloc(1, sizeof *host));
  host->live_before = live_before;
  weir_core_init(&host->core, read_clock);
  return host;
}

static void open_stream(fake_host *host, const weir_sink_port *port, void *sink) {
  CHECK(!host->stream);
  host->dropped = false;
  host->drains = host->finishes = host->errors = host->closes = 0;
  host->stream = must(malloc(sizeof *host->stream));
  weir_stream_init(host->stream, &host->core, &told, host, port, sink);
}

static void open_writable(fake_host *host, const weir_writable_options *options) {
  host->writable = must(malloc(sizeof *host->writable));
  weir_writable_init(host->writable, host->stream, options);
}

void fake_host_open(fake_host *host, const weir_writable_options *options,
                    const weir_sink_port *port, void *sink) {
  open_stream(host, port, sink);
  open_writable(host, options);
}

void fake_host_open_reader(fake_host *host, const weir_readable_options *readable,
                           const weir_source_port *source_port,
                           const weir_writable_options *writable, const weir_sink_port *port,
                           void *sink) {
  open_stream(host, port, sink);
  if (writable) open_writable(host, writable);
  host->readable = must(malloc(sizeof *host->readable));
  weir_readable_init(host->readable, host->stream, source_port, readable);
}

void fake_host_open_readable(fake_host *host, const weir_writable_options *options,
                             const weir_sink_port *port, const weir_source_port *source_port,
                             uint64_t readable_mark, void *sink) {
  weir_readable_options readable = {.high_water_mark = readable_mark, .half_open = true};
  fake_host_open_reader(host, &readable, source_port, options, port, sink);
}

void fake_listen(fake_host *host) {
  weir_readable_listener_added(host->readable, true, true);
}

void fake_host_drop(fake_host *host) {
  if (host->dropped || !host->stream) return;
  host->dropped = true;
  weir_stream_release(host->stream);
}

void fake_host_free(fake_host *host) {
  host->awaited = NULL;
  weir_ticks_run(&host->core.ticks);
  fake_host_drop(host);
  CHECK(!host->stream); /* else a reference is missing */
  CHECK_EQUAL(host->core.sink_depth, 0);
  weir_core_deinit(&host->core);
  for (uint32_t i = 1; i <= host->anchor_count; i++) {
    if (!CHECK_EQUAL(host->anchors[i].hold, FAKE_FORGOTTEN)) break;
  }
  for (int letter = 0; letter < 256 && !host->leaves_untold; letter++) {
    CHECK_EQUAL(host->owed[letter], 0);
  }
  long live_before = host->live_before;
  free(host);
  if (live_before >= 0) CHECK_EQUAL(failing_alloc_live(), live_before);
}

/* --- acts ------------------------------------------------------------------------------------ */

static void note_verdict(fake_host *host, weir_verdict verdict, weir_error *refusal) {
  host->verdict = verdict;
  switch (verdict) {
    case WEIR_GO_ON: fake_note(host, "true"); break;
    case WEIR_SLOW_DOWN: fake_note(host, "false"); break;
    case WEIR_REFUSED:
      if (CHECK(refusal)) fake_note(host, "refused(%s)", fake_error_name(host, refusal));
      break;
    case WEIR_NO_MEMORY: fake_note(host, "no_memory"); break;
  }
  CHECK((refusal != NULL) == (verdict == WEIR_REFUSED));
  weir_error_release(refusal);
}

/* The short way where it is open, as the binding goes it; false: nothing was done. */
static bool append(fake_host *host, const weir_piece *pieces, size_t count) {
  size_t total = 0, room;
  for (size_t i = 0; i < count; i++) {
    if (pieces[i].anchor || pieces[i].slab) return false;
    total += pieces[i].size;
  }
  char *place = weir_writable_place(host->writable, &room);
  if (total == 0 || total > room) return false;
  for (size_t i = 0; i < count; place += pieces[i++].size) {
    memcpy(place, pieces[i].bytes, pieces[i].size);
  }
  weir_writable_append(host->writable, total);
  return true;
}

weir_verdict fake_write_pieces(fake_host *host, const weir_piece *pieces, size_t count,
                               const char *name) {
  weir_error *refusal = NULL;
  /* Every other write: both ways must come to the same. */
  if (!name && host->writes++ % 2 == 0 && append(host, pieces, count)) {
    note_verdict(host, WEIR_GO_ON, NULL);
    return WEIR_GO_ON;
  }
  weir_callback callback = fake_callback(host, name);
  weir_verdict verdict = weir_writable_write(host->writable, pieces, count, callback, &refusal);
  if (verdict == WEIR_NO_MEMORY) take_back(host, pieces, count, callback);
  note_verdict(host, verdict, refusal);
  return verdict;
}

static weir_piece borrow(fake_host *host, const char *text) {
  uint32_t anchor = fake_anchor_new(host, text);
  return (weir_piece){.bytes = host->anchors[anchor].text, .size = strlen(text), .anchor = anchor};
}

/* One chunk, as the kind of sink wants it. In object mode a value is of size 1. */
static weir_piece chunk_of(fake_host *host, const char *text) {
  if (weir_sink_takes_bytes(host->stream->port))
    return (weir_piece){.bytes = text, .size = strlen(text)};
  weir_piece piece = borrow(host, text);
  if (host->writable->object_mode) piece.size = 1;
  return piece;
}

weir_verdict fake_write(fake_host *host, const char *text, const char *callback) {
  weir_piece piece = chunk_of(host, text);
  return fake_write_pieces(host, &piece, 1, callback);
}

weir_verdict fake_write_borrowed(fake_host *host, const char *text, const char *callback) {
  weir_piece piece = borrow(host, text);
  return fake_write_pieces(host, &piece, 1, callback);
}

weir_verdict fake_end(fake_host *host, const char *text, const char *name) {
  weir_error *refusal = NULL;
  weir_callback callback = fake_callback(host, name);
  weir_piece piece = {0};
  if (text) piece = chunk_of(host, text);
  weir_verdict verdict =
      weir_writable_end(host->writable, &piece, text ? 1 : 0, callback, &refusal);
  if (verdict == WEIR_NO_MEMORY) take_back(host, &piece, 1, callback);
  if (verdict != WEIR_GO_ON) note_verdict(host, verdict, refusal);
  return host->verdict = verdict;
}

void fake_cork(fake_host *host) {
  weir_writable_cork(host->writable);
}

void fake_uncork(fake_host *host) {
  weir_writable_uncork(host->writable);
}

void fake_destroy(fake_host *host, const char *name) {
  weir_error *error = fake_error(host, name);
  weir_stream_destroy(host->stream, error);
  weir_error_release(error);
}

void fake_run(fake_host *host) {
  fake_note(host, "|");
  weir_ticks_run(&host->core.ticks);
}

static struct {
  weir_tick tick;
  fake_host *host;
  const char *word;
} word_tick;

static void note_word(weir_tick *tick) {
  (void)tick;
  fake_note(word_tick.host, "%s", word_tick.word);
}

void fake_tick(fake_host *host, const char *word) {
  word_tick.host = host;
  word_tick.word = word;
  weir_ticks_push(&host->core.ticks, &word_tick.tick, note_word);
}
