/* writable_append_spec.c - the short way is open exactly where the long one would only count. (That both
** come to the same is checked by all other specs: fake_host.c goes them in turns.)
** SPDX-License-Identifier: MIT
*/
#include "core/writable_append.h"

#include <string.h>

#include "support/check.h"
#include "support/fake_sink.h"

static fake_bytes sink;
static char big[65536];

static size_t room_of(const fake_host *host) {
  size_t room;
  const char *place = weir_writable_place(host->writable, &room);
  CHECK(place || room == 0);
  return room;
}

/* One byte has gathered the long way. */
static fake_host *gathering(fake_options options) {
  fake_host *host = fake_bytes_new(&sink, options);
  CHECK_EQUAL(room_of(host), 0);
  host->writes = 1;
  fake_write(host, "a", NULL);
  return host;
}

static void flush(fake_host *host) {
  fake_cork(host);
  fake_uncork(host);
}

static void write_big(fake_host *host, size_t size) {
  fake_write_pieces(host, &(weir_piece){.bytes = big, .size = size}, 1, NULL);
}

static void count_only(fake_bytes *self, const char *bytes, size_t size) {
  (void)self;
  (void)bytes;
  (void)size;
}

SPEC("it ends one byte below the mark") {
  fake_host *host = gathering((fake_options){.mark = 10});
  CHECK_EQUAL(room_of(host), 8);
  fake_write(host, "bcdefghi", NULL);
  CHECK_EQUAL(room_of(host), 0);
  CHECK_EQUAL(host->writable->length, 9);
  CHECK_EQUAL(host->writable->queue.writes, 2);
  CHECK_EQUAL(host->writable->stats.peak_buffered, 9);
  fake_write(host, "j", NULL);
  CHECK_LOG(host, "true true take(abcdefghij) false");
  fake_bytes_write(&sink, 10);
  fake_host_free(host);
}

SPEC("it ends with the slab") {
  fake_host *host = gathering((fake_options){.mark = 1 << 20});
  CHECK_EQUAL(room_of(host), WEIR_SLAB_BYTES - 1);
  write_big(host, WEIR_SLAB_BYTES - 1);
  CHECK_EQUAL(room_of(host), 0);
  write_big(host, 7);
  CHECK_EQUAL(room_of(host), WEIR_SLAB_BYTES - 7);
  sink.on_written = count_only;
  fake_run(host);
  fake_bytes_write(&sink, WEIR_SLAB_BYTES + 7);
  fake_host_free(host);
}

SPEC("it ends where max_buffered does") {
  fake_host *host = gathering((fake_options){.mark = 10, .max_buffered = 10});
  CHECK_EQUAL(room_of(host), 8);
  fake_run(host);
  fake_bytes_write(&sink, 1);
  fake_host_free(host);
  host = gathering((fake_options){.mark = 10, .max_buffered = 5});
  CHECK_EQUAL(room_of(host), 4);
  fake_run(host);
  fake_bytes_write(&sink, 1);
  fake_host_free(host);
}

SPEC("it is closed until the first write of a turn has gone the long way") {
  fake_host *host = gathering((fake_options){.mark = 10});
  fake_run(host);
  CHECK_EQUAL(room_of(host), 0);
  fake_write(host, "b", NULL);
  CHECK_EQUAL(room_of(host), 7);
  fake_run(host);
  CHECK_LOG(host, "true | take(a) true | take(b)");
  fake_bytes_write(&sink, 2);
  CHECK_EQUAL(room_of(host), 0);
  fake_host_free(host);
}

SPEC("behind what the sink has it goes on, and the sink gets only what is new") {
  fake_host *host = gathering((fake_options){.mark = 10});
  flush(host);
  CHECK_LOG(host, "true take(a)");
  CHECK_EQUAL(room_of(host), 8);
  host->writes = 0;
  fake_write(host, "bc", NULL);
  fake_run(host);
  CHECK_LOG(host, "true | take(bc)");
  fake_bytes_write(&sink, 3);
  CHECK_STRING(sink.delivered, "abc");
  fake_host_free(host);
}

