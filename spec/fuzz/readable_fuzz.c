/* readable_fuzz.c - libFuzzer's way into the readable side, as core_fuzz.c is into the writable one:
** its bytes are the random numbers of support/reading.h. `make fuzz`; a file it left is run again
** with build/fuzz/readable_fuzz FILE.
** SPDX-License-Identifier: MIT
*/
#include <stddef.h>
#include <stdint.h>

#include "support/check.h"
#include "support/reading.h"

enum { ACTS_MAX = 2000 };

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
  check_random_from(bytes, size);
  reading_run(ACTS_MAX);
  return 0;
}
