/* stream_sink.c - see stream_sink.h.
** SPDX-License-Identifier: MIT
*/
#include "sinks/stream_sink.h"

#include <errno.h>

#include "core/assert.h"
#include "sinks/stream_parts.h"

enum {
  SEND_MAX_TCP = 32 * 1024, /* longer sends are slower on TCP, measured */
  SEND_MAX = 1024 * 1024,
  BURST_MAX = 4 * 1024 * 1024, /* then the loop has its turn, however fast the peer is */
};

/* --- waiting for the descriptor --- */

static void on_ready(uv_poll_t *poll, int status, int events);

static void set_poll_ref(weir_stream_sink *sink) {
  const weir_uv_api *uv = sink->poll.loop->uv;
  if (!weir_handle_is_open(&sink->poll)) return;
  if (sink->no_ref) uv->unref(sink->poll.uv.any);
  else uv->ref(sink->poll.uv.any);
}

/* Waits for what is wanted now. As long as it waits for anything it keeps the stream. */
void weir_stream_sink_watch(weir_stream_sink *sink) {
  int wanted = (sink->blocked ? UV_WRITABLE : 0) | (sink->reading ? UV_READABLE : 0);
  if (wanted == sink->polled) return;
  int before = sink->polled;
  sink->polled = (unsigned)wanted & 0xfu;
  if (wanted) {
    if (!before) weir_stream_hold(weir_stream_sink_stream(sink));
    if (weir_handle_is_open(&sink->poll)) {
      sink->poll.loop->uv->poll_start(sink->poll.uv.poll, wanted, on_ready);
    }
  } else {
    if (weir_handle_is_open(&sink->poll)) sink->poll.loop->uv->poll_stop(sink->poll.uv.poll);
    weir_stream_release(weir_stream_sink_stream(sink)); /* the sink may be gone now */
  }
}

void weir_stream_sink_fail(weir_stream_sink *sink, int error, const char *syscall) {
  weir_error *failure = weir_error_system(-error, syscall);
  weir_writable_failed(sink->writable, failure);
  weir_error_release(failure);
}

/* --- time limits --- */

static void on_limit(void *owner, weir_limit limit);

weir_stream_clock *weir_stream_sink_clock(weir_stream_sink *sink) {
  if (!sink->clock) sink->clock = weir_stream_clock_new(sink->poll.loop, on_limit, sink);
  return sink->clock;
}

void weir_stream_sink_note_activity(weir_stream_sink *sink) {
  if (sink->clock) weir_stream_clock_touch(sink->clock);
}

static void limit_write(weir_stream_sink *sink) {
  if (sink->write_timeout_ms == 0) return;
  weir_stream_clock *clock = weir_stream_sink_clock(sink); /* without memory there is no limit */
  if (!clock) return;
  weir_stream_clock_set(clock, WEIR_LIMIT_WRITE, sink->write_timeout_ms);
  sink->unsent = weir_socket_unsent(sink->fd);
}

/* The peer may have taken some of what the kernel has, though not enough for it to take more. */
static void on_write_limit(weir_stream_sink *sink) {
  if (!sink->blocked) return;
  if (weir_socket_unsent(sink->fd) < sink->unsent) limit_write(sink);
  else weir_stream_sink_fail(sink, -ETIMEDOUT, "write");
}

static void on_limit(void *owner, weir_limit limit) {
  weir_stream_sink *sink = owner;
  weir_stream *stream = weir_stream_sink_stream(sink);
  weir_stream_hold(stream);
  if (limit == WEIR_LIMIT_IDLE) {
    if (sink->host->timed_out) sink->host->timed_out(weir_stream_sink_owner(sink));
  } else if (limit == WEIR_LIMIT_WRITE) {
    on_write_limit(sink);
  } else {
    weir_stream_sink_on_linger(sink);
  }
  weir_stream_release(stream); /* the sink may be gone now */
}

bool weir_stream_sink_set_timeout(weir_stream_sink *sink, uint64_t timeout_ms) {
  if (weir_stream_sink_stream(sink)->life != WEIR_ALIVE) return true;
  if (timeout_ms == 0 && !sink->clock) return true;
  if (!weir_stream_sink_clock(sink)) return false;
  weir_stream_clock_set_idle(sink->clock, timeout_ms);
  return true;
}

/* --- write --- */

/* Returns the bytes that the kernel took, or a negative errno. */
ssize_t weir_stream_sink_write_once(const weir_stream_sink *sink, const struct iovec *vectors,
                                    size_t count) {
  if (sink->type != WEIR_STREAM_BORROWED) return weir_socket_send(sink->fd, vectors, count);
  return weir_borrowed_write(&sink->borrowed, vectors, (int)count);
}

/* As much of the slices as one send takes. */
size_t weir_stream_sink_fill_vectors(const weir_stream_sink *sink, struct iovec *vectors,
                                     const weir_slice *slices, size_t count) {
  size_t room = sink->type == WEIR_STREAM_TCP ? SEND_MAX_TCP : SEND_MAX, used = 0;
  for (; used < count && used < WEIR_STREAM_VECTORS && room > 0; used++) {
    size_t size = slices[used].size < room ? slices[used].size : room;
    vectors[used] = (struct iovec){(void *)(uintptr_t)slices[used].base, size};
    room -= size;
  }
  return used;
}

static bool has_had_its_turn(weir_stream_sink *sink) {
  uint32_t now_ms = (uint32_t)sink->poll.loop->uv->now(sink->poll.loop->handle);
  if (sink->burst_ms != now_ms) {
    sink->burst_ms = now_ms;
    sink->burst = 0;
  }
  return sink->burst >= BURST_MAX;
}

