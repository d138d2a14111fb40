/* listener.c - see listener.h.
** SPDX-License-Identifier: MIT
*/
#include "sinks/listener.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/assert.h"

enum {
  ACCEPTS_MAX = 64, /* then the loop has its turn */
  PAUSE_MS = 100,   /* while there is no descriptor to be had */
};

void weir_listener_init(weir_listener *it, weir_loop *loop) {
  *it = (weir_listener){.fd = -1, .loop = loop};
}

/* --- the internet --- */

static int bind_and_listen(weir_listener *it, int fd, const struct sockaddr *address,
                           socklen_t size, int backlog) {
  if (bind(fd, address, size) == 0 && listen(fd, backlog) == 0) {
    it->fd = fd;
    return 0;
  }
  int error = errno;
  weir_socket_close(fd);
  return -error;
}

static int open_socket(int family, bool dual) {
  int fd = weir_socket_open(family), on = 1, off = 0;
  if (fd < 0) return fd;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (dual) setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
  return fd;
}

int weir_listener_open(weir_listener *it, const struct sockaddr *address, socklen_t size,
                       int backlog) {
  int fd = open_socket(address->sa_family, address->sa_family == AF_INET6);
  return fd < 0 ? fd : bind_and_listen(it, fd, address, size, backlog);
}

int weir_listener_open_any(weir_listener *it, int port, int backlog) {
  weir_address address = {.size = sizeof address.as.ip6};
  address.as.ip6 = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_addr = in6addr_any};
  address.as.ip6.sin6_port = htons((uint16_t)port);
  int error = weir_listener_open(it, &address.as.any, address.size, backlog);
  if (error != -EAFNOSUPPORT && error != -EADDRNOTAVAIL && error != -EINVAL) return error;
  address = (weir_address){.size = sizeof address.as.ip4};
  address.as.ip4 = (struct sockaddr_in){.sin_family = AF_INET};
  address.as.ip4.sin_addr.s_addr = htonl(INADDR_ANY);
  address.as.ip4.sin_port = htons((uint16_t)port);
  return weir_listener_open(it, &address.as.any, address.size, backlog);
}

/* --- a path --- */

static bool refuses_connections(const weir_address *address) {
  int fd = weir_socket_open(AF_UNIX);
  if (fd < 0) return false;
  bool refused = weir_socket_connect(fd, &address->as.any, address->size) == -ECONNREFUSED;
  weir_socket_close(fd);
  return refused;
}

static bool is_same_file(const char *path, const struct stat *file) {
  struct stat now;
  return lstat(path, &now) == 0 && now.st_dev == file->st_dev && now.st_ino == file->st_ino;
}

/* Removes a socket that a process left behind which did not close it; nothing else. */
static bool remove_stale(const weir_address *address) {
  const char *path = address->as.path.sun_path;
  struct stat file;
  if (lstat(path, &file) != 0 || !S_ISSOCK(file.st_mode)) return false;
  if (file.st_uid != geteuid() && geteuid() != 0) return false;
  return refuses_connections(address) && is_same_file(path, &file) && unlink(path) == 0;
}

/* The mode is set before bind, which keeps it within the umask, and again before anybody can
** connect (own_path): the socket is at no time open to more than it shall be.
*/
static int bind_path(int fd, const weir_address *address, mode_t mode) {
  if (mode) (void)!fchmod(fd, mode);
  if (bind(fd, &address->as.any, address->size) == 0) return 0;
  if (errno != EADDRINUSE || !address->as.path.sun_path[0]) return -errno;
  if (!remove_stale(address)) return -EADDRINUSE;
  return bind(fd, &address->as.any, address->size) == 0 ? 0 : -errno;
}

/* What was bound a moment ago is ours to remove, now or at the end. */
static int own_path(weir_listener *it, const weir_address *address, mode_t mode) {
  const char *path = address->as.path.sun_path;
  if (!path[0]) return 0; /* an abstract name leaves nothing behind */
  int error = lstat(path, &it->file) == 0 ? 0 : -errno;
  if (!error) it->path = strdup(path);
  if (!it->path) {
    unlink(path);
    return error ? error : -ENOMEM;
  }
  return !mode || chmod(path, mode) == 0 ? 0 : -errno;
}

static void remove_path(weir_listener *it) {
  if (it->path && is_same_file(it->path, &it->file)) unlink(it->path);
  free(it->path);
  it->path = NULL;
}

