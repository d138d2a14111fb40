/* ledger.h - a naive account of one stream: what it accepted, what reached its sink, who was told
** what. It watches through the hooks of the fakes and complains when the stream breaks a promise:
**
**   - chunks reach the sink in the order they were accepted, each once, with the bytes they had
**   - each callback comes once: success after its chunk was written, an error if it was not
**   - the callbacks of bytes come in order
**   - drain comes only when it is owed, and at or below the low mark
**   - finish comes only if all went well, after all callbacks; close last, once
**   - the length is what was accepted and not written
** SPDX-License-Identifier: MIT
*/
#ifndef SPEC_SUPPORT_LEDGER_H
#define SPEC_SUPPORT_LEDGER_H

#include "support/fake_sink.h"

enum {
  LEDGER_WRITES_MAX = 2048,
  LEDGER_ENDS_MAX = 128,
  LEDGER_FRIENDS = 3,
  LEDGER_MAX_BYTES = 65536
};

typedef enum ledger_fate {
  LEDGER_OFFERED,
  LEDGER_ACCEPTED,
  LEDGER_REFUSED,
  LEDGER_VOID
} ledger_fate;

typedef struct ledger_write {
  uint64_t size, end; /* bytes: `end` is the place behind its last one */
  ledger_fate fate;
  bool waits; /* has a callback of its own */
  int told;
  bool told_error;
  bool taken, answered, failed; /* chunks */
} ledger_write;

typedef struct ledger_end {
  bool waits;
  int told;
  bool told_error;
} ledger_end;

typedef struct ledger {
  fake_host *host;
  fake_bytes *bytes; /* one of these two */
  fake_chunks *chunks;
  bool in_order;      /* the callbacks come in order; the user may spoil it */
  bool told_on_ticks; /* chunks: a failure overtakes those that wait for their tick */
  ledger_write writes[LEDGER_WRITES_MAX];
  ledger_end ends[LEDGER_ENDS_MAX];
  size_t write_count, end_count;
  size_t next_taken, next_told;     /* writes before these have been */
  int friends_owed[LEDGER_FRIENDS]; /* callbacks that are one function: calls owed */
  uint64_t accepted, answered;      /* sizes */
  uint64_t position;                /* of the next byte to be offered */
  uint64_t synced;                  /* bytes that the stream must know to be written */
  bool drain_owed;
  bool finishing; /* the first end was told success */
} ledger;

/* The host and its sink have just been made. */
void ledger_begin(ledger *self, fake_host *host, fake_bytes *bytes, fake_chunks *chunks);

/* Writes a chunk of this size. `friend_of` 0: a callback of its own, 1 to LEDGER_FRIENDS: one that
** it shares, -1: none. Bytes are given in `piece_count` pieces, some copied, some borrowed.
*/
void ledger_write_chunk(ledger *self, uint64_t size, int friend_of, size_t piece_count);
/* The same for end(); `size` UINT64_MAX: without a chunk. */
void ledger_end_stream(ledger *self, uint64_t size, bool waits);

/* To be called between any two acts. */
void ledger_check(const ledger *self);
/* Nothing is left to do, and the stream is closed, or was let go. */
void ledger_check_over(const ledger *self);

#endif
