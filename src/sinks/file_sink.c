/* file_sink.c - see file_sink.h.
** SPDX-License-Identifier: MIT
*/
#include "sinks/file_sink.h"

#include <errno.h>
#include <time.h>

#include "core/assert.h"

enum {
  WATCH_NS = 100000,         /* more than it takes to wake a thread */
  YIELD_BYTES_MAX = 1 << 17, /* written in less: who has more to do keeps the processor too long */
};

static void go_on(weir_file_sink *sink);

static weir_stream *stream_of(weir_file_sink *sink) {
  return sink->writable->stream;
}

/* An error of the job that has just come back: a new reference, or NULL. */
static weir_error *job_error(weir_file_sink *sink) {
  if (!sink->job_error) return NULL;
  return weir_error_system(sink->job_error, sink->file.failed_call);
}

/* --- the pool --- */

static void on_work(uv_work_t *work) {
  weir_file_sink *sink = work->data;
  sink->job(sink);
  atomic_store_explicit(&sink->at_work, false, memory_order_release);
}

static void write_job(weir_file_sink *sink);

static void after_work(uv_work_t *work, int status) {
  weir_file_sink *sink = work->data;
  weir_loop *loop = sink->loop;
  weir_stream *stream = stream_of(sink);
  if (loop->is_over) return;
  WEIR_ASSERT(status == 0);
  if (sink->job == write_job) weir_pool_end_turn(&loop->pool);
  sink->job = NULL;
  weir_file_ring_rest(&sink->ring);
  sink->done(sink);
  go_on(sink);
  weir_stream_release(stream); /* the sink may be gone now */
  weir_loop_run_ticks(loop);
}

static void queue_job(weir_file_sink *sink) {
  sink->work.data = sink;
  atomic_store_explicit(&sink->at_work, true, memory_order_relaxed);
  int error = sink->loop->uv->queue_work(sink->loop->handle, &sink->work, on_work, after_work);
  WEIR_ASSERT(error == 0);
}

/* The stream lives at least until the job is back. */
static void set_job(weir_file_sink *sink, void (*job)(weir_file_sink *),
                    void (*done)(weir_file_sink *)) {
  WEIR_ASSERT(!sink->job);
  sink->job = job;
  sink->done = done;
  sink->job_error = 0;
  weir_stream_hold(stream_of(sink));
}

static void send_job(weir_file_sink *sink, void (*job)(weir_file_sink *),
                     void (*done)(weir_file_sink *)) {
  set_job(sink, job, done);
  queue_job(sink);
}

/* --- open --- */

static void open_job(weir_file_sink *sink) {
  sink->job_error = weir_file_open(&sink->file);
}

static void opened(weir_file_sink *sink) {
  weir_error *error = job_error(sink);
  sink->is_open = !error;
  weir_stream_constructed(stream_of(sink), error);
  weir_error_release(error);
  if (sink->is_open) sink->opened(sink->owner);
}

static void sink_open(void *self) {
  weir_file_sink *sink = self;
  if (!sink->file.given) {
    send_job(sink, open_job, opened);
    return;
  }
  sink->job_error = weir_file_adopt(&sink->file);
  weir_error *error = job_error(sink);
  sink->is_open = !error;
  weir_stream_constructed(stream_of(sink), error);
  weir_error_release(error);
}

/* --- write --- */

static void write_job(weir_file_sink *sink) {
  sink->job_error = weir_file_ring_drain(&sink->ring, &sink->file);
}

static void written(weir_file_sink *sink);

static void begin_turn(weir_pool_turn *turn) {
  queue_job(WEIR_TICK_OWNER(turn, weir_file_sink, turn));
}

static void send_write_job(weir_file_sink *sink) {
  set_job(sink, write_job, written);
  weir_pool_take_turn(&sink->loop->pool, &sink->turn, begin_turn);
}

static void is_writable_now(void *self) {
  weir_file_sink *sink = self;
  if (!sink->job) send_write_job(sink);
}

