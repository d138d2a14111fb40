/* file_stream.h - a stream into a file of its own, with a loop of its own.
**
**   static file_stream it;
**   fake_host *host = file_prepare(&it);   options are set in it.sink.file
**   file_start(&it);
**   fake_write(host, "abc", NULL);
**   file_run(&it);
**   file_check(&it, "abc");
**   file_free(&it);                        runs on, and checks the accounts
** SPDX-License-Identifier: MIT
*/
#ifndef SPEC_SUPPORT_FILE_STREAM_H
#define SPEC_SUPPORT_FILE_STREAM_H

#include "sinks/file_sink.h"

#include "support/fake_host.h"

typedef struct file_stream {
  weir_loop loop;
  weir_file_sink sink;
  fake_host *host;
  char path[64]; /* the same for all streams of a program, empty at the beginning of each */
} file_stream;

fake_host *file_prepare(file_stream *it);
void file_start(file_stream *it);
void file_start_with(file_stream *it, weir_writable_options options);
/* Runs until nothing happens any more. */
void file_run(file_stream *it);
void file_free(file_stream *it);

/* What the file holds, up to `max` bytes; returns how many. */
size_t file_content(const file_stream *it, char *text, size_t max);
void file_check(const file_stream *it, const char *expected);
/* At the end of the program. */
void file_remove(const file_stream *it);

#endif
