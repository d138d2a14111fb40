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
  if (!error) weir_stream_sink_linger(sink);
  weir_writable_finished(sink->writable, error);
  weir_error_release(error);
}

static void tell_closed(weir_stream_sink *sink) {
  weir_stream *stream = weir_stream_sink_stream(sink);
  weir_error *error = sink->close_error;
  sink->close_error = NULL;
  if (sink->host->closed) sink->host->closed(sink->owner);
  weir_stream_closed(stream, error);
  weir_error_release(error);
}

static void on_poll_closed(weir_handle *poll) {
  weir_stream_sink *sink = poll->owner;
  weir_loop *loop = sink->loop;
  weir_stream *stream = weir_stream_sink_stream(sink);
  bool is_callback = !sink->in_close; /* or somebody else had closed the handle */
  tell_closed(sink);
  weir_stream_release(stream); /* the sink may be gone now */
  if (is_callback) weir_loop_run_ticks(loop);
}

/* Unread input would turn the close into a reset, which takes from the peer what is on its way. */
static void drain(const weir_stream_sink *sink) {
  char dropped[4096];
  for (size_t left = DRAIN_MAX; left > 0; left -= sizeof dropped) {
    if (recv(sink->fd, dropped, sizeof dropped, MSG_DONTWAIT) <= 0) return;
  }
}

static void close_descriptor(weir_stream_sink *sink) {
  if (sink->resets) weir_socket_set_reset(sink->fd);
  else if (sink->shut && !sink->input_ended) drain(sink);
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

static bool wait_until(int fd, uint64_t deadline_ns, const weir_loop *loop) {
  uint64_t now = loop->uv->hrtime();
  if (now >= deadline_ns) return false;
  struct pollfd waited = {.fd = fd, .events = POLLOUT};
  return poll(&waited, 1, (int)((deadline_ns - now) / 1000000) + 1) >= 0 || errno == EINTR;
}

static void write_rest(weir_stream_sink *sink, uint64_t deadline_ns) {
  weir_queue *queue = &sink->writable->queue;
  weir_slice slices[WEIR_STREAM_VECTORS];
  size_t count;
  while ((count = weir_queue_slices(queue, slices, WEIR_STREAM_VECTORS)) > 0) {
    struct iovec vectors[WEIR_STREAM_VECTORS];
    ssize_t written = weir_stream_sink_write_once(
        sink, vectors, weir_stream_sink_fill_vectors(sink, vectors, slices, count));
    if (written > 0) weir_queue_submitted(queue, (uint64_t)written);
    else if (written != -EAGAIN && written != 0) return;
    else if (!wait_until(sink->fd, deadline_ns, sink->loop)) return;
  }
}

void weir_stream_sink_end_now(weir_stream_sink *sink, bool discard, uint64_t deadline_ns) {
  const weir_stream *stream = weir_stream_sink_stream(sink);
  if (sink->fd < 0) return;
  if (stream->life == WEIR_ALIVE && !stream->error && !discard) write_rest(sink, deadline_ns);
  close_descriptor(sink);
}
