/* host.h - who is told: the functions through which a stream calls out to its owner.
**
** They may do whatever the public functions allow, also on the same stream; they must return
** normally. After each of them the core reads its state again.
**
** Layer: core.
** SPDX-License-Identifier: MIT
*/
#ifndef WEIR_CORE_HOST_H
#define WEIR_CORE_HOST_H

#include "core/entry.h"

typedef enum weir_event {
  WEIR_EVENT_DRAIN,
  WEIR_EVENT_PREFINISH,
  WEIR_EVENT_FINISH,
  WEIR_EVENT_ERROR, /* the only one with an error */
  WEIR_EVENT_CLOSE,
  /* The readable side. */
  WEIR_EVENT_READABLE,
  WEIR_EVENT_END,
  WEIR_EVENT_PAUSE,
  WEIR_EVENT_RESUME,
} weir_event;

typedef struct weir_host {
  /* Something happened. `error` is the core's; it holds during the call. */
  void (*event)(void *owner, weir_event event, weir_error *error);
  /* The readable side hands a chunk to whoever listens to `data`: bytes in a slab, or what an
  ** anchor holds. It stays the core's; but where this is the last use of it the host may give back
  ** the anchor itself, and then sets it to 0. NULL where no stream is readable.
  */
  void (*data)(void *owner, weir_entry *chunk, bool is_last);
  /* Calls a callback, with NULL for success. The anchor stays the core's. */
  void (*call)(void *owner, weir_callback callback, weir_error *error);
  /* The anchor is not needed any more. Calls nobody. */
  void (*forget)(void *owner, uint32_t anchor);
  /* Nothing works for the stream any more: only the owner's reference is left. NULL: no matter. */
  void (*idle)(void *owner);
  /* The last reference is gone: the stream's memory may be freed. */
  void (*unused)(void *owner);
} weir_host;

#endif
