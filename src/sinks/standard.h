/* standard.h - descriptors 0, 1 and 2 belong to the process, also when they are closed.
**
** In a process that was started with one of them closed, whatever is opened next takes its number,
** and `print` writes into it. Nothing of ours does.
**
** Layer: sinks. Knows neither the core nor libuv.
** SPDX-License-Identifier: MIT
*/
#ifndef WEIR_SINKS_STANDARD_H
#define WEIR_SINKS_STANDARD_H

#include <stdbool.h>

enum { WEIR_STANDARD_COUNT = 3 };

static inline bool weir_is_standard(int fd) {
  return fd >= 0 && fd < WEIR_STANDARD_COUNT;
}

/* A descriptor that was just made, moved if its number is a standard one. Returns it, or the new
** one; -1 and errno, with it closed. A negative one is left as it is.
*/
int weir_above_standard(int fd);

/* Between these two, nobody who opens something gets a standard number. */
typedef struct weir_standard_guard {
  bool taken[WEIR_STANDARD_COUNT];
} weir_standard_guard;
void weir_standard_begin(weir_standard_guard *guard);
void weir_standard_end(const weir_standard_guard *guard);

#endif
