/* reading.c - see reading.h.
** SPDX-License-Identifier: MIT
*/
#include "support/reading.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/check.h"
#include "support/failing_alloc.h"
#include "support/fake_sink.h"

enum { DEPTH_MAX = 3, ROUNDS_MAX = 10000, PUSH_MAX = 6000, PERIOD = 251, TOTAL_MAX = 1 << 20 };

/* The byte at each place of the stream is known. */
static char pattern[2 * PUSH_MAX + PERIOD];

static fake_host *host;
static fake_bytes bytes;
static weir_source_port source_port;
static uint64_t pushed, taken; /* places of the next byte */
static uint64_t piped;         /* of the next byte to be handed to the sink's side */
static bool is_piped, listens, watches, memory_fails, source_fails, user_destroys;
static bool owes; /* the source was asked, and has not pushed */
static bool has_ended, ended_told;
static bool lost; /* nothing is promised of what has not been taken */
static int depth;
enum { HANDED_MAX = 256 };
static const weir_entry *handed[HANDED_MAX]; /* what reads on the stack have told already */
static size_t handed_count;
static int reads; /* on the stack */

static bool one_in(uint64_t n) {
  return check_random(n) == 0;
}

static const char *bytes_at(uint64_t place) {
  return pattern + place % PERIOD;
}

static bool is_alive(void) {
  return host->stream && host->stream->life == WEIR_ALIVE && !host->stream->error;
}

/* --- the source ------------------------------------------------------------------------------- */

typedef weir_verdict (*offer)(weir_readable *readable, const weir_piece *piece);

/* Gives `size` bytes from this place on, in a slab, or lent. Returns whether memory sufficed. */
static bool give(uint64_t place, size_t size, offer offer_it) {
  weir_piece piece = {.bytes = bytes_at(place), .size = size};
  weir_slab *slab = NULL;
  if (one_in(3)) {
    piece.anchor = fake_anchor_new(host, "lent");
  } else {
    slab = weir_slab_new(&host->core.slabs, size + 8);
    if (!slab) return false;
    memcpy(slab->bytes, bytes_at(place), size);
    slab->used = (uint32_t)size;
    piece.bytes = slab->bytes;
    piece.slab = slab;
  }
  weir_verdict verdict = offer_it(host->readable, &piece);
  CHECK(verdict != WEIR_REFUSED);
  if (verdict != WEIR_NO_MEMORY) return true;
  if (slab) weir_slab_release(&host->core.slabs, slab);
  else fake_forget(host, piece.anchor);
  return false;
}

static bool is_room(void) {
  return host->anchor_count + 64 < FAKE_ANCHORS_MAX && pushed < TOTAL_MAX;
}

static void push_something(void) {
  if (!is_room() || has_ended || !is_alive()) return;
  size_t size = one_in(6) ? 0 : 1 + (size_t)check_random(one_in(4) ? PUSH_MAX : 40);
  uint64_t place = pushed;
  bool owed = owes;
  pushed += size;
  owes = false;
  if (give(place, size, weir_readable_push)) return;
  pushed -= size; /* nothing was taken, and nobody was told */
  owes = owed;
}

static void push_end(void) {
  if (has_ended || !is_alive()) return;
  has_ended = true;
  owes = false;
  weir_readable_push_end(host->readable);
}

static void on_read(void *self, uint64_t size) {
  (void)self;
  CHECK_EQUAL(size, host->readable->high_water_mark);
  CHECK(!owes);
  CHECK(!has_ended);
  owes = true;
  if (source_fails && one_in(20)) {
    fake_destroy(host, "X");
    return;
  }
  if (one_in(40)) {
    push_end();
  } else if (one_in(2)) {
    for (uint64_t times = 1 + check_random(3); times > 0; times--) push_something();
  }
}

/* --- what the consumer gets ------------------------------------------------------------------- */

static void take(const weir_entry *chunk) {
  CHECK(!ended_told || lost);
  size_t size = chunk->size;
  uint64_t place = taken;
  taken += size;
  CHECK(taken <= pushed);
  for (const char *at = chunk->bytes; size > 0;) {
    size_t part = size < PUSH_MAX ? size : PUSH_MAX;
    CHECK(memcmp(at, bytes_at(place), part) == 0);
    at += part;
    place += part;
    size -= part;
  }
}

