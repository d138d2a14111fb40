/* file_ring_spec.c - what is offered is written once, in order, whatever the system takes at a time.
**
** The system call is replaced: pwritev writes into memory, as much of it as the spec lets it.
** SPDX-License-Identifier: MIT
*/
#include "sinks/uv_api.h"

#include "sinks/file_ring.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "support/check.h"
#include "support/failing_alloc.h"

enum { FILE_BYTES = 16 << 20, MEBIBYTE = 1 << 20 };

/* --- the file ---------------------------------------------------------------------------------- */

static char content[FILE_BYTES];  /* what is in it */
static uint64_t expected_offset;  /* where the next call must begin: no gap, no overlap */
static size_t limit;              /* the most that a call takes; 0: anything */
static bool random_limit;         /* or rather a number below it, at least 1 */
static int failing_call, failure; /* the nth call from now fails so; 0: none */
static int calls, vectors_max;
static size_t bytes_max;
static weir_file_ring *stopped; /* is told to stop from within the call */
static bool forgetful;          /* takes all, and keeps nothing: the bytes need not be there */

static ssize_t take(const struct iovec *vectors, int count, uint64_t offset) {
  size_t total = 0, most = limit;
  if (random_limit) most = 1 + (size_t)check_random(limit);
  for (int i = 0; i < count; i++) {
    CHECK(vectors[i].iov_len > 0);
    size_t size = vectors[i].iov_len;
    if (most > 0 && size > most - total) size = most - total;
    if (!CHECK(offset + total + size <= FILE_BYTES)) abort();
    memcpy(content + offset + total, vectors[i].iov_base, size);
    total += size;
    if (most > 0 && total == most) break;
  }
  return (ssize_t)total;
}

/* In place of libc's. */
ssize_t pwritev(int fd, const struct iovec *vectors, int count, off_t offset) {
  CHECK_EQUAL(fd, 7);
  CHECK_EQUAL(offset, expected_offset);
  size_t offered = 0;
  for (int i = 0; i < count; i++) offered += vectors[i].iov_len;
  if (count > vectors_max) vectors_max = count;
  if (offered > bytes_max) bytes_max = offered;
  calls++;
  if (stopped) atomic_store(&stopped->stop, true);
  if (failing_call > 0 && --failing_call == 0) {
    errno = failure;
    return -1;
  }
  ssize_t taken = forgetful ? (ssize_t)offered : take(vectors, count, (uint64_t)offset);
  expected_offset += (uint64_t)taken;
  return taken;
}

/* --- the ring ---------------------------------------------------------------------------------- */

static weir_file_ring ring;
static weir_file file;

static void begin(void) {
  weir_file_ring_deinit(&ring);
  expected_offset = 0;
  limit = 0;
  random_limit = forgetful = false;
  failing_call = calls = vectors_max = 0;
  bytes_max = 0;
  stopped = NULL;
  weir_file_ring_init(&ring);
  weir_file_init(&file);
  file.fd = 7;
  file.regular = file.positioned = true;
}

static uint64_t offer(const char *text) {
  weir_slice slice = {text, strlen(text)};
  return weir_file_ring_offer(&ring, &slice, 1);
}

/* Turns are bounded in time as well, so on a busy machine it may take several. */
static int drain(void) {
  int error;
  do {
    error = weir_file_ring_drain(&ring, &file);
  } while (!error && !weir_file_ring_is_empty(&ring) && !atomic_load(&ring.stop));
  return error;
}

#define CHECK_CONTENT(text) \
  do { \
    CHECK_EQUAL(weir_file_ring_done(&ring), strlen(text)); \
    CHECK(memcmp(content, (text), strlen(text)) == 0); \
  } while (0)

SPEC("nothing offered is nothing written") {
  begin();
  CHECK(weir_file_ring_is_empty(&ring));
  CHECK_EQUAL(drain(), 0);
  CHECK_EQUAL(calls, 0);
}

