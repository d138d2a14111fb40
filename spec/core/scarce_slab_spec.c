/* scarce_slab_spec.c - streams that are written to in one turn do not hold a slab each until its
** end.
** SPDX-License-Identifier: MIT
*/
#include "support/check.h"
#include "support/fake_sink.h"

enum { SLABS = 129 };

static fake_bytes sink;
static weir_slab *slabs[SLABS];

static void take_slabs(weir_slab_pool *pool) {
  for (int i = 0; i < SLABS; i++) slabs[i] = weir_slab_new(pool, WEIR_SLAB_BYTES);
}

static void give_slabs(weir_slab_pool *pool) {
  for (int i = 0; i < SLABS; i++) weir_slab_release(pool, slabs[i]);
}

SPEC("where slabs are few, what gathers waits for the turn's end") {
  fake_host *host = fake_bytes_new(&sink, (fake_options){.mark = 10});
  sink.writes_inside = true;
  fake_write(host, "a", NULL);
  CHECK_LOG(host, "true");
  fake_run(host);
  CHECK_LOG(host, "| take(a)");
  CHECK_EQUAL(host->core.slabs.taken, 0);
  fake_host_free(host);
}

SPEC("where many slabs are in use, a small write leaves at once and gives its own back") {
  fake_host *host = fake_bytes_new(&sink, (fake_options){.mark = 10});
  weir_slab_pool *pool = &host->core.slabs;
  take_slabs(pool);
  sink.writes_inside = true;
  fake_write(host, "a", "done");
  CHECK_LOG(host, "take(a) true");
  CHECK_EQUAL(pool->taken, SLABS);
  fake_run(host);
  CHECK_LOG(host, "| done");
  give_slabs(pool);
  CHECK_EQUAL(pool->taken, 0);
  fake_host_free(host);
}

SPEC("where many slabs are in use, what the sink does not write keeps its slab") {
  fake_host *host = fake_bytes_new(&sink, (fake_options){.mark = 10});
  weir_slab_pool *pool = &host->core.slabs;
  take_slabs(pool);
  fake_write(host, "a", NULL);
  CHECK_LOG(host, "take(a) true");
  CHECK_EQUAL(pool->taken, SLABS + 1);
  fake_bytes_write(&sink, 1);
  CHECK_EQUAL(pool->taken, SLABS);
  give_slabs(pool);
  fake_host_free(host);
}

SPEC("where many slabs are in use, a write that fills the queue is answered like any other") {
  fake_host *host = fake_bytes_new(&sink, (fake_options){.mark = 2});
  weir_slab_pool *pool = &host->core.slabs;
  take_slabs(pool);
  sink.writes_inside = true;
  fake_write(host, "ab", "done");
  CHECK_LOG(host, "take(ab) false");
  fake_run(host);
  CHECK_LOG(host, "| drain done");
  give_slabs(pool);
  CHECK_EQUAL(pool->taken, 0);
  fake_host_free(host);
}

int main(int argc, char **argv) {
  return check_main(argc, argv);
}
