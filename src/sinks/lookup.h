/* lookup.h - looks a host up. An address that is written out needs no resolver.
**
** Layer: sinks. Not thread safe.
** SPDX-License-Identifier: MIT
*/
#ifndef WEIR_SINKS_LOOKUP_H
#define WEIR_SINKS_LOOKUP_H

#include "sinks/loop.h"

/* What is asked. */
typedef struct weir_host_name {
  const char *host;
  int port;
  int family; /* 0, 4 or 6 */
} weir_host_name;

typedef struct weir_lookup weir_lookup;

/* The addresses of a host that is an address itself, to be given back with the loop's freeaddrinfo;
** NULL: it is a name.
*/
struct addrinfo *weir_lookup_literal(const weir_host_name *name);

/* Asks the resolver, on libuv's pool. `found` is told once, later, unless it is cancelled: the
** addresses, from now on its own, or NULL and a libuv error; the lookup is gone by then. Returns
** NULL with `*error` if it cannot be asked.
*/
weir_lookup *weir_lookup_start(weir_loop *loop, const weir_host_name *name,
                               void (*found)(void *owner, struct addrinfo *addresses, int error),
                               void *owner, int *error);
/* Nobody is told any more. */
void weir_lookup_cancel(weir_lookup *lookup);

#endif