SPEC("slices are written in the order they were offered, in one call") {
  begin();
  CHECK_EQUAL(offer("abc"), 3);
  CHECK_EQUAL(offer("defg"), 4);
  CHECK(!weir_file_ring_is_empty(&ring));
  CHECK_EQUAL(weir_file_ring_done(&ring), 0);
  CHECK_EQUAL(drain(), 0);
  CHECK_CONTENT("abcdefg");
  CHECK(weir_file_ring_is_empty(&ring));
  CHECK_EQUAL(calls, 1);
  CHECK_EQUAL(vectors_max, 2);
}

SPEC("it goes on behind what is written") {
  begin();
  offer("abc");
  CHECK_EQUAL(drain(), 0);
  offer("def");
  CHECK_EQUAL(drain(), 0);
  CHECK_CONTENT("abcdef");
}

SPEC("what comes while it is full waits for room, which written slices leave") {
  begin();
  weir_slice slices[WEIR_RING_SLICES + 6];
  for (size_t i = 0; i < WEIR_RING_SLICES + 6; i++) slices[i] = (weir_slice){"xyz", 3};
  CHECK_EQUAL(weir_file_ring_offer(&ring, slices, WEIR_RING_SLICES + 6), 3 * WEIR_RING_SLICES);
  CHECK_EQUAL(weir_file_ring_offer(&ring, slices, 1), 0);
  limit = 7; /* two slices, and one in part */
  failing_call = 2;
  failure = EIO;
  CHECK_EQUAL(drain(), EIO);
  CHECK_EQUAL(weir_file_ring_offer(&ring, slices, 3), 6);
  limit = 0;
  CHECK_EQUAL(drain(), 0);
  CHECK_EQUAL(weir_file_ring_done(&ring), 3 * (WEIR_RING_SLICES + 2));
  CHECK_EQUAL(weir_file_ring_offer(&ring, slices, WEIR_RING_SLICES), 3 * WEIR_RING_SLICES);
}

SPEC("a short write is resumed at the exact byte, wherever it was cut") {
  const char *text = "abcdefghijkl";
  for (size_t cut = 1; cut < 12; cut++) {
    begin();
    offer("abc");
    offer("d");
    offer("efghij");
    offer("kl");
    limit = cut;
    CHECK_EQUAL(drain(), 0);
    CHECK_CONTENT(text);
    CHECK_EQUAL(calls, (12 + (int)cut - 1) / (int)cut);
  }
}

SPEC("a failed call leaves the position behind what was written before it") {
  begin();
  offer("abcdef");
  offer("ghi");
  limit = 4;
  failing_call = 2;
  failure = ENOSPC;
  CHECK_EQUAL(drain(), ENOSPC);
  CHECK_CONTENT("abcd");
  CHECK_STRING(file.failed_call, "write");
}

SPEC("told to stop, it does not begin another call") {
  begin();
  offer("abcdef");
  limit = 2;
  stopped = &ring;
  CHECK_EQUAL(drain(), 0);
  CHECK_CONTENT("ab");
  CHECK_EQUAL(calls, 1);
  CHECK_EQUAL(drain(), 0);
  CHECK_EQUAL(calls, 1);
}

SPEC("a call takes no more than 1 MiB, and a turn no more than 4 MiB and a call") {
  begin();
  char *big = malloc(FILE_BYTES);
  if (!CHECK(big)) return;
  for (size_t i = 0; i < FILE_BYTES; i++) big[i] = (char)(i * 2654435761u >> 13);
  weir_slice slice = {big, 9 * MEBIBYTE + 5};
  CHECK_EQUAL(weir_file_ring_offer(&ring, &slice, 1), slice.size);
  for (uint64_t before = 0; !weir_file_ring_is_empty(&ring); before = weir_file_ring_done(&ring)) {
    CHECK_EQUAL(weir_file_ring_drain(&ring, &file), 0);
    uint64_t turn = weir_file_ring_done(&ring) - before;
    if (!CHECK(turn > 0 && turn <= 4 * MEBIBYTE)) break;
  }
  CHECK_EQUAL(bytes_max, MEBIBYTE);
  CHECK(memcmp(content, big, slice.size) == 0);
  free(big);
}