static uint64_t sink_submit(void *self, const weir_slice *slices, size_t count) {
  weir_stream_sink *sink = self;
  if (sink->blocked) return 0;
  struct iovec vectors[WEIR_STREAM_VECTORS];
  size_t used = weir_stream_sink_fill_vectors(sink, vectors, slices, count);
  ssize_t written =
      has_had_its_turn(sink) ? -EAGAIN : weir_stream_sink_write_once(sink, vectors, used);
  if (written > 0) {
    sink->written += (uint64_t)written;
    sink->burst += (uint32_t)written;
    weir_stream_sink_note_activity(sink);
    weir_writable_progress(sink->writable);
    return (uint64_t)written;
  }
  if (written == 0 || written == -EAGAIN || written == -ENOBUFS) {
    sink->blocked = true;
    limit_write(sink);
    weir_stream_sink_watch(sink);
  } else {
    weir_stream_sink_fail(sink, (int)written, "write");
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
  weir_loop *loop = sink->poll.loop;
  weir_stream *stream = weir_stream_sink_stream(sink);
  weir_stream_hold(stream);
  if (status < 0) {
    events = sink->polled;
    sink->polled = 0;
    weir_stream_release(stream);
  }
  if (events & UV_READABLE) weir_stream_sink_read(sink);
  if ((events & UV_WRITABLE) && sink->blocked) {
    sink->blocked = false;
    sink->burst = 0;
    weir_writable_progress(sink->writable);
  }
  weir_stream_sink_watch(sink);
  weir_stream_release(stream); /* the sink may be gone now */
  weir_loop_run_ticks(loop);
}

int weir_stream_sink_adopt(weir_stream_sink *sink, int fd) {
  int error = weir_handle_open(&sink->poll, sink->poll.loop, UV_POLL, fd, sink);
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
  if (sink->host->found) sink->host->found(weir_stream_sink_owner(sink), address, error);
}

/* What was written meanwhile is on its way; what is written now can follow at once. */
static void tell_connected(weir_stream *stream, weir_error *error) {
  weir_stream_sink *sink = stream->sink;
  (void)error;
  if (sink->fd >= 0 && sink->host->connected) sink->host->connected(stream->owner);
  weir_readable *readable = stream->readable;
  if (sink->fd >= 0 && readable && !weir_readable_is_paused(readable)) {
    weir_readable_read(readable, 0, NULL); /* it will notice the peer's end */
  }
}

static void on_connected(void *self, int fd, weir_error *error) {
  weir_stream_sink *sink = self;
  weir_stream *stream = weir_stream_sink_stream(sink);
  sink->connector = NULL;
  weir_error *failure = weir_error_hold(error);
  if (fd >= 0 && stream->life == WEIR_ALIVE) {
    int code = weir_stream_sink_adopt(sink, fd);
    if (code) failure = weir_error_system(-code, "connect");
  }
  if (fd >= 0 && sink->fd != fd) weir_socket_close(fd);
  if (sink->drops && sink->fd >= 0) weir_stream_sink_drop_input(sink);
  weir_stream_constructed(stream, failure);
  weir_error_release(failure);
  if (sink->fd >= 0 && !weir_stream_later(stream, tell_connected, NULL)) {
    tell_connected(stream, NULL); /* the loop's call: nothing of the user's is on the stack */
  }
  weir_stream_release(stream);
}

static void sink_open(void *self) {
  static const weir_connector_host host = {.found = on_found, .done = on_connected};
  weir_stream_sink *sink = self;
  weir_stream *stream = weir_stream_sink_stream(sink);
  weir_stream_hold(stream);
  if (stream->life == WEIR_ALIVE) {
    weir_connector_start(sink->connector, sink->poll.loop, &host, sink);
  } else {
    weir_stream_constructed(stream, NULL);
    weir_stream_release(stream);
  }
}

static void sink_cancel_open(void *self) {
  weir_stream_sink *sink = self;
  weir_stream *stream = weir_stream_sink_stream(sink);
  if (!sink->connector) return; /* it is answering */
  weir_connector_cancel(sink->connector);
  sink->connector = NULL;
  weir_stream_constructed(stream, NULL);
  weir_stream_release(stream);
}

/* --- life --- */

void weir_stream_sink_init(weir_stream_sink *sink, weir_stream_type type) {
  *sink = (weir_stream_sink){.fd = -1, .type = type};
}

void weir_stream_sink_attach(weir_stream_sink *sink, weir_loop *loop, weir_writable *writable,
                             const weir_stream_sink_host *host) {
  sink->poll.loop = loop;
  sink->writable = writable;
  sink->host = host;
}

void weir_stream_sink_deinit(weir_stream_sink *sink) {
  WEIR_ASSERT(sink->fd < 0 && sink->polled == 0);
  bool connects = sink->type != WEIR_STREAM_BORROWED && sink->connector;
  if (connects) weir_connector_cancel(sink->connector);
  weir_error_release(sink->close_error);
}

const weir_sink_port weir_stream_sink_port = {
    .name = "socket",
    .submit = sink_submit,
    .reap = sink_reap,
    .finish = weir_stream_sink_finish,
    .close = weir_stream_sink_close,
};

const weir_sink_port weir_stream_sink_connecting_port = {
    .name = "socket",
    .open = sink_open,
    .cancel_open = sink_cancel_open,
    .submit = sink_submit,
    .reap = sink_reap,
    .finish = weir_stream_sink_finish,
    .close = weir_stream_sink_close,
};
