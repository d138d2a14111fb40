/* stream_input.c - reads, and what becomes of input that nobody wants. See stream_sink.h.
** SPDX-License-Identifier: MIT
*/
#include "sinks/stream_parts.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

enum {
  READS_MAX = 8,       /* then the loop has its turn */
  OWN_SLAB_MAX = 4096, /* what is smaller does not keep a whole slab from others */
  DROP_MAX = 512 * 1024,
  DROP_MS = 2000, /* as long as a state that closes waits for anything */
};

static void drop_some(weir_stream_sink *sink);

/* NULL: only written. */
static weir_readable *readable_of(const weir_stream_sink *sink) {
  return weir_stream_sink_stream(sink)->readable;
}

/* --- read --- */

static ssize_t read_once(const weir_stream_sink *sink, void *bytes, size_t size) {
  for (;;) {
    ssize_t got = read(sink->fd, bytes, size);
    if (got >= 0) return got;
    if (errno != EINTR) return -errno;
  }
}

/* Hands over what was read into `slab`, and the slab with it. Returns whether more is wanted. */
static bool hand_over(weir_stream_sink *sink, weir_slab *slab, size_t size) {
  weir_slab_pool *pool = &weir_stream_sink_stream(sink)->core->slabs;
  weir_slab *own = size < OWN_SLAB_MAX ? weir_slab_new(pool, size) : NULL;
  if (own) {
    memcpy(own->bytes, slab->bytes, size);
    own->used = (uint32_t)size;
    weir_slab_release(pool, slab);
    slab = own;
  }
  sink->read += size;
  weir_stream_sink_note_activity(sink);
  return weir_readable_push_slab(readable_of(sink), slab, 0, size);
}

/* The peer has ended. Where nothing is left to read, its end is told also if nobody reads. */
static void end_input(weir_stream_sink *sink) {
  sink->reading = false;
  sink->input_ended = true;
  weir_readable_push_end(readable_of(sink));
  weir_readable_read(readable_of(sink), 0, NULL);
}

/* Reads once. Returns whether to go on. */
static bool read_some(weir_stream_sink *sink) {
  weir_slab_pool *pool = &weir_stream_sink_stream(sink)->core->slabs;
  weir_slab *slab = weir_slab_new(pool, WEIR_SLAB_BYTES);
  if (!slab) {
    weir_stream_fail_with(weir_stream_sink_stream(sink), WEIR_E_OUT_OF_MEMORY);
    return false;
  }
  ssize_t size = read_once(sink, slab->bytes, slab->capacity);
  if (size > 0) {
    /* A listener may have asked for more from within. */
    if (!hand_over(sink, slab, (size_t)size)) sink->reading = readable_of(sink)->asked;
    return size == WEIR_SLAB_BYTES;
  }
  weir_slab_release(pool, slab);
  if (size == 0) end_input(sink);
  else if (size != -EAGAIN) weir_stream_sink_fail(sink, (int)size, "read");
  return false;
}

void weir_stream_sink_read(weir_stream_sink *sink) {
  if (sink->drops) {
    drop_some(sink);
    return;
  }
  for (int reads = 0; reads < READS_MAX && sink->reading; reads++) {
    if (weir_readable_is_over(readable_of(sink))) sink->reading = false; /* abandoned */
    else if (!read_some(sink)) return;
  }
}

static void source_read(void *self, uint64_t size) {
  weir_stream_sink *sink = self;
  (void)size;
  if (sink->fd < 0 || sink->input_ended) return;
  sink->reading = true;
  weir_stream_sink_watch(sink);
}

const weir_source_port weir_stream_source_port = {.read = source_read};

void weir_stream_sink_begin_to_read(weir_stream_sink *sink) {
  if (sink->fd >= 0) weir_readable_read(readable_of(sink), 0, NULL);
}

/* --- input that nobody wants --- */

static bool has_listener(const weir_readable *r) {
  return r->has_data_listener || r->has_readable_listener;
}

static bool is_untouched(const weir_readable *r) {
  return r->flow == WEIR_UNDECIDED && r->wish == WEIR_NO_WISH && !r->did_read && !has_listener(r);
}

