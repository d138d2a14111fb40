/* job.h - one piece of work at a time on a thread of libuv's pool, for one stream.
**
** Layer: sinks.
** SPDX-License-Identifier: MIT
*/
#ifndef WEIR_SINKS_JOB_H
#define WEIR_SINKS_JOB_H

#include "sinks/loop.h"

#include <stdatomic.h>

#include "core/stream.h"

typedef struct weir_job {
  weir_loop *loop;
  weir_stream *stream;
  void *owner;
  uv_work_t work;
  void (*run)(void *owner);  /* on the pool; NULL: nothing is out */
  void (*done)(void *owner); /* on the loop, after it */
  _Atomic bool at_work;      /* it has not ended on the pool */
} weir_job;

void weir_job_init(weir_job *job, weir_loop *loop, weir_stream *stream, void *owner);

/* Sends it to the pool; nothing may be out. The stream lives at least until `done` has returned. */
void weir_job_send(weir_job *job, void (*run)(void *owner), void (*done)(void *owner));

static inline bool weir_job_is_out(const weir_job *job) {
  return job->run != NULL;
}

/* Without the loop, which will never go on: sees to it that nothing runs on the pool, and nothing
** will. `done` is not called.
*/
void weir_job_wait(weir_job *job);

#endif
