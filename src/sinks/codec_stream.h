/* codec_stream.h - the two sides of a stream whose reading end gives what a codec makes of what was
** written.
**
** The codec works on a thread of libuv's pool, one job at a time: it takes the bytes that wait and
** fills one slab. It gets no new slab before the last one was asked for by a read, so the memory
** it needs does not depend on what the bytes become.
**
** Layer: sinks.
** SPDX-License-Identifier: MIT
*/
#ifndef WEIR_SINKS_CODEC_STREAM_H
#define WEIR_SINKS_CODEC_STREAM_H

#include "sinks/job.h"

#include "core/codec.h"
#include "core/readable.h"
#include "core/writable.h"

enum { WEIR_CODEC_SLICES = 16 };

typedef struct weir_codec_stream {
  weir_sink_port port;
  weir_source_port source_port;
  const weir_codec_port *codec_port;
  void *codec;
  weir_job job;
  weir_slice slices[WEIR_CODEC_SLICES]; /* taken; all before `next` are used up */
  size_t count;
  uint64_t consumed; /* bytes the codec has taken, and the writers may hear of */
  weir_slab *slab;   /* where the output goes */
  bool wanted;       /* the reader has room for more */
  bool finish_wanted, close_wanted;
  weir_error *close_error; /* why close was asked for; a reference */
  /* The job's while it is out. */
  size_t next;     /* the slice it is at; its base and size move on */
  uint64_t taken;  /* bytes of input, ever */
  size_t produced; /* bytes of output */
  bool last;       /* no more slices will come */
  weir_codec_status status;
  weir_codec_failure failure;
} weir_codec_stream;

/* Takes the codec. Its ports are ready to be given to the stream. */
void weir_codec_stream_init(weir_codec_stream *it, const weir_codec_port *port, void *codec,
                            weir_loop *loop, weir_stream *stream);
/* Frees what it owns, while the stream is still there. Nothing may be out. */
void weir_codec_stream_deinit(weir_codec_stream *it);

/* Sees to it that nothing runs on the pool any more, without the loop, which will never go on. */
void weir_codec_stream_end_now(weir_codec_stream *it);

/* Whether a pool thread may be reading the stream's bytes now. */
bool weir_codec_stream_is_reading(const weir_codec_stream *it);

#endif