SPEC("behind a callback it is closed, and open again behind the next write") {
  fake_host *host = gathering((fake_options){.mark = 10});
  fake_write(host, "b", "B");
  CHECK_EQUAL(room_of(host), 0);
  fake_write(host, "c", NULL);
  CHECK_EQUAL(room_of(host), 6);
  fake_run(host);
  fake_bytes_write(&sink, 3);
  fake_host_free(host);
}

SPEC("while callbacks are due it is closed") {
  fake_host *host = fake_bytes_new(&sink, (fake_options){.mark = 10});
  fake_write(host, "a", "A");
  host->writes = 1;
  fake_write(host, "b", NULL);
  flush(host);
  host->writable->untold++;
  CHECK_EQUAL(room_of(host), 0);
  host->writable->untold--;
  CHECK(room_of(host) > 0);
  fake_run(host);
  fake_bytes_write(&sink, 2);
  fake_host_free(host);
}

SPEC("where more callbacks wait than may, it is closed, so that the writer is told to slow down") {
  fake_host *host = fake_bytes_new(&sink, (fake_options){.mark = 1 << 20});
  host->silent = true;
  for (int i = 0; i < WEIR_ENTRIES_MAX; i++) fake_write(host, "a", "A");
  host->writes = 1;
  CHECK_EQUAL(fake_write(host, "b", NULL), WEIR_SLOW_DOWN);
  CHECK_EQUAL(room_of(host), 0);
  sink.on_written = count_only;
  fake_run(host);
  fake_bytes_write(&sink, WEIR_ENTRIES_MAX + 1);
  fake_host_free(host);
}

SPEC("while the sink is at work it ends where the sink is given more") {
  fake_host *host = gathering((fake_options){.mark = 1 << 20});
  sink.awake = true;
  sink.on_written = count_only;
  CHECK_EQUAL(room_of(host), WEIR_GIVE_BYTES_MIN - 2);
  write_big(host, WEIR_GIVE_BYTES_MIN - 2);
  CHECK_EQUAL(room_of(host), 0);
  CHECK_EQUAL(sink.submits, 0);
  write_big(host, 1);
  CHECK_EQUAL(sink.submits, 1);
  fake_run(host);
  fake_bytes_write(&sink, WEIR_GIVE_BYTES_MIN);
  fake_host_free(host);
}

SPEC("where the sink does not say whether it is at work, it ends as with one that is not") {
  fake_host *host = gathering((fake_options){.mark = 1 << 20});
  sink.sink.port.is_awake = NULL;
  CHECK_EQUAL(room_of(host), WEIR_SLAB_BYTES - 1);
  fake_run(host);
  fake_bytes_write(&sink, 1);
  fake_host_free(host);
}

SPEC("room that was found once is not looked for again before it is used up") {
  fake_host *host = gathering((fake_options){.mark = 10});
  CHECK_EQUAL(room_of(host), 8);
  sink.awake = true;
  CHECK_EQUAL(room_of(host), 8);
  fake_run(host);
  fake_bytes_write(&sink, 1);
  fake_host_free(host);
}

SPEC("after the end, or destroyed, or failed, it is closed") {
  fake_host *host = gathering((fake_options){.mark = 10});
  fake_end(host, NULL, NULL);
  CHECK_EQUAL(room_of(host), 0);
  fake_run(host);
  fake_bytes_write(&sink, 1);
  fake_host_free(host);

  host = gathering((fake_options){.mark = 10});
  fake_destroy(host, NULL);
  CHECK_EQUAL(room_of(host), 0);
  fake_host_free(host);

  host = gathering((fake_options){.mark = 10, .survives = true});
  flush(host);
  CHECK(room_of(host) > 0);
  fake_bytes_fail(&sink, "EIO");
  CHECK_EQUAL(room_of(host), 0);
  fake_destroy(host, NULL);
  fake_host_free(host);
}

SPEC("a corked stream gathers, up to the mark") {
  fake_host *host = fake_bytes_new(&sink, (fake_options){.mark = 10});
  fake_cork(host);
  fake_write(host, "a", NULL);
  CHECK_EQUAL(room_of(host), 8);
  fake_write(host, "b", NULL);
  fake_run(host);
  CHECK_LOG(host, "true true |");
  fake_uncork(host);
  fake_bytes_write(&sink, 2);
  fake_host_free(host);
}

int main(int argc, char **argv) {
  return check_main(argc, argv);
}
