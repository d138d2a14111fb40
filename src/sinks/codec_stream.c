/* codec_stream.c - see codec_stream.h.
** SPDX-License-Identifier: MIT
*/
#include "sinks/codec_stream.h"

#include "core/assert.h"

enum {
  SLAB_BYTES = 64 << 10,
  ROOM_BYTES_MIN = 4 << 10,    /* a slab with less room than this is full */
  INPUT_BYTES_MAX = 256 << 10, /* per job: others wait for the thread, and close for the job */
};

static void go_on(weir_codec_stream *it);

static weir_stream *stream_of(const weir_codec_stream *it) {
  return it->job.stream;
}

/* --- the pool --- */

/* Makes of the input what it can, until the slab is full. */
static void codec_job(void *self) {
  weir_codec_stream *it = self;
  weir_slab *slab = it->slab;
  weir_codec_step step = {.output = slab->bytes + slab->used,
                          .output_size = slab->capacity - slab->used};
  do {
    weir_slice none = {NULL, 0}, *slice = it->next < it->count ? &it->slices[it->next] : &none;
    step.input = slice->base;
    step.input_size = slice->size;
    step.last = it->last && it->next == it->count;
    it->status = it->codec_port->step(it->codec, &step, &it->failure);
    it->taken += slice->size - step.input_size;
    slice->base = step.input;
    slice->size = step.input_size;
    if (slice->size == 0 && it->next < it->count) it->next++;
  } while (it->status == WEIR_CODEC_GOES_ON && step.output_size > 0 && it->next < it->count);
  it->produced = slab->capacity - slab->used - step.output_size;
}

/* --- the loop --- */

static bool is_open(const weir_codec_stream *it) {
  return it->codec && !it->close_wanted;
}

static void fail(weir_codec_stream *it, weir_error *error) {
  weir_writable *writable = stream_of(it)->writable;
  if (it->last) weir_writable_finished(writable, error);
  else weir_writable_failed(writable, error);
  weir_error_release(error);
}

/* Hands over what the job has made. A slab with room left is filled on behind it. */
static void push_output(weir_codec_stream *it) {
  weir_stream *stream = stream_of(it);
  weir_slab *slab = it->slab;
  size_t offset = slab->used, size = it->produced;
  if (size == 0) return;
  slab->used += (uint32_t)size;
  if (slab->capacity - slab->used >= ROOM_BYTES_MIN) weir_slab_hold(slab);
  else it->slab = NULL;
  it->wanted = false;
  if (weir_readable_push_slab(stream->readable, slab, offset, size)) it->wanted = true;
}

/* Whoever is called back may do anything, also set the next job going. */
static void have_worked(void *self) {
  weir_codec_stream *it = self;
  weir_stream *stream = stream_of(it);
  weir_codec_status status = it->status;
  weir_codec_failure failure = it->failure;
  it->consumed = it->taken;
  if (it->next == it->count) it->next = it->count = 0;
  if (is_open(it)) push_output(it);
  if (is_open(it) && status == WEIR_CODEC_FAILS) {
    fail(it, weir_error_library(failure.code, failure.message, failure.number));
  } else if (is_open(it) && status == WEIR_CODEC_ENDS) {
    weir_readable_push_end(stream->readable);
    weir_writable_finished(stream->writable, NULL);
  } else if (is_open(it)) {
    weir_writable_progress(stream->writable);
  }
  go_on(it);
}

/* Returns false, and the stream has failed, without memory. */
static bool has_slab(weir_codec_stream *it) {
  if (!it->slab) it->slab = weir_slab_new(&stream_of(it)->core->slabs, SLAB_BYTES);
  if (!it->slab) fail(it, weir_error_new(WEIR_E_OUT_OF_MEMORY, NULL));
  return it->slab != NULL;
}

static void close_now(weir_codec_stream *it) {
  weir_stream *stream = stream_of(it);
  it->close_wanted = false;
  it->codec_port->free(it->codec);
  it->codec = NULL;
  weir_writable_stopped(stream->writable);
  weir_stream_closed(stream, it->close_error);
}

/* Something was asked for, or the job is back: what can be done is done. */
static void go_on(weir_codec_stream *it) {
  if (weir_job_is_out(&it->job)) return;
  if (it->close_wanted) close_now(it);
  if (!it->codec || it->status != WEIR_CODEC_GOES_ON || !it->wanted) return;
  if (it->finish_wanted && it->count == 0) it->last = true;
  if ((it->count > 0 || it->last) && has_slab(it)) {
    weir_job_send(&it->job, codec_job, have_worked);
  }
}

/* --- the ports --- */

static uint64_t stream_submit(void *self, const weir_slice *slices, size_t count) {
  weir_codec_stream *it = self;
  uint64_t taken = 0;
  if (it->count > 0 || weir_job_is_out(&it->job) || !has_slab(it)) return 0;
  for (size_t i = 0; i < count && i < WEIR_CODEC_SLICES && taken < INPUT_BYTES_MAX; i++) {
    size_t size = slices[i].size, room = (size_t)(INPUT_BYTES_MAX - taken);
    if (size > room) size = room;
    it->slices[it->count++] = (weir_slice){slices[i].base, size};
    taken += size;
  }
  go_on(it);
  return taken;
}

static uint64_t stream_reap(void *self) {
  const weir_codec_stream *it = self;
  return it->consumed;
}

static bool stream_is_awake(void *self) {
  const weir_codec_stream *it = self;
  return weir_job_is_out(&it->job);
}

static void stream_finish(void *self) {
  weir_codec_stream *it = self;
  it->finish_wanted = true;
  go_on(it);
}

static void stream_read(void *self, uint64_t size) {
  weir_codec_stream *it = self;
  (void)size;
  it->wanted = true;
  go_on(it);
}

static void stream_close(void *self, weir_error *error) {
  weir_codec_stream *it = self;
  it->close_wanted = true;
  it->close_error = weir_error_hold(error);
  go_on(it);
}

/* --- life --- */

void weir_codec_stream_init(weir_codec_stream *it, const weir_codec_port *port, void *codec,
                            weir_loop *loop, weir_stream *stream) {
  *it = (weir_codec_stream){.codec_port = port, .codec = codec, .wanted = true};
  weir_job_init(&it->job, loop, stream, it);
  it->port = (weir_sink_port){
      .name = port->name,
      .submit = stream_submit,
      .reap = stream_reap,
      .is_awake = stream_is_awake,
      .finish = stream_finish,
      .close = stream_close,
  };
  it->source_port = (weir_source_port){.read = stream_read};
}

void weir_codec_stream_deinit(weir_codec_stream *it) {
  WEIR_ASSERT(!weir_job_is_out(&it->job));
  if (it->codec) it->codec_port->free(it->codec);
  if (it->slab) weir_slab_release(&stream_of(it)->core->slabs, it->slab);
  weir_error_release(it->close_error);
  *it = (weir_codec_stream){.codec = NULL};
}

void weir_codec_stream_end_now(weir_codec_stream *it) {
  weir_job_wait(&it->job);
}

bool weir_codec_stream_is_reading(const weir_codec_stream *it) {
  return weir_job_is_out(&it->job);
}