static void pipe_on(const weir_entry *chunk) {
  if (!is_alive() || host->writable->writer != WEIR_OPEN) return;
  weir_piece piece = {.bytes = chunk->bytes, .size = chunk->size};
  if (chunk->slab && chunk->size >= 64) piece.slab = chunk->slab;
  weir_error *refusal = NULL;
  weir_verdict verdict = weir_writable_write(host->writable, &piece, 1, WEIR_NOBODY, &refusal);
  weir_error_release(refusal);
  if (verdict == WEIR_SLOW_DOWN) weir_readable_pause(host->readable);
  if (verdict == WEIR_NO_MEMORY) weir_stream_fail_with(host->stream, WEIR_E_OUT_OF_MEMORY);
}

static void act_inside(void);

static void on_data(fake_host *told, const weir_entry *chunk) {
  (void)told;
  take(chunk);
  if (reads > 0 && CHECK(handed_count < HANDED_MAX)) handed[handed_count++] = chunk;
  if (is_piped) pipe_on(chunk);
  act_inside();
}

/* A place of the piped bytes is that of the pattern only as long as nothing is put back. */
static void on_written(fake_bytes *sink, const char *written, size_t size) {
  (void)sink;
  for (; size > 0;) {
    size_t part = size < PUSH_MAX ? size : PUSH_MAX;
    CHECK(memcmp(written, bytes_at(piped), part) == 0);
    written += part;
    piped += part;
    size -= part;
  }
}

static void read_some(void) {
  int64_t n = one_in(3) ? WEIR_READ_ALL : (int64_t)check_random(one_in(6) ? 3 * PUSH_MAX : 60);
  bool no_memory;
  size_t handed_before = handed_count;
  reads++;
  weir_entry *chunk = weir_readable_read(host->readable, n, &no_memory);
  reads--;
  CHECK(!chunk || !no_memory);
  CHECK(!no_memory || memory_fails);
  bool was_told = false;
  for (size_t i = handed_before; i < handed_count && chunk; i++) was_told |= handed[i] == chunk;
  handed_count = handed_before;
  if (!chunk) return;
  if (n >= 0 && !has_ended) CHECK_EQUAL(chunk->size, (size_t)n);
  if (!was_told) take(chunk);
  weir_readable_give_back(host->readable, chunk);
}

static void put_back(void) {
  if (taken == 0 || ended_told || is_piped || !is_alive() || !is_room()) return;
  uint64_t size = 1 + check_random(taken < 200 ? taken : 200), before = taken;
  taken -= size;
  if (!give(taken, (size_t)size, weir_readable_unshift)) taken = before;
}

static void change_listeners(void) {
  bool data = one_in(2), *has = data ? &listens : &watches;
  if (data && is_piped) return;
  *has = !*has;
  if (*has) weir_readable_listener_added(host->readable, data, true);
  else weir_readable_listener_removed(host->readable, data, false);
}

static void act_as_user(void) {
  if (!host->stream || host->closes > 0) return; /* pause() tells `pause` even then */
  uint64_t act = check_random(32);
  if (act < 2) weir_readable_pause(host->readable);
  else if (act < 6) weir_readable_resume(host->readable);
  else if (act < 9) change_listeners();
  else if (act < 11) put_back();
  else if (act < 12 && user_destroys) fake_destroy(host, one_in(2) ? "D" : NULL);
  else if (act < 22) push_something();
  else if (act < 23 && one_in(6)) push_end();
  else if (depth == 0 || !host->readable->asking) read_some();
}

static void perform(void (*act)(void)) {
  bool starved = memory_fails && depth == 0 && one_in(8);
  if (starved) failing_alloc_begin(1 + (long)check_random(4), one_in(2));
  act();
  if (starved) failing_alloc_end();
}

static void act_inside(void) {
  if (depth >= DEPTH_MAX || !one_in(4)) return;
  depth++;
  for (uint64_t acts = 1 + check_random(3); acts > 0; acts--) act_as_user();
  depth--;
}

static bool is(const char *word, const char *wanted) {
  return strncmp(word, wanted, strlen(wanted)) == 0;
}

/* Inside submit whoever is there may do nothing but write. */
static void on_word(fake_host *told, const char *word) {
  if (is(word, "end")) {
    CHECK(!ended_told);
    CHECK(has_ended && taken == pushed);
    CHECK(!told->stream->error); /* but a stream destroyed a moment ago may end, as in Node */
    ended_told = true;
    if (is_piped && one_in(2)) weir_writable_end(told->writable, NULL, 0, WEIR_NOBODY, NULL);
  }
  if (is(word, "drain") && is_piped) weir_readable_resume(told->readable);
  if (!is(word, "take") && !is(word, "full") && !is(word, "destroy")) act_inside();
}

