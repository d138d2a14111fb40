/* stream.c - see stream.h.
** SPDX-License-Identifier: MIT
*/
#include "core/stream.h"

#include <stdlib.h>

#include "core/assert.h"
#include "core/readable.h"
#include "core/writable.h"

/* --- references and ticks --- */

void weir_stream_release(weir_stream *stream) {
  WEIR_ASSERT(stream->references > 0);
  if (--stream->references > 0) {
    if (stream->references == 1 && stream->core->host->idle)
      stream->core->host->idle(stream->owner);
    return;
  }
  WEIR_ASSERT(!stream->late_error); /* no tick is left to carry it */
  weir_error_release(stream->error);
  weir_error_release(stream->life_error); /* there if construction was never answered */
  stream->error = stream->life_error = NULL;
  stream->core->host->unused(stream->owner);
}

void weir_stream_tick(weir_stream *stream, weir_tick *tick, weir_tick_run run) {
  if (weir_tick_is_queued(tick)) return;
  weir_stream_hold(stream);
  weir_ticks_push(&stream->core->ticks, tick, run);
}

/* Moves an error out of the field that carried it to a tick. */
static weir_error *take(weir_error **field) {
  weir_error *error = *field;
  *field = NULL;
  return error;
}

typedef struct rare_tick {
  weir_tick tick;
  weir_stream *stream;
  weir_error *error;
  weir_stream_act act;
} rare_tick;

static void run_rare_tick(weir_tick *tick) {
  rare_tick *it = WEIR_TICK_OWNER(tick, rare_tick, tick);
  weir_stream *stream = it->stream;
  it->act(stream, it->error);
  weir_error_release(it->error);
  free(it);
  weir_stream_release(stream);
}

bool weir_stream_later(weir_stream *stream, weir_stream_act act, weir_error *error) {
  rare_tick *it = malloc(sizeof *it);
  if (!it) return false;
  *it = (rare_tick){.stream = stream, .error = weir_error_hold(error), .act = act};
  weir_stream_tick(stream, &it->tick, run_rare_tick);
  return true;
}

static void replace(weir_error **field, weir_error *error) {
  weir_error_hold(error);
  weir_error_release(*field);
  *field = error;
}

/* --- the first error --- */

void weir_stream_record(weir_stream *stream, weir_error *error) {
  if (!stream->error) stream->error = weir_error_hold(error);
}

static void emit_error(weir_stream *stream, weir_error *error) {
  if (stream->error_told) return;
  stream->error_told = true;
  stream->core->host->event(stream->owner, WEIR_EVENT_ERROR, error);
}

static void run_fail_tick(weir_tick *tick) {
  weir_stream *stream = WEIR_TICK_OWNER(tick, weir_stream, fail_tick);
  if (stream->writable) weir_writable_fail_queue(stream->writable);
  weir_error *error = take(&stream->late_error);
  if (error) emit_error(stream, error);
  weir_error_release(error);
  weir_stream_release(stream);
}

void weir_stream_fail_queue_later(weir_stream *stream) {
  weir_stream_tick(stream, &stream->fail_tick, run_fail_tick);
}

void weir_stream_fail(weir_stream *stream, weir_error *error, bool later) {
  WEIR_ASSERT(error);
  if (stream->life != WEIR_ALIVE) return;
  if (stream->auto_destroy) {
    weir_stream_destroy(stream, error);
    return;
  }
  weir_stream_record(stream, error);
  if (later) {
    if (!stream->late_error) stream->late_error = weir_error_hold(error);
    weir_stream_fail_queue_later(stream);
  } else {
    if (stream->writable) weir_writable_fail_queue(stream->writable);
    emit_error(stream, error);
  }
}

void weir_stream_fail_with(weir_stream *stream, weir_code code) {
  weir_error *error = weir_error_new(code, NULL);
  weir_stream_fail(stream, error, false);
  weir_error_release(error);
}

/* --- destruction --- */

