/* readable.c - the verbs of a readable. See readable.h.
** SPDX-License-Identifier: MIT
*/
#include "core/readable.h"

#include <string.h>

#include "core/assert.h"
#include "core/readable_parts.h"

void weir_readable_init(weir_readable *r, weir_stream *stream, const weir_source_port *port,
                        const weir_readable_options *options) {
  *r = (weir_readable){
      .stream = stream,
      .port = port,
      .high_water_mark = options->high_water_mark,
      .object_mode = options->object_mode,
      .disabled = options->disabled,
      .input = options->disabled ? WEIR_INPUT_OVER : WEIR_INPUT_OPEN,
      .half_open = options->half_open,
      .asking = !options->is_asked,
  };
  stream->readable = r;
}

/* --- the buffer --- */

static void drop_content(weir_readable *r, weir_entry *chunk) {
  weir_stream *stream = r->stream;
  if (chunk->slab) weir_slab_release(&stream->core->slabs, chunk->slab);
  if (chunk->anchor) stream->core->host->forget(stream->owner, chunk->anchor);
  chunk->slab = NULL;
  chunk->anchor = 0;
}

void weir_readable_give_back(weir_readable *r, weir_entry *chunk) {
  drop_content(r, chunk);
  weir_entry_pool_give(&r->stream->core->entries, chunk);
}

static weir_entry *unlink_first(weir_readable *r) {
  weir_entry *chunk = r->first;
  r->first = chunk->next;
  if (!r->first) r->last = NULL;
  chunk->next = NULL;
  return chunk;
}

void weir_readable_deinit(weir_readable *r) {
  while (r->first) weir_readable_give_back(r, unlink_first(r));
}

static void put_in(weir_readable *r, const weir_piece *piece, bool in_front) {
  weir_entry *chunk = weir_entry_pool_take(&r->stream->core->entries);
  chunk->bytes = piece->bytes;
  chunk->size = piece->size;
  chunk->anchor = piece->anchor;
  chunk->slab = piece->slab;
  if (in_front) {
    chunk->next = r->first;
    r->first = chunk;
    if (!r->last) r->last = chunk;
  } else {
    if (r->last) r->last->next = chunk;
    else r->first = chunk;
    r->last = chunk;
  }
  r->length += piece->size;
}

/* Copies the first `size` bytes of the buffer into one chunk. Returns NULL without memory. */
static weir_entry *gather(weir_readable *r, size_t size) {
  weir_core *core = r->stream->core;
  if (!weir_entry_pool_reserve(&core->entries, 1)) return NULL;
  weir_slab *slab = weir_slab_new(&core->slabs, size);
  if (!slab) return NULL;
  while (slab->used < size) {
    weir_entry *from = r->first;
    size_t part = size - slab->used;
    if (part > from->size) part = from->size;
    memcpy(slab->bytes + slab->used, from->bytes, part);
    slab->used += (uint32_t)part;
    from->bytes += part;
    from->size -= part;
    if (from->size == 0) weir_readable_give_back(r, unlink_first(r));
  }
  weir_entry *chunk = weir_entry_pool_take(&core->entries);
  chunk->slab = slab;
  chunk->bytes = slab->bytes;
  chunk->size = size;
  return chunk;
}

static weir_entry *take(weir_readable *r, uint64_t n) {
  bool whole = r->first->size == n; /* as always in object mode */
  weir_entry *chunk = whole ? unlink_first(r) : gather(r, (size_t)n);
  if (chunk) r->length -= n;
  return chunk;
}

/* --- handing over --- */

static void hand_over(weir_readable *r, weir_entry *chunk, bool is_last) {
  r->did_read = true;
  r->stream->core->host->data(r->stream->owner, chunk, is_last);
}

/* Whether it goes straight through: the buffer is not touched. */
static bool passes(const weir_readable *r) {
  return r->flow == WEIR_FLOWING && r->length == 0 && !r->asking && r->has_data_listener;
}

static void pass_on(weir_readable *r, const weir_piece *piece) {
  weir_entry chunk = {
      .bytes = piece->bytes, .size = piece->size, .anchor = piece->anchor, .slab = piece->slab};
  r->takes++;
  hand_over(r, &chunk, true);
  drop_content(r, &chunk);
}

