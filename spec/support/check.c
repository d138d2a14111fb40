/* check.c - see check.h.
** SPDX-License-Identifier: MIT
*/
#define _GNU_SOURCE
#include "support/check.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static check_spec *first, **last_next = &first;
static const check_spec *running;
static bool running_failed, running_skipped;
static uint64_t seed, random_state;
static const uint8_t *random_bytes; /* NULL: a sequence */
static size_t random_bytes_left;

void check_add(check_spec *spec) {
  *last_next = spec;
  last_next = &spec->next;
}

/* Says the sentence before its first failed check. Outside a SPEC, as in a fuzzer, an abort says
** where it was: see end_failure().
*/
static void begin_failure(void) {
  if (running && !running_failed)
    printf("FAILED  %s  (SEED=%" PRIu64 ")\n", running->sentence, seed);
  running_failed = true;
}

static bool end_failure(void) {
  if (!running) abort();
  return false;
}

bool check_that(bool held, const char *condition, const char *file, int line) {
  if (held) return true;
  begin_failure();
  printf("  %s:%d: %s\n", file, line, condition);
  return end_failure();
}

bool check_equal(intmax_t actual, intmax_t expected, const char *what, const char *file, int line) {
  if (actual == expected) return true;
  begin_failure();
  printf("  %s:%d: %s is %jd, not %jd\n", file, line, what, actual, expected);
  return end_failure();
}

bool check_string(const char *actual, const char *expected, const char *what, const char *file,
                  int line) {
  if (actual && expected ? strcmp(actual, expected) == 0 : actual == expected) return true;
  begin_failure();
  printf("  %s:%d: %s is\n    %s\n  not\n    %s\n", file, line, what, actual ? actual : "NULL",
         expected ? expected : "NULL");
  return end_failure();
}

bool check_aborts(void (*function)(void), const char *what, const char *file, int line) {
  fflush(stdout);
  pid_t child = fork();
  if (child == 0) {
    signal(SIGABRT, SIG_DFL);
    if (!freopen("/dev/null", "w", stderr)) _exit(1);
    function();
    _exit(0);
  }
  int status = 0;
  if (child > 0 && waitpid(child, &status, 0) == child && WIFSIGNALED(status) &&
      WTERMSIG(status) == SIGABRT) {
    return true;
  }
  begin_failure();
  printf("  %s:%d: %s did not abort\n", file, line, what);
  return end_failure();
}

void check_skip(const char *reason) {
  printf("skipped  %s: %s\n", running->sentence, reason);
  running_skipped = true;
}

uint64_t check_seed(void) {
  return seed;
}

bool check_has_failed(void) {
  return running_failed;
}

void check_random_begin(uint64_t new_seed) {
  random_state = new_seed;
  random_bytes = NULL;
}

void check_random_from(const uint8_t *bytes, size_t size) {
  check_random_begin(0);
  random_bytes = bytes;
  random_bytes_left = size;
}

bool check_random_is_over(void) {
  return random_bytes && random_bytes_left == 0;
}

static uint64_t number_from_bytes(uint64_t below) {
  uint64_t number = 0;
  for (uint64_t reach = below - 1; reach > 0 && random_bytes_left > 0; reach >>= 8) {
    number = number << 8 | *random_bytes++;
    random_bytes_left--;
  }
  return number % below;
}

/* splitmix64: any seed will do, also 0. */
uint64_t check_random(uint64_t below) {
  if (random_bytes && random_bytes_left > 0) return number_from_bytes(below);
  random_state += 0x9E3779B97F4A7C15u;
  uint64_t mixed = random_state;
  mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9u;
  mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EBu;
  return (mixed ^ (mixed >> 31)) % below;
}

/* An assert of the code under test ends the program; say in which SPEC, and let it end. */
static void on_abort(int signal_number) {
  static const char intro[] = "FAILED  aborted in: ";
  if (running && write(STDERR_FILENO, intro, sizeof intro - 1) > 0 &&
      write(STDERR_FILENO, running->sentence, strlen(running->sentence)) > 0 &&
      write(STDERR_FILENO, "\n", 1) > 0) {
    signal(signal_number, SIG_DFL);
  }
}

int check_main(int argc, char **argv) {
  const char *given = getenv("SEED");
  seed = given ? strtoull(given, NULL, 0) : (uint64_t)time(NULL);
  setvbuf(stdout, NULL, _IOLBF, 0); /* so that a crash loses no line */
  signal(SIGABRT, on_abort);

  int passed = 0, failed = 0;
  for (running = first; running; running = running->next) {
    if (argc > 1 && !strstr(running->sentence, argv[1])) continue;
    running_failed = running_skipped = false;
    check_random_begin(seed);
    running->body();
    if (running_failed) {
      failed++;
    } else if (!running_skipped) {
      passed++;
    }
  }
  printf("%d passed, %d failed\n", passed, failed);
  return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
