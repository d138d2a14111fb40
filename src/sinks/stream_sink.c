/* stream_sink.c - see stream_sink.h.
** SPDX-License-Identifier: MIT
*/
#include "sinks/stream_sink.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "core/assert.h"
#include "sinks/stream_clock.h"

enum {
  SEND_MAX_TCP = 32 * 1024, /* longer sends are slower on TCP, measured */
  SEND_MAX = 1024 * 1024,
  BURST_MAX = 4 * 1024 * 1024, /* then the loop has its turn, however fast the peer is */
  VECTORS_MAX = 64,
};

static weir_stream *stream_of(const weir_stream_sink *sink) {
  return sink->writable->stream;
}

/* --- waiting for the descriptor --- */

static void on_ready(uv_poll_t *poll, int status, int events);

static void set_poll_ref(weir_stream_sink *sink) {
  const weir_uv_api *uv = sink->loop->uv;
  if (!weir_handle_is_open(&sink->poll)) return;
  if (sink->no_ref) uv->unref(sink->poll.uv.any);
  else uv->ref(sink->poll.uv.any);
}

/* Waits for what is wanted now. As long as it waits for anything it keeps the stream. */
static void watch(weir_stream_sink *sink) {
  int wanted = sink->fd >= 0 && sink->blocked ? UV_WRITABLE : 0;
  if (wanted == sink->polled) return;
  int before = sink->polled;
  sink->polled = wanted;
  if (wanted) {
    if (!before) weir_stream_hold(stream_of(sink));
    if (weir_handle_is_open(&sink->poll)) {
      sink->loop->uv->poll_start(sink->poll.uv.poll, wanted, on_ready);
    }
  } else {
    if (weir_handle_is_open(&sink->poll)) sink->loop->uv->poll_stop(sink->poll.uv.poll);
    weir_stream_release(stream_of(sink)); /* the sink may be gone now */
  }
}

/* --- time limits --- */

static void on_limit(void *owner, weir_limit limit);

static weir_stream_clock *clock_of(weir_stream_sink *sink) {
  if (!sink->clock) sink->clock = weir_stream_clock_new(sink->loop, on_limit, sink);
  return sink->clock;
}

static void note_activity(weir_stream_sink *sink) {
  weir_stream_clock *clock = sink->clock;
  if (clock && sink->idle_timeout_ms > 0) {
    weir_stream_clock_set(clock, WEIR_LIMIT_IDLE, sink->idle_timeout_ms);
  }
}

static void limit_write(weir_stream_sink *sink) {
  if (sink->write_timeout_ms == 0) return;
  weir_stream_clock *clock = clock_of(sink); /* without memory there is no limit */
  if (clock) weir_stream_clock_set(clock, WEIR_LIMIT_WRITE, sink->write_timeout_ms);
}

static void on_limit(void *owner, weir_limit limit) {
  weir_stream_sink *sink = owner;
  if (limit == WEIR_LIMIT_IDLE) {
    if (sink->host->timed_out) sink->host->timed_out(sink->owner);
  } else if (limit == WEIR_LIMIT_WRITE) {
    if (!sink->blocked) return;
    weir_error *error = weir_error_system(ETIMEDOUT, "write");
    weir_writable_failed(sink->writable, error);
    weir_error_release(error);
  }
}

bool weir_stream_sink_set_timeout(weir_stream_sink *sink, uint64_t timeout_ms) {
  sink->idle_timeout_ms = timeout_ms;
  if (timeout_ms == 0 && !sink->clock) return true;
  if (!clock_of(sink)) return false;
  weir_stream_clock_set(sink->clock, WEIR_LIMIT_IDLE, timeout_ms);
  return true;
}

/* --- write --- */

/* Returns the bytes that the kernel took, or a negative errno. */
static ssize_t write_once(const weir_stream_sink *sink, const struct iovec *vectors, size_t count) {
  if (sink->type != WEIR_STREAM_BORROWED) return weir_socket_send(sink->fd, vectors, count);
  return weir_borrowed_write(&sink->borrowed, vectors, (int)count);
}

/* As much of the slices as one send takes. */
static size_t fill_vectors(const weir_stream_sink *sink, struct iovec *vectors,
                           const weir_slice *slices, size_t count) {
  size_t room = sink->type == WEIR_STREAM_TCP ? SEND_MAX_TCP : SEND_MAX, used = 0;
  for (; used < count && used < VECTORS_MAX && room > 0; used++) {
    size_t size = slices[used].size < room ? slices[used].size : room;
    vectors[used] = (struct iovec){(void *)(uintptr_t)slices[used].base, size};
    room -= size;
  }
  return used;
}