/* The job has come back, and the ring is not empty: the file is full, or its turn was over. */
static void write_on(weir_file_sink *sink) {
  bool waits = sink->file.full && weir_file_wait_start(&sink->wait, stream_of(sink), UV_WRITABLE);
  if (!waits) send_write_job(sink);
}

static void written(weir_file_sink *sink) {
  weir_error *error = job_error(sink);
  if (error && !sink->close_wanted) {
    atomic_store_explicit(&sink->ring.stop, true, memory_order_relaxed);
    weir_writable_failed(sink->writable, error);
  } else if (!sink->close_wanted) {
    if (!weir_file_ring_is_empty(&sink->ring)) write_on(sink);
    weir_writable_progress(sink->writable);
  } else if (!error && sink->keeps_writing && !weir_file_ring_is_empty(&sink->ring)) {
    send_write_job(sink);
  }
  weir_error_release(error);
  if (sink->job != write_job) weir_loop_unwatch(sink->loop, &sink->watch); /* the stream may go */
}

static void hurry(weir_file_sink *sink, bool on) {
  atomic_store_explicit(&sink->ring.hurry, on, memory_order_relaxed);
}

/* Whether somebody waits until all is written. */
static bool is_waited_for(const weir_file_sink *sink) {
  const weir_writable *writable = sink->writable;
  return weir_writable_needs_drain(writable) || writable->writer != WEIR_OPEN;
}

/* For how long the loop does not sleep is bounded, for each `drain` anew. */
static bool watches_on(weir_file_sink *sink) {
  if (!sink->job || sink->close_wanted || !is_waited_for(sink)) return false;
  uint64_t now_ns = weir_pool_now_ns();
  if (sink->watch_until_ns == 0) {
    sink->watch_until_ns = weir_bet_pays(&sink->watching) ? now_ns + WATCH_NS : now_ns;
  } else if (now_ns >= sink->watch_until_ns) {
    weir_bet_settle(&sink->watching, false);
  }
  return now_ns < sink->watch_until_ns;
}

/* Returns false if that is of no use: it has much to do, or somebody else is on this processor. */
static bool lets_writer_go_on(weir_file_sink *sink) {
  if (!weir_file_ring_is_beside(&sink->ring.writer_processor)) return true;
  uint64_t left = sink->ring.offered - weir_file_ring_done(&sink->ring);
  return left <= YIELD_BYTES_MAX && weir_pool_yield(&sink->yield);
}

static bool look(weir_watch *watch) {
  weir_file_sink *sink = WEIR_TICK_OWNER(watch, weir_file_sink, watch);
  weir_writable *writable = sink->writable;
  uint64_t drains = writable->stats.drains;
  if (weir_file_ring_done(&sink->ring) > writable->reaped) {
    weir_writable_progress(writable);
    weir_loop_run_ticks(sink->loop);
  }
  if (writable->stats.drains != drains) {
    if (sink->watch_until_ns > 0) weir_bet_settle(&sink->watching, true);
    sink->watch_until_ns = 0;
  }
  if (writable->writer != WEIR_OPEN) hurry(sink, true); /* nothing more will come */
  if (watches_on(sink) && lets_writer_go_on(sink)) return true;
  sink->watch_until_ns = 0;
  if (is_waited_for(sink)) hurry(sink, true); /* the loop may sleep now: only after_work wakes it */
  return false;
}

static uint64_t sink_submit(void *self, const weir_slice *slices, size_t count) {
  weir_file_sink *sink = self;
  uint64_t taken = weir_file_ring_offer(&sink->ring, slices, count);
  hurry(sink, false);
  if (!sink->job && !weir_file_waits(&sink->wait)) send_write_job(sink);
  if (weir_pool_may_spin()) weir_loop_watch(sink->loop, &sink->watch, look);
  else hurry(sink, true);
  return taken;
}

static uint64_t sink_reap(void *self) {
  const weir_file_sink *sink = self;
  return weir_file_ring_done(&sink->ring);
}

static bool sink_is_awake(void *self) {
  const weir_file_sink *sink = self;
  return sink->job != NULL;
}

