/* readable_flow.c - when a readable does what: announcements, modes, reading ahead, the end.
** SPDX-License-Identifier: MIT
*/
#include <stdlib.h>

#include "core/assert.h"
#include "core/readable_parts.h"
#include "core/writable.h"

/* --- ticks --- */

typedef void (*action)(weir_readable *r);

/* For what is rare, and for what is asked for again while it is queued and has to come twice. */
typedef struct made_tick {
  weir_tick tick;
  weir_readable *readable;
  action act;
} made_tick;

static void run_made(weir_tick *tick) {
  made_tick *it = WEIR_TICK_OWNER(tick, made_tick, tick);
  weir_readable *r = it->readable;
  weir_stream *stream = r->stream;
  it->act(r);
  free(it);
  weir_stream_release(stream);
}

/* Returns false, with nothing done, without memory. */
static bool queue_made(weir_readable *r, action act) {
  made_tick *it = malloc(sizeof *it);
  if (!it) return false;
  *it = (made_tick){.readable = r, .act = act};
  weir_stream_tick(r->stream, &it->tick, run_made);
  return true;
}

static void queue(weir_readable *r, weir_tick *tick, weir_tick_run run, action act) {
  if (!weir_tick_is_queued(tick)) weir_stream_tick(r->stream, tick, run);
  else queue_made(r, act); /* without memory the one that is queued has to do */
}

static void run(weir_readable *r, action act) {
  weir_stream *stream = r->stream;
  act(r);
  weir_stream_release(stream);
}

/* --- flowing --- */

static void flow(weir_readable *r) {
  bool no_memory = false;
  while (r->flow == WEIR_FLOWING && weir_readable_read_one(r, &no_memory)) {
  }
  if (no_memory) weir_stream_fail_with(r->stream, WEIR_E_OUT_OF_MEMORY);
}

/* --- announcing --- */

void weir_readable_announce_now(weir_readable *r) {
  const weir_stream *stream = r->stream;
  if (stream->life == WEIR_ALIVE && !stream->error &&
      (r->length > 0 || r->input != WEIR_INPUT_OPEN)) {
    weir_readable_tell(r, WEIR_EVENT_READABLE);
    r->announcing = false;
  }
  if (r->flow != WEIR_FLOWING && r->input == WEIR_INPUT_OPEN && r->length <= r->high_water_mark) {
    r->needs_notice = true;
  }
  flow(r);
}

static void run_announce(weir_tick *tick) {
  run(WEIR_TICK_OWNER(tick, weir_readable, announce_tick), weir_readable_announce_now);
}

void weir_readable_announce(weir_readable *r) {
  r->needs_notice = false;
  if (r->announcing) return;
  r->announcing = true;
  queue(r, &r->announce_tick, run_announce, weir_readable_announce_now);
}

/* --- reading ahead --- */

static bool wants_more(const weir_readable *r) {
  if (r->asked || r->input != WEIR_INPUT_OPEN) return false;
  return r->length < r->high_water_mark || (r->flow == WEIR_FLOWING && r->length == 0);
}

/* Ends when a read brought nothing, so an idle source is asked once. */
static void fill(weir_readable *r) {
  while (wants_more(r)) {
    uint64_t before = r->length;
    weir_readable_ask(r);
    if (r->length == before) break;
  }
  r->reading_ahead = false;
}

static void run_ahead(weir_tick *tick) {
  run(WEIR_TICK_OWNER(tick, weir_readable, ahead_tick), fill);
}

void weir_readable_read_ahead(weir_readable *r) {
  if (r->reading_ahead || r->stream->constructing) return;
  r->reading_ahead = true;
  weir_stream_tick(r->stream, &r->ahead_tick, run_ahead);
}

void weir_readable_on_constructed(weir_readable *r) {
  if (r->needs_notice) weir_readable_read_ahead(r);
}

/* --- pause and resume --- */

static void resume_now(weir_readable *r) {
  if (!r->asked) weir_readable_ask(r);
  r->resuming = false;
  weir_readable_tell(r, WEIR_EVENT_RESUME);
  flow(r);
  if (r->flow == WEIR_FLOWING && !r->asked) weir_readable_ask(r);
}

