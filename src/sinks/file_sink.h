/* file_sink.h - the sink of bytes that is a file.
**
** Every call that may block runs on a thread of libuv's pool, at most one at a time: open, write,
** finish, close. While bytes come, one work item stays at work and drains a ring.
**
** No wake-up is lost: whenever the ring is not empty the work item is out, or waits for its turn,
** and only the loop ends that, in after_work, where it looks at the ring once more. All waiting
** awake, here and in the ring, may be wrong without harm.
**
** Layer: sinks.
** SPDX-License-Identifier: MIT
*/
#ifndef WEIR_SINKS_FILE_SINK_H
#define WEIR_SINKS_FILE_SINK_H

#include "sinks/loop.h"

#include "core/writable.h"
#include "sinks/file_next.h"
#include "sinks/file_ring.h"
#include "sinks/file_wait.h"

typedef struct weir_file_sink {
  weir_sink_port port;
  weir_file file;
  weir_file_ring ring;
  weir_loop *loop;
  weir_writable *writable;
  void (*opened)(void *owner); /* we opened the file; its bytes are still to be written */
  void *owner;
  uv_work_t work;
  void (*job)(struct weir_file_sink *sink);  /* what the pool thread does; NULL: nothing is out */
  void (*done)(struct weir_file_sink *sink); /* what the loop does after it */
  _Atomic bool at_work;                      /* the job has not ended on the pool */
  weir_pool_turn turn;                       /* of writing */
  weir_watch watch;        /* the loop looks whether what the writer waits for has been written */
  weir_bet watching;       /* whether it has seen that in time */
  weir_yield yield;        /* to a writer on the same processor */
  uint64_t watch_until_ns; /* 0: from the next look on */
  weir_file_wait wait;     /* until a FIFO or device takes more */
  int job_error;           /* the job's result: 0 or an errno */
  bool finish_wanted, close_wanted, reopen_wanted; /* as soon as the work item is back */
  bool is_open;
  bool keeps_writing;      /* when it is closed, what it was given is written nevertheless */
  weir_file_nexts nexts;   /* one for each fence in the queue */
  weir_error *close_error; /* why close was asked for; a reference */
} weir_file_sink;

/* Prepares a sink whose `file` the caller then fills in; it takes effect by weir_file_sink_attach.
*/
void weir_file_sink_init(weir_file_sink *sink);
/* Its port is ready to be given to a stream; the writable is the one it will write for. */
void weir_file_sink_attach(weir_file_sink *sink, weir_loop *loop, weir_writable *writable,
                           void (*opened)(void *owner), void *owner);
/* Frees what it owns. Nothing may be out. */
void weir_file_sink_deinit(weir_file_sink *sink);

/* What is accepted from now on goes to another file: of this path, or NULL of the same path anew.
** The file before is finished and closed, and kept by whatever name it has by then; nothing is ever
** cut off. The callback and the answer are those of weir_writable_fence().
*/
weir_verdict weir_file_sink_reopen(weir_file_sink *sink, const char *path, weir_callback callback,
                                   weir_error **refusal);

/* Does now, on this thread and without the loop, all that is left: waits for the job on the pool,
** writes what is queued, finishes (unless `discard`), closes. For a state that is closed from
** within a callback of the loop, which will never go on. Nobody is told anything.
*/
void weir_file_sink_end_now(weir_file_sink *sink, bool discard);

/* Whether a pool thread may be reading the stream's bytes now. */
bool weir_file_sink_is_writing(const weir_file_sink *sink);

#endif
