/* file_source.h - the source that is a file.
**
** Every call that may block runs on a thread of libuv's pool, one job at a time. A job reads blocks
** of the high-water mark's size into slabs, which are then pushed, one for each read that asks. Of
** a file whose position nobody else sees it reads a few blocks ahead.
**
** Layer: sinks.
** SPDX-License-Identifier: MIT
*/
#ifndef WEIR_SINKS_FILE_SOURCE_H
#define WEIR_SINKS_FILE_SOURCE_H

#include "sinks/job.h"

#include "core/readable.h"
#include "sinks/file_io.h"
#include "sinks/file_wait.h"

enum { WEIR_SOURCE_BLOCKS = 8 }; /* a power of two */

typedef struct weir_file_source {
  weir_sink_port port; /* open and close */
  weir_source_port source_port;
  weir_file file;
  weir_job job;
  void (*opened)(void *owner); /* we opened the file; none of it has been pushed */
  void *owner;
  size_t block_bytes;
  weir_slab *blocks[WEIR_SOURCE_BLOCKS]; /* a ring: read and not yet pushed, then to be filled */
  unsigned first, ready, given;          /* counts: blocks pushed, read, given to the job */
  unsigned burst;                        /* blocks that the next job reads */
  uint64_t pushed;                       /* bytes handed over */
  int error;                             /* of a read; told once all before it was pushed */
  weir_file_wait wait;                   /* until a FIFO or device has something */
  bool at_end;                           /* after what is ready */
  /* The job's while it is out. */
  unsigned filled; /* blocks; those up to `given` may be */
  uint64_t left;   /* bytes still to be read at most */
  uint64_t offset; /* bytes read */
  int job_error;   /* its result: 0 or an errno */
  bool found_end;
  /* What is asked of us. */
  bool wanted; /* a read waits for its push */
  bool is_open, close_wanted;
  weir_error *close_error; /* why close was asked for; a reference */
} weir_file_source;

/* Prepares a source whose `file` the caller then fills in; it takes effect by
** weir_file_source_attach.
*/
void weir_file_source_init(weir_file_source *source);
/* Its ports are ready to be given to the stream. `left`: how many bytes to read at most. */
void weir_file_source_attach(weir_file_source *source, weir_loop *loop, weir_stream *stream,
                             size_t block_bytes, uint64_t left, void (*opened)(void *owner),
                             void *owner);
/* Frees what it owns, while the stream is still there. Nothing may be out. */
void weir_file_source_deinit(weir_file_source *source);

/* Closes the file now, on this thread and without the loop, which will never go on. */
void weir_file_source_end_now(weir_file_source *source);

#endif
