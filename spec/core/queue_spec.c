/* queue_spec.c - the chunk queue: nothing is lost, doubled or reordered, and what it borrowed it
** gives back.
** SPDX-License-Identifier: MIT
*/
#include "core/queue.h"

#include <string.h>

#include "support/check.h"
#include "support/failing_alloc.h"

/* --- a queue under test ---------------------------------------------------------------------- */

static weir_slab_pool slabs;
static weir_entry_pool entries;
static weir_queue queue;
static long live_before;
static uint32_t forgotten[64];
static size_t forgotten_count;

static void note_forgotten(weir_queue *holder, uint32_t anchor) {
  CHECK(holder == &queue);
  if (CHECK(forgotten_count < 64)) forgotten[forgotten_count++] = anchor;
}

static const weir_queue_supply supply = {
    .slabs = &slabs, .entries = &entries, .forget = note_forgotten};

static void begin(void) {
  live_before = failing_alloc_live();
  forgotten_count = 0;
  weir_slab_pool_init(&slabs);
  weir_entry_pool_init(&entries);
  weir_queue_init(&queue, &supply);
}

/* Takes out an entry for good. Returns its callback. */
static uint32_t drop(weir_entry *entry) {
  uint32_t callback = entry->callback.anchor;
  weir_queue_drop_content(&queue, entry);
  entry->callback = WEIR_NOBODY;
  weir_entry_pool_give(&entries, entry);
  return callback;
}

static void done(void) {
  weir_queue_give_back(&queue);
  for (weir_entry *entry; (entry = weir_queue_take_due(&queue));) drop(entry);
  for (weir_entry *entry; (entry = weir_queue_take(&queue));) drop(entry);
  CHECK_EQUAL(queue.count, 0);
  CHECK_EQUAL(queue.writes, 0);
  weir_queue_deinit(&queue);
  weir_slab_pool_deinit(&slabs);
  weir_entry_pool_deinit(&entries);
  CHECK_EQUAL(failing_alloc_live(), live_before);
}

static void add_pieces(const weir_piece *pieces, size_t count, uint32_t callback) {
  CHECK(weir_queue_reserve(&queue, pieces, count));
  weir_queue_add(&queue, pieces, count, (weir_callback){callback, callback});
}

/* Adds a chunk that is copied; callback 0: nobody. */
static void add(const char *text, uint32_t callback) {
  add_pieces(&(weir_piece){.bytes = text, .size = strlen(text)}, 1, callback);
}

static void add_borrowed(const char *text, uint32_t anchor, uint32_t callback) {
  add_pieces(&(weir_piece){.bytes = text, .size = strlen(text), .anchor = anchor}, 1, callback);
}

/* What waits for the sink, slice by slice: "ab|c". */
static const char *waiting(void) {
  static char text[256];
  weir_slice slices[16];
  size_t used = 0, count = weir_queue_slices(&queue, slices, 16);
  for (size_t i = 0; i < count; i++) {
    if (i > 0) text[used++] = '|';
    memcpy(text + used, slices[i].base, slices[i].size);
    used += slices[i].size;
  }
  text[used] = '\0';
  return text;
}

static uint32_t take_due(void) {
  weir_entry *entry = weir_queue_take_due(&queue);
  return entry ? drop(entry) : 0;
}

/* --- adding ---------------------------------------------------------------------------------- */

SPEC("small chunks that nobody waits for lie side by side, and leave as one run of bytes") {
  begin();
  add("ab", 0);
  add("c", 0);
  add("def", 0);
  CHECK_STRING(waiting(), "abcdef");
  CHECK_EQUAL(queue.count, 1);
  CHECK_EQUAL(queue.writes, 3);
  done();
}

SPEC("a callback closes its entry: what follows begins a new one") {
  begin();
  add("a", 0);
  add("b", 1);
  add("c", 0);
  CHECK_STRING(waiting(), "ab|c");
  CHECK_EQUAL(queue.writes, 3);
  done();
}

SPEC("borrowed bytes are not copied, and keep their place between copied ones") {
  begin();
  static const char lent[] = "lent";
  add("a", 0);
  add_borrowed(lent, 5, 0);
  add("b", 0);
  weir_slice slices[3];
  CHECK_EQUAL(weir_queue_slices(&queue, slices, 3), 3);
  CHECK(slices[1].base == lent);
  CHECK_STRING(waiting(), "a|lent|b");
  done();
  CHECK_EQUAL(forgotten_count, 1);
}

