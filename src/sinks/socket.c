/* socket.c - see socket.h.
** SPDX-License-Identifier: MIT
*/
#include "sinks/socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "sinks/standard.h"

#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL 0 /* SO_NOSIGPIPE does it there */
#endif

/* --- addresses --- */

int weir_address_of_path(weir_address *address, const char *path, size_t size, bool abstract) {
  *address = (weir_address){.size = 0};
  struct sockaddr_un *name = &address->as.path;
  size_t lead = abstract ? 1 : 0; /* an abstract name begins with a NUL and ends where it ends */
  if (size == 0 || (!abstract && memchr(path, 0, size))) return -EINVAL;
#ifndef __linux__
  if (abstract) return -EINVAL;
#endif
  if (lead + size + (abstract ? 0 : 1) > sizeof name->sun_path) return -ENAMETOOLONG;
  name->sun_family = AF_UNIX;
  memcpy(name->sun_path + lead, path, size);
  size_t used = offsetof(struct sockaddr_un, sun_path) + lead + size;
  address->size = (socklen_t)(abstract ? used : used + 1);
  return 0;
}

_Static_assert(INET6_ADDRSTRLEN + IF_NAMESIZE <= WEIR_ADDRESS_TEXT, "an address and its zone");

static void append_zone(const struct sockaddr_in6 *address, char *text) {
  size_t used = strlen(text);
  if (address->sin6_scope_id == 0) return;
  text[used] = '%';
  if (!if_indextoname(address->sin6_scope_id, text + used + 1)) text[used] = 0;
}

int weir_address_to_text(const struct sockaddr *address, char *text) {
  text[0] = 0;
  if (address->sa_family == AF_INET) {
    const struct sockaddr_in *ip4 = (const struct sockaddr_in *)(const void *)address;
    inet_ntop(AF_INET, &ip4->sin_addr, text, WEIR_ADDRESS_TEXT);
    return ntohs(ip4->sin_port);
  }
  if (address->sa_family == AF_INET6) {
    const struct sockaddr_in6 *ip6 = (const struct sockaddr_in6 *)(const void *)address;
    inet_ntop(AF_INET6, &ip6->sin6_addr, text, WEIR_ADDRESS_TEXT);
    append_zone(ip6, text);
    return ntohs(ip6->sin6_port);
  }
  return -1;
}

/* --- making --- */

#if !defined(__linux__)
static int prepare(int fd) {
  fd = weir_above_standard(fd);
  if (fd < 0) return -errno;
  int flags = fcntl(fd, F_GETFL), on = 1;
  bool done = fcntl(fd, F_SETFD, FD_CLOEXEC) == 0 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0;
#ifdef SO_NOSIGPIPE
  setsockopt(fd, SOL_SOCKET, SO_NOSIGPIPE, &on, sizeof on);
#endif
  (void)on;
  if (done) return fd;
  int error = errno;
  weir_socket_close(fd);
  return -error;
}
#endif

int weir_socket_open(int family) {
#if defined(__linux__)
  int fd = weir_above_standard(socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  return fd < 0 ? -errno : fd;
#else
  return prepare(socket(family, SOCK_STREAM, 0));
#endif
}

int weir_socket_accept(int listener) {
  for (;;) {
#if defined(__linux__)
    int fd = weir_above_standard(accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (fd < 0) fd = -errno;
#else
    int fd = prepare(accept(listener, NULL, NULL));
#endif
    if (fd != -EINTR) return fd;
  }
}

int weir_socket_connect(int fd, const struct sockaddr *address, socklen_t size) {
  if (connect(fd, address, size) == 0) return 0;
  return errno == EINTR ? -EINPROGRESS : -errno; /* interrupted, it goes on by itself */
}

int weir_socket_error(int fd) {
  int error = 0;
  socklen_t size = sizeof error;
  if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0) return -errno;
  return -error;
}

/* --- using --- */

ssize_t weir_socket_send(int fd, const struct iovec *vectors, size_t count) {
  struct msghdr message = {.msg_iov = (struct iovec *)(uintptr_t)vectors};
  message.msg_iovlen = (__typeof__(message.msg_iovlen))count;
  for (;;) {
    ssize_t sent = sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent >= 0) return sent;
    if (errno != EINTR) return -errno;
  }
}

int weir_socket_unsent(int fd) {
  int bytes = 0;
#if defined(TIOCOUTQ)
  if (ioctl(fd, TIOCOUTQ, &bytes) != 0) return 0;
#endif
  return bytes;
}

static int set(int fd, int level, int option, int value) {
  return setsockopt(fd, level, option, &value, sizeof value) == 0 ? 0 : -errno;
}

void weir_socket_set_reset(int fd) {
  struct linger at_once = {.l_onoff = 1, .l_linger = 0};
  setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

int weir_socket_set_no_delay(int fd, bool on) {
  return set(fd, IPPROTO_TCP, TCP_NODELAY, on);
}

int weir_socket_set_keep_alive(int fd, bool on, unsigned delay_s) {
  int error = set(fd, SOL_SOCKET, SO_KEEPALIVE, on);
#if defined(TCP_KEEPIDLE)
  if (!error && on && delay_s > 0) error = set(fd, IPPROTO_TCP, TCP_KEEPIDLE, (int)delay_s);
#elif defined(TCP_KEEPALIVE)
  if (!error && on && delay_s > 0) error = set(fd, IPPROTO_TCP, TCP_KEEPALIVE, (int)delay_s);
#endif
  return error;
}

void weir_socket_close(int fd) {
  close(fd);
}
