/* gzip_spec.c - what goes in comes out, however it is cut; what is damaged is named.
** SPDX-License-Identifier: MIT
*/
#include "zlib/gzip.h"

#include <stdlib.h>
#include <string.h>

#include "support/check.h"

enum { BYTES_MAX = 1 << 20 };

/* --- running a codec --------------------------------------------------------------------------- */

typedef struct run {
  weir_codec_status status;
  weir_codec_failure failure;
  size_t size; /* of the output */
  size_t calls;
  char *output;
} run;

/* Bytes at a time; 0: a random number of them. */
typedef struct cut {
  size_t input, output;
} cut;

static const cut whole = {BYTES_MAX, BYTES_MAX}, single = {1, 1}, ragged = {0, 0};

static size_t part(size_t at_a_time, size_t left) {
  size_t size = at_a_time ? at_a_time : 1 + (size_t)check_random(5000);
  return size < left ? size : left;
}

/* Gives all of the input, cut up, then nothing but `last` until it ends or fails. */
static run run_codec(const weir_codec_port *port, void *codec, const char *input, size_t size,
                     cut by) {
  run it = {.output = malloc(BYTES_MAX)};
  size_t given = 0;
  weir_codec_step step = {.input = input};
  if (!CHECK(codec) || !it.output) abort();
  do {
    if (step.input_size == 0) {
      step.input = input + given;
      step.input_size = part(by.input, size - given);
      given += step.input_size;
    }
    step.last = given == size;
    size_t room = part(by.output, BYTES_MAX - it.size);
    step.output = it.output + it.size;
    step.output_size = room;
    it.status = port->step(codec, &step, &it.failure);
    it.size += room - step.output_size;
    it.calls++;
    if (it.status == WEIR_CODEC_GOES_ON) CHECK(step.input_size == 0 || step.output_size == 0);
  } while (it.status == WEIR_CODEC_GOES_ON && it.size < BYTES_MAX);
  port->free(codec);
  return it;
}

static run zip(const char *input, size_t size, int level, cut by) {
  return run_codec(&weir_gzip_port, weir_gzip_new(level), input, size, by);
}

static run unzip(const char *input, size_t size, cut by) {
  return run_codec(&weir_gunzip_port, weir_gunzip_new(), input, size, by);
}

static void check_gives(run it, const char *expected, size_t size) {
  CHECK_EQUAL(it.status, WEIR_CODEC_ENDS);
  if (CHECK_EQUAL(it.size, size)) CHECK(memcmp(it.output, expected, size) == 0);
  free(it.output);
}

/* Fails so, having given `text` before. */
static void check_fails(run it, const char *text, const char *code, int number,
                        const char *message) {
  if (CHECK_EQUAL(it.status, WEIR_CODEC_FAILS)) {
    CHECK_STRING(it.failure.code, code);
    CHECK_STRING(it.failure.message, message);
    CHECK_EQUAL(it.failure.number, number);
  }
  CHECK_EQUAL(it.size, strlen(text));
  CHECK(memcmp(it.output, text, strlen(text)) == 0);
  free(it.output);
}

/* --- inputs ------------------------------------------------------------------------------------ */

static char content[BYTES_MAX / 2];

/* Half of it repeats, half does not. */
static size_t fill_content(void) {
  for (size_t i = 0; i < sizeof content; i++) {
    content[i] = i % 4096 < 2048 ? (char)('a' + i % 7) : (char)check_random(256);
  }
  return sizeof content;
}

/* Bytes put together for gunzip. */
static char input[4096];
static size_t input_size;

static void add(const void *bytes, size_t size) {
  memcpy(input + input_size, bytes, size);
  input_size += size;
}

static void add_member(const char *text) {
  run it = zip(text, strlen(text), WEIR_GZIP_LEVEL_DEFAULT, whole);
  add(it.output, it.size);
  free(it.output);
}

static void begin_with(const char *text) {
  input_size = 0;
  add_member(text);
}

/* --- gzip and back ----------------------------------------------------------------------------- */

SPEC("gives back what went in, at each level") {
  size_t size = fill_content();
  for (int level = WEIR_GZIP_LEVEL_DEFAULT; level <= WEIR_GZIP_LEVEL_MAX; level++) {
    run packed = zip(content, size, level, whole);
    CHECK_EQUAL(packed.status, WEIR_CODEC_ENDS);
    CHECK(level == 0 ? packed.size > size : packed.size < size * 3 / 4);
    check_gives(unzip(packed.output, packed.size, whole), content, size);
    free(packed.output);
  }
}

