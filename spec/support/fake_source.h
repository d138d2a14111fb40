/* fake_source.h - a readable side that does what a spec says, and notes what it is asked.
**
**   static fake_source source;
**   fake_host *host = fake_source_new(&source, (fake_reader){.mark = 4, .script = "ab+c - ."});
**   fake_flow(host);                   listens to `data`
**   fake_run(host);
**   CHECK_LOG(host, "| read ab c read resume data(ab) data(c)");
**
** The script has a word for each read: chunks to push, joined by `+`; `-` pushes nothing, `0` a chunk
** of no bytes, `.` the end, `!` fails. Behind its last word nothing is pushed. Chunks lie in slabs;
** in object mode they are values.
** SPDX-License-Identifier: MIT
*/
#ifndef SPEC_SUPPORT_FAKE_SOURCE_H
#define SPEC_SUPPORT_FAKE_SOURCE_H

#include "core/readable.h"
#include "support/fake_host.h"

typedef struct fake_reader {
  uint64_t mark; /* 0: 16; FAKE_NO_MARK: 0 */
  bool object_mode, disabled, half_open, is_asked;
  bool survives; /* no auto_destroy */
  bool mute;     /* has no `read` */
  bool opens;    /* waits for fake_source_opened() */
  const char *script;
  const weir_sink_port *writes; /* has a writable side too, with this sink; or NULL */
  void *sink;
} fake_reader;

#define FAKE_NO_MARK UINT64_MAX

typedef struct fake_source {
  fake_host *host;
  weir_sink_port sink_port;
  weir_source_port port;
  const char *script;
  bool opening;
  void (*on_read)(fake_host *host); /* acts in the middle of a read; or NULL */
} fake_source;

fake_host *fake_source_new(fake_source *source, fake_reader options);
void fake_source_opened(fake_source *source, const char *error);

/* Their words: true, false, no_memory. */
weir_verdict fake_push(fake_host *host, const char *text);
/* Borrowed, as a string of Lua. */
weir_verdict fake_push_borrowed(fake_host *host, const char *text);
weir_verdict fake_unshift(fake_host *host, const char *text);
void fake_push_end(fake_host *host);

/* Their words: got(abc), got(nothing), no_memory. */
void fake_read(fake_host *host, int64_t n);
void fake_read_all(fake_host *host);

/* Listens to `data`, or to `readable`, or no more. */
void fake_flow(fake_host *host);
void fake_unflow(fake_host *host);
void fake_watch(fake_host *host);
void fake_unwatch(fake_host *host);

#endif
