/* stream_parts.h - what the files of the stream sink ask of each other.
**
**   stream_sink.c   connects, waits for the descriptor, writes
**   stream_input.c  reads, and drops input that nobody wants
**   stream_end.c    finishes and closes
**
** Layer: sinks, private.
** SPDX-License-Identifier: MIT
*/
#ifndef WEIR_SINKS_STREAM_PARTS_H
#define WEIR_SINKS_STREAM_PARTS_H

#include "sinks/stream_clock.h"
#include "sinks/stream_sink.h"

enum {
  WEIR_STREAM_VECTORS = 64,
  WEIR_STREAM_GRACE_MS = 100, /* for a peer, or a script, that is only about to do something */
  WEIR_STREAM_PAUSE_MS = 500, /* for one that has been sending: TCP itself may pause 200 ms */
};

static inline weir_stream *weir_stream_sink_stream(const weir_stream_sink *sink) {
  return sink->writable->stream;
}
static inline void *weir_stream_sink_owner(const weir_stream_sink *sink) {
  return weir_stream_sink_stream(sink)->owner;
}

/* --- stream_sink.c --- */

/* Waits for what is wanted now. As long as it waits for anything it keeps the stream; when it waits
** for nothing any more, the sink may be gone.
*/
void weir_stream_sink_watch(weir_stream_sink *sink);
/* The stream fails with a negative errno. */
void weir_stream_sink_fail(weir_stream_sink *sink, int error, const char *syscall);
/* The clock, made at the first need; NULL without memory. */
weir_stream_clock *weir_stream_sink_clock(weir_stream_sink *sink);
/* Bytes have gone one way or the other. */
void weir_stream_sink_note_activity(weir_stream_sink *sink);

/* As much of the slices as one write takes; at most WEIR_STREAM_VECTORS. Returns how many. */
size_t weir_stream_sink_fill_vectors(const weir_stream_sink *sink, struct iovec *vectors,
                                     const weir_slice *slices, size_t count);
/* Returns the bytes that the kernel took, or a negative errno. */
ssize_t weir_stream_sink_write_once(const weir_stream_sink *sink, const struct iovec *vectors,
                                    size_t count);

/* --- stream_input.c --- */

void weir_stream_sink_read(weir_stream_sink *sink);
/* Our side is over. If nobody reads, the peer's end is awaited, but not for ever. */
void weir_stream_sink_linger(weir_stream_sink *sink);
/* The time limit of that was reached. */
void weir_stream_sink_on_linger(weir_stream_sink *sink);
/* The same after weir_stream_sink_drop_input(). Returns whether the peer's end is awaited; it is
** told then that the writable side has finished.
*/
bool weir_stream_sink_linger_dropping(weir_stream_sink *sink);
/* What has come so far is dropped, at most `limit` bytes. Returns how much that was. */
size_t weir_stream_sink_drop(weir_stream_sink *sink, size_t limit);
/* It is not any more; the stream closes. */
void weir_stream_sink_stop_lingering(weir_stream_sink *sink);

/* --- stream_end.c --- */

void weir_stream_sink_finish(void *sink);
void weir_stream_sink_close(void *sink, weir_error *error);

#endif