SPEC("the pieces of one chunk stay together, and its callback comes with the last of them") {
  begin();
  const weir_piece pieces[] = {{.bytes = "line ", .size = 5},
                               {.bytes = "long", .size = 4, .anchor = 7},
                               {.bytes = "", .size = 0},
                               {.bytes = "\n", .size = 1}};
  add_pieces(pieces, 4, 1);
  CHECK_STRING(waiting(), "line |long|\n");
  CHECK_EQUAL(queue.writes, 1);
  weir_queue_submitted(&queue, 10);
  CHECK_EQUAL(weir_queue_written(&queue, 9), 0);
  CHECK_EQUAL(queue.writes, 1);
  CHECK_EQUAL(weir_queue_written(&queue, 1), 1);
  CHECK_EQUAL(queue.writes, 0);
  CHECK_EQUAL(take_due(), 1);
  done();
}

SPEC("a chunk of no bytes keeps its place for its callback, and without one is nothing") {
  begin();
  add("", 0);
  add_pieces(NULL, 0, 0);
  CHECK(weir_queue_is_empty(&queue));
  CHECK(!weir_queue_is_waiting(&queue));
  add("a", 1);
  add("", 2);
  add("b", 3);
  CHECK_STRING(waiting(), "a|b");
  weir_queue_submitted(&queue, 1);
  CHECK_EQUAL(weir_queue_written(&queue, 1), 2);
  CHECK_EQUAL(take_due(), 1);
  CHECK_EQUAL(take_due(), 2);
  CHECK_EQUAL(take_due(), 0);
  done();
}

SPEC("a borrowed value of no bytes is an entry of its own, also without a callback") {
  begin();
  add_borrowed("", 9, 0);
  CHECK_EQUAL(queue.count, 1);
  CHECK_EQUAL(queue.writes, 1);
  done();
  CHECK_EQUAL(forgotten_count, 1);
}

SPEC("a chunk larger than a slab goes on in the next one") {
  begin();
  static char big[2 * WEIR_SLAB_BYTES + 100];
  for (size_t i = 0; i < sizeof big; i++) big[i] = (char)(i * 7);
  add("x", 0);
  add_pieces(&(weir_piece){.bytes = big, .size = sizeof big}, 1, 1);
  weir_slice slices[8];
  size_t count = weir_queue_slices(&queue, slices, 8), at = 0;
  CHECK_EQUAL(count, 3);
  CHECK_EQUAL(slices[0].size, WEIR_SLAB_BYTES);
  CHECK(slices[0].base[0] == 'x');
  slices[0].base++;
  slices[0].size--;
  for (size_t i = 0; i < count; i++) {
    CHECK(memcmp(slices[i].base, big + at, slices[i].size) == 0);
    at += slices[i].size;
  }
  CHECK_EQUAL(at, sizeof big);
  done();
}

SPEC("what was reserved can be added without asking for memory, whatever the pieces") {
  if (!failing_alloc_works()) SKIP("allocations cannot be counted here");
  begin();
  static char bytes[3 * WEIR_SLAB_BYTES];
  for (int i = 0; i < 300; i++) {
    weir_piece pieces[6];
    size_t count = (size_t)check_random(7);
    for (size_t p = 0; p < count; p++) {
      bool large = check_random(8) == 0;
      size_t size = (size_t)check_random(large ? sizeof bytes : 3000);
      pieces[p] =
          (weir_piece){.bytes = bytes, .size = size, .anchor = check_random(3) == 0 ? 1 : 0};
    }
    CHECK(weir_queue_reserve(&queue, pieces, count));
    failing_alloc_begin(1, true);
    weir_queue_add(&queue, pieces, count, (weir_callback){(uint32_t)check_random(2), 0});
    CHECK_EQUAL(failing_alloc_asked(), 0);
    failing_alloc_end();
    forgotten_count = 0;
    if (check_random(10) == 0) {
      for (weir_entry *entry; (entry = weir_queue_take(&queue));) {
        drop(entry);
        forgotten_count = 0;
      }
    }
  }
  for (weir_entry *entry; (entry = weir_queue_take(&queue));) {
    drop(entry);
    forgotten_count = 0;
  }
  done();
}

SPEC("without memory a reserve says so and takes nothing") {
  if (!failing_alloc_works()) SKIP("allocations cannot be made to fail here");
  begin();
  add("a", 0);
  static char big[WEIR_SLAB_BYTES];
  const weir_piece piece = {.bytes = big, .size = sizeof big};
  weir_slab_pool_deinit(&slabs);
  weir_entry_pool_deinit(&entries);
  for (long nth = 1; nth <= 3; nth++) {
    weir_slab_pool_init(&slabs);
    failing_alloc_begin(nth, true);
    CHECK(!weir_queue_reserve(&queue, &piece, 1));
    failing_alloc_end();
    CHECK_STRING(waiting(), "a");
    CHECK_EQUAL(queue.count, 1);
    weir_slab_pool_deinit(&slabs);
    weir_entry_pool_deinit(&entries);
  }
  weir_slab_pool_init(&slabs);
  CHECK(weir_queue_reserve(&queue, &piece, 1));
  done();
}

