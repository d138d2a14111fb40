/* assert_spec.c - an impossible state ends the program, also of release builds, and says which.
** SPDX-License-Identifier: MIT
*/
#define _GNU_SOURCE
#undef NDEBUG
#define NDEBUG 1 /* must not switch it off */
#include "core/assert.h"

#include <stdbool.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/check.h"

static void assert_what_is_false(void) {
  WEIR_ASSERT(1 + 1 == 3);
}

SPEC("an assert that fails aborts, also with NDEBUG") {
  CHECK_ABORTS(assert_what_is_false);
}

SPEC("an assert that holds does nothing, and looks once") {
  int looked = 0;
  WEIR_ASSERT(++looked == 1);
  CHECK_EQUAL(looked, 1);
}

/* What the child says on stderr before it ends. */
static void read_last_words(char *words, size_t max, int *status) {
  int ends[2];
  if (!CHECK(pipe(ends) == 0)) return;
  pid_t child = fork();
  if (child == 0) {
    dup2(ends[1], STDERR_FILENO);
    assert_what_is_false();
    _exit(0);
  }
  close(ends[1]);
  ssize_t size = read(ends[0], words, max - 1);
  words[size > 0 ? size : 0] = '\0';
  close(ends[0]);
  CHECK(waitpid(child, status, 0) == child);
}

SPEC("it says the condition, the file and the line on stderr") {
  char words[512] = "";
  int status = 0;
  read_last_words(words, sizeof words, &status);
  CHECK(WIFSIGNALED(status));
  CHECK(strstr(words, "impossible state: 1 + 1 == 3 (") != NULL);
  CHECK(strstr(words, "assert_spec.c:") != NULL);
}

int main(int argc, char **argv) {
  return check_main(argc, argv);
}