SPEC("long and short slices share a call up to its limit, and are cut there") {
  begin();
  char *big = malloc(2 * MEBIBYTE);
  if (!CHECK(big)) return;
  memset(big, 'x', 2 * MEBIBYTE);
  offer("ab");
  weir_slice slice = {big, MEBIBYTE};
  weir_file_ring_offer(&ring, &slice, 1);
  offer("cd");
  CHECK_EQUAL(drain(), 0);
  CHECK_EQUAL(calls, 2);
  CHECK_EQUAL(bytes_max, MEBIBYTE);
  CHECK_EQUAL(weir_file_ring_done(&ring), MEBIBYTE + 4);
  CHECK(memcmp(content, "abxx", 4) == 0);
  CHECK(memcmp(content + MEBIBYTE, "xxcd", 4) == 0);
  free(big);
}

SPEC("positions, and a single slice, may be beyond 4 GiB") {
  begin();
  forgetful = true;
  const uint64_t huge = UINT64_C(5) << 30;
  weir_slice slice = {content, (size_t)huge};
  if (slice.size != huge) SKIP("memory is not that large here");
  CHECK_EQUAL(weir_file_ring_offer(&ring, &slice, 1), huge);
  offer("abc");
  CHECK_EQUAL(drain(), 0);
  CHECK_EQUAL(weir_file_ring_done(&ring), huge + 3);
  CHECK_EQUAL(expected_offset, huge + 3);
  CHECK_EQUAL(bytes_max, MEBIBYTE);
}

SPEC("an empty ring gives its memory back, and goes on; without memory it has room for one slice") {
  if (!failing_alloc_works()) SKIP("allocations cannot be made to fail here");
  begin();
  long live = failing_alloc_live();
  weir_slice slices[] = {{"ab", 2}, {"cd", 2}};
  CHECK_EQUAL(weir_file_ring_offer(&ring, slices, 2), 4);
  weir_file_ring_rest(&ring); /* it is not empty */
  CHECK_EQUAL(failing_alloc_live(), live + 1);
  CHECK_EQUAL(drain(), 0);
  weir_file_ring_rest(&ring);
  CHECK_EQUAL(failing_alloc_live(), live);
  failing_alloc_begin(1, true);
  CHECK_EQUAL(weir_file_ring_offer(&ring, slices, 2), 2);
  CHECK_EQUAL(weir_file_ring_offer(&ring, slices + 1, 1), 0);
  CHECK_EQUAL(drain(), 0);
  CHECK_EQUAL(weir_file_ring_offer(&ring, slices + 1, 1), 2);
  CHECK_EQUAL(drain(), 0);
  failing_alloc_end();
  CHECK_EQUAL(weir_file_ring_offer(&ring, slices, 2), 4);
  CHECK_EQUAL(drain(), 0);
  CHECK(memcmp(content, "abcdabcdabcd", 8) == 0);
  weir_file_ring_rest(&ring);
  CHECK_EQUAL(failing_alloc_live(), live);
}

/* --- at random --------------------------------------------------------------------------------- */

enum { POOL = 1 << 16 };
static char pool[POOL]; /* the bytes at position p of all that is offered are pool[p % POOL] */

static void fill_pool(void) {
  for (size_t i = 0; i < POOL; i++) pool[i] = (char)check_random(256);
}

/* Offers up to `left` bytes, in one to eight slices of sizes that spread over all magnitudes. */
static uint64_t offer_some(uint64_t left) {
  weir_slice slices[8];
  size_t count = 0, wanted = 1 + (size_t)check_random(8);
  uint64_t at = ring.offered;
  while (count < wanted && left > 0) {
    uint64_t size = 1 + check_random((uint64_t)1 << check_random(13));
    if (size > left) size = left;
    if (size > POOL - at % POOL) size = POOL - at % POOL;
    slices[count++] = (weir_slice){pool + at % POOL, (size_t)size};
    at += size;
    left -= size;
  }
  return weir_file_ring_offer(&ring, slices, count);
}

static void check_content(uint64_t size) {
  CHECK_EQUAL(weir_file_ring_done(&ring), size);
  for (uint64_t i = 0; i < size; i++) {
    if (content[i] != pool[i % POOL]) {
      CHECK_EQUAL(i, size); /* the byte at i is wrong */
      return;
    }
  }
}

