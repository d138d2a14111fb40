/* file_next.c - see file_next.h.
** SPDX-License-Identifier: MIT
*/
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "sinks/file_next.h"

#include <stdlib.h>
#include <string.h>

static void free_next(weir_file_next *next) {
  weir_file_deinit(&next->file);
  free(next);
}

bool weir_file_nexts_add(weir_file_nexts *nexts, const weir_file *file, const char *path,
                         uint64_t offset) {
  weir_file_next **end = &nexts->first;
  for (; *end; end = &(*end)->behind) file = &(*end)->file;
  weir_file_next *next = malloc(sizeof *next);
  char *copy = strdup(path ? path : file->path);
  if (!next || !copy) {
    free(copy);
    free(next);
    return false;
  }
  next->behind = NULL;
  weir_file_follow(&next->file, file, copy, offset);
  *end = next;
  return true;
}

void weir_file_nexts_drop_last(weir_file_nexts *nexts) {
  weir_file_next **last = &nexts->first;
  while ((*last)->behind) last = &(*last)->behind;
  free_next(*last);
  *last = NULL;
}

void weir_file_nexts_deinit(weir_file_nexts *nexts) {
  while (nexts->first) weir_file_nexts_drop_last(nexts);
}

int weir_file_nexts_open(weir_file_nexts *nexts, weir_file *file) {
  int error = weir_file_has_finish(file) ? weir_file_finish(file) : 0;
  if (!error) error = weir_file_close(file);
  return error ? error : weir_file_open(&nexts->first->file);
}

void weir_file_nexts_take(weir_file_nexts *nexts, weir_file *file, int error) {
  weir_file_next *next = nexts->first;
  nexts->first = next->behind;
  if (!error || next->file.failed_call) {
    weir_file_deinit(file);
    *file = next->file;
    free(next);
  } else {
    free_next(next);
  }
}