int weir_listener_open_path(weir_listener *it, const weir_address *address, mode_t mode,
                            int backlog) {
  int fd = weir_socket_open(AF_UNIX);
  if (fd < 0) return fd;
  int error = bind_path(fd, address, mode);
  if (!error) error = own_path(it, address, mode);
  if (!error && listen(fd, backlog) != 0) error = -errno;
  if (!error) {
    it->fd = fd;
    return 0;
  }
  remove_path(it);
  weir_socket_close(fd);
  return error;
}

/* --- taking --- */

static void on_connection(uv_poll_t *poll, int status, int events);

static void watch(weir_listener *it, bool on) {
  if (!weir_handle_is_open(&it->poll)) return;
  if (on) it->loop->uv->poll_start(it->poll.uv.poll, UV_READABLE, on_connection);
  else it->loop->uv->poll_stop(it->poll.uv.poll);
}

static bool is_out_of_descriptors(int error) {
  return error == -EMFILE || error == -ENFILE || error == -ENOBUFS || error == -ENOMEM;
}

static void on_connection(uv_poll_t *poll, int status, int events) {
  weir_listener *it = weir_handle_of((uv_handle_t *)poll)->owner;
  weir_loop *loop = it->loop;
  (void)events;
  it->handles++; /* it may be closed meanwhile */
  bool pauses = status < 0;
  for (int i = 0; i < ACCEPTS_MAX && it->fd >= 0; i++) {
    int fd = weir_socket_accept(it->fd);
    if (fd >= 0) {
      it->accepted(it->owner, fd);
      continue;
    }
    pauses = is_out_of_descriptors(fd);
    if (fd == -EAGAIN || pauses) break; /* else that one has vanished: the next */
  }
  if (pauses && it->fd >= 0) {
    watch(it, false);
    weir_timer_again(&it->pause, PAUSE_MS);
  }
  if (--it->handles == 0) it->closed(it->owner);
  weir_loop_run_ticks(loop);
}

static void on_pause_over(weir_timer *timer) {
  watch(timer->owner, true);
}

/* --- life --- */

static void handle_closed(weir_listener *it) {
  if (--it->handles == 0) it->closed(it->owner);
}

/* libuv's callback, unless somebody else had closed the handle: then close() is on the stack. */
static void handle_closed_by_uv(weir_listener *it) {
  weir_loop *loop = it->loop;
  bool is_callback = !it->in_close;
  handle_closed(it);
  if (is_callback) weir_loop_run_ticks(loop);
}

static void on_timer_freed(weir_timer *timer) {
  handle_closed_by_uv(timer->owner);
}

static void on_poll_closed(weir_handle *poll) {
  handle_closed_by_uv(poll->owner);
}

static int open_handles(weir_listener *it) {
  it->pause.fired = on_pause_over;
  it->pause.freed = on_timer_freed;
  int error = weir_timer_start(&it->pause, it->loop, PAUSE_MS);
  if (error) return error;
  it->pause.owner = it; /* there is one to be ended */
  it->handles++;
  weir_timer_stop(&it->pause);
  error = weir_handle_open(&it->poll, it->loop, UV_POLL, it->fd, it);
  if (error) it->poll.owner = NULL;
  else it->handles++;
  return error;
}

int weir_listener_start(weir_listener *it) {
  WEIR_ASSERT(it->fd >= 0 && it->handles == 0);
  int error = open_handles(it);
  if (!error) watch(it, true);
  return error;
}

void weir_listener_set_ref(weir_listener *it, bool on) {
  const weir_uv_api *uv = it->loop->uv;
  weir_handle *handles[] = {&it->poll, &it->pause.handle};
  for (size_t i = 0; i < 2 && it->handles > 0; i++) {
    if (!weir_handle_is_open(handles[i])) continue;
    if (on) uv->ref(handles[i]->uv.any);
    else uv->unref(handles[i]->uv.any);
  }
}

void weir_listener_close(weir_listener *it) {
  if (it->fd < 0) return;
  remove_path(it); /* before others could take its place */
  int fd = it->fd;
  it->fd = -1;
  it->handles++;
  it->in_close = true;
  if (it->poll.owner) weir_handle_close(&it->poll, on_poll_closed);
  if (it->pause.owner) weir_timer_end(&it->pause);
  it->in_close = false;
  weir_socket_close(fd);
  handle_closed(it);
}
