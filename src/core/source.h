/* source.h - the port: what a stream asks of the thing it reads from.
**
** A source and a sink of one stream (a socket) are one thing: both ports get the pointer that the
** stream was made with, and the sink's port has the `open` and `close` of both.
**
** Layer: core.
** SPDX-License-Identifier: MIT
*/
#ifndef WEIR_CORE_SOURCE_H
#define WEIR_CORE_SOURCE_H

#include <stdint.h>

typedef struct weir_source_port {
  /* Data is wanted. The answer is at least one push, from within the call or later; until it comes
  ** nothing more is asked. `size` is the high-water mark: a hint. A source that goes on pushing by
  ** itself (a socket) stops when a push is answered "slow down", and begins anew when it is asked.
  ** It keeps the stream, by a reference, as long as it works. NULL: it cannot be read.
  */
  void (*read)(void *source, uint64_t size);
} weir_source_port;

#endif