SPEC("any sizes, any cuts, and errors in between: the bytes are the same") {
  int rounds = getenv("SPEC_TOOL") ? 20 : 200; /* it runs many times slower than usual */
  for (int round = 0; round < rounds; round++) {
    check_random_begin(check_seed() + (uint64_t)round);
    begin();
    fill_pool();
    uint64_t total = 1 + check_random(200000);
    random_limit = check_random(3) > 0;
    limit = random_limit ? (size_t)1 << check_random(16) : 0;
    while (ring.offered < total || !weir_file_ring_is_empty(&ring)) {
      offer_some(total - ring.offered);
      if (check_random(4) == 0) continue;
      bool fails = check_random(5) == 0;
      failing_call = fails ? 1 + (int)check_random(3) : 0;
      failure = EIO;
      int error = drain();
      CHECK(error == 0 || (fails && error == EIO));
      failing_call = 0;
    }
    check_content(total);
  }
}

/* --- with a thread ----------------------------------------------------------------------------- */

static atomic_bool offered_all;
static uint64_t total_bytes;

/* As the pool would: comes again whenever there may be something. */
static void write_on(void *nothing) {
  (void)nothing;
  do {
    CHECK_EQUAL(weir_file_ring_drain(&ring, &file), 0);
    sched_yield();
  } while (!atomic_load(&offered_all) || weir_file_ring_done(&ring) < total_bytes);
}

SPEC("a thread that writes and one that offers need no lock, and lose nothing") {
  begin();
  fill_pool();
  atomic_store(&offered_all, false);
  total_bytes = getenv("SPEC_TOOL") ? MEBIBYTE : FILE_BYTES;
  uv_thread_t thread;
  if (!CHECK_EQUAL(uv_thread_create(&thread, write_on, NULL), 0)) return;
  while (ring.offered < total_bytes) {
    uint64_t before = weir_file_ring_done(&ring);
    offer_some(total_bytes - ring.offered);
    uint64_t after = weir_file_ring_done(&ring);
    CHECK(before <= after && after <= ring.offered);
  }
  atomic_store(&offered_all, true);
  uv_thread_join(&thread);
  check_content(total_bytes);
}

/* --- waiting awake ----------------------------------------------------------------------------- */

SPEC("bytes that come one by one, while the writer waits or has just left, are all written") {
  begin();
  atomic_store(&offered_all, false);
  total_bytes = 2000;
  uv_thread_t thread;
  if (!CHECK_EQUAL(uv_thread_create(&thread, write_on, NULL), 0)) return;
  for (uint64_t i = 1; i <= total_bytes; i++) {
    CHECK_EQUAL(offer("x"), 1);
    while (weir_file_ring_done(&ring) < i) sched_yield();
  }
  atomic_store(&offered_all, true);
  uv_thread_join(&thread);
  CHECK_EQUAL(weir_file_ring_done(&ring), total_bytes);
}

SPEC("the oftener nothing comes, the less the writer waits for it") {
  begin();
  /* Ten are enough, unless the thread was held up: a wait that was cut short is no bet lost. */
  for (int i = 0; i < 1000 && (i < 10 || ring.waiting.score > 0); i++) CHECK_EQUAL(drain(), 0);
  if (ring.waiting.score > 0 && ring.yield.not_before_ns > 0) SKIP("others need this processor");
  if (!weir_pool_begin_spin()) SKIP("no processor is left to wait awake on");
  weir_pool_end_spin();
  CHECK_EQUAL(ring.waiting.score, 0);
}

SPEC("in a hurry, or told to stop, the writer does not wait") {
  begin();
  atomic_store(&ring.hurry, true);
  for (int i = 0; i < 20; i++) CHECK_EQUAL(drain(), 0);
  atomic_store(&ring.hurry, false);
  atomic_store(&ring.stop, true);
  for (int i = 0; i < 20; i++) CHECK_EQUAL(drain(), 0);
  CHECK_EQUAL(calls, 0);
  weir_bet whole;
  weir_bet_init(&whole);
  CHECK_EQUAL(ring.waiting.score, whole.score); /* neither counts as lost */
}

int main(int argc, char **argv) {
  return check_main(argc, argv);
}
