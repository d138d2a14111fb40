/* file_source.c - see file_source.h.
** SPDX-License-Identifier: MIT
*/
#include "sinks/file_source.h"

#include <errno.h>

#include "core/assert.h"

enum {
  AHEAD_BYTES = 256 << 10, /* read and not yet asked for */
  BLOCKS_AHEAD = 4,
};

static void go_on(weir_file_source *source);

static weir_stream *stream_of(weir_file_source *source) {
  return source->job.stream;
}

/* A new reference, or NULL for 0. */
static weir_error *error_of(const weir_file_source *source, int error) {
  return error ? weir_error_system(error, source->file.failed_call) : NULL;
}

static weir_slab **block(weir_file_source *source, unsigned index) {
  return &source->blocks[index % WEIR_SOURCE_BLOCKS];
}

/* --- open --- */

static void open_job(void *self) {
  weir_file_source *source = self;
  source->job_error = weir_file_open(&source->file);
}

static void answer_open(weir_file_source *source) {
  weir_error *error = error_of(source, source->job_error);
  source->is_open = !error;
  weir_stream_constructed(stream_of(source), error);
  weir_error_release(error);
}

static void opened(void *self) {
  weir_file_source *source = self;
  answer_open(source);
  if (source->is_open) source->opened(source->owner);
  go_on(source);
}

static void source_open(void *self) {
  weir_file_source *source = self;
  if (!source->file.given) {
    weir_job_send(&source->job, open_job, opened);
    return;
  }
  source->job_error = weir_file_adopt(&source->file);
  answer_open(source);
}

/* --- read --- */

/* Fills the blocks it was given, until the file ends, fails, or has nothing now. */
static void read_job(void *self) {
  weir_file_source *source = self;
  while (source->filled != source->given && source->left > 0) {
    weir_slab *slab = *block(source, source->filled);
    size_t size = source->left < slab->capacity ? (size_t)source->left : slab->capacity;
    ssize_t got = weir_file_read(&source->file, slab->bytes, size, source->offset);
    if (got < 0) source->job_error = (int)-got;
    if (got == 0) source->found_end = true;
    if (got <= 0) return;
    slab->used = (uint32_t)got;
    source->offset += (uint64_t)got;
    source->left -= (uint64_t)got;
    source->filled++;
    if (!source->file.regular) return; /* whoever reads a terminal wants the line now */
  }
  if (source->left == 0) source->found_end = true;
}

static void have_read(void *self) {
  weir_file_source *source = self;
  source->ready = source->filled;
  source->at_end = source->found_end;
  if (source->job_error != EAGAIN || source->file.regular) source->error = source->job_error;
  else if (!source->close_wanted)
    weir_file_wait_start(&source->wait, stream_of(source), UV_READABLE);
  go_on(source);
}

/* Gives the job the blocks that it may fill. Returns false without memory for a single one. */
static bool give_blocks(weir_file_source *source, unsigned count) {
  weir_slab_pool *slabs = &stream_of(source)->core->slabs;
  while (source->given - source->ready < count) {
    weir_slab *slab = weir_slab_new(slabs, source->block_bytes);
    if (!slab) break;
    *block(source, source->given++) = slab;
  }
  return source->given != source->ready;
}

static void start_reading(weir_file_source *source) {
  if (!give_blocks(source, source->burst)) {
    source->file.failed_call = "read";
    source->error = ENOMEM;
    return;
  }
  source->job_error = 0;
  weir_job_send(&source->job, read_job, have_read);
}

static unsigned most_ahead(const weir_file_source *source) {
  if (!source->file.regular || !source->file.positioned) return 0;
  size_t count = AHEAD_BYTES / source->block_bytes;
  return count < BLOCKS_AHEAD ? (unsigned)count : BLOCKS_AHEAD;
}

