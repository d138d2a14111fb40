/* slab_spec.c - slabs are counted, come back to the pool, and the pool stays small.
** SPDX-License-Identifier: MIT
*/
#include "core/slab.h"

#include <string.h>

#include "support/check.h"
#include "support/failing_alloc.h"

enum { KEPT_MAX = 32 }; /* 1 MiB of slabs */

SPEC("what was reserved can be taken: empty, with one reference") {
  weir_slab_pool pool;
  weir_slab_pool_init(&pool);
  CHECK(weir_slab_pool_reserve(&pool, 2));
  CHECK_EQUAL(pool.free_count, 2);
  weir_slab *one = weir_slab_pool_take(&pool), *two = weir_slab_pool_take(&pool);
  CHECK(one != two);
  CHECK_EQUAL(one->references, 1);
  CHECK_EQUAL(one->used, 0);
  CHECK_EQUAL(pool.free_count, 0);
  weir_slab_release(&pool, one);
  weir_slab_release(&pool, two);
  weir_slab_pool_deinit(&pool);
}

SPEC("a slab comes back with its last reference, and is empty when it is taken again") {
  weir_slab_pool pool;
  weir_slab_pool_init(&pool);
  CHECK(weir_slab_pool_reserve(&pool, 1));
  weir_slab *slab = weir_slab_pool_take(&pool);
  slab->used = 99;
  weir_slab_hold(slab);
  weir_slab_release(&pool, slab);
  CHECK_EQUAL(pool.free_count, 0);
  weir_slab_release(&pool, slab);
  CHECK_EQUAL(pool.free_count, 1);
  CHECK(weir_slab_pool_take(&pool) == slab);
  CHECK_EQUAL(slab->used, 0);
  CHECK_EQUAL(slab->references, 1);
  weir_slab_release(&pool, slab);
  weir_slab_pool_deinit(&pool);
}

SPEC("a reserve that is there already costs nothing") {
  weir_slab_pool pool;
  weir_slab_pool_init(&pool);
  CHECK(weir_slab_pool_reserve(&pool, 2));
  failing_alloc_begin(1, true);
  CHECK(weir_slab_pool_reserve(&pool, 2));
  CHECK(weir_slab_pool_reserve(&pool, 0));
  failing_alloc_end();
  weir_slab_pool_deinit(&pool);
}

SPEC("a reserve without memory says so, and what was there stays") {
  if (!failing_alloc_works()) SKIP("allocations cannot be made to fail here");
  weir_slab_pool pool;
  weir_slab_pool_init(&pool);
  failing_alloc_begin(2, false);
  CHECK(!weir_slab_pool_reserve(&pool, 3));
  failing_alloc_end();
  CHECK_EQUAL(pool.free_count, 1);
  CHECK(weir_slab_pool_reserve(&pool, 3));
  weir_slab_pool_deinit(&pool);
}

SPEC("the pool keeps 1 MiB; beyond it memory goes back to the system") {
  long live = failing_alloc_live();
  weir_slab *slabs[KEPT_MAX + 3];
  weir_slab_pool pool;
  weir_slab_pool_init(&pool);
  CHECK(weir_slab_pool_reserve(&pool, KEPT_MAX + 3));
  for (int i = 0; i < KEPT_MAX + 3; i++) slabs[i] = weir_slab_pool_take(&pool);
  for (int i = 0; i < KEPT_MAX + 3; i++) weir_slab_release(&pool, slabs[i]);
  CHECK_EQUAL(pool.free_count, KEPT_MAX);
  if (failing_alloc_works()) CHECK_EQUAL(failing_alloc_live(), live + KEPT_MAX);
  weir_slab_pool_deinit(&pool);
  CHECK_EQUAL(pool.free_count, 0);
  CHECK_EQUAL(failing_alloc_live(), live);
}

SPEC("a slab in use outlives the pool and is freed with its last reference") {
  long live = failing_alloc_live();
  weir_slab_pool pool;
  weir_slab_pool_init(&pool);
  CHECK(weir_slab_pool_reserve(&pool, 2));
  weir_slab *slab = weir_slab_pool_take(&pool);
  weir_slab_pool_deinit(&pool);
  slab->bytes[0] = 'x';
  weir_slab_release(&pool, slab);
  CHECK_EQUAL(failing_alloc_live(), live);
}

static void take_without_reserve(void) {
  weir_slab_pool pool;
  weir_slab_pool_init(&pool);
  weir_slab_pool_take(&pool);
}

SPEC("a take without a reserve is an impossible state") {
  CHECK_ABORTS(take_without_reserve);
}

static void release_once_too_often(void) {
  static weir_slab slab;
  weir_slab_pool pool;
  weir_slab_pool_init(&pool);
  weir_slab_release(&pool, &slab);
}

SPEC("a release without a reference is an impossible state") {
  CHECK_ABORTS(release_once_too_often);
}

SPEC("a slab of any size may be made; only the standard ones return to the pool") {
  weir_slab_pool pool;
  weir_slab_pool_init(&pool);
  weir_slab *odd = weir_slab_new(&pool, 100), *usual = weir_slab_new(&pool, WEIR_SLAB_BYTES);
  CHECK_EQUAL(odd->capacity, 100);
  CHECK_EQUAL(usual->capacity, WEIR_SLAB_BYTES);
  CHECK_EQUAL(odd->references + usual->references, 2);
  memset(odd->bytes, 1, 100);
  weir_slab_release(&pool, odd);
  CHECK_EQUAL(pool.free_count, 0);
  weir_slab_release(&pool, usual);
  CHECK_EQUAL(pool.free_count, 1);
  weir_slab_pool_deinit(&pool);
}

SPEC("a slab that is too large, or that memory does not suffice for, is not made") {
  weir_slab_pool pool;
  weir_slab_pool_init(&pool);
  CHECK(!weir_slab_new(&pool, (size_t)UINT32_MAX + 1));
  failing_alloc_begin(1, true);
  bool works = failing_alloc_works();
  weir_slab *odd = weir_slab_new(&pool, 100), *usual = weir_slab_new(&pool, WEIR_SLAB_BYTES);
  failing_alloc_end();
  CHECK_EQUAL(odd == NULL, works);
  CHECK_EQUAL(usual == NULL, works);
  if (odd) weir_slab_release(&pool, odd);
  if (usual) weir_slab_release(&pool, usual);
  weir_slab_pool_deinit(&pool);
}

int main(int argc, char **argv) {
  return check_main(argc, argv);
}