static void run_resume(weir_tick *tick) {
  run(WEIR_TICK_OWNER(tick, weir_readable, resume_tick), resume_now);
}

void weir_readable_resume(weir_readable *r) {
  if (r->flow != WEIR_FLOWING) {
    r->flow = r->watched ? WEIR_WAITING : WEIR_FLOWING;
    if (!r->resuming) {
      r->resuming = true;
      weir_stream_tick(r->stream, &r->resume_tick, run_resume);
    }
  }
  r->wish = WEIR_WISH_RESUMED;
}

void weir_readable_pause(weir_readable *r) {
  if (r->flow != WEIR_WAITING) {
    r->flow = WEIR_WAITING;
    weir_readable_tell(r, WEIR_EVENT_PAUSE);
  }
  r->wish = WEIR_WISH_PAUSED;
}

/* --- listeners --- */

/* A `readable` listener takes charge: nothing flows while there is one. */
static void watch(weir_readable *r) {
  r->watched = r->needs_notice = true;
  r->flow = WEIR_WAITING;
  r->announcing = false;
  if (r->length > 0) weir_readable_announce(r);
  else if (!r->asked && !queue_made(r, weir_readable_ask)) weir_readable_read_ahead(r);
}

void weir_readable_listener_added(weir_readable *r, bool data, bool starts) {
  if (data) r->has_data_listener = true;
  else r->has_readable_listener = true;
  if (!starts) return;
  if (!data) {
    if (r->input != WEIR_INPUT_OVER && !r->watched) watch(r);
    return;
  }
  if (r->has_readable_listener) r->watched = true;
  if (r->flow != WEIR_WAITING) weir_readable_resume(r);
}

/* On a tick, so that a once("readable") that is put on anew by itself keeps the stream in its mode.
*/
static void review(weir_readable *r) {
  r->watched = r->has_readable_listener;
  if (r->resuming && r->wish == WEIR_WISH_RESUMED) r->flow = WEIR_FLOWING;
  else if (r->has_data_listener) weir_readable_resume(r);
  else if (!r->watched) r->flow = WEIR_UNDECIDED;
}

void weir_readable_listener_removed(weir_readable *r, bool data, bool any) {
  if (data) {
    r->has_data_listener = any;
    return;
  }
  r->has_readable_listener = any;
  if (!queue_made(r, review)) review(r);
}

/* --- the end --- */

static void run_end(weir_tick *tick);

static void end_writable(weir_readable *r) {
  weir_writable *w = r->stream->writable;
  weir_error *refusal = NULL;
  r->ends_writable = false;
  if (weir_writable_is_writable(w)) weir_writable_end(w, NULL, 0, WEIR_NOBODY, &refusal);
}

/* The other side has nothing left to do, or there is none. */
static bool is_alone(const weir_stream *stream) {
  return !stream->writable || stream->writable->writer == WEIR_FINISHED;
}

/* An unshift since then, an error or a close cancels the end. */
static void end_now(weir_readable *r) {
  weir_stream *stream = r->stream;
  if (stream->error || stream->close_told || r->input == WEIR_INPUT_OVER || r->length > 0) return;
  r->input = WEIR_INPUT_OVER;
  weir_readable_tell(r, WEIR_EVENT_END);
  const weir_writable *w = stream->writable;
  if (w && !r->half_open && weir_writable_is_writable(w)) {
    r->ends_writable = true;
    weir_stream_tick(stream, &r->end_tick, run_end);
  } else if (stream->auto_destroy && is_alone(stream)) {
    weir_stream_destroy(stream, NULL);
  }
}

static void run_end(weir_tick *tick) {
  weir_readable *r = WEIR_TICK_OWNER(tick, weir_readable, end_tick);
  run(r, r->ends_writable ? end_writable : end_now);
}

void weir_readable_end_later(weir_readable *r) {
  if (r->input == WEIR_INPUT_OVER) return;
  r->input = WEIR_INPUT_ENDED;
  queue(r, &r->end_tick, run_end, end_now);
}