/* --- the sink --------------------------------------------------------------------------------- */

static void act_as_sink(void) {
  if (!host->stream) return;
  fake_sink *sink = &bytes.sink;
  weir_stream *stream = host->stream;
  weir_stream_hold(stream);
  if (sink->opening) fake_opened(sink, source_fails && one_in(9) ? "O" : NULL);
  else if (sink->finishing) fake_finished(sink, NULL);
  else if (sink->closing) {
    fake_bytes_stop(&bytes);
    fake_closed(sink, NULL);
  } else if (!sink->closed && !bytes.failed) {
    fake_bytes_write(&bytes, bytes.taken - bytes.written);
  }
  weir_stream_release(stream);
}

/* --- a program -------------------------------------------------------------------------------- */

static void check_state(void) {
  if (!host->stream) return;
  if (!is_alive()) lost = true;
  if (lost) return;
  const weir_readable *r = host->readable;
  CHECK_EQUAL(r->length, pushed - taken);
  if (!owes) CHECK(!r->asked);
}

static void begin(void) {
  const uint64_t marks[] = {0, 1, 16, 100, 4096, 16384};
  for (size_t i = 0; i < sizeof pattern; i++) pattern[i] = (char)(1 + i % PERIOD);
  pushed = taken = piped = 0;
  owes = has_ended = ended_told = lost = listens = watches = false;
  depth = 0;
  handed_count = 0;
  memory_fails = failing_alloc_works() && one_in(4);
  source_fails = one_in(5);
  user_destroys = one_in(4);
  is_piped = one_in(3);
  fake_options options = {.mark = 1 + check_random(5000),
                          .survives = one_in(4),
                          .open = one_in(3) ? FAKE_LATER : FAKE_ABSENT,
                          .close = one_in(2) ? FAKE_LATER : FAKE_ABSENT};
  host = fake_bytes_new(&bytes, options);
  bytes.on_written = on_written;
  bytes.writes_inside = one_in(3);
  weir_readable_options reading = {
      .high_water_mark = marks[check_random(6)], .half_open = one_in(2), .is_asked = one_in(3)};
  source_port = (weir_source_port){.read = on_read};
  host->readable = calloc(1, sizeof *host->readable);
  if (!host->readable) abort();
  weir_readable_init(host->readable, host->stream, &source_port, &reading);
  host->silent = true;
  host->on_data = on_data;
  host->on_word = on_word;
  if (is_piped) fake_listen(host);
}

static bool is_busy(void) {
  if (!host->stream) return false;
  const fake_sink *sink = &bytes.sink;
  return weir_ticks_pending(&host->core.ticks) || sink->opening || sink->finishing ||
         sink->closing || bytes.taken > bytes.written;
}

static bool has_more(void) {
  return is_alive() && !ended_told && !host->stream->constructing;
}

/* All that is owed is answered; the consumer takes what is there. */
static void settle(void) {
  memory_fails = source_fails = user_destroys = false;
  depth = DEPTH_MAX;
  int rounds = 0;
  do {
    weir_ticks_run(&host->core.ticks);
    act_as_sink();
    if (!host->stream) return;
    if (is_alive() && !host->stream->constructing) {
      push_end();
      if (is_alive() && !watches) weir_readable_resume(host->readable);
      /* What was put back behind the end flows only when it is read, as in Node. */
      if (is_alive() && (watches || rounds > 9)) read_some();
    }
    weir_ticks_run(&host->core.ticks);
    handed_count = 0;
    check_state();
  } while (CHECK(++rounds < ROUNDS_MAX) && (is_busy() || has_more() || rounds < 4));
}

static void check_settled(void) {
  if (!host->stream || lost || host->stream->constructing) return;
  if (!is_alive()) return;
  CHECK_EQUAL(host->readable->length, 0);
  CHECK_EQUAL(taken, pushed);
  CHECK(ended_told);
}

void reading_run(int acts) {
  begin();
  for (int act = 0; act < acts && host->stream && !check_random_is_over(); act++) {
    uint64_t whose = check_random(8);
    if (whose < 1) perform(act_as_sink);
    else if (whose < 3) weir_ticks_run(&host->core.ticks);
    else perform(act_as_user);
    handed_count = 0;
    check_state();
  }
  settle();
  check_settled();
  if (host->stream) fake_destroy(host, NULL);
  settle();
  host->on_word = NULL;
  host->on_data = NULL;
  fake_host_free(host);
}
