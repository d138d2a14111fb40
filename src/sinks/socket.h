/* socket.h - sockets, as calls of the system: made, named, asked. None of it blocks.
**
** All descriptors made here are close-on-exec and do not block. What fails returns a negative
** errno.
**
** Layer: sinks. Knows neither the core nor libuv.
** SPDX-License-Identifier: MIT
*/
#ifndef WEIR_SINKS_SOCKET_H
#define WEIR_SINKS_SOCKET_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>

_Static_assert(EAGAIN == EWOULDBLOCK, "nobody asks for both");

/* An address of any kind. */
typedef struct weir_address {
  socklen_t size;
  union {
    struct sockaddr any;
    struct sockaddr_in ip4;
    struct sockaddr_in6 ip6;
    struct sockaddr_un path;
  } as;
} weir_address;

enum { WEIR_ADDRESS_TEXT = 64 }; /* an IPv6 address with its zone, written out */

/* The address of a unix socket. `abstract`: of no file, but a name of Linux's. Returns 0,
** -ENAMETOOLONG, or -EINVAL: empty, a NUL in a path, or no such thing on this system.
*/
int weir_address_of_path(weir_address *address, const char *path, size_t size, bool abstract);
/* Writes the host into `text`, which has WEIR_ADDRESS_TEXT bytes, and returns the port; -1, and no
** text, if it is not one of the internet.
*/
int weir_address_to_text(const struct sockaddr *address, char *text);

/* Returns a descriptor. */
int weir_socket_open(int family);
/* Takes the next connection of a listening socket; returns its descriptor. */
int weir_socket_accept(int listener);
/* Begins to connect. Returns 0: connected; -EINPROGRESS: as soon as it can be written to, ask
** weir_socket_error().
*/
int weir_socket_connect(int fd, const struct sockaddr *address, socklen_t size);
/* The error that waits at the socket: 0, or a negative errno. */
int weir_socket_error(int fd);

/* Sends what the kernel takes now; a peer that is gone is -EPIPE and no signal. */
ssize_t weir_socket_send(int fd, const struct iovec *vectors, size_t count);
/* Bytes that the kernel has and the peer has not acknowledged; 0 where it cannot be told. */
int weir_socket_unsent(int fd);
/* A close() now tells the peer "reset", not "the end". */
void weir_socket_set_reset(int fd);

int weir_socket_set_no_delay(int fd, bool on);
/* After so many idle seconds probes begin; 0: the system's number. */
int weir_socket_set_keep_alive(int fd, bool on, unsigned delay_s);

/* Closes; never again after EINTR. */
void weir_socket_close(int fd);

#endif
