/* core_fuzz.c - libFuzzer's way into the core: its bytes are the random numbers of the simulation,
** so what it explores are programs of a user, a sink and a loop, any allocation of which may fail,
** checked against the ledger. `make fuzz`; a file it left is run again with build/fuzz/core_fuzz FILE.
** SPDX-License-Identifier: MIT
*/
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "support/check.h"
#include "support/simulation.h"

enum { ACTS_MAX = 2000 };

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
  simulation_traces = getenv("TRACE") != NULL;
  check_random_from(bytes, size);
  simulation_run(ACTS_MAX);
  return 0;
}