static void add(weir_readable *r, const weir_piece *piece, bool in_front) {
  if (passes(r)) {
    pass_on(r, piece);
  } else {
    put_in(r, piece, in_front);
    if (r->needs_notice) weir_readable_announce(r);
  }
  weir_readable_read_ahead(r);
}

/* --- push and unshift --- */

/* Measured after the listeners ran, so what went straight through does not count. */
static weir_verdict may_push(const weir_readable *r) {
  bool below = r->length < r->high_water_mark || r->length == 0;
  return r->input == WEIR_INPUT_OPEN && below ? WEIR_GO_ON : WEIR_SLOW_DOWN;
}

static void drop_piece(weir_readable *r, const weir_piece *piece) {
  weir_entry chunk = {.anchor = piece->anchor, .slab = piece->slab};
  drop_content(r, &chunk);
}

static weir_verdict fail(weir_readable *r, const weir_piece *piece, weir_code code) {
  drop_piece(r, piece);
  weir_stream_fail_with(r->stream, code);
  return WEIR_SLOW_DOWN;
}

static bool is_lost(const weir_readable *r) {
  return r->stream->life != WEIR_ALIVE || r->stream->error;
}

weir_verdict weir_readable_push(weir_readable *r, const weir_piece *piece) {
  if (!weir_entry_pool_reserve(&r->stream->core->entries, 1)) return WEIR_NO_MEMORY;
  if (piece->size == 0) { /* no data, but the answer to a read: ask again later */
    r->asked = false;
    drop_piece(r, piece);
    weir_readable_read_ahead(r);
    return may_push(r);
  }
  if (r->input != WEIR_INPUT_OPEN) return fail(r, piece, WEIR_E_STREAM_PUSH_AFTER_EOF);
  if (is_lost(r)) {
    drop_piece(r, piece);
    return WEIR_SLOW_DOWN;
  }
  r->asked = false;
  add(r, piece, false);
  return may_push(r);
}

bool weir_readable_begin_direct(weir_readable *r) {
  if (!passes(r) || r->input != WEIR_INPUT_OPEN || is_lost(r)) return false;
  r->asked = false;
  r->did_read = true;
  r->takes++;
  return true;
}

weir_verdict weir_readable_end_direct(weir_readable *r) {
  weir_readable_read_ahead(r);
  return may_push(r);
}

weir_verdict weir_readable_unshift(weir_readable *r, const weir_piece *piece) {
  if (!weir_entry_pool_reserve(&r->stream->core->entries, 1)) return WEIR_NO_MEMORY;
  if (piece->size == 0) {
    drop_piece(r, piece);
    return may_push(r);
  }
  if (r->input == WEIR_INPUT_OVER) return fail(r, piece, WEIR_E_STREAM_UNSHIFT_AFTER_END);
  if (is_lost(r)) {
    drop_piece(r, piece);
    return WEIR_SLOW_DOWN;
  }
  add(r, piece, true);
  return may_push(r);
}

bool weir_readable_push_slab(weir_readable *r, weir_slab *slab, size_t offset, size_t size) {
  weir_piece piece = {.bytes = slab->bytes + offset, .size = size, .slab = slab};
  WEIR_ASSERT(!r->object_mode && offset + size <= slab->capacity);
  weir_verdict verdict = weir_readable_push(r, &piece);
  if (verdict == WEIR_NO_MEMORY) verdict = fail(r, &piece, WEIR_E_OUT_OF_MEMORY);
  return verdict == WEIR_GO_ON;
}

void weir_readable_push_end(weir_readable *r) {
  r->asked = false;
  if (r->input != WEIR_INPUT_OPEN) return;
  r->input = WEIR_INPUT_ENDED;
  if (r->asking) { /* the consumer must not be called from within its own read() */
    weir_readable_announce(r);
  } else {
    r->needs_notice = false;
    r->announcing = true;
    weir_readable_announce_now(r);
  }
}

void weir_readable_abandon(weir_readable *r) {
  r->disabled = true;
  r->input = WEIR_INPUT_OVER;
}

/* --- read --- */

static uint64_t raised_mark(uint64_t n) {
  uint64_t mark = 1;
  while (mark < n) mark *= 2;
  return mark;
}

