/* listener.h - a socket that listens, and takes connections as they come.
**
** When the process or the system has no descriptor left, it stops taking for a while and then tries
** again: nobody is turned away, and nothing spins.
**
** Layer: sinks. Not thread safe.
** SPDX-License-Identifier: MIT
*/
#ifndef WEIR_SINKS_LISTENER_H
#define WEIR_SINKS_LISTENER_H

#include "sinks/loop.h"

#include <sys/stat.h>

#include "sinks/socket.h"

typedef struct weir_listener {
  weir_handle poll;
  weir_timer pause;
  weir_loop *loop;
  int fd; /* -1: not open (any more) */
  bool in_close;
  unsigned handles;                      /* those that libuv has not closed yet */
  void (*accepted)(void *owner, int fd); /* the descriptor is the owner's; it may close us */
  void (*closed)(void *owner);           /* libuv has let go of everything */
  void *owner;
  char *path; /* of a unix socket: what is removed in the end; owned */
  struct stat file;
} weir_listener;

void weir_listener_init(weir_listener *listener, weir_loop *loop);

/* Binds and listens at an address of the internet. Returns 0 or a negative errno. */
int weir_listener_open(weir_listener *listener, const struct sockaddr *address, socklen_t size,
                       int backlog);
/* At any address of this host, of both families where the system has them. */
int weir_listener_open_any(weir_listener *listener, int port, int backlog);
/* At a path, with that mode whatever the umask, or less the umask with `mode` 0. A socket that is
** already there is replaced if it refuses connections; anything else that is there is -EADDRINUSE.
*/
int weir_listener_open_path(weir_listener *listener, const weir_address *address, mode_t mode,
                            int backlog);

/* Begins to take connections. Returns 0 or a negative errno. */
int weir_listener_start(weir_listener *listener);
void weir_listener_set_ref(weir_listener *listener, bool on);
/* Closes; `closed` follows, perhaps from within. A path that is still ours is removed. */
void weir_listener_close(weir_listener *listener);

#endif
