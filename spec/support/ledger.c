/* ledger.c - see ledger.h.
** SPDX-License-Identifier: MIT
*/
#include "support/ledger.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Identities of callbacks: those of friends are 1 to LEDGER_FRIENDS. */
enum { OF_WRITES = 1 << 12, OF_ENDS = 1 << 20 };

/* The byte at each place of the stream is known, so no byte can be mistaken for another. */
enum { PATTERN_PERIOD = 251 };
static char pattern[LEDGER_MAX_BYTES + PATTERN_PERIOD];

static const char *bytes_at(uint64_t position) {
  return pattern + position % PATTERN_PERIOD;
}

/* --- what the sink gets ----------------------------------------------------------------------- */

static void on_written(fake_bytes *sink, const char *bytes, size_t size) {
  uint64_t position = sink->written;
  while (size > 0) { /* slices of lent bytes that lie side by side may be longer than the pattern */
    size_t part = size < LEDGER_MAX_BYTES ? size : LEDGER_MAX_BYTES;
    CHECK(memcmp(bytes, bytes_at(position), part) == 0);
    bytes += part;
    position += part;
    size -= part;
  }
}

static void on_submit(fake_chunks *sink, const weir_entry *first) {
  ledger *self = sink->sink.host->context;
  for (const weir_entry *entry = first; entry; entry = entry->next) {
    size_t index = (size_t)atol(self->host->anchors[entry->anchor].text);
    size_t next = self->next_taken;
    while (next < self->write_count && self->writes[next].fate >= LEDGER_REFUSED) next++;
    CHECK_EQUAL(index, next);
    if (!CHECK(index < self->write_count)) return;
    CHECK(!self->writes[index].taken);
    self->writes[index].taken = true;
    self->next_taken = index + 1;
  }
}

static void on_answer(fake_chunks *sink, const char *error) {
  ledger *self = sink->sink.host->context;
  for (size_t i = self->next_taken; i-- > 0;) {
    ledger_write *write = &self->writes[i];
    if (write->fate >= LEDGER_REFUSED) continue;
    if (write->answered) break;
    write->answered = true;
    write->failed = error != NULL;
    self->answered += write->size;
  }
}

/* --- what the host is told -------------------------------------------------------------------- */

static bool is_written(const ledger *self, const ledger_write *write) {
  if (self->bytes) return self->bytes->written >= write->end;
  return write->answered && !write->failed;
}

static void check_order(ledger *self, size_t index) {
  const weir_stream *stream = self->host->stream;
  if (self->told_on_ticks && (stream->error || stream->life != WEIR_ALIVE)) self->in_order = false;
  if (self->writes[index].fate == LEDGER_REFUSED) return; /* told on a tick of its own */
  if (self->in_order) CHECK(index >= self->next_told);
  self->next_told = index + 1;
}

static void told_write(ledger *self, size_t index, const weir_error *error) {
  if (!CHECK(index < self->write_count)) return;
  ledger_write *write = &self->writes[index];
  CHECK(write->fate != LEDGER_VOID);
  CHECK(write->waits);
  CHECK_EQUAL(write->told++, 0);
  write->told_error = error != NULL;
  check_order(self, index);
  if (!error) {
    CHECK(write->fate != LEDGER_REFUSED);
    CHECK(is_written(self, write));
  } else if (write->fate != LEDGER_REFUSED) {
    CHECK(self->host->stream->error || self->host->stream->life != WEIR_ALIVE);
    if (write->size > 0) CHECK(!is_written(self, write));
  }
}

/* Before the first end is told: what its callback does wrong comes too late to matter. */
static void check_finish(ledger *self) {
  if (self->finishing) return;
  self->finishing = true;
  for (size_t i = 0; i < self->write_count; i++) {
    const ledger_write *write = &self->writes[i];
    if (write->fate == LEDGER_ACCEPTED) CHECK(is_written(self, write));
    if (write->fate == LEDGER_ACCEPTED && write->waits) CHECK_EQUAL(write->told, 1);
  }
  for (int i = 0; i < LEDGER_FRIENDS; i++) CHECK_EQUAL(self->friends_owed[i], 0);
  CHECK_EQUAL(self->host->writable->length, 0);
  CHECK(!self->host->stream->error);
}

static void told_end(ledger *self, size_t index, const weir_error *error) {
  if (!CHECK(index < self->end_count)) return;
  ledger_end *end = &self->ends[index];
  CHECK(end->waits);
  CHECK_EQUAL(end->told++, 0);
  end->told_error = error != NULL;
  if (!error) check_finish(self);
}