/* How much a read of `n` would get now. */
static uint64_t available(const weir_readable *r, int64_t n) {
  if (n != WEIR_READ_ALL && n <= 0) return 0;
  if (r->length == 0 && r->input != WEIR_INPUT_OPEN) return 0;
  if (r->object_mode) return 1;
  if (n == WEIR_READ_ALL) {
    return r->flow == WEIR_FLOWING && r->length > 0 ? r->first->size : r->length;
  }
  if ((uint64_t)n <= r->length) return (uint64_t)n;
  return r->input == WEIR_INPUT_OPEN ? 0 : r->length; /* not enough, unless no more will come */
}

static bool may_ask(const weir_readable *r) {
  return !r->stream->constructing && !r->asked && r->input == WEIR_INPUT_OPEN && !is_lost(r);
}

/* The source may push from within. */
static void ask_source(weir_readable *r) {
  r->asked = r->asking = true;
  if (r->length == 0) r->needs_notice = true;
  if (r->port->read) {
    r->port->read(r->stream->sink, r->high_water_mark);
  } else {
    weir_error *error = weir_error_new(WEIR_E_METHOD_NOT_IMPLEMENTED, "_read()");
    weir_stream_fail(r->stream, error, false);
    weir_error_release(error);
  }
  r->asking = false;
}

/* There is enough already: a read of nothing only repeats the announcement. */
static bool repeats_notice(const weir_readable *r) {
  if (!r->needs_notice) return false;
  if (r->input != WEIR_INPUT_OPEN) return true;
  return r->length > 0 && r->length >= r->high_water_mark;
}

/* The source is asked before the data is taken: a push from within may complete this very read. */
static uint64_t ask_for(weir_readable *r, int64_t asked) {
  uint64_t n = available(r, asked);
  bool low = r->needs_notice || r->length == 0 || r->length - n < r->high_water_mark;
  if (!low || !may_ask(r)) return n;
  ask_source(r);
  /* Counted anew, also when it consumed, against the rules, what was counted on (C-02). */
  return !r->asked || r->length < n ? available(r, asked) : n;
}

/* Before anything is taken: what a read of `asked` sets going, and whether that was all. */
static bool is_settled(weir_readable *r, int64_t asked) {
  if (asked != WEIR_READ_ALL && asked > 0 && (uint64_t)asked > r->high_water_mark) {
    WEIR_ASSERT(asked <= WEIR_READ_MAX);
    r->high_water_mark = raised_mark((uint64_t)asked);
  }
  if (asked != 0) r->announcing = false;
  if (asked == 0 && repeats_notice(r)) {
    if (r->length == 0) weir_readable_end_later(r);
    else weir_readable_announce(r);
    return true;
  }
  if (r->input == WEIR_INPUT_OPEN || available(r, asked) > 0) return false;
  if (r->length == 0) weir_readable_end_later(r);
  return true;
}

/* `is_last`: nobody needs the chunk once those who listen have it. */
static weir_entry *read_chunk(weir_readable *r, int64_t asked, bool is_last, bool *no_memory) {
  *no_memory = false;
  if (is_settled(r, asked)) return NULL;
  uint64_t n = ask_for(r, asked);
  weir_entry *chunk = NULL;
  if (n > 0 && r->length > 0) {
    chunk = take(r, n);
    if (!chunk) {
      *no_memory = true;
      return NULL;
    }
    r->takes++;
  } else if (r->length <= r->high_water_mark) {
    r->needs_notice = true;
  }
  if (r->length == 0) {
    bool exact = chunk ? asked == (int64_t)n : asked == 0;
    if (r->input == WEIR_INPUT_OPEN) r->needs_notice = true;
    else if (!exact) weir_readable_end_later(r); /* the consumer has seen the end of the data */
  }
  if (chunk && !r->stream->error_told && !r->stream->close_told) hand_over(r, chunk, is_last);
  return chunk;
}

weir_entry *weir_readable_read(weir_readable *r, int64_t asked, bool *no_memory) {
  bool nobody_asks;
  return read_chunk(r, asked, false, no_memory ? no_memory : &nobody_asks);
}

bool weir_readable_read_one(weir_readable *r, bool *no_memory) {
  weir_entry *chunk = read_chunk(r, WEIR_READ_ALL, true, no_memory);
  if (chunk) weir_readable_give_back(r, chunk);
  return chunk != NULL;
}

void weir_readable_ask(weir_readable *r) {
  bool no_memory;
  read_chunk(r, 0, true, &no_memory);
}
