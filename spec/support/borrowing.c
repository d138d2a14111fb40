/* borrowing.c - see borrowing.h.
** SPDX-License-Identifier: MIT
*/
#include "support/borrowing.h"

#include <fcntl.h>
#include <stdint.h>
#include <string.h>

bool blocks(int fd) {
  return !(fcntl(fd, F_GETFL) & O_NONBLOCK);
}

ssize_t write_text(const weir_borrowed *borrowed, const char *text) {
  struct iovec vector = {(void *)(uintptr_t)text, strlen(text)};
  return weir_borrowed_write(borrowed, &vector, 1);
}
