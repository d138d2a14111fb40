/* fake_host.h - the owner of a stream under test. It writes down, as words of one line, what it did
** and what it was told, and keeps the accounts: each callback as often as it is owed, each anchor
** given back once, `close` last, no memory left.
**
**   fake_host *host = fake_host_new();
**   fake_host_open(host, &options, &port, sink);
**   fake_write(host, "abc", "a");  a callback called a, because it is told "a", or "a(ERROR)"
**   fake_run(host);                "|", the end of the turn, then the ticks
**   CHECK_LOG(host, "write(abc) true | a");
**   fake_host_free(host);          checks the accounts
**
** fake_sink.h has the sinks that belong to it.
** SPDX-License-Identifier: MIT
*/
#ifndef SPEC_SUPPORT_FAKE_HOST_H
#define SPEC_SUPPORT_FAKE_HOST_H

#include "core/readable.h"
#include "core/writable.h"
#include "support/check.h"

enum { FAKE_ANCHORS_MAX = 8192, FAKE_TEXT_MAX = 24, FAKE_LOG_MAX = 4096 };

typedef enum fake_hold { FAKE_UNUSED, FAKE_HELD, FAKE_FORGOTTEN } fake_hold;

typedef struct fake_anchor {
  fake_hold hold;
  char text[FAKE_TEXT_MAX]; /* the value, or the callback's name; spoilt once it is forgotten */
} fake_anchor;

typedef struct fake_host fake_host;
struct fake_host {
  weir_core core;
  weir_stream *stream;     /* these three are NULL once the stream is unused */
  weir_writable *writable; /* or NULL: nothing can be written */
  weir_readable *readable; /* or NULL: nothing can be read */
  const char *awaited;     /* the word that fake_on() waits for, or NULL */
  void (*reaction)(fake_host *host);
  /* Of a simulation: gets every word, and every call instead of the accounts below. Or NULL. */
  void (*on_word)(fake_host *host, const char *word);
  void (*on_call)(fake_host *host, weir_callback callback, const weir_error *error);
  void *context;
  uint64_t writes;      /* without a callback */
  bool silent;          /* keeps no log */
  bool dropped;         /* the owner's reference is gone */
  bool leaves_untold;   /* the spec drops a stream whose callbacks are owed */
  weir_verdict verdict; /* of the last write or end */
  char log[FAKE_LOG_MAX];
  size_t log_size;
  fake_anchor anchors[FAKE_ANCHORS_MAX]; /* [0] is nobody's */
  uint32_t anchor_count;
  int owed[256]; /* calls, by the first letter of the callback's name */
  int drains, finishes, errors, closes, idles;
  void (*on_data)(fake_host *host, const weir_entry *chunk); /* it came; NULL: its size is noted */
  long live_before; /* allocations; negative: the spec counts them itself */
};

/* The time that the core reads. */
extern uint64_t fake_now_ns;

fake_host *fake_host_new(void);
/* The port and the sink outlive the host. A stream's second open replaces the first, unused one. */
void fake_host_open(fake_host *host, const weir_writable_options *options,
                    const weir_sink_port *port, void *sink);
/* A stream with a readable side, whose source is `sink` too. `writable` NULL: without the other. */
void fake_host_open_reader(fake_host *host, const weir_readable_options *readable,
                           const weir_source_port *source_port,
                           const weir_writable_options *writable, const weir_sink_port *port,
                           void *sink);
/* The same of a stream that can be read; without options for what cannot be written. */
void fake_host_open_readable(fake_host *host, const weir_writable_options *options,
                             const weir_sink_port *port, const weir_source_port *source_port,
                             uint64_t readable_mark, void *sink);
/* As if a listener for `data` was put on. */
void fake_listen(fake_host *host);
/* Lets go of the stream; it lives on while ticks or the sink hold it. */
void fake_host_drop(fake_host *host);
/* Runs what is queued, lets go, and checks the accounts. */
void fake_host_free(fake_host *host);

/* --- the log --- */

void fake_note(fake_host *host, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* What was noted since the last call. */
const char *fake_log(fake_host *host);
/* Acts once, when that word is noted. Beside the words there is "answered": a sink of chunks has
** just answered, and its function has not returned.
*/
void fake_on(fake_host *host, const char *word, void (*reaction)(fake_host *host));
/* It is noted now, or would be. */
void fake_react(fake_host *host, const char *word);
#define CHECK_LOG(host, expected) \
  check_string(fake_log(host), (expected), "the log", __FILE__, __LINE__)

/* --- acts; their words: true, false, refused(ERROR), no_memory --- */

/* Copied for a sink of bytes, a value for a sink of chunks. `callback` NULL: nobody. */
weir_verdict fake_write(fake_host *host, const char *text, const char *callback);
/* The host keeps the bytes until they are forgotten. */
weir_verdict fake_write_borrowed(fake_host *host, const char *text, const char *callback);
/* Pieces with an anchor need one of fake_anchor_new(). */
weir_verdict fake_write_pieces(fake_host *host, const weir_piece *pieces, size_t count,
                               const char *callback);
/* `text` NULL: no last chunk. Notes only what is not GO_ON. */
weir_verdict fake_end(fake_host *host, const char *text, const char *callback);
void fake_cork(fake_host *host);
void fake_uncork(fake_host *host);
/* Destroys with fake_error(name); NULL: without an error. */
void fake_destroy(fake_host *host, const char *name);
void fake_run(fake_host *host);
/* Notes `word` on a tick. There is one such tick. */
void fake_tick(fake_host *host, const char *word);

/* --- what they are made of --- */

uint32_t fake_anchor_new(fake_host *host, const char *text);
void fake_forget(void *host, uint32_t anchor);
weir_callback fake_callback(fake_host *host, const char *name);
/* A value of the user's as an error. NULL and "" are none. */
weir_error *fake_error(fake_host *host, const char *name);
/* What a chunk holds. */
const char *fake_chunk_text(const fake_host *host, const weir_entry *chunk);
/* "X" of the user's, "DESTROYED" of ERR_STREAM_DESTROYED, "system 28" of an errno, "" of NULL. */
const char *fake_error_name(const fake_host *host, const weir_error *error);

#endif
