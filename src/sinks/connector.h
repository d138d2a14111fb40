/* connector.h - on the way to a peer: looks its name up, tries its addresses, ends with a connected
** descriptor or an error.
**
** Addresses are tried in the order of the resolver. The next one gets its turn as soon as the one
** before has failed, or has not answered for a quarter of a second; then both go on, and the first
** one to connect wins (RFC 8305).
**
** Layer: sinks. Not thread safe.
** SPDX-License-Identifier: MIT
*/
#ifndef WEIR_SINKS_CONNECTOR_H
#define WEIR_SINKS_CONNECTOR_H

#include "sinks/loop.h"

#include "core/error.h"
#include "sinks/socket.h"

typedef struct weir_connector weir_connector;

/* Who is told. Either may do whatever the connector's functions allow. */
typedef struct weir_connector_host {
  /* An address of the name was found, or none was: then `error` says why. */
  void (*found)(void *owner, const struct sockaddr *address, weir_error *error);
  /* It is over, and the connector is gone: a connected descriptor, now the owner's, or an error. */
  void (*done)(void *owner, int fd, weir_error *error);
} weir_connector_host;

/* To a name or address of the internet. `family`: 0, 4 or 6. `timeout_ms`: for all of it; 0: none.
** NULL without memory. Nothing happens before it is started.
*/
weir_connector *weir_connector_to_host(const char *host, int port, int family, uint64_t timeout_ms);
/* To a unix socket, or with `error`, a negative errno: to fail with that. */
weir_connector *weir_connector_to_path(const weir_address *path, int error, uint64_t timeout_ms);

/* Starts. `done` follows, later or from within, unless it is cancelled first. */
void weir_connector_start(weir_connector *connector, weir_loop *loop,
                          const weir_connector_host *host, void *owner);
/* Ends it, started or not, without a word. It is gone for the caller. */
void weir_connector_cancel(weir_connector *connector);

/* The host as it was given; "" for a path. */
const char *weir_connector_name(const weir_connector *connector);

#endif
