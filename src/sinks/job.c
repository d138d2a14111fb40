/* job.c - see job.h.
** SPDX-License-Identifier: MIT
*/
#include "sinks/job.h"

#include <time.h>

#include "core/assert.h"

void weir_job_init(weir_job *job, weir_loop *loop, weir_stream *stream, void *owner) {
  *job = (weir_job){.loop = loop, .stream = stream, .owner = owner};
  job->work.data = job;
}

static void on_work(uv_work_t *work) {
  weir_job *job = work->data;
  job->run(job->owner);
  atomic_store_explicit(&job->at_work, false, memory_order_release);
}

static void after_work(uv_work_t *work, int status) {
  weir_job *job = work->data;
  weir_loop *loop = job->loop;
  weir_stream *stream = job->stream;
  if (loop->is_over) return;
  WEIR_ASSERT(status == 0);
  job->run = NULL;
  job->done(job->owner);
  weir_stream_release(stream); /* the job may be gone now */
  weir_loop_run_ticks(loop);
}

void weir_job_send(weir_job *job, void (*run)(void *), void (*done)(void *)) {
  WEIR_ASSERT(!job->run);
  job->run = run;
  job->done = done;
  atomic_store_explicit(&job->at_work, true, memory_order_relaxed);
  weir_stream_hold(job->stream);
  int error = job->loop->uv->queue_work(job->loop->handle, &job->work, on_work, after_work);
  WEIR_ASSERT(error == 0);
}

void weir_job_wait(weir_job *job) {
  const struct timespec nap = {.tv_nsec = 100000};
  if (!job->run) return;
  if (job->loop->uv->cancel((uv_req_t *)&job->work) == 0) return;
  while (atomic_load_explicit(&job->at_work, memory_order_acquire)) nanosleep(&nap, NULL);
}