static void on_call(fake_host *host, weir_callback callback, const weir_error *error) {
  ledger *self = host->context;
  uintptr_t id = callback.identity;
  if (id >= OF_ENDS) told_end(self, id - OF_ENDS, error);
  else if (id >= OF_WRITES) told_write(self, id - OF_WRITES, error);
  else CHECK(self->friends_owed[id - 1]-- > 0);
  fake_note(host, "told %zu%s", (size_t)id % OF_WRITES, error ? " an error" : "");
}

static bool begins(const char *word, const char *start) {
  return strncmp(word, start, strlen(start)) == 0;
}

static void check_event(ledger *self, const char *word) {
  if (begins(word, "drain")) {
    /* As in Node, a failed stream that was not destroyed may drain what it had answered before. */
    CHECK(self->drain_owed || (self->chunks && self->host->stream->error));
    CHECK_EQUAL(self->host->writable->writer, WEIR_OPEN);
    CHECK_EQUAL(self->host->stream->life, WEIR_ALIVE);
    self->drain_owed = false;
  } else if (begins(word, "finish")) {
    check_finish(self);
  }
}

static void on_word(fake_host *host, const char *word) {
  ledger *self = host->context;
  check_event(self, word);
}

void ledger_begin(ledger *self, fake_host *host, fake_bytes *bytes, fake_chunks *chunks) {
  for (size_t i = 0; i < sizeof pattern; i++) pattern[i] = (char)(1 + i % PATTERN_PERIOD);
  memset(self, 0, sizeof *self);
  self->host = host;
  self->bytes = bytes;
  self->chunks = chunks;
  self->in_order = true;
  host->silent = true;
  host->context = self;
  host->on_call = on_call;
  host->on_word = on_word;
  if (bytes) bytes->on_written = on_written;
  if (chunks) {
    chunks->on_submit = on_submit;
    chunks->on_answer = on_answer;
  }
}

/* --- writing ---------------------------------------------------------------------------------- */

/* Pieces of these bytes. The small borrowed ones are spoilt as soon as they are forgotten. */
static weir_piece piece_of(ledger *self, uint64_t position, size_t size, bool borrowed) {
  const char *bytes = bytes_at(position);
  if (!borrowed) return (weir_piece){.bytes = bytes, .size = size};
  char text[FAKE_TEXT_MAX] = "lent";
  if (size >= FAKE_TEXT_MAX)
    return (weir_piece){.bytes = bytes, .size = size, .anchor = fake_anchor_new(self->host, text)};
  memcpy(text, bytes, size);
  text[size] = '\0';
  uint32_t anchor = fake_anchor_new(self->host, text);
  return (weir_piece){.bytes = self->host->anchors[anchor].text, .size = size, .anchor = anchor};
}

/* Returns how many pieces. */
static size_t make_pieces(ledger *self, weir_piece *pieces, uint64_t size, size_t count,
                          size_t index) {
  if (self->chunks) {
    char text[FAKE_TEXT_MAX];
    snprintf(text, sizeof text, "%zu", index);
    pieces[0] = (weir_piece){
        .bytes = "", .size = (size_t)size, .anchor = fake_anchor_new(self->host, text)};
    return 1;
  }
  uint64_t position = self->position;
  for (size_t i = 0; i + 1 < count; i++) {
    uint64_t part = check_random(size + 1);
    pieces[i] = piece_of(self, position, (size_t)part, check_random(3) == 0);
    position += part;
    size -= part;
  }
  pieces[count - 1] = piece_of(self, position, (size_t)size, check_random(3) == 0);
  return count;
}

static weir_callback callback_of(ledger *self, bool waits, uintptr_t identity) {
  if (!waits) return WEIR_NOBODY;
  return (weir_callback){fake_anchor_new(self->host, "callback"), identity};
}

/* The core took nothing. */
static void take_back(ledger *self, const weir_piece *pieces, size_t count,
                      weir_callback callback) {
  for (size_t i = 0; i < count; i++) {
    if (pieces[i].anchor) fake_forget(self->host, pieces[i].anchor);
  }
  if (callback.anchor) fake_forget(self->host, callback.anchor);
}

/* The chunk counts from now on, because the sink may get it before write() returns. */
static ledger_write *offer(ledger *self, uint64_t size, bool waits) {
  if (!CHECK(self->write_count < LEDGER_WRITES_MAX)) abort();
  ledger_write *write = &self->writes[self->write_count++];
  *write = (ledger_write){.size = size, .end = self->position + size, .waits = waits};
  self->position += size;
  self->accepted += size;
  return write;
}

static void withdraw(ledger *self, ledger_write *write, ledger_fate fate) {
  write->fate = fate;
  self->accepted -= write->size;
  CHECK_EQUAL(self->position, write->end);
  self->position -= write->size;
}