/* As long as it lingers it keeps the stream, and the loop running. */
static void set_lingering(weir_stream_sink *sink, bool on) {
  if (sink->lingering == on) return;
  sink->lingering = on;
  weir_stream_clock_set_ref(sink->clock, on && !sink->no_ref);
  if (on) weir_stream_hold(weir_stream_sink_stream(sink));
  else weir_stream_release(weir_stream_sink_stream(sink)); /* the sink may be gone now */
}

void weir_stream_sink_linger(weir_stream_sink *sink) {
  const weir_readable *readable = readable_of(sink);
  if (!readable || weir_readable_is_over(readable)) return;
  if (!weir_stream_sink_stream(sink)->auto_destroy) return; /* it is the script that closes */
  if (!is_untouched(readable) || !weir_stream_sink_clock(sink)) return;
  weir_stream_clock_set(sink->clock, WEIR_LIMIT_LINGER, WEIR_STREAM_GRACE_MS);
  set_lingering(sink, true);
}

/* --- input when the state closes --- */

size_t weir_stream_sink_drop(weir_stream_sink *sink, size_t limit) {
  char dropped[16384];
  size_t total = 0;
  while (total < limit && !sink->input_ended) {
    ssize_t size = read_once(sink, dropped, sizeof dropped);
    if (size > 0) total += (size_t)size;
    else if (size == -EAGAIN) break;
    else sink->input_ended = true;
  }
  return total;
}

/* Nothing more is awaited of the peer. */
static void stop_dropping(weir_stream_sink *sink) {
  weir_writable *writable = sink->writable;
  if (!sink->lingering) return;
  if (writable->writer == WEIR_FINISHED) weir_stream_destroy(writable->stream, NULL);
  else weir_writable_finished(writable, NULL);
  set_lingering(sink, false);
}

static void drop_some(weir_stream_sink *sink) {
  bool dropped = weir_stream_sink_drop(sink, DROP_MAX) > 0;
  if (dropped && sink->lingering) {
    weir_stream_clock_set(sink->clock, WEIR_LIMIT_LINGER, WEIR_STREAM_PAUSE_MS);
  }
  if (!sink->input_ended) return;
  sink->reading = false;
  stop_dropping(sink);
}

bool weir_stream_sink_may_reset(const weir_stream_sink *sink) {
  return sink->fd >= 0 && !sink->input_ended && !sink->resets && sink->written > 0 &&
         sink->type != WEIR_STREAM_BORROWED;
}

bool weir_stream_sink_linger_dropping(weir_stream_sink *sink) {
  if (!sink->drops || !weir_stream_sink_may_reset(sink)) return false;
  if (!weir_stream_sink_clock(sink)) return false;
  weir_stream_clock_set(sink->clock, WEIR_LIMIT_DROP, DROP_MS);
  weir_stream_clock_set(sink->clock, WEIR_LIMIT_LINGER, WEIR_STREAM_GRACE_MS);
  set_lingering(sink, true);
  return true;
}

bool weir_stream_sink_drop_input(weir_stream_sink *sink) {
  sink->drops = true;
  weir_stream_sink_set_ref(sink, true); /* the loop runs for what was accepted, and no longer */
  if (sink->fd < 0 || sink->input_ended || sink->type == WEIR_STREAM_BORROWED) return false;
  sink->reading = true;
  weir_stream_sink_watch(sink);
  return sink->shut && weir_stream_sink_linger_dropping(sink);
}

/* What flows to nobody is dropped; a listener that comes late gets the rest. */
static void discard_input(weir_stream_sink *sink) {
  sink->discarding = true;
  weir_readable_resume(readable_of(sink));
  weir_stream_clock_set(sink->clock, WEIR_LIMIT_LINGER, sink->linger_timeout_ms);
}

void weir_stream_sink_on_linger(weir_stream_sink *sink) {
  if (sink->drops) {
    stop_dropping(sink);
    return;
  }
  if (!sink->discarding && is_untouched(readable_of(sink))) {
    discard_input(sink);
    return;
  }
  if (!has_listener(readable_of(sink)) && sink->discarding) {
    weir_stream_destroy(weir_stream_sink_stream(sink), NULL);
  }
  set_lingering(sink, false);
}

void weir_stream_sink_stop_lingering(weir_stream_sink *sink) {
  set_lingering(sink, false);
}
