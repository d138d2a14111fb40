/* borrowing.h - what the specs of borrowed descriptors ask and do.
** SPDX-License-Identifier: MIT
*/
#ifndef SPEC_SUPPORT_BORROWING_H
#define SPEC_SUPPORT_BORROWING_H

#include "sinks/borrowed.h"

/* Whether O_NONBLOCK is not set on its open file. */
bool blocks(int fd);
/* Returns what weir_borrowed_write() does. */
ssize_t write_text(const weir_borrowed *borrowed, const char *text);

#endif
