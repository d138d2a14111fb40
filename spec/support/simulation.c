/* simulation.c - see simulation.h.
** SPDX-License-Identifier: MIT
*/
#include "support/simulation.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/writable.h"
#include "support/check.h"
#include "support/failing_alloc.h"
#include "support/ledger.h"

enum { DEPTH_MAX = 3, ROUNDS_MAX = 100000 };

bool simulation_traces;

static fake_host *host;
static fake_bytes bytes;
static fake_chunks chunks;
static fake_sink *sink;
static ledger book;
static bool is_bytes;
static bool answers_now, answers_later; /* chunks: which of the two it does */
static bool fails, breaks_rules; /* the sink may; chunks: answer twice, bytes: write itself */
static bool user_destroys, user_ends, user_floods, nobody_waits, memory_fails;
static int depth;

static void trace(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void trace(const char *format, ...) {
  if (!simulation_traces) return;
  printf("%*s", 2 * depth, "");
  va_list arguments;
  va_start(arguments, format);
  vprintf(format, arguments);
  va_end(arguments);
}

static bool one_in(uint64_t n) {
  return check_random(n) == 0;
}

/* --- acts of the user ------------------------------------------------------------------------- */

static bool is_room(void) {
  return host->stream && !host->dropped && host->anchor_count + 64 < FAKE_ANCHORS_MAX &&
         book.write_count + 8 < LEDGER_WRITES_MAX && book.end_count + 8 < LEDGER_ENDS_MAX;
}

static uint64_t random_size(void) {
  if (host->writable->object_mode) return 1;
  switch (check_random(12)) {
    case 0: return 0;
    case 1: return check_random(9000);
    case 2: return one_in(8) ? check_random(LEDGER_MAX_BYTES) : check_random(300);
    default: return 1 + check_random(20);
  }
}

static void write_something(void) {
  int friend_of = (int)check_random(8); /* mostly a callback of its own, or none */
  if (friend_of > LEDGER_FRIENDS) friend_of = one_in(2) ? 0 : -1;
  if (nobody_waits) friend_of = -1;
  uint64_t size = random_size();
  trace("write %zu of %" PRIu64 " {\n", book.write_count, size);
  ledger_write_chunk(&book, size, friend_of, 1 + (size_t)check_random(3));
  trace("}\n");
}

/* Enough for what bounds a turn: 1 MiB, or 1024 callbacks. */
static void flood(void) {
  int friend_of = one_in(2) ? 1 : -1;
  uint64_t size = one_in(2) ? check_random(LEDGER_MAX_BYTES) : 1;
  for (int left = size > 1 ? 32 : 300; left > 0 && is_room(); left--) {
    ledger_write_chunk(&book, size, friend_of, 1);
  }
}

static void end_it(void) {
  if (!user_ends) return;
  trace("end\n");
  ledger_end_stream(&book, one_in(2) ? random_size() : UINT64_MAX, !one_in(3));
}

static void destroy_it(void) {
  if (!user_destroys) return;
  trace("destroy\n");
  fake_destroy(host, one_in(2) ? "D" : NULL);
}

static void cork_it(void) {
  trace("cork\n");
  fake_cork(host);
}

static void uncork_it(void) {
  trace("uncork\n");
  fake_uncork(host);
}

static void act_as_user(void) {
  if (!is_room()) return;
  uint64_t act = check_random(80);
  if (act < 2) destroy_it();
  else if (act < 4) end_it();
  else if (act < 8) cork_it();
  else if (act < 16) uncork_it();
  else if (act < 17 && user_floods && depth == 0) flood();
  else write_something();
}

/* Does it, now and then with too little memory. */
static void perform(void (*act)(void)) {
  bool starved = memory_fails && one_in(8);
  if (starved) failing_alloc_begin(1 + (long)check_random(4), one_in(2));
  act();
  if (starved) failing_alloc_end();
}

/* --- acts of the sink ------------------------------------------------------------------------- */

static const char *random_answer(void) {
  if (fails && one_in(30)) return "X";
  return answers_now || (!answers_later && one_in(2)) ? FAKE_NOW : FAKE_LATER;
}

static uint64_t outstanding(void) {
  return bytes.taken - bytes.written;
}

static void make_progress(uint64_t written) {
  trace("written %" PRIu64 "\n", written);
  bool knows = host->stream->life == WEIR_ALIVE && !host->stream->error;
  uint64_t before = bytes.written;
  fake_bytes_write(&bytes, written);
  if (knows) book.synced = before + written;
}

static void change_its_ways(void) {
  if (one_in(3)) bytes.room = one_in(3) ? UINT64_MAX : check_random(5000);
  if (one_in(3)) bytes.bite = one_in(2) ? 0 : 1 + check_random(100);
  if (one_in(3)) bytes.awake = one_in(2);
  if (one_in(3)) bytes.writes_inside = one_in(3);
  if (fails && one_in(20)) bytes.fails_inside = true;
}

static void act_as_bytes(void) {
  if (sink->closed || sink->opening || bytes.failed) return;
  uint64_t act = check_random(12), some = check_random(outstanding() + 1);
  if (act < 4) change_its_ways();
  else if (act < 5 && fails && one_in(20) && !sink->closing) fake_bytes_fail(&bytes, "X");
  else if (act < 7) fake_bytes_write_quietly(&bytes, some);
  else make_progress(one_in(2) ? outstanding() : some);
}

static void act_as_chunks(void) {
  if (chunks.pending) {
    const char *error = fails && one_in(30) ? "X" : NULL;
    if (error && one_in(2)) fake_raise(&chunks, error);
    else fake_answer(&chunks, error);
  } else if (breaks_rules && one_in(20) && chunks.operation > 0 && host->stream) {
    fake_answer_to(&chunks, chunks.operation, one_in(2) ? "Y" : NULL);
  }
}

static void answer_the_rest(void) {
  const char *error = fails && one_in(10) ? "R" : NULL;
  if (sink->opening) {
    fake_opened(sink, error);
  } else if (sink->finishing) {
    fake_finished(sink, error);
  } else if (sink->closing) {
    if (is_bytes) fake_bytes_stop(&bytes);
    fake_closed(sink, error);
  }
}

static void act_as_sink(void) {
  if (!host->stream) return;
  weir_stream *stream = host->stream;
  weir_stream_hold(stream);
  if (one_in(8)) answer_the_rest();
  else if (is_bytes) act_as_bytes();
  else act_as_chunks();
  weir_stream_release(stream);
}

/* --- inside what the user is told ------------------------------------------------------------- */

static void (*note_word)(fake_host *told, const char *word);

/* Inside submit of a sink of bytes: whoever is there may write, and no more. */
static bool is_in_submit(const char *word) {
  return is_bytes && (strncmp(word, "take", 4) == 0 || strcmp(word, "full") == 0);
}

static bool is_of_sink(const char *word) {
  return strncmp(word, "write", 5) == 0 || strcmp(word, "answered") == 0;
}

static void act_inside(fake_host *told, const char *word) {
  trace("%s\n", word);
  note_word(told, word);
  if (!is_bytes) chunks.write = random_answer();
  chunks.times = breaks_rules && one_in(40) ? 2 : 1;
  if (is_in_submit(word)) {
    bool may_write = host->writable->writer == WEIR_OPEN && depth < DEPTH_MAX && is_room();
    if (breaks_rules && may_write && one_in(10)) write_something();
    return;
  }
  if (depth >= DEPTH_MAX || !one_in(is_of_sink(word) ? 8 : 3)) return;
  depth++;
  for (uint64_t acts = 1 + check_random(3); acts > 0; acts--) perform(act_as_user);
  /* A sink written by the user may answer inside his callbacks. */
  if (!is_bytes && one_in(6) && !is_of_sink(word) && !memory_fails) {
    book.in_order = false;
    if (host->stream) act_as_chunks();
  }
  depth--;
}

/* --- a program -------------------------------------------------------------------------------- */

static const char *random_script(void) {
  const char *scripts[] = {FAKE_ABSENT, FAKE_NOW, FAKE_LATER, FAKE_LATER};
  return scripts[check_random(4)];
}

static fake_options random_options(void) {
  const uint64_t marks[] = {FAKE_ZERO, 1, 16, 100, 4096, 16384};
  fake_options options = {
      .mark = marks[check_random(6)],
      .object_mode = !is_bytes && one_in(3),
      .batches = one_in(2),
      .survives = one_in(4),
      .closes_silent = one_in(8),
      .open = one_in(3) ? random_script() : FAKE_ABSENT,
      .finish = random_script(),
      .close = random_script(),
  };
  if (options.mark > 1 && options.mark != FAKE_ZERO) options.low_mark = check_random(options.mark);
  if (one_in(3)) options.max_buffered = 100 + check_random(20000);
  return options;
}

static void begin(void) {
  is_bytes = one_in(2);
  fails = one_in(3);
  breaks_rules = one_in(6);
  user_destroys = one_in(3);
  user_ends = one_in(2);
  user_floods = one_in(10);
  nobody_waits = one_in(5);
  memory_fails = failing_alloc_works() && one_in(5);
  answers_now = one_in(3);
  answers_later = !answers_now && one_in(2);
  depth = 0;
  fake_options options = random_options();
  if (is_bytes) {
    host = fake_bytes_new(&bytes, options);
    sink = &bytes.sink;
    bytes.failure = "X";
    bytes.writes_inside = one_in(3);
    bytes.awake = one_in(2);
    ledger_begin(&book, host, &bytes, NULL);
  } else {
    host = fake_chunks_new(&chunks, options);
    sink = &chunks.sink;
    chunks.write = random_answer();
    ledger_begin(&book, host, NULL, &chunks);
    book.in_order = answers_now || answers_later;
    book.told_on_ticks = answers_now || fails; /* its failures may come at once */
  }
  note_word = host->on_word;
  host->on_word = act_inside;
}

static void run_ticks(void) {
  trace("ticks\n");
  weir_ticks_run(&host->core.ticks);
}

static bool somebody_owes(void) {
  if (!host->stream) return false;
  if (weir_ticks_pending(&host->core.ticks)) return true;
  if (host->writable->corked > 0 && !host->dropped) return true;
  return sink->opening || sink->finishing || sink->closing ||
         (is_bytes ? outstanding() > 0 : chunks.pending);
}

/* The sink answers all it owes, successfully. */
static void settle(void) {
  fails = breaks_rules = memory_fails = false;
  bytes.fails_inside = false;
  bytes.room = UINT64_MAX;
  bytes.bite = 0;
  int rounds = 0;
  do {
    run_ticks();
    if (!host->stream) return;
    while (host->writable->corked > 0 && !host->dropped) fake_uncork(host);
    bool listens = !sink->opening && !sink->closing && !sink->closed;
    if (is_bytes && listens && !bytes.failed) make_progress(outstanding());
    if (!host->stream) return;
    if (!is_bytes && chunks.pending) fake_answer(&chunks, NULL);
    answer_the_rest();
    run_ticks();
    ledger_check(&book);
  } while (CHECK(++rounds < ROUNDS_MAX) && somebody_owes());
}

static void check_settled(void) {
  if (!host->stream) return;
  const weir_stream *stream = host->stream;
  const weir_writable *writable = host->writable;
  CHECK_EQUAL(writable->length, 0);
  CHECK_EQUAL(writable->untold, 0);
  CHECK_EQUAL(weir_writable_queued_writes(writable), 0);
  CHECK_EQUAL(writable->queue.count, 0);
  CHECK(writable->queue.fill == NULL);
  CHECK_EQUAL(stream->references, host->dropped ? 0 : 1);
  if (stream->life == WEIR_ALIVE && !stream->error && writable->writer == WEIR_OPEN) {
    CHECK(!book.drain_owed); /* no drain is lost */
  }
  if (stream->life == WEIR_ALIVE && !stream->error && writable->writer != WEIR_OPEN) {
    CHECK_EQUAL(host->finishes, 1);
    CHECK(!stream->auto_destroy);
  }
  if (stream->life == WEIR_CLOSED) CHECK_EQUAL(host->closes, stream->emit_close ? 1 : 0);
  CHECK(stream->life != WEIR_DESTROYED);
}

/* What the user does with a stream at last. */
static void part(void) {
  user_ends = user_destroys = true;
  if (one_in(8)) {
    fake_host_drop(host);
  } else if (one_in(2)) {
    ledger_end_stream(&book, UINT64_MAX, true);
  } else {
    fake_destroy(host, NULL);
  }
}

void simulation_run(int acts) {
  begin();
  for (int act = 0; act < acts && host->stream && !check_random_is_over(); act++) {
    uint64_t whose = check_random(8);
    if (whose < 2) perform(act_as_sink);
    else if (whose < 3) perform(run_ticks);
    else perform(act_as_user);
    ledger_check(&book);
  }
  settle();
  check_settled();
  if (host->stream) part();
  settle();
  check_settled();
  ledger_check_over(&book);
  host->on_word = NULL;
  fake_host_free(host);
}
