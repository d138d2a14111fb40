/* readable_parts.h - what the files of the readable ask of each other.
**
**   readable.c       the verbs: push, unshift, read
**   readable_flow.c  when: announcements, modes, reading ahead, the end
**
** Layer: core, private.
** SPDX-License-Identifier: MIT
*/
#ifndef WEIR_CORE_READABLE_PARTS_H
#define WEIR_CORE_READABLE_PARTS_H

#include "core/readable.h"

/* --- readable.c --- */

/* Reads a chunk for those who listen. Returns false if there is none, or without memory. */
bool weir_readable_read_one(weir_readable *readable, bool *no_memory);
/* Reads only for what it sets going. */
void weir_readable_ask(weir_readable *readable);
static inline void weir_readable_tell(weir_readable *r, weir_event event) {
  r->stream->core->host->event(r->stream->owner, event, NULL);
}

/* --- readable_flow.c --- */

/* `readable` on a tick, one for any number of arrivals; and what flows, flows. */
void weir_readable_announce(weir_readable *readable);
/* The same, now. */
void weir_readable_announce_now(weir_readable *readable);
/* Fills the buffer up to the mark, on a tick. */
void weir_readable_read_ahead(weir_readable *readable);
/* The consumer has seen the last of the data: `end`, on a tick. */
void weir_readable_end_later(weir_readable *readable);

#endif
