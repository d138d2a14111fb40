/* fake_source.c - see fake_source.h.
** SPDX-License-Identifier: MIT
*/
#include "support/fake_source.h"

#include <stdlib.h>
#include <string.h>

/* --- pushing --------------------------------------------------------------------------------- */

static weir_verdict note(fake_host *host, weir_verdict verdict) {
  static const char *const words[] = {
      [WEIR_GO_ON] = "true", [WEIR_SLOW_DOWN] = "false", [WEIR_NO_MEMORY] = "no_memory"};
  if (!CHECK(verdict != WEIR_REFUSED)) return verdict;
  fake_note(host, "%s", words[verdict]);
  return host->verdict = verdict;
}

typedef weir_verdict (*offer)(weir_readable *readable, const weir_piece *piece);

static weir_verdict give_value(fake_host *host, const char *text, offer give) {
  weir_piece piece = {.size = 1, .anchor = fake_anchor_new(host, text)};
  if (!host->readable->object_mode) {
    piece.bytes = host->anchors[piece.anchor].text;
    piece.size = strlen(text);
  }
  weir_verdict verdict = give(host->readable, &piece);
  if (verdict == WEIR_NO_MEMORY) fake_forget(host, piece.anchor);
  return verdict;
}

static weir_verdict give(fake_host *host, const char *text, size_t size, offer offer_it) {
  weir_slab *slab = weir_slab_new(&host->core.slabs, size + 8);
  if (!slab) return WEIR_NO_MEMORY;
  memcpy(slab->bytes, text, size);
  slab->used = (uint32_t)size;
  weir_piece piece = {.bytes = slab->bytes, .size = size, .slab = slab};
  weir_verdict verdict = offer_it(host->readable, &piece);
  if (verdict == WEIR_NO_MEMORY) weir_slab_release(&host->core.slabs, slab);
  return verdict;
}

static weir_verdict give_text(fake_host *host, const char *text, offer offer_it) {
  if (host->readable->object_mode) return give_value(host, text, offer_it);
  return give(host, text, strlen(text), offer_it);
}

weir_verdict fake_push(fake_host *host, const char *text) {
  return note(host, give_text(host, text, weir_readable_push));
}

weir_verdict fake_push_borrowed(fake_host *host, const char *text) {
  return note(host, give_value(host, text, weir_readable_push));
}

weir_verdict fake_unshift(fake_host *host, const char *text) {
  return note(host, give_text(host, text, weir_readable_unshift));
}

void fake_push_end(fake_host *host) {
  weir_readable_push_end(host->readable);
}

/* --- the source ------------------------------------------------------------------------------ */

static void push_part(fake_host *host, const char *part) {
  if (strcmp(part, "-") == 0) return;
  if (strcmp(part, ".") == 0) {
    fake_push_end(host);
  } else if (strcmp(part, "!") == 0) {
    weir_error *error = fake_error(host, "X");
    weir_stream_fail(host->stream, error, false);
    weir_error_release(error);
  } else {
    give_text(host, strcmp(part, "0") == 0 ? "" : part, weir_readable_push);
  }
}

/* Takes the next word off the script; returns its length. */
static size_t next_word(fake_source *source, char *word, size_t size) {
  size_t length = source->script ? strcspn(source->script, " ") : 0;
  if (!CHECK(length < size)) abort();
  if (length == 0) return 0;
  memcpy(word, source->script, length);
  word[length] = '\0';
  source->script += length;
  source->script += *source->script == ' ';
  return length;
}

static void source_read(void *self, uint64_t size) {
  fake_source *source = self;
  fake_host *host = source->host;
  CHECK_EQUAL(size, host->readable->high_water_mark);
  fake_note(host, "read");
  if (source->on_read) source->on_read(host);
  char word[64];
  if (next_word(source, word, sizeof word) == 0) return;
  for (char *part = strtok(word, "+"); part; part = strtok(NULL, "+")) push_part(host, part);
}

static void source_open(void *self) {
  fake_source *source = self;
  source->opening = true;
  weir_stream_hold(source->host->stream);
  fake_note(source->host, "construct");
}

void fake_source_opened(fake_source *source, const char *name) {
  if (!CHECK(source->opening)) return;
  source->opening = false;
  weir_error *error = fake_error(source->host, name);
  weir_stream_constructed(source->host->stream, error);
  weir_error_release(error);
  weir_stream_release(source->host->stream);
}

static void note_data(fake_host *host, const weir_entry *chunk) {
  fake_note(host, "data(%s)", fake_chunk_text(host, chunk));
}

fake_host *fake_source_new(fake_source *source, fake_reader options) {
  fake_host *host = fake_host_new();
  host->on_data = note_data;
  *source = (fake_source){.host = host, .script = options.script};
  source->port.read = options.mute ? NULL : source_read;
  source->sink_port = (weir_sink_port){.name = "fake", .open = options.opens ? source_open : NULL};
  uint64_t mark = options.mark ? options.mark : 16;
  weir_readable_options readable = {
      .high_water_mark = options.mark == FAKE_NO_MARK ? 0 : mark,
      .object_mode = options.object_mode,
      .disabled = options.disabled,
      .half_open = options.half_open,
      .is_asked = options.is_asked,
  };
  weir_writable_options writable = {.high_water_mark = 16, .max_buffered = WEIR_NO_LIMIT};
  const weir_sink_port *port = options.writes ? options.writes : &source->sink_port;
  fake_host_open_reader(host, &readable, &source->port, options.writes ? &writable : NULL, port,
                        options.writes ? options.sink : source);
  host->stream->auto_destroy = !options.survives;
  return host;
}

/* --- the consumer ---------------------------------------------------------------------------- */

void fake_read(fake_host *host, int64_t n) {
  bool no_memory;
  weir_entry *chunk = weir_readable_read(host->readable, n, &no_memory);
  CHECK(!chunk || !no_memory);
  if (no_memory) fake_note(host, "no_memory");
  else if (!chunk) fake_note(host, "got(nothing)");
  else fake_note(host, "got(%s)", fake_chunk_text(host, chunk));
  if (chunk) weir_readable_give_back(host->readable, chunk);
}

void fake_read_all(fake_host *host) {
  fake_read(host, WEIR_READ_ALL);
}

void fake_flow(fake_host *host) {
  weir_readable_listener_added(host->readable, true, true);
}

void fake_unflow(fake_host *host) {
  weir_readable_listener_removed(host->readable, true, false);
}

void fake_watch(fake_host *host) {
  weir_readable_listener_added(host->readable, false, true);
}

void fake_unwatch(fake_host *host) {
  weir_readable_listener_removed(host->readable, false, false);
}
