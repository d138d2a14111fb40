/* stream.h - the life of a stream: construction, the first error, destruction, close.
**
** It is what the sides of a stream share. A stream is alive, then destroyed, then closed; a
** destroyed one may still await its sink. The first error is the error: sticky, in one field, told
** once.
**
** Layer: core. Not thread safe.
** SPDX-License-Identifier: MIT
*/
#ifndef WEIR_CORE_STREAM_H
#define WEIR_CORE_STREAM_H

#include "core/core.h"
#include "core/host.h"
#include "core/sink.h"

typedef enum weir_life { WEIR_ALIVE, WEIR_DESTROYED, WEIR_CLOSED } weir_life;

struct weir_writable;
struct weir_readable;

typedef struct weir_stream {
  weir_core *core;
  void *owner;
  const weir_sink_port *port;
  void *sink;
  struct weir_writable *writable; /* the writable side, or NULL */
  struct weir_readable *readable; /* the readable side, or NULL */
  uint32_t references;            /* the owner's, queued ticks', and operations' of the sink */
  weir_life life : 8;
  bool constructing; /* the sink has not opened yet */
  bool auto_destroy; /* an error, or the end of all sides, destroys the stream */
  bool emit_close;
  bool error_told; /* the `error` event was emitted */
  bool close_told; /* `close` was, or would have been */
  bool construct_answered, close_answered;
  weir_error *error; /* the first one */
  /* Ticks, and the errors they carry. */
  weir_tick life_tick;    /* asks the sink to open; acts on its answer; emits `error` and `close` */
  weir_error *life_error; /* until it opens: of destroy(), else of the answer */
  weir_tick fail_tick;    /* fails what is queued, then emits `error` if the stream stays alive */
  weir_error *late_error; /* that one */
} weir_stream;

/* What whoever hands over a chunk is answered. */
typedef enum weir_verdict {
  WEIR_GO_ON,     /* accepted */
  WEIR_SLOW_DOWN, /* accepted; wait for `drain`, or for the next read */
  WEIR_REFUSED,   /* not accepted; the callback is told why */
  WEIR_NO_MEMORY, /* not accepted, nothing was taken, nobody is told */
} weir_verdict;

/* Prepares a stream with one reference, the owner's. The port, the host and both owners outlive it;
** all streams of a core have one host.
** If the port has an `open`, the sink is asked on the first tick. auto_destroy and emit_close are
** the caller's to change before that.
*/
void weir_stream_init(weir_stream *stream, weir_core *core, const weir_host *host, void *owner,
                      const weir_sink_port *port, void *sink);

static inline void weir_stream_hold(weir_stream *stream) {
  stream->references++;
}
/* Gives a reference back; after the last one the host is told that the stream is unused. */
void weir_stream_release(weir_stream *stream);

/* Whether somebody still works for the stream: a tick, or an operation of its sink. */
static inline bool weir_stream_is_busy(const weir_stream *stream) {
  return stream->references > 1;
}

/* Stops the stream now: what is queued fails, the sink is closed, `error` (if given) and `close`
** follow on a tick. Later calls do nothing. Keeps a reference of its own to `error`.
*/
void weir_stream_destroy(weir_stream *stream, weir_error *error);

/* --- answers of the sink --- */

/* `open` is done. A second call is the error ERR_MULTIPLE_CALLBACK, or its own. */
void weir_stream_constructed(weir_stream *stream, weir_error *error);
/* `close` is done; later calls are ignored. */
void weir_stream_closed(weir_stream *stream, weir_error *error);

/* --- for the sides of a stream --- */

/* Whether the stream has failed and said so: nothing queued can reach the sink any more. */
static inline bool weir_stream_has_failed(const weir_stream *stream) {
  return stream->life != WEIR_ALIVE || stream->error_told;
}
/* Keeps the first error there is. NULL is none. */
void weir_stream_record(weir_stream *stream, weir_error *error);
/* The stream fails: it is destroyed, or without auto_destroy whoever waits is told all the same.
** `later`: a call of the user's is on the stack, so `error` waits for a tick.
*/
void weir_stream_fail(weir_stream *stream, weir_error *error, bool later);
/* The same with a new error of weir's own. */
void weir_stream_fail_with(weir_stream *stream, weir_code code);
/* Queues the tick that fails what is queued. */
void weir_stream_fail_queue_later(weir_stream *stream);
/* Queues a tick of the stream's own; it keeps the stream until it has run. Does nothing if the tick
** is queued already. `run` ends with weir_stream_release().
*/
void weir_stream_tick(weir_stream *stream, weir_tick *tick, weir_tick_run run);

/* The same for what is rare: the tick is made now, so that no stream has to keep room for it.
** Returns false, with nothing done, without memory. `error` may be NULL.
*/
typedef void (*weir_stream_act)(weir_stream *stream, weir_error *error);
bool weir_stream_later(weir_stream *stream, weir_stream_act act, weir_error *error);

#endif