/* --- the marks ------------------------------------------------------------------------------- */

SPEC("the sink is offered no more slices than it has room for, and the rest next time") {
  begin();
  for (uint32_t i = 1; i <= 5; i++) add("ab", i);
  weir_slice slices[5];
  CHECK_EQUAL(weir_queue_slices(&queue, slices, 2), 2);
  weir_queue_submitted(&queue, 4);
  CHECK_EQUAL(weir_queue_slices(&queue, slices, 5), 3);
  done();
}

SPEC("a sink that takes half a chunk is offered the other half next, never the first again") {
  begin();
  add("abcd", 1);
  add("ef", 0);
  weir_queue_submitted(&queue, 3);
  CHECK(weir_queue_is_with_sink(&queue));
  CHECK_STRING(waiting(), "d|ef");
  weir_queue_submitted(&queue, 2);
  CHECK_STRING(waiting(), "f");
  CHECK(weir_queue_is_with_sink(&queue));
  CHECK(weir_queue_is_waiting(&queue));
  weir_queue_submitted(&queue, 1);
  CHECK_STRING(waiting(), "");
  CHECK(!weir_queue_is_waiting(&queue));
  CHECK(weir_queue_is_with_sink(&queue));
  CHECK_EQUAL(weir_queue_written(&queue, 6), 1);
  CHECK(!weir_queue_is_with_sink(&queue));
  done();
}

SPEC("a chunk's callback is due when its last byte is written, and not before") {
  begin();
  add("abcd", 1);
  add("ef", 2);
  weir_queue_submitted(&queue, 6);
  CHECK_EQUAL(weir_queue_written(&queue, 3), 0);
  CHECK_EQUAL(take_due(), 0);
  CHECK_EQUAL(weir_queue_written(&queue, 2), 1);
  CHECK_EQUAL(weir_queue_written(&queue, 1), 1);
  CHECK_EQUAL(take_due(), 1);
  CHECK_EQUAL(take_due(), 2);
  CHECK_EQUAL(take_due(), 0);
  CHECK(weir_queue_is_empty(&queue));
  done();
}

SPEC("memory is given back as soon as the bytes are written, though the callback still waits") {
  begin();
  add_borrowed("lent", 5, 1);
  weir_queue_submitted(&queue, 4);
  weir_queue_written(&queue, 3);
  CHECK_EQUAL(forgotten_count, 0);
  weir_queue_written(&queue, 1);
  CHECK_EQUAL(forgotten_count, 1);
  CHECK_EQUAL(forgotten[0], 5);
  CHECK_EQUAL(queue.count, 1);
  CHECK_EQUAL(take_due(), 1);
  done();
}

SPEC("small bytes may join those that the sink has already, and leave after them") {
  begin();
  add("ab", 0);
  weir_queue_submitted(&queue, 2);
  CHECK_EQUAL(weir_queue_written(&queue, 1), 0);
  add("cd", 0);
  CHECK_EQUAL(queue.count, 1);
  CHECK_STRING(waiting(), "cd");
  weir_queue_submitted(&queue, 2);
  weir_queue_written(&queue, 3);
  CHECK(weir_queue_is_empty(&queue));
  CHECK_EQUAL(queue.writes, 0);
  done();
}

SPEC("bytes never join an entry that has been written to its end") {
  begin();
  add("a", 1);
  add("b", 0);
  weir_queue_submitted(&queue, 2);
  CHECK_EQUAL(weir_queue_written(&queue, 2), 1); /* b is told to nobody but waits behind a */
  add("c", 0);
  CHECK_STRING(waiting(), "c");
  CHECK_EQUAL(queue.writes, 1);
  CHECK_EQUAL(take_due(), 1);
  done();
}

SPEC("an idle queue keeps no slab, and one whose bytes are written fills it from the front again") {
  begin();
  add("ab", 1);
  weir_slab *slab = queue.fill;
  add_borrowed("lent", 5, 0);
  weir_queue_submitted(&queue, 2);
  weir_queue_written(&queue, 2);
  CHECK(queue.fill == slab);
  CHECK_EQUAL(slab->used, 0);
  add("cd", 0);
  CHECK_STRING(waiting(), "lent|cd");
  CHECK_EQUAL(slab->used, 2);
  weir_queue_submitted(&queue, 6);
  weir_queue_written(&queue, 6);
  CHECK(queue.fill == NULL);
  done();
}

SPEC("entries that nobody waits for leave with the callback before them") {
  begin();
  add("a", 1);
  add_borrowed("b", 2, 0);
  add_borrowed("c", 3, 0);
  weir_queue_submitted(&queue, 3);
  CHECK_EQUAL(weir_queue_written(&queue, 3), 1);
  CHECK_EQUAL(take_due(), 1);
  CHECK(weir_queue_is_empty(&queue));
  CHECK_EQUAL(queue.count, 0);
  done();
}