static bool has_had_its_turn(weir_stream_sink *sink) {
  uint64_t now_ms = sink->loop->uv->now(sink->loop->handle);
  if (sink->burst_ms != now_ms) {
    sink->burst_ms = now_ms;
    sink->burst = 0;
  }
  return sink->burst >= BURST_MAX;
}

static void fail(weir_stream_sink *sink, int error, const char *syscall) {
  weir_error *failure = weir_error_system(-error, syscall);
  weir_writable_failed(sink->writable, failure);
  weir_error_release(failure);
}

static uint64_t sink_submit(void *self, const weir_slice *slices, size_t count) {
  weir_stream_sink *sink = self;
  if (sink->blocked) return 0;
  struct iovec vectors[VECTORS_MAX];
  size_t used = fill_vectors(sink, vectors, slices, count);
  ssize_t written = has_had_its_turn(sink) ? -EAGAIN : write_once(sink, vectors, used);
  if (written > 0) {
    sink->written += (uint64_t)written;
    sink->burst += (uint64_t)written;
    note_activity(sink);
    weir_writable_progress(sink->writable);
    return (uint64_t)written;
  }
  if (written == 0 || written == -EAGAIN || written == -EWOULDBLOCK || written == -ENOBUFS) {
    sink->blocked = true;
    limit_write(sink);
    watch(sink);
  } else {
    fail(sink, (int)written, "write");
  }
  return 0;
}

static uint64_t sink_reap(void *self) {
  const weir_stream_sink *sink = self;
  return sink->written;
}

/* --- ready --- */

/* libuv reports an error of the descriptor without saying which, and stops waiting: the calls will
** say it.
*/
static void on_ready(uv_poll_t *poll, int status, int events) {
  weir_stream_sink *sink = weir_handle_of((uv_handle_t *)poll)->owner;
  weir_loop *loop = sink->loop;
  weir_stream *stream = stream_of(sink);
  weir_stream_hold(stream);
  if (status < 0) {
    events = sink->polled;
    sink->polled = 0;
    weir_stream_release(stream);
  }
  if ((events & UV_WRITABLE) && sink->blocked) {
    sink->blocked = false;
    sink->burst = 0;
    weir_writable_progress(sink->writable);
  }
  watch(sink);
  weir_stream_release(stream); /* the sink may be gone now */
  weir_loop_run_ticks(loop);
}

int weir_stream_sink_adopt(weir_stream_sink *sink, int fd) {
  int error = weir_handle_open(&sink->poll, sink->loop, UV_POLL, fd, sink);
  if (error) return error;
  sink->fd = fd;
  set_poll_ref(sink);
  return 0;
}

int weir_stream_sink_borrow(weir_stream_sink *sink, int fd) {
  int error = weir_borrow(&sink->borrowed, fd, true);
  if (error) return error;
  error = weir_stream_sink_adopt(sink, sink->borrowed.fd);
  weir_borrowed_restore(&sink->borrowed);
  if (error) weir_borrowed_close(&sink->borrowed);
  return error;
}

void weir_stream_sink_set_ref(weir_stream_sink *sink, bool on) {
  sink->no_ref = !on;
  if (sink->fd >= 0) set_poll_ref(sink);
}

/* --- open --- */

static void on_found(void *self, const struct sockaddr *address, weir_error *error) {
  weir_stream_sink *sink = self;
  if (sink->host->found) sink->host->found(sink->owner, address, error);
}

static void on_connected(void *self, int fd, weir_error *error) {
  weir_stream_sink *sink = self;
  weir_stream *stream = stream_of(sink);
  sink->connector = NULL;
  weir_error *failure = weir_error_hold(error);
  if (fd >= 0 && stream->life == WEIR_ALIVE) {
    int code = weir_stream_sink_adopt(sink, fd);
    if (code) failure = weir_error_system(-code, "connect");
  }
  if (fd >= 0 && sink->fd != fd) weir_socket_close(fd);
  weir_stream_constructed(stream, failure);
  weir_error_release(failure);
  if (sink->fd >= 0 && sink->host->connected) sink->host->connected(sink->owner);
  weir_stream_release(stream);
}

static void sink_open(void *self) {
  static const weir_connector_host host = {.found = on_found, .done = on_connected};
  weir_stream_sink *sink = self;
  weir_stream *stream = stream_of(sink);
  weir_stream_hold(stream);
  if (stream->life == WEIR_ALIVE) {
    weir_connector_start(sink->connector, sink->loop, &host, sink);
  } else {
    weir_stream_constructed(stream, NULL);
    weir_stream_release(stream);
  }
}