/* --- reopen --- */

static void reopen_job(weir_file_sink *sink) {
  sink->job_error = weir_file_nexts_open(&sink->nexts, &sink->file);
}

static void reopened(weir_file_sink *sink) {
  weir_file_nexts_take(&sink->nexts, &sink->file, sink->job_error);
  sink->is_open = !sink->job_error;
  if (sink->close_wanted) return; /* nobody waits for it any more */
  weir_error *error = job_error(sink);
  if (error) {
    weir_writable_failed(sink->writable, error);
    weir_error_release(error);
  } else {
    sink->opened(sink->owner);
    weir_writable_fence_passed(sink->writable);
  }
}

static void sink_fence(void *self) {
  weir_file_sink *sink = self;
  if (sink->job == reopen_job) return;
  sink->reopen_wanted = true;
  hurry(sink, true);
  go_on(sink);
}

weir_verdict weir_file_sink_reopen(weir_file_sink *sink, const char *path, weir_callback callback,
                                   weir_error **refusal) {
  uint64_t offset = sink->writable->stats.accepted;
  if (!weir_file_nexts_add(&sink->nexts, &sink->file, path, offset)) return WEIR_NO_MEMORY;
  weir_verdict verdict = weir_writable_fence(sink->writable, callback, refusal);
  if (verdict != WEIR_GO_ON) weir_file_nexts_drop_last(&sink->nexts);
  return verdict;
}

/* --- finish --- */

static void finish_job(weir_file_sink *sink) {
  sink->job_error = weir_file_finish(&sink->file);
}

static void finished(weir_file_sink *sink) {
  weir_error *error = job_error(sink);
  weir_writable_finished(sink->writable, error);
  weir_error_release(error);
}

static void sink_finish(void *self) {
  weir_file_sink *sink = self;
  sink->finish_wanted = true;
  go_on(sink);
}

/* --- close --- */

static void close_job(weir_file_sink *sink) {
  sink->job_error = weir_file_close(&sink->file);
}

static void closed(weir_file_sink *sink) {
  weir_error *error = sink->close_error ? weir_error_hold(sink->close_error) : job_error(sink);
  weir_stream_closed(stream_of(sink), error);
  weir_error_release(error);
}

static void sink_close(void *self, weir_error *error) {
  weir_file_sink *sink = self;
  sink->close_wanted = true;
  sink->close_error = weir_error_hold(error);
  atomic_store_explicit(&sink->ring.stop, !sink->keeps_writing, memory_order_relaxed);
  go_on(sink);
}

/* The work item is back, or never left: what was asked for meanwhile can begin. */
static void go_on(weir_file_sink *sink) {
  if (sink->job) return;
  if (sink->close_wanted) {
    sink->close_wanted = false;
    sink->is_open = false;
    weir_file_wait_end(&sink->wait);
    weir_writable_stopped(sink->writable);
    send_job(sink, close_job, closed);
  } else if (sink->reopen_wanted) {
    sink->reopen_wanted = false;
    sink->is_open = false; /* the job is at the file */
    weir_file_wait_end(&sink->wait);
    send_job(sink, reopen_job, reopened);
  } else if (sink->finish_wanted) {
    sink->finish_wanted = false;
    send_job(sink, finish_job, finished);
  }
}

/* --- the end without the loop --- */

/* Sees to it that the job neither runs nor will. */
static void wait_for_job(weir_file_sink *sink) {
  const struct timespec nap = {.tv_nsec = 100000};
  if (!sink->job) return;
  atomic_store_explicit(&sink->ring.stop, true, memory_order_relaxed);
  if (sink->turn.waits) {
    weir_pool_leave_line(&sink->loop->pool, &sink->turn);
    return;
  }
  if (sink->loop->uv->cancel((uv_req_t *)&sink->work) == 0) return;
  while (atomic_load_explicit(&sink->at_work, memory_order_acquire)) nanosleep(&nap, NULL);
}

