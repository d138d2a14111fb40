/* digits.c - see digits.h.
** SPDX-License-Identifier: MIT
*/
#include "binding/digits.h"

/* "00" to "99" */
static const char pairs[] = "00010203040506070809101112131415161718192021222324"
                            "25262728293031323334353637383940414243444546474849"
                            "50515253545556575859606162636465666768697071727374"
                            "75767778798081828384858687888990919293949596979899";

static int count_digits(uint64_t value) {
  int count = 1;
  for (; value >= 10000; value /= 10000) count += 4;
  return count + (value >= 10) + (value >= 100) + (value >= 1000);
}

char *weir_digits_write(char *at, int64_t value) {
  uint64_t rest = value < 0 ? -(uint64_t)value : (uint64_t)value;
  if (value < 0) *at++ = '-';
  char *end = at + count_digits(rest), *place = end;
  for (; rest >= 100; rest /= 100) {
    place -= 2;
    memcpy(place, pairs + rest % 100 * 2, 2);
  }
  if (rest >= 10) memcpy(place - 2, pairs + rest * 2, 2);
  else place[-1] = (char)('0' + rest);
  return end;
}
