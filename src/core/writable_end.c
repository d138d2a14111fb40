/* writable_end.c - finishing, and failing what is queued.
** SPDX-License-Identifier: MIT
*/
#include "core/assert.h"
#include "core/readable.h"
#include "core/writable_parts.h"

/* --- failing --- */

static weir_entry *take_ends(weir_writable *w) {
  weir_entry *first = NULL;
  for (weir_entry *end = w->ends, *next; end; end = next) {
    next = end->next;
    end->next = first;
    first = end;
  }
  w->ends = NULL;
  return first;
}

static void tell_ends(weir_writable *w, weir_error *error) {
  weir_entry *end = take_ends(w);
  while (end) {
    weir_entry *next = end->next;
    weir_writable_call(w, end, error);
    weir_writable_free_entry(w, end);
    end = next;
  }
}

/* Entries leave one at a time, because a callback may write, and so fail, again. */
void weir_writable_fail_queue(weir_writable *w) {
  if (weir_writable_is_with_sink(w)) return; /* it is told first, and comes back here */
  if (weir_sink_takes_bytes(w->stream->port)) weir_writable_tell_due(w, w->untold);
  for (weir_entry *entry; (entry = weir_queue_take(&w->queue));) {
    w->length -= entry->size;
    w->lost_writes = true;
    weir_queue_drop_content(&w->queue, entry);
    if (entry->callback.anchor) {
      weir_error *why = weir_writable_why(w, "write");
      weir_writable_call(w, entry, why);
      weir_error_release(why);
    }
    weir_writable_free_entry(w, entry);
  }
  if (!w->ends) return;
  weir_error *why = weir_writable_why(w, "end");
  tell_ends(w, why);
  weir_error_release(why);
}

void weir_writable_on_destroy(weir_writable *w) {
  if (!weir_writable_is_with_sink(w)) weir_stream_fail_queue_later(w->stream);
}

/* --- finishing --- */

static bool may_finish(const weir_writable *w) {
  const weir_stream *stream = w->stream;
  if (w->writer == WEIR_OPEN || w->writer == WEIR_FINISHED) return false;
  if (stream->life != WEIR_ALIVE || stream->error || stream->constructing) return false;
  if (weir_writable_is_with_sink(w) || weir_queue_is_waiting(&w->queue)) return false;
  WEIR_ASSERT(w->length == 0);
  return true;
}

static void finish(weir_writable *w) {
  if (!may_finish(w)) return; /* failed since the tick was queued; the ends are told */
  w->writer = WEIR_FINISHED;
  tell_ends(w, NULL);
  w->stream->core->host->event(w->stream->owner, WEIR_EVENT_FINISH, NULL);
  const weir_readable *other = w->stream->readable;
  if (w->stream->auto_destroy && (!other || weir_readable_is_over(other))) {
    weir_stream_destroy(w->stream, NULL);
  }
}

static void run_finish_tick(weir_tick *tick) {
  weir_writable *w = WEIR_TICK_OWNER(tick, weir_writable, finish_tick);
  weir_stream *stream = w->stream;
  finish(w);
  weir_stream_release(stream);
}

static void finish_later(weir_writable *w) {
  w->writer = WEIR_FINISHING;
  weir_stream_tick(w->stream, &w->finish_tick, run_finish_tick);
}

static void prefinish(weir_writable *w) {
  w->activity = WEIR_FINALIZED;
  w->stream->core->host->event(w->stream->owner, WEIR_EVENT_PREFINISH, NULL);
}

static void finalize(weir_writable *w) {
  w->activity = WEIR_FINALIZING;
  w->in_final = true;
  w->stream->port->finish(w->stream->sink);
  w->in_final = false;
}

void weir_writable_finished(weir_writable *w, weir_error *error) {
  if (w->final_answered) {
    if (error) weir_stream_fail(w->stream, error, false);
    else weir_stream_fail_with(w->stream, WEIR_E_MULTIPLE_CALLBACK);
    return;
  }
  w->final_answered = true;
  if (error) {
    tell_ends(w, error);
    weir_stream_fail(w->stream, error, w->in_final);
  } else if (may_finish(w)) {
    prefinish(w);
    finish_later(w);
  }
}

/* The sink's finish does not wait for the callbacks of the writes; `finish` does. */
void weir_writable_advance_end(weir_writable *w, bool at_once) {
  if (!may_finish(w)) return;
  if (w->activity == WEIR_IDLE) {
    if (w->stream->port->finish) finalize(w);
    else prefinish(w);
  }
  if (w->activity != WEIR_FINALIZED || w->writer != WEIR_ENDED || w->untold > 0) return;
  if (at_once) finish(w);
  else finish_later(w);
}

void weir_writable_on_constructed(weir_writable *w) {
  weir_writable_pump(w);
  weir_writable_advance_end(w, true);
}