/* The file takes nothing now. Waits a little; returns whether there is still time. */
static bool may_wait_on(const weir_file_sink *sink) {
  const struct timespec nap = {.tv_nsec = 1000000};
  nanosleep(&nap, NULL);
  return sink->loop->uv->hrtime() < sink->loop->ending_by_ns;
}

/* Writes what the queue still has, from the first byte on that the ring has not written. Returns 0
** or an errno.
*/
static int write_rest(weir_file_sink *sink) {
  weir_writable *writable = sink->writable;
  uint64_t done = weir_file_ring_done(&sink->ring);
  weir_queue_written(&writable->queue, done - writable->reaped);
  weir_queue_give_back(&writable->queue);
  for (weir_slice slice;;) {
    if (weir_queue_is_at_fence(&writable->queue)) {
      int error = weir_file_nexts_open(&sink->nexts, &sink->file);
      weir_file_nexts_take(&sink->nexts, &sink->file, error);
      if (error) return error;
      weir_queue_lift_fence(&writable->queue);
      weir_queue_submitted(&writable->queue, 0);
    }
    if (weir_queue_slices(&writable->queue, &slice, 1) == 0) return 0;
    struct iovec vector = {(void *)(uintptr_t)slice.base, slice.size};
    ssize_t written = weir_file_write(&sink->file, &vector, 1, done);
    if (written < 0) return (int)-written;
    if (written == 0 && !may_wait_on(sink)) return EAGAIN;
    done += (uint64_t)written;
    weir_queue_submitted(&writable->queue, (uint64_t)written);
  }
}

/* The pool has reopened the file, and the loop has not heard of it. Returns 0 or an errno. */
static int end_reopening(weir_file_sink *sink) {
  bool done = sink->job_error || sink->file.fd < 0;
  if (sink->job != reopen_job || !done) return 0;
  weir_file_nexts_take(&sink->nexts, &sink->file, sink->job_error);
  if (!sink->job_error) weir_queue_lift_fence(&sink->writable->queue);
  return sink->job_error;
}

void weir_file_sink_end_now(weir_file_sink *sink, bool discard) {
  const weir_stream *stream = stream_of(sink);
  wait_for_job(sink);
  int error = end_reopening(sink);
  if (stream->life == WEIR_CLOSED || stream->error) discard = true;
  if (sink->file.fd < 0 && stream->constructing && !discard) error = weir_file_open(&sink->file);
  if (sink->file.fd < 0) return;
  if (!error && !discard) error = write_rest(sink);
  if (!error && !discard && weir_file_has_finish(&sink->file)) weir_file_finish(&sink->file);
  weir_file_close(&sink->file);
}

/* --- life --- */

void weir_file_sink_init(weir_file_sink *sink) {
  *sink = (weir_file_sink){.is_open = false};
  weir_file_init(&sink->file);
  weir_file_ring_init(&sink->ring);
  weir_bet_init(&sink->watching);
}

void weir_file_sink_attach(weir_file_sink *sink, weir_loop *loop, weir_writable *writable,
                           void (*on_opened)(void *owner), void *owner) {
  sink->loop = loop;
  sink->writable = writable;
  sink->opened = on_opened;
  sink->owner = owner;
  weir_file_wait_init(&sink->wait, loop, &sink->file, is_writable_now, sink);
  sink->is_open = sink->file.given;
  sink->port = (weir_sink_port){
      .name = "file",
      .open = sink_open,
      .submit = sink_submit,
      .reap = sink_reap,
      .is_awake = sink_is_awake,
      .fence = sink_fence,
      .finish = weir_file_has_finish(&sink->file) ? sink_finish : NULL,
      .close = sink_close,
  };
}

void weir_file_sink_deinit(weir_file_sink *sink) {
  WEIR_ASSERT(!sink->job);
  weir_error_release(sink->close_error);
  sink->close_error = NULL;
  weir_file_nexts_deinit(&sink->nexts);
  weir_file_ring_deinit(&sink->ring);
  weir_file_deinit(&sink->file);
}

bool weir_file_sink_is_writing(const weir_file_sink *sink) {
  return sink->job == write_job;
}