void ledger_write_chunk(ledger *self, uint64_t size, int friend_of, size_t piece_count) {
  weir_piece pieces[8];
  weir_error *refusal = NULL;
  size_t index = self->write_count;
  size_t count = make_pieces(self, pieces, size, piece_count, index);
  uintptr_t identity = friend_of > 0 ? (uintptr_t)friend_of : OF_WRITES + index;
  weir_callback callback = callback_of(self, friend_of >= 0, identity);
  ledger_write *write = offer(self, size, friend_of == 0);
  if (friend_of > 0) self->friends_owed[friend_of - 1]++;
  weir_verdict verdict =
      weir_writable_write(self->host->writable, pieces, count, callback, &refusal);
  CHECK((refusal != NULL) == (verdict == WEIR_REFUSED));
  weir_error_release(refusal);
  if (verdict == WEIR_NO_MEMORY) {
    withdraw(self, write, LEDGER_VOID);
    take_back(self, pieces, count, callback);
    if (friend_of > 0) self->friends_owed[friend_of - 1]--;
  } else if (verdict == WEIR_REFUSED) {
    CHECK_EQUAL(write->told, 0);
    withdraw(self, write, LEDGER_REFUSED);
  } else {
    write->fate = LEDGER_ACCEPTED;
    const weir_stream *stream = self->host->stream;
    if (verdict == WEIR_SLOW_DOWN && stream->life == WEIR_ALIVE && !stream->error) {
      self->drain_owed = true;
    }
  }
}

/* What became of the last chunk of an end() shows in the stream's own count. */
static void settle_last_chunk(ledger *self, ledger_write *write, weir_verdict verdict,
                              uint64_t writes_before) {
  if (!write) return;
  if (verdict == WEIR_NO_MEMORY) withdraw(self, write, LEDGER_VOID);
  else if (self->host->writable->stats.writes == writes_before)
    withdraw(self, write, LEDGER_REFUSED);
  else write->fate = LEDGER_ACCEPTED;
}

void ledger_end_stream(ledger *self, uint64_t size, bool waits) {
  weir_piece pieces[1];
  weir_error *refusal = NULL;
  if (!CHECK(self->end_count < LEDGER_ENDS_MAX)) abort();
  bool has_chunk = size != UINT64_MAX;
  size_t count = has_chunk ? make_pieces(self, pieces, size, 1, self->write_count) : 0;
  size_t index = self->end_count++;
  self->ends[index] = (ledger_end){.waits = waits};
  weir_callback callback = callback_of(self, waits, OF_ENDS + index);
  uint64_t writes_before = self->host->writable->stats.writes;
  ledger_write *write = has_chunk ? offer(self, size, false) : NULL;
  weir_verdict verdict = weir_writable_end(self->host->writable, pieces, count, callback, &refusal);
  CHECK((refusal != NULL) == (verdict == WEIR_REFUSED));
  weir_error_release(refusal);
  CHECK(verdict != WEIR_SLOW_DOWN);
  CHECK_EQUAL(self->ends[index].told, 0); /* nobody is told inside his own call */
  settle_last_chunk(self, write, verdict, writes_before);
  if (verdict != WEIR_NO_MEMORY) return;
  self->ends[index].waits = false;
  take_back(self, pieces, count, callback);
}

/* --- checking --------------------------------------------------------------------------------- */

void ledger_check(const ledger *self) {
  const weir_stream *stream = self->host->stream;
  const weir_writable *writable = self->host->writable;
  if (!stream) return;
  CHECK(writable->untold <= LEDGER_WRITES_MAX);
  CHECK(writable->queue.writes <= LEDGER_WRITES_MAX);
  CHECK(writable->length <= self->accepted);
  if (stream->error || stream->life != WEIR_ALIVE) return;
  if (self->chunks) {
    CHECK_EQUAL(writable->length, self->accepted - self->answered);
  } else {
    CHECK(writable->length >= self->accepted - self->bytes->written);
    CHECK(writable->length <= self->accepted - self->synced);
  }
}

void ledger_check_over(const ledger *self) {
  for (size_t i = 0; i < self->write_count; i++) {
    const ledger_write *write = &self->writes[i];
    CHECK(write->fate != LEDGER_OFFERED);
    CHECK_EQUAL(write->told, write->waits && write->fate != LEDGER_VOID ? 1 : 0);
    if (write->fate == LEDGER_REFUSED && write->waits) CHECK(write->told_error);
  }
  for (int i = 0; i < LEDGER_FRIENDS; i++) CHECK_EQUAL(self->friends_owed[i], 0);
  for (size_t i = 0; i < self->end_count; i++) {
    const ledger_end *end = &self->ends[i];
    CHECK_EQUAL(end->told, end->waits ? 1 : 0);
    if (end->waits && !end->told_error) CHECK_EQUAL(self->host->finishes, 1);
  }
  CHECK(self->host->errors == 0 || self->host->finishes == 0 || self->host->closes <= 1);
}