static void sink_cancel_open(void *self) {
  weir_stream_sink *sink = self;
  weir_stream *stream = stream_of(sink);
  if (!sink->connector) return; /* it is answering */
  weir_connector_cancel(sink->connector);
  sink->connector = NULL;
  weir_stream_constructed(stream, NULL);
  weir_stream_release(stream);
}

/* --- finish and close --- */

/* The peer learns that nothing more comes. */
static void sink_finish(void *self) {
  weir_stream_sink *sink = self;
  weir_error *error = NULL;
  bool shuts = sink->type != WEIR_STREAM_BORROWED; /* it would be shut for all who have it */
  if (shuts && shutdown(sink->fd, SHUT_WR) != 0 && errno != ENOTCONN) {
    error = weir_error_system(errno, "shutdown");
  }
  weir_writable_finished(sink->writable, error);
  weir_error_release(error);
}

static void tell_closed(weir_stream_sink *sink) {
  weir_stream *stream = stream_of(sink);
  weir_error *error = sink->close_error;
  sink->close_error = NULL;
  if (sink->host->closed) sink->host->closed(sink->owner);
  weir_stream_closed(stream, error);
  weir_error_release(error);
}

static void on_poll_closed(weir_handle *poll) {
  weir_stream_sink *sink = poll->owner;
  weir_loop *loop = sink->loop;
  weir_stream *stream = stream_of(sink);
  tell_closed(sink);
  weir_stream_release(stream); /* the sink may be gone now */
  weir_loop_run_ticks(loop);
}

static void close_descriptor(weir_stream_sink *sink) {
  if (sink->resets) weir_socket_set_reset(sink->fd);
  weir_socket_close(sink->fd);
  sink->fd = -1;
}

static void sink_close(void *self, weir_error *error) {
  weir_stream_sink *sink = self;
  weir_stream *stream = stream_of(sink);
  sink->close_error = weir_error_hold(error);
  weir_stream_clock_end(sink->clock);
  sink->clock = NULL;
  sink->blocked = false;
  weir_stream_hold(stream);
  watch(sink);
  weir_writable_stopped(sink->writable);
  if (sink->fd < 0) {
    tell_closed(sink);
    weir_stream_release(stream);
    return;
  }
  weir_stream_hold(stream);                       /* on_poll_closed lets go of the other one */
  weir_handle_close(&sink->poll, on_poll_closed); /* before the descriptor */
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
  weir_slice slices[VECTORS_MAX];
  size_t count;
  while ((count = weir_queue_slices(queue, slices, VECTORS_MAX)) > 0) {
    struct iovec vectors[VECTORS_MAX];
    ssize_t written = write_once(sink, vectors, fill_vectors(sink, vectors, slices, count));
    if (written > 0) weir_queue_submitted(queue, (uint64_t)written);
    else if (written != -EAGAIN && written != 0) return;
    else if (!wait_until(sink->fd, deadline_ns, sink->loop)) return;
  }
}

void weir_stream_sink_end_now(weir_stream_sink *sink, bool discard, uint64_t deadline_ns) {
  const weir_stream *stream = stream_of(sink);
  if (sink->fd < 0) return;
  if (stream->life == WEIR_ALIVE && !stream->error && !discard) write_rest(sink, deadline_ns);
  close_descriptor(sink);
}

/* --- life --- */

void weir_stream_sink_init(weir_stream_sink *sink, weir_stream_type type) {
  *sink = (weir_stream_sink){.fd = -1, .type = type};
}

void weir_stream_sink_attach(weir_stream_sink *sink, weir_loop *loop, weir_writable *writable,
                             const weir_stream_sink_host *host, void *owner) {
  sink->loop = loop;
  sink->writable = writable;
  sink->host = host;
  sink->owner = owner;
}

void weir_stream_sink_deinit(weir_stream_sink *sink) {
  WEIR_ASSERT(sink->fd < 0 && sink->polled == 0);
  if (sink->connector) weir_connector_cancel(sink->connector);
  weir_error_release(sink->close_error);
}

const weir_sink_port weir_stream_sink_port = {
    .name = "socket",
    .submit = sink_submit,
    .reap = sink_reap,
    .finish = sink_finish,
    .close = sink_close,
};

const weir_sink_port weir_stream_sink_connecting_port = {
    .name = "socket",
    .open = sink_open,
    .cancel_open = sink_cancel_open,
    .submit = sink_submit,
    .reap = sink_reap,
    .finish = sink_finish,
    .close = sink_close,
};
