/* simulation_spec.c - random programs over random sinks, checked against a naive ledger. SEED
** repeats a run; RUNS says how many programs, TRACE=1 shows them. What a program is:
** spec/support/simulation.h.
** SPDX-License-Identifier: MIT
*/
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "support/check.h"
#include "support/simulation.h"

enum { ACTS = 250 };

static uint64_t runs_wanted(void) {
  const char *given = getenv("RUNS");
  if (given) return strtoull(given, NULL, 0);
  return getenv("SPEC_TOOL") ? 200 : 2000; /* a sanitizer or valgrind is slow */
}

/* A seed of its own for each, so that the bad one can be run alone. */
SPEC("random programs: every write is accounted for, in order, once, and nothing is left") {
  simulation_traces = getenv("TRACE") != NULL;
  uint64_t seed = check_seed(), runs = runs_wanted();
  for (uint64_t run = 0; run < runs; run++) {
    check_random_begin(seed + run);
    simulation_run(ACTS);
    if (!check_has_failed()) continue;
    printf("  the program of SEED=%" PRIu64 " (TRACE=1 RUNS=1 shows it)\n", seed + run);
    return;
  }
}

int main(int argc, char **argv) {
  return check_main(argc, argv);
}
