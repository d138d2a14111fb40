/* assert.h - asserts of impossible states. They stay in release builds: a state that cannot be is
** better met here than in a file that lacks a line.
**
** Layer: core.
** SPDX-License-Identifier: MIT
*/
#ifndef WEIR_CORE_ASSERT_H
#define WEIR_CORE_ASSERT_H

#include <stdio.h>
#include <stdlib.h>

#define WEIR_ASSERT(condition) \
  ((condition) ? (void)0 : weir_assert_failed(#condition, __FILE__, __LINE__))

static inline void weir_assert_failed(const char *condition, const char *file, int line) {
  fprintf(stderr, "weir: impossible state: %s (%s:%d)\n", condition, file, line);
  abort();
}

#endif
