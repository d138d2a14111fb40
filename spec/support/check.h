/* check.h - what a C spec is written with.
**
**   #include "support/check.h"
**
**   SPEC("gives chunks back in the order they came") {
**     weir_queue queue;
**     ...
**     CHECK(first == chunk);
**     CHECK_EQUAL(weir_queue_length(&queue), 3);
**   }
**
**   int main(int argc, char **argv) {
**     return check_main(argc, argv);
**   }
**
** A check that fails says where and in which SPEC, and the spec goes on; the SPEC counts as failed.
** `some_spec word` runs only the SPECs whose sentence has that word in it. The last line is
** "N passed, N failed". Outside a SPEC a check that fails aborts.
** SPDX-License-Identifier: MIT
*/
#ifndef SPEC_SUPPORT_CHECK_H
#define SPEC_SUPPORT_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Runs the SPECs of this program. Returns its exit code. */
int check_main(int argc, char **argv);

/* Both return whether it held, so that a SPEC can leave: `if (!CHECK(stream)) return;` */
#define CHECK(condition) check_that((condition), #condition, __FILE__, __LINE__)
/* Integers of any type; says both values. */
#define CHECK_EQUAL(actual, expected) \
  check_equal((intmax_t)(actual), (intmax_t)(expected), #actual, __FILE__, __LINE__)
#define CHECK_STRING(actual, expected) \
  check_string((actual), (expected), #actual, __FILE__, __LINE__)

/* Does the function end in abort()? It is called in a child process, so it may break anything. */
#define CHECK_ABORTS(function) check_aborts((function), #function, __FILE__, __LINE__)

/* Leaves the SPEC: it counts neither as passed nor as failed. For what this system cannot do. */
#define SKIP(reason) \
  do { \
    check_skip(reason); \
    return; \
  } while (0)

/* A number below `below` (at least 1), from a sequence that begins anew in each SPEC. The sequence
** is chosen by the environment's SEED, else by the clock; a failure says by which.
*/
uint64_t check_random(uint64_t below);
/* Begins the sequence of this seed: for a SPEC that makes many runs and names the bad one. */
void check_random_begin(uint64_t seed);
/* Takes the numbers from these bytes, as few as will do for each: a fuzzer chooses them. When they
** are over, the sequence of seed 0 goes on.
*/
void check_random_from(const uint8_t *bytes, size_t size);
bool check_random_is_over(void);
uint64_t check_seed(void);
/* Has the running SPEC failed? For one of many runs, which had better end with the first bad one. */
bool check_has_failed(void);

/* --- what the macros are made of ----------------------------------------------------------- */

typedef struct check_spec check_spec;
struct check_spec {
  const char *sentence;
  void (*body)(void);
  check_spec *next;
};

void check_add(check_spec *spec);
bool check_that(bool held, const char *condition, const char *file, int line);
bool check_equal(intmax_t actual, intmax_t expected, const char *what, const char *file, int line);
bool check_string(const char *actual, const char *expected, const char *what, const char *file,
                  int line);
bool check_aborts(void (*function)(void), const char *what, const char *file, int line);
void check_skip(const char *reason);

/* A SPEC is a function that is put on the list before main; the line number makes its name. */
#define SPEC(sentence)          SPEC_AT(sentence, __LINE__)
#define SPEC_AT(sentence, line) SPEC_FUNCTION(sentence, line)
#define SPEC_FUNCTION(sentence, line) \
  static void spec_##line(void); \
  __attribute__((constructor)) static void add_spec_##line(void) { \
    static check_spec spec = {sentence, spec_##line, 0}; \
    check_add(&spec); \
  } \
  static void spec_##line(void)

#endif
