/* entry_spec.c - entries come from a pool, zeroed, and go back holding nothing.
** SPDX-License-Identifier: MIT
*/
#include "core/entry.h"

#include "support/check.h"
#include "support/failing_alloc.h"

enum { KEPT_MAX = 2048 };

SPEC("what was reserved can be taken, zeroed") {
  weir_entry_pool pool;
  weir_entry_pool_init(&pool);
  CHECK(weir_entry_pool_reserve(&pool, 2));
  weir_entry *entry = weir_entry_pool_take(&pool);
  CHECK_EQUAL(pool.free_count, 1);
  CHECK(!entry->next && !entry->slab && !entry->bytes && !entry->stream && !entry->error);
  CHECK(entry->size == 0 && entry->anchor == 0 && entry->writes == 0);
  CHECK_EQUAL(entry->callback.anchor, WEIR_NOBODY.anchor);
  CHECK(!weir_tick_is_queued(&entry->tick));
  weir_entry_pool_give(&pool, entry);
  CHECK_EQUAL(pool.free_count, 2);
  weir_entry_pool_deinit(&pool);
}

SPEC("an entry that was used is zeroed when it is taken again") {
  weir_entry_pool pool;
  weir_entry_pool_init(&pool);
  CHECK(weir_entry_pool_reserve(&pool, 1));
  weir_entry *entry = weir_entry_pool_take(&pool);
  entry->size = 5;
  entry->writes = 3;
  entry->bytes = "bytes";
  weir_entry_pool_give(&pool, entry);
  CHECK(weir_entry_pool_take(&pool) == entry);
  CHECK(entry->size == 0 && entry->writes == 0 && !entry->bytes && !entry->next);
  weir_entry_pool_give(&pool, entry);
  weir_entry_pool_deinit(&pool);
}

SPEC("a reserve without memory says so, and what was there stays") {
  if (!failing_alloc_works()) SKIP("allocations cannot be made to fail here");
  long live = failing_alloc_live();
  weir_entry_pool pool;
  weir_entry_pool_init(&pool);
  failing_alloc_begin(3, false);
  CHECK(!weir_entry_pool_reserve(&pool, 5));
  CHECK_EQUAL(pool.free_count, 2);
  CHECK(weir_entry_pool_reserve(&pool, 5));
  failing_alloc_end();
  CHECK_EQUAL(failing_alloc_live(), live + 5);
  weir_entry_pool_deinit(&pool);
  CHECK_EQUAL(failing_alloc_live(), live);
}

SPEC("the pool keeps 2048 entries; beyond it memory goes back to the system") {
  long live = failing_alloc_live();
  static weir_entry *entries[KEPT_MAX + 5];
  weir_entry_pool pool;
  weir_entry_pool_init(&pool);
  CHECK(weir_entry_pool_reserve(&pool, KEPT_MAX + 5));
  for (int i = 0; i < KEPT_MAX + 5; i++) entries[i] = weir_entry_pool_take(&pool);
  for (int i = 0; i < KEPT_MAX + 5; i++) weir_entry_pool_give(&pool, entries[i]);
  CHECK_EQUAL(pool.free_count, KEPT_MAX);
  if (failing_alloc_works()) CHECK_EQUAL(failing_alloc_live(), live + KEPT_MAX);
  weir_entry_pool_deinit(&pool);
  CHECK_EQUAL(pool.free_count, 0);
  CHECK_EQUAL(failing_alloc_live(), live);
}

static void take_without_reserve(void) {
  weir_entry_pool pool;
  weir_entry_pool_init(&pool);
  weir_entry_pool_take(&pool);
}

SPEC("a take without a reserve is an impossible state") {
  CHECK_ABORTS(take_without_reserve);
}

/* Gives back an entry that still holds something. */
static void give(weir_entry entry) {
  weir_entry_pool pool;
  weir_entry_pool_init(&pool);
  weir_entry_pool_give(&pool, &entry);
}

static void give_with_slab(void) {
  static weir_slab slab;
  give((weir_entry){.slab = &slab});
}
static void give_with_anchor(void) {
  give((weir_entry){.anchor = 1});
}
static void give_with_callback(void) {
  give((weir_entry){.callback = {1, 1}});
}
static void give_with_error(void) {
  static weir_error error;
  give((weir_entry){.error = &error});
}
static void give_with_tick(void) {
  static weir_tick tick;
  give((weir_entry){.tick = {.next = &tick}});
}

SPEC("an entry that still holds something cannot go back") {
  CHECK_ABORTS(give_with_slab);
  CHECK_ABORTS(give_with_anchor);
  CHECK_ABORTS(give_with_callback);
  CHECK_ABORTS(give_with_error);
  CHECK_ABORTS(give_with_tick);
}

int main(int argc, char **argv) {
  return check_main(argc, argv);
}
