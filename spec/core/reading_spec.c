/* reading_spec.c - random programs over a stream that is read. SEED repeats a run; RUNS says how many
** programs. What a program is: spec/support/reading.h.
** SPDX-License-Identifier: MIT
*/
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "support/check.h"
#include "support/reading.h"

enum { ACTS = 250 };

static uint64_t runs_wanted(void) {
  const char *given = getenv("RUNS");
  if (given) return strtoull(given, NULL, 0);
  return getenv("SPEC_TOOL") ? 200 : 2000;
}

SPEC("random programs: what was pushed is handed out, in order, once, and nothing is left") {
  uint64_t seed = check_seed(), runs = runs_wanted();
  for (uint64_t run = 0; run < runs; run++) {
    check_random_begin(seed + run);
    reading_run(ACTS);
    if (!check_has_failed()) continue;
    printf("  the program of SEED=%" PRIu64 " (RUNS=1 runs it)\n", seed + run);
    return;
  }
}

int main(int argc, char **argv) {
  return check_main(argc, argv);
}
