/* stream_end.c - finishes and closes, with the loop or without it. See stream_sink.h.
** SPDX-License-Identifier: MIT
*/
#include "sinks/stream_parts.h"

#include <errno.h>
#include <poll.h>

enum { DRAIN_MAX = 64 * 1024 };

/* --- finish and close --- */

/* The peer learns that nothing more comes. */
void weir_stream_sink_finish(void *self) {
  weir_stream_sink *sink = self;
  weir_error *error = NULL;
  sink->shut = sink->type != WEIR_STREAM_BORROWED; /* it would be shut for all who have it */
  if (sink->shut && shutdown(sink->fd, SHUT_WR) != 0 && errno != ENOTCONN) {
    error = weir_error_system(errno, "shutdown");
  }
  if (!error && weir_stream_sink_linger_dropping(sink)) return;
  if (!error) weir_stream_sink_linger(sink);
  weir_writable_finished(sink->writable, error);
  weir_error_release(error);
}

static void tell_closed(weir_stream_sink *sink) {
  weir_stream *stream = weir_stream_sink_stream(sink);
  weir_error *error = sink->close_error;
  sink->close_error = NULL;
  if (sink->host->closed) sink->host->closed(weir_stream_sink_owner(sink));
  weir_stream_closed(stream, error);
  weir_error_release(error);
}

static void on_poll_closed(weir_handle *poll) {
  weir_stream_sink *sink = poll->owner;
  weir_loop *loop = sink->poll.loop;
  weir_stream *stream = weir_stream_sink_stream(sink);
  bool is_callback = !sink->in_close; /* or somebody else had closed the handle */
  tell_closed(sink);
  weir_stream_release(stream); /* the sink may be gone now */
  if (is_callback) weir_loop_run_ticks(loop);
}

static void close_descriptor(weir_stream_sink *sink) {
  if (sink->resets) weir_socket_set_reset(sink->fd);
  else if (sink->shut) weir_stream_sink_drop(sink, DRAIN_MAX); /* unread input makes a reset */
  weir_socket_close(sink->fd);
  sink->fd = -1;
}

void weir_stream_sink_close(void *self, weir_error *error) {
  weir_stream_sink *sink = self;
  weir_stream *stream = weir_stream_sink_stream(sink);
  sink->close_error = weir_error_hold(error);
  weir_stream_hold(stream);
  weir_stream_sink_stop_lingering(sink);
  weir_stream_clock_end(sink->clock);
  sink->clock = NULL;
  sink->blocked = sink->reading = false;
  weir_stream_sink_watch(sink);
  weir_writable_stopped(sink->writable);
  if (sink->fd < 0) {
    tell_closed(sink);
    weir_stream_release(stream);
    return;
  }
  weir_stream_hold(stream); /* on_poll_closed lets go of the other one */
  sink->in_close = true;
  weir_handle_close(&sink->poll, on_poll_closed); /* before the descriptor */
  sink->in_close = false;
  close_descriptor(sink);
  weir_stream_release(stream); /* the sink may be gone now */
}

/* --- the end without the loop --- */

/* Waits for `events`, and drops what has come meanwhile. Returns whether there is time. */
static bool wait_until(weir_stream_sink *sink, short events, uint64_t deadline_ns) {
  uint64_t now = sink->poll.loop->uv->hrtime();
  if (now >= deadline_ns) return false;
  bool drops = sink->drops && !sink->input_ended;
  struct pollfd waited = {.fd = sink->fd, .events = (short)(events | (drops ? POLLIN : 0))};
  int count = poll(&waited, 1, (int)((deadline_ns - now) / 1000000) + 1);
  if (drops && count > 0) weir_stream_sink_drop(sink, DRAIN_MAX);
  return count >= 0 || errno == EINTR;
}

static void write_rest(weir_stream_sink *sink, uint64_t deadline_ns) {
  weir_queue *queue = &sink->writable->queue;
  weir_slice slices[WEIR_STREAM_VECTORS];
  size_t count;
  while ((count = weir_queue_slices(queue, slices, WEIR_STREAM_VECTORS)) > 0) {
    struct iovec vectors[WEIR_STREAM_VECTORS];
    ssize_t written = weir_stream_sink_write_once(
        sink, vectors, weir_stream_sink_fill_vectors(sink, vectors, slices, count));
    if (written > 0) sink->written += (uint64_t)written;
    if (written > 0) weir_queue_submitted(queue, (uint64_t)written);
    else if (written != -EAGAIN && written != 0) return;
    else if (!wait_until(sink, POLLOUT, deadline_ns)) return;
  }
}

/* Peers that are still sending are heard out. The others cost no time: there may be many. */
static void hear_out(weir_stream_sink *sink, uint64_t deadline_ns) {
  if (!sink->drops || sink->written == 0 || shutdown(sink->fd, SHUT_WR) != 0) return;
  sink->shut = true;
  while (!sink->input_ended && weir_stream_sink_drop(sink, DRAIN_MAX) > 0) {
    uint64_t now = sink->poll.loop->uv->hrtime();
    uint64_t grace_ns = now + UINT64_C(1000000) * WEIR_STREAM_PAUSE_MS;
    uint64_t until = grace_ns < deadline_ns ? grace_ns : deadline_ns;
    struct pollfd waited = {.fd = sink->fd, .events = POLLIN};
    if (now >= deadline_ns) return;
    poll(&waited, 1, (int)((until - now) / 1000000) + 1);
  }
}

void weir_stream_sink_end_now(weir_stream_sink *sink, bool discard, uint64_t deadline_ns) {
  const weir_stream *stream = weir_stream_sink_stream(sink);
  if (sink->fd < 0) return;
  sink->drops = sink->type != WEIR_STREAM_BORROWED;
  if (stream->life == WEIR_ALIVE && !stream->error && !discard) {
    write_rest(sink, deadline_ns);
    hear_out(sink, deadline_ns);
  }
  close_descriptor(sink);
}