/* `error` and `close` share one tick. */
static void run_close_tick(weir_tick *tick) {
  weir_stream *stream = WEIR_TICK_OWNER(tick, weir_stream, life_tick);
  weir_error *error = take(&stream->life_error);
  if (error) emit_error(stream, error);
  weir_error_release(error);
  stream->close_told = true;
  if (stream->emit_close) stream->core->host->event(stream->owner, WEIR_EVENT_CLOSE, NULL);
  weir_stream_release(stream);
}

void weir_stream_closed(weir_stream *stream, weir_error *error) {
  WEIR_ASSERT(stream->life != WEIR_ALIVE && !stream->constructing);
  if (stream->close_answered) return;
  stream->close_answered = true;
  weir_stream_record(stream, error);
  stream->life = WEIR_CLOSED;
  replace(&stream->life_error, error);
  weir_stream_tick(stream, &stream->life_tick, run_close_tick);
}

static void close_sink(weir_stream *stream, weir_error *error) {
  if (stream->port->close) stream->port->close(stream->sink, error);
  else weir_stream_closed(stream, error);
}

void weir_stream_destroy(weir_stream *stream, weir_error *error) {
  if (stream->life != WEIR_ALIVE) return;
  weir_stream_record(stream, error);
  stream->life = WEIR_DESTROYED;
  /* Queued before the tick of `error` and `close`, so that the writers hear of it first. */
  if (stream->writable) weir_writable_on_destroy(stream->writable);
  if (!stream->constructing) {
    close_sink(stream, error);
    return;
  }
  if (error) replace(&stream->life_error, error); /* construction ends first */
  bool asked = !weir_tick_is_queued(&stream->life_tick);
  if (asked && stream->port->cancel_open) stream->port->cancel_open(stream->sink);
}

/* --- construction --- */

static void act_on_construction(weir_tick *tick) {
  weir_stream *stream = WEIR_TICK_OWNER(tick, weir_stream, life_tick);
  weir_error *error = take(&stream->life_error);
  stream->constructing = false;
  if (stream->life != WEIR_ALIVE) {
    close_sink(stream, error);
  } else if (error) {
    weir_stream_fail(stream, error, true);
  } else {
    if (stream->readable) weir_readable_on_constructed(stream->readable);
    if (stream->writable) weir_writable_on_constructed(stream->writable);
  }
  weir_error_release(error);
  weir_stream_release(stream);
}

static void fail_now(weir_stream *stream, weir_error *error) {
  weir_stream_fail(stream, error, false);
}

void weir_stream_constructed(weir_stream *stream, weir_error *error) {
  if (!stream->construct_answered) {
    stream->construct_answered = true;
    if (!stream->life_error) stream->life_error = weir_error_hold(error);
    weir_stream_tick(stream, &stream->life_tick, act_on_construction);
  } else {
    weir_error *why =
        error ? weir_error_hold(error) : weir_error_new(WEIR_E_MULTIPLE_CALLBACK, NULL);
    if (!weir_stream_later(stream, fail_now, why)) weir_stream_fail(stream, why, true);
    weir_error_release(why);
  }
}

static void ask_to_open(weir_tick *tick) {
  weir_stream *stream = WEIR_TICK_OWNER(tick, weir_stream, life_tick);
  stream->port->open(stream->sink);
  weir_stream_release(stream);
}

void weir_stream_init(weir_stream *stream, weir_core *core, const weir_host *host, void *owner,
                      const weir_sink_port *port, void *sink) {
  WEIR_ASSERT(!core->host || core->host == host);
  core->host = host;
  *stream = (weir_stream){
      .core = core,
      .owner = owner,
      .port = port,
      .sink = sink,
      .references = 1,
      .life = WEIR_ALIVE,
      .auto_destroy = true,
      .emit_close = true,
      .constructing = port->open != NULL,
  };
  if (stream->constructing) weir_stream_tick(stream, &stream->life_tick, ask_to_open);
}
