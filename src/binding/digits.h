/* digits.h - whole numbers as text, and short runs of bytes, fast.
**
** Layer: binding.
** SPDX-License-Identifier: MIT
*/
#ifndef WEIR_BINDING_DIGITS_H
#define WEIR_BINDING_DIGITS_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { WEIR_DIGITS_MAX = 20 }; /* a 64-bit integer, written out */

/* Writes `value` at `at`, where WEIR_DIGITS_MAX bytes must be free. Returns where it ends. */
char *weir_digits_write(char *at, int64_t value);

/* memcpy, but without a call for the sizes that pieces have. Returns where it ends. */
static inline char *weir_bytes_put(char *at, const char *bytes, size_t size) {
  if (size > 16) {
    memcpy(at, bytes, size);
  } else if (size >= 8) { /* two words that overlap */
    uint64_t first, last;
    memcpy(&first, bytes, 8);
    memcpy(&last, bytes + size - 8, 8);
    memcpy(at, &first, 8);
    memcpy(at + size - 8, &last, 8);
  } else if (size >= 4) {
    uint32_t first, last;
    memcpy(&first, bytes, 4);
    memcpy(&last, bytes + size - 4, 4);
    memcpy(at, &first, 4);
    memcpy(at + size - 4, &last, 4);
  } else if (size > 0) { /* one, two or three: the first, the middle and the last */
    at[0] = bytes[0];
    at[size / 2] = bytes[size / 2];
    at[size - 1] = bytes[size - 1];
  }
  return at + size;
}

#endif
