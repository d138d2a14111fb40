/* fake_sink.h - two sinks that do what a spec says, and note what they are asked: one of chunks,
** one of bytes. Each checks that the core keeps the port's promises.
**
**   static fake_bytes sink;
**   fake_host *host = fake_bytes_new(&sink, (fake_options){.mark = 4});
**   sink.room = 3;
**   fake_write(host, "abcd", "a");
**   CHECK_LOG(host, "take(abc) full false");
**   fake_bytes_write(&sink, 3);
**
** Their words: construct, final, destroy, destroy(ERROR) for open, finish and close, as Node calls
** them; write(a), writev(a,b) of chunks; take(ab), full of bytes.
** SPDX-License-Identifier: MIT
*/
#ifndef SPEC_SUPPORT_FAKE_SINK_H
#define SPEC_SUPPORT_FAKE_SINK_H

#include "support/fake_host.h"

/* How a sink answers. Any other text is the name of an error, answered at once. */
#define FAKE_ABSENT NULL     /* the sink has no such function; of write: FAKE_LATER */
#define FAKE_NOW    ""       /* with success; close: with the error it was given */
#define FAKE_LATER  "later"  /* when the spec says so */
#define FAKE_SILENT "silent" /* close: at once, without an error */

#define FAKE_ZERO UINT64_MAX /* a mark of 0 */

typedef struct fake_options {
  uint64_t mark;     /* 0: 16 */
  uint64_t low_mark; /* 0: 0 */
  uint64_t max_buffered;
  bool object_mode, batches;
  bool survives;      /* no auto_destroy */
  bool closes_silent; /* no `close` event */
  const char *write, *finish, *open, *close;
} fake_options;

/* What both have. The answers may be changed at any time. */
typedef struct fake_sink {
  fake_host *host;
  weir_sink_port port;
  const char *finish, *open, *close;
  bool opening, finishing, closing, closed;
  int answering; /* calls of the core on the stack */
} fake_sink;

/* Answers to what was asked. `error` NULL: success. */
void fake_opened(fake_sink *sink, const char *error);
void fake_finished(fake_sink *sink, const char *error);
void fake_closed(fake_sink *sink, const char *error);
/* Calls the core as a sink does: with a reference of its own. */
void fake_begin_answer(fake_sink *sink);
void fake_end_answer(fake_sink *sink);

/* --- chunks --- */

typedef struct fake_chunks fake_chunks;
struct fake_chunks {
  fake_sink sink;
  const char *write;
  int times;                /* how often it answers at once; 1 */
  const char *late;         /* answers the second time with this error */
  bool raises;              /* an error is raised, not answered */
  const char *raises_after; /* raises this when it has answered */
  /* Of a simulation: what it got, and how it answers (error NULL: success). Or NULL. */
  void (*on_submit)(fake_chunks *sink, const weir_entry *first);
  void (*on_answer)(fake_chunks *sink, const char *error);
  bool pending; /* an operation waits for its answer */
  uint64_t operation;
};

fake_host *fake_chunks_new(fake_chunks *sink, fake_options options);
/* For a second stream on the host's core: the same, with a host of its own kind. */
void fake_chunks_init(fake_chunks *sink, fake_host *host, const fake_options *options);
/* Answers the operation that waits. */
void fake_answer(fake_chunks *sink, const char *error);
/* Answers an operation whether it waits or not. */
void fake_answer_to(fake_chunks *sink, uint64_t operation, const char *error);
void fake_raise(fake_chunks *sink, const char *error);

/* --- bytes --- */

enum { FAKE_OUTSTANDING_MAX = 1 << 17, FAKE_SLICES_MAX = 4096, FAKE_DELIVERED_MAX = 1 << 12 };

typedef struct fake_bytes fake_bytes;
struct fake_bytes {
  fake_sink sink;
  uint64_t room;      /* how many bytes it takes yet; from fake_bytes_new: any number */
  uint64_t bite;      /* the most it takes at once; 0: any number */
  bool writes_inside; /* submit writes what it takes, and says so before it returns */
  bool awake;
  bool fails_inside; /* the next submit fails with `failure` */
  const char *failure;
  bool failed; /* it has nothing any more, and says nothing any more */
  uint64_t taken, written;
  int submits, slices_max, times_let_go;
  /* Gets each byte as it is written, instead of `delivered`. NULL: none. */
  void (*on_written)(fake_bytes *sink, const char *bytes, size_t size);
  char delivered[FAKE_DELIVERED_MAX];
  /* What it took and has not written: slices, and a copy to compare them with. */
  weir_slice kept[FAKE_SLICES_MAX];
  size_t kept_first, kept_count;
  char copies[FAKE_OUTSTANDING_MAX];
};

fake_host *fake_bytes_new(fake_bytes *sink, fake_options options);
/* Writes the next bytes it has taken, and tells the stream, or leaves that for later. */
void fake_bytes_write(fake_bytes *sink, uint64_t bytes);
void fake_bytes_write_quietly(fake_bytes *sink, uint64_t bytes);
void fake_bytes_progress(fake_bytes *sink);
/* Gives up all it has. */
void fake_bytes_fail(fake_bytes *sink, const char *error);
void fake_bytes_stop(fake_bytes *sink);

#endif