/* --- taking out ------------------------------------------------------------------------------ */

SPEC("what the sink gave back waits again from the first byte that is not written") {
  begin();
  add("abcd", 1);
  add("ef", 0);
  weir_queue_submitted(&queue, 5);
  weir_queue_written(&queue, 2);
  weir_queue_give_back(&queue);
  CHECK(!weir_queue_is_with_sink(&queue));
  CHECK_STRING(waiting(), "cd|ef");
  done();
}

SPEC("an entry that is taken out counts only what of it has not been written") {
  begin();
  add("abcd", 1);
  weir_queue_submitted(&queue, 4);
  weir_queue_written(&queue, 3);
  weir_queue_give_back(&queue);
  weir_entry *entry = weir_queue_take(&queue);
  CHECK_EQUAL(entry->size, 1);
  CHECK(entry->bytes[0] == 'd');
  drop(entry);
  done();
}

SPEC("an entry that has been written is never taken out as one that has not") {
  begin();
  add("a", 1);
  add_borrowed("b", 2, 0);
  add_borrowed("c", 3, 4);
  weir_queue_submitted(&queue, 2);
  weir_queue_written(&queue, 2);
  CHECK_EQUAL(take_due(), 1);
  weir_entry *entry = weir_queue_take(&queue);
  CHECK_EQUAL(entry->callback.anchor, 4);
  drop(entry);
  CHECK(weir_queue_take(&queue) == NULL);
  done();
}

SPEC("entries are taken out in order, whole, and the queue is as new afterwards") {
  begin();
  add("a", 1);
  add("b", 2);
  weir_entry *entry = weir_queue_take(&queue);
  CHECK(entry->next == NULL);
  CHECK_EQUAL(drop(entry), 1);
  CHECK_EQUAL(drop(weir_queue_take(&queue)), 2);
  CHECK(weir_queue_take(&queue) == NULL);
  CHECK(queue.fill == NULL);
  add("c", 0);
  CHECK_STRING(waiting(), "c");
  done();
}

/* --- impossible states ----------------------------------------------------------------------- */

static void take_from_the_sink(void) {
  begin();
  add("ab", 0);
  weir_queue_submitted(&queue, 1);
  weir_queue_take(&queue);
}
static void submit_more_than_waits(void) {
  begin();
  add("ab", 0);
  weir_queue_submitted(&queue, 3);
}
static void write_more_than_was_added(void) {
  begin();
  add("ab", 0);
  weir_queue_submitted(&queue, 2);
  weir_queue_written(&queue, 3);
}
static void write_more_than_was_submitted(void) {
  begin();
  add("ab", 0);
  weir_queue_submitted(&queue, 1);
  weir_queue_written(&queue, 2);
}
static void deinit_with_entries(void) {
  begin();
  add("ab", 0);
  weir_queue_deinit(&queue);
}

SPEC("a sink cannot report more than it was given, nor lose what it has") {
  CHECK_ABORTS(take_from_the_sink);
  CHECK_ABORTS(submit_more_than_waits);
  CHECK_ABORTS(write_more_than_was_added);
  CHECK_ABORTS(write_more_than_was_submitted);
  CHECK_ABORTS(deinit_with_entries);
}

SPEC("a piece in a slab of others is shared, and given back when it is written") {
  begin();
  weir_slab *slab = weir_slab_new(&slabs, 64);
  memcpy(slab->bytes, "shared", 6);
  weir_piece pieces[] = {{.bytes = "a", .size = 1},
                         {.bytes = slab->bytes, .size = 6, .slab = slab},
                         {.bytes = "b", .size = 1}};
  add_pieces(pieces, 3, 0);
  CHECK_EQUAL(slab->references, 2);
  weir_slice slices[4];
  CHECK_EQUAL(weir_queue_slices(&queue, slices, 4), 3);
  CHECK(slices[1].base == slab->bytes);
  weir_queue_submitted(&queue, 8);
  weir_queue_written(&queue, 7);
  CHECK_EQUAL(slab->references, 1);
  weir_queue_written(&queue, 1);
  weir_slab_release(&slabs, slab);
  done();
}

/* --- fences ---------------------------------------------------------------------------------- */

SPEC("an empty queue is at no fence; one that has a fence next is, until it is lifted") {
  begin();
  CHECK(!weir_queue_is_at_fence(&queue));
  CHECK(weir_queue_reserve(&queue, NULL, 0));
  weir_queue_add_fence(&queue, WEIR_NOBODY);
  CHECK(weir_queue_is_at_fence(&queue));
  weir_queue_lift_fence(&queue);
  CHECK(!weir_queue_is_at_fence(&queue));
  done();
}

int main(int argc, char **argv) {
  return check_main(argc, argv);
}