SPEC("gives back what went in, however input and output are cut") {
  size_t size = fill_content();
  for (int round = 0; round < 8; round++) {
    run packed = zip(content, size / 8, 1, ragged);
    CHECK_EQUAL(packed.status, WEIR_CODEC_ENDS);
    check_gives(unzip(packed.output, packed.size, ragged), content, size / 8);
    free(packed.output);
  }
  run packed = zip(content, 5000, WEIR_GZIP_LEVEL_MAX, single);
  CHECK_EQUAL(packed.status, WEIR_CODEC_ENDS);
  check_gives(unzip(packed.output, packed.size, single), content, 5000);
  free(packed.output);
}

SPEC("makes a member of no input") {
  run packed = zip("", 0, WEIR_GZIP_LEVEL_DEFAULT, whole);
  CHECK_EQUAL(packed.size, 20);
  check_gives(unzip(packed.output, packed.size, whole), "", 0);
  free(packed.output);
}

SPEC("says when the room for output is full, and goes on from there") {
  static const char zeros[BYTES_MAX / 2];
  run packed = zip(zeros, sizeof zeros, WEIR_GZIP_LEVEL_MAX, whole);
  CHECK(packed.size < 1024);
  run it = unzip(packed.output, packed.size, (cut){BYTES_MAX, 1000});
  CHECK(it.calls >= sizeof zeros / 1000);
  check_gives(it, zeros, sizeof zeros);
  free(packed.output);
}

/* --- members ----------------------------------------------------------------------------------- */

SPEC("reads several members as one, wherever they are cut") {
  begin_with("abc");
  add_member("");
  add_member("def");
  check_gives(unzip(input, input_size, whole), "abcdef", 6);
  check_gives(unzip(input, input_size, single), "abcdef", 6);
}

SPEC("takes zero bytes behind a member for padding, also before another") {
  static const char zeros[10];
  begin_with("abc");
  add(zeros, sizeof zeros);
  check_gives(unzip(input, input_size, whole), "abc", 3);
  add_member("def");
  check_gives(unzip(input, input_size, whole), "abcdef", 6);
  check_gives(unzip(input, input_size, single), "abcdef", 6);
}

SPEC("fails for other bytes behind a member") {
  begin_with("abc");
  add("garbage", 7);
  check_fails(unzip(input, input_size, whole), "abc", "Z_DATA_ERROR", -3, "incorrect header check");
  begin_with("abc");
  add("\x1f\x8b\xff\xff", 4);
  check_fails(unzip(input, input_size, single), "abc", "Z_DATA_ERROR", -3,
              "unknown compression method");
  begin_with("abc");
  add("g", 1);
  check_fails(unzip(input, input_size, whole), "abc", "Z_BUF_ERROR", -5, "unexpected end of file");
}

/* --- damage ------------------------------------------------------------------------------------ */

SPEC("fails when the input ends within a member, at whatever byte") {
  begin_with("abc");
  for (size_t size = 0; size < input_size; size++) {
    cut cuts[] = {whole, single};
    for (int i = 0; i < 2; i++) {
      run it = unzip(input, size, cuts[i]);
      it.size = 0; /* how much has come by then is zlib's to say */
      check_fails(it, "", "Z_BUF_ERROR", -5, "unexpected end of file");
    }
  }
}

SPEC("fails when checksum or length are not those of the data") {
  begin_with("abc");
  input[input_size - 6] ^= 1;
  check_fails(unzip(input, input_size, whole), "abc", "Z_DATA_ERROR", -3, "incorrect data check");
  begin_with("abc");
  input[input_size - 1] ^= 1;
  check_fails(unzip(input, input_size, whole), "abc", "Z_DATA_ERROR", -3, "incorrect length check");
}

SPEC("fails for what is no gzip") {
  const char *text = "hello world";
  check_fails(unzip(text, strlen(text), whole), "", "Z_DATA_ERROR", -3, "incorrect header check");
  begin_with("abc");
  memcpy(input + 10, "\xff\xff\xff", 3);
  check_fails(unzip(input, 13, whole), "", "Z_DATA_ERROR", -3, "invalid block type");
}

SPEC("survives damage at any byte") {
  begin_with("a text of some length, of some length, of some length");
  for (int round = 0; round < 2000; round++) {
    char damaged[sizeof input];
    memcpy(damaged, input, input_size);
    damaged[check_random(input_size)] = (char)check_random(256);
    run it = unzip(damaged, input_size, round % 2 ? whole : single);
    CHECK(it.status == WEIR_CODEC_ENDS || it.status == WEIR_CODEC_FAILS);
    free(it.output);
  }
}

int main(int argc, char **argv) {
  return check_main(argc, argv);
}
