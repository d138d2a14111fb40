/* file_next.h - the files that a stream will go on with, first in, first out: ws:reopen().
**
** Layer: sinks. Knows neither the core nor libuv.
** SPDX-License-Identifier: MIT
*/
#ifndef WEIR_SINKS_FILE_NEXT_H
#define WEIR_SINKS_FILE_NEXT_H

#include "sinks/file_io.h"

typedef struct weir_file_next weir_file_next;
struct weir_file_next {
  weir_file_next *behind;
  weir_file file;
};

typedef struct weir_file_nexts {
  weir_file_next *first;
} weir_file_nexts;

/* Adds a file of this path, or NULL of the same path anew, behind all others; `file` is the one in
** use. It begins with `offset` of the stream. Returns false without memory.
*/
bool weir_file_nexts_add(weir_file_nexts *nexts, const weir_file *file, const char *path,
                         uint64_t offset);
void weir_file_nexts_drop_last(weir_file_nexts *nexts);
void weir_file_nexts_deinit(weir_file_nexts *nexts);

/* Finishes `file` and closes it, and opens the first of the others. May block. Returns 0 or an
** errno.
*/
int weir_file_nexts_open(weir_file_nexts *nexts, weir_file *file);
/* That has been done, with the result `error`: puts the file that was opened in the place of
** `file`, or that which could not be; if `file` itself failed, it stays.
*/
void weir_file_nexts_take(weir_file_nexts *nexts, weir_file *file, int error);

#endif
