/* job_spec.c - one piece of work on libuv's pool: it is waited for where the loop will never go on, and
** what comes back to a loop that is over is not told.
** SPDX-License-Identifier: MIT
*/
#include "sinks/job.h"

#include <time.h>

#include "support/check.h"
#include "support/fake_sink.h"

static weir_loop loop;
static weir_job job;
static fake_chunks sink;
static atomic_bool begun, ended;
static bool told;

static fake_host *begin(void) {
  fake_host *host = fake_chunks_new(&sink, (fake_options){0});
  CHECK_EQUAL(weir_loop_open(&loop), 0);
  begun = ended = told = false;
  weir_job_init(&job, &loop, host->stream, &job);
  return host;
}

static void end(fake_host *host) {
  weir_loop_run(&loop, UV_RUN_DEFAULT);
  CHECK(weir_loop_close(&loop));
  fake_host_free(host);
}

static void work(void *owner) {
  const struct timespec a_little = {.tv_nsec = 10000000};
  CHECK(owner == &job);
  begun = true;
  nanosleep(&a_little, NULL);
  ended = true;
}

static void on_done(void *owner) {
  CHECK(owner == &job && ended);
  told = true;
}

static void wait_for_begin(void) {
  const struct timespec nap = {.tv_nsec = 100000};
  while (!begun) nanosleep(&nap, NULL);
}

SPEC("a job runs on the pool and is told of on the loop; it keeps the stream meanwhile") {
  fake_host *host = begin();
  weir_job_send(&job, work, on_done);
  CHECK(weir_job_is_out(&job));
  CHECK(weir_stream_is_busy(host->stream));
  weir_loop_run(&loop, UV_RUN_DEFAULT);
  CHECK(told && !weir_job_is_out(&job));
  CHECK(!weir_stream_is_busy(host->stream));
  weir_job_wait(&job); /* nothing is out */
  end(host);
}

SPEC("a job that is at work is waited for without the loop, which is not told any more") {
  fake_host *host = begin();
  weir_job_send(&job, work, on_done);
  wait_for_begin();
  weir_job_wait(&job);
  CHECK(ended);
  loop.is_over = true;
  weir_loop_run(&loop, UV_RUN_DEFAULT);
  CHECK(!told);
  weir_stream_release(host->stream); /* which the job has not done */
  end(host);
}

int main(int argc, char **argv) {
  return check_main(argc, argv);
}
