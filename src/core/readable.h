/* readable.h - the readable side of a stream: Node's contract, to the tick.
**
** A buffer between a source, which pushes, and a consumer, which reads or listens to `data`. Only
** read() asks the source; only read() and a push that finds nobody waiting hand over data; only the
** tick of `end` tells the end.
**
** Layer: core. Not thread safe.
** SPDX-License-Identifier: MIT
*/
#ifndef WEIR_CORE_READABLE_H
#define WEIR_CORE_READABLE_H

#include "core/queue.h"
#include "core/source.h"
#include "core/stream.h"

/* open -> ended (the source said so) -> over (the consumer was told; no readable side at all) */
typedef enum weir_input { WEIR_INPUT_OPEN, WEIR_INPUT_ENDED, WEIR_INPUT_OVER } weir_input;

/* Whether data is handed out as it comes: not decided yet, yes, no. */
typedef enum weir_flow { WEIR_UNDECIDED, WEIR_FLOWING, WEIR_WAITING } weir_flow;

/* The last of the calls pause() and resume(), apart from what a `readable` listener does. */
typedef enum weir_wish { WEIR_NO_WISH, WEIR_WISH_RESUMED, WEIR_WISH_PAUSED } weir_wish;

typedef struct weir_readable_options {
  uint64_t high_water_mark;
  bool object_mode;
  bool disabled;  /* there is no such side, but for its methods */
  bool half_open; /* the end of this side leaves the writable one open */
  bool is_asked;  /* a push before the first read may go straight to who listens */
} weir_readable_options;

typedef struct weir_readable {
  weir_stream *stream;
  const weir_source_port *port;
  uint64_t high_water_mark;
  uint64_t length;          /* bytes, or values, in the buffer */
  weir_entry *first, *last; /* the buffer */
  uint32_t takes;           /* times data was handed out */
  weir_input input : 2;
  weir_flow flow : 2;
  weir_wish wish : 2;
  bool object_mode : 1;
  bool disabled : 1;
  bool half_open : 1;
  bool asked : 1;         /* the source was asked and has not pushed yet */
  bool asking : 1;        /* it is on the stack; true until it was asked for the first time */
  bool needs_notice : 1;  /* the next arrival is to be announced */
  bool announcing : 1;    /* an announcement is queued or under way */
  bool watched : 1;       /* a `readable` listener is in charge: nothing flows */
  bool resuming : 1;      /* resume()'s tick is queued */
  bool reading_ahead : 1; /* the tick that fills the buffer is queued or runs */
  bool did_read : 1;
  bool ends_writable : 1; /* the end was told; the next tick of it ends the other side */
  bool has_data_listener : 1;
  bool has_readable_listener : 1;
  weir_tick announce_tick, ahead_tick, resume_tick, end_tick;
} weir_readable;

void weir_readable_init(weir_readable *readable, weir_stream *stream, const weir_source_port *port,
                        const weir_readable_options *options);
/* The stream is unused. Gives back what is still in the buffer. */
void weir_readable_deinit(weir_readable *readable);

/* --- the source --- */

/* Hands over one chunk: a piece with an anchor, or one with a slab, of which it takes one
** reference. In object mode a value has size 1. GO_ON: push more. SLOW_DOWN: the buffer is full, or
** the chunk was dropped because the stream is destroyed, or has failed for it. NO_MEMORY takes
** nothing.
*/
weir_verdict weir_readable_push(weir_readable *readable, const weir_piece *piece);
/* The same where it goes straight to those who listen: the caller tells them himself, between
** `begin` and `end`. It is not empty, and not anchored. `begin` returns false, with nothing done,
** where the chunk is to be pushed; `end` answers as push.
*/
bool weir_readable_begin_direct(weir_readable *readable);
weir_verdict weir_readable_end_direct(weir_readable *readable);
/* Puts back what was read, to be read first. As push. */
weir_verdict weir_readable_unshift(weir_readable *readable, const weir_piece *piece);
/* The same as push, of `size` bytes at `offset` of the slab, for sources on the C side: without
** memory the stream fails. Returns whether to push more.
*/
bool weir_readable_push_slab(weir_readable *readable, weir_slab *slab, size_t offset, size_t size);
/* No more data comes. */
void weir_readable_push_end(weir_readable *readable);

/* Nobody reads any more: the stream goes on as if it had no such side. */
void weir_readable_abandon(weir_readable *readable);

/* --- the consumer --- */

#define WEIR_READ_ALL INT64_MIN
#define WEIR_READ_MAX (INT64_C(1) << 30)

/* Takes `n` bytes (one value, in object mode) out of the buffer, and emits them as `data`. Asks the
** source if little is left. WEIR_READ_ALL: all there is, or while flowing one chunk. 0: only asks.
** Returns the chunk, to be given back, or NULL: there is not so much, or `*no_memory`, where it is
** given, says that memory ran out, with nothing taken. At most WEIR_READ_MAX.
*/
weir_entry *weir_readable_read(weir_readable *readable, int64_t n, bool *no_memory);
/* Gives back what read returned, with all it holds. */
void weir_readable_give_back(weir_readable *readable, weir_entry *chunk);

void weir_readable_pause(weir_readable *readable);
void weir_readable_resume(weir_readable *readable);

/* The host's listeners have changed: one for WEIR_EVENT_READABLE or, with `data`, for the chunks
** was added (`starts`: not just put in front), or some were removed, and `any` says whether one is
** left.
*/
void weir_readable_listener_added(weir_readable *readable, bool data, bool starts);
void weir_readable_listener_removed(weir_readable *readable, bool data, bool any);

/* --- state, as Node defines it --- */

static inline bool weir_readable_is_over(const weir_readable *r) {
  return r->input == WEIR_INPUT_OVER;
}
static inline bool weir_readable_is_readable(const weir_readable *r) {
  return !r->disabled && r->stream->life == WEIR_ALIVE && !r->stream->error_told &&
         r->input != WEIR_INPUT_OVER;
}
static inline bool weir_readable_is_aborted(const weir_readable *r) {
  return !r->disabled && (r->stream->life != WEIR_ALIVE || r->stream->error) &&
         r->input != WEIR_INPUT_OVER;
}
static inline bool weir_readable_is_paused(const weir_readable *r) {
  return r->wish == WEIR_WISH_PAUSED || r->flow == WEIR_WAITING;
}

/* --- for stream.c --- */

/* The sink has opened. */
void weir_readable_on_constructed(weir_readable *readable);

#endif