/* Sends a job if more is asked for than there is, or if it is time to read ahead. */
static void read_more(weir_file_source *source) {
  if (source->at_end || source->error || weir_job_is_out(&source->job)) return;
  if (weir_file_waits(&source->wait)) return;
  unsigned stock = source->ready - source->first, ahead = most_ahead(source);
  if (source->wanted && stock == 0) {
    start_reading(source);
    if (source->burst < ahead) source->burst *= 2; /* whoever asks again is likely to go on */
  } else if (source->burst > 1 && stock <= ahead / 2) {
    start_reading(source);
  }
}

/* Answers the read that waits, if there is anything to answer. */
static void answer_read(weir_file_source *source) {
  weir_readable *readable = stream_of(source)->readable;
  source->wanted = false;
  if (source->first != source->ready) {
    weir_slab *slab = *block(source, source->first++);
    source->pushed += slab->used;
    weir_readable_push_slab(readable, slab, 0, slab->used);
  } else if (source->error) {
    weir_error *error = error_of(source, source->error);
    weir_stream_fail(stream_of(source), error, false);
    weir_error_release(error);
  } else if (source->at_end) {
    weir_readable_push_end(readable);
  } else {
    source->wanted = true;
  }
}

static void source_read(void *self, uint64_t size) {
  weir_file_source *source = self;
  (void)size;
  source->wanted = true;
  go_on(source);
}

/* --- close --- */

static void close_job(void *self) {
  weir_file_source *source = self;
  source->job_error = weir_file_close(&source->file);
}

static void closed(void *self) {
  weir_file_source *source = self;
  weir_error *error = source->close_error ? weir_error_hold(source->close_error)
                                          : error_of(source, source->job_error);
  weir_stream_closed(stream_of(source), error);
  weir_error_release(error);
}

static void source_close(void *self, weir_error *error) {
  weir_file_source *source = self;
  source->close_wanted = true;
  source->close_error = weir_error_hold(error);
  go_on(source);
}

static void drop_blocks(weir_file_source *source) {
  weir_slab_pool *slabs = &stream_of(source)->core->slabs;
  while (source->first != source->given) {
    weir_slab_release(slabs, *block(source, source->first++));
  }
  source->ready = source->filled = source->given;
}

/* Something was asked for, or the job is back: what can be done is done. */
static void go_on(weir_file_source *source) {
  if (source->close_wanted) {
    if (weir_job_is_out(&source->job)) return;
    source->close_wanted = source->is_open = false;
    drop_blocks(source);
    weir_file_wait_end(&source->wait);
    weir_job_send(&source->job, close_job, closed);
    return;
  }
  if (!source->is_open) return;
  read_more(source); /* first: the push may call back, and come here again */
  if (source->wanted) answer_read(source);
}

static void is_readable_now(void *self) {
  go_on(self);
}

void weir_file_source_end_now(weir_file_source *source) {
  weir_job_wait(&source->job);
  if (source->file.fd >= 0) weir_file_close(&source->file);
}

/* --- life --- */

void weir_file_source_init(weir_file_source *source) {
  *source = (weir_file_source){.burst = 1};
  weir_file_init(&source->file);
  source->file.reads = true;
  source->file.flags = weir_file_flags("r");
}

void weir_file_source_attach(weir_file_source *source, weir_loop *loop, weir_stream *stream,
                             size_t block_bytes, uint64_t left, void (*on_opened)(void *owner),
                             void *owner) {
  WEIR_ASSERT(block_bytes > 0 && block_bytes <= UINT32_MAX);
  weir_job_init(&source->job, loop, stream, source);
  source->block_bytes = block_bytes;
  source->left = left;
  source->opened = on_opened;
  source->owner = owner;
  weir_file_wait_init(&source->wait, loop, &source->file, is_readable_now, source);
  source->is_open = source->file.given;
  source->port = (weir_sink_port){.name = "file", .open = source_open, .close = source_close};
  source->source_port = (weir_source_port){.read = source_read};
}

void weir_file_source_deinit(weir_file_source *source) {
  WEIR_ASSERT(!weir_job_is_out(&source->job));
  drop_blocks(source);
  weir_error_release(source->close_error);
  source->close_error = NULL;
  weir_file_deinit(&source->file);
}
