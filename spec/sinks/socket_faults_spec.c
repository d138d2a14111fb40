/* socket_faults_spec.c - sockets as calls of the system: what interrupts them is not noticed, what they
** refuse is a negative errno, and addresses are what they say.
** SPDX-License-Identifier: MIT
*/
#include "sinks/socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <string.h>
#include <unistd.h>

#include "support/check.h"
#include "support/preload/fault_shim.h"

/* --- addresses --------------------------------------------------------------------------------- */

SPEC("a path is an address if it is short enough, and neither empty nor with a NUL in it") {
  char long_name[256];
  weir_address address;
  memset(long_name, 'x', sizeof long_name);
  const size_t max = sizeof address.as.path.sun_path - 1;
  CHECK_EQUAL(weir_address_of_path(&address, "", 0, false), -EINVAL);
  CHECK_EQUAL(weir_address_of_path(&address, "a\0b", 3, false), -EINVAL);
  CHECK_EQUAL(weir_address_of_path(&address, long_name, max + 1, false), -ENAMETOOLONG);
  CHECK_EQUAL(address.size, 0);
  CHECK_EQUAL(weir_address_of_path(&address, long_name, max, false), 0);
  CHECK_EQUAL(strlen(address.as.path.sun_path), max);
}

#ifdef __linux__
SPEC("an abstract name may hold anything, and is as long as it is") {
  weir_address address;
  CHECK_EQUAL(weir_address_of_path(&address, "", 0, true), -EINVAL);
  CHECK_EQUAL(weir_address_of_path(&address, "a\0b", 3, true), 0);
  CHECK(memcmp(address.as.path.sun_path, "\0a\0b", 4) == 0);
  CHECK_EQUAL(address.size, offsetof(struct sockaddr_un, sun_path) + 4);
}
#endif

static void check_text(const weir_address *address, const char *expected, int port) {
  char text[WEIR_ADDRESS_TEXT];
  CHECK_EQUAL(weir_address_to_text(&address->as.any, text), port);
  CHECK_STRING(text, expected);
}

SPEC("an address is written with its zone, if that has a name") {
  weir_address address = {.as.ip6 = {.sin6_family = AF_INET6, .sin6_port = htons(80)}};
  inet_pton(AF_INET6, "fe80::1", &address.as.ip6.sin6_addr);
  check_text(&address, "fe80::1", 80);
  address.as.ip6.sin6_scope_id = 987654321;
  check_text(&address, "fe80::1", 80);
  unsigned zone = if_nametoindex("lo");
  if (zone == 0) SKIP("there is no lo here");
  address.as.ip6.sin6_scope_id = zone;
  check_text(&address, "fe80::1%lo", 80);
}

SPEC("an address that is not one of the internet has no text") {
  weir_address address;
  CHECK_EQUAL(weir_address_of_path(&address, "a", 1, false), 0);
  check_text(&address, "", -1);
}

/* --- calls ------------------------------------------------------------------------------------- */

/* A socket that listens on the loopback; sets its address. */
static int listen_somewhere(weir_address *address) {
  *address = (weir_address){.size = sizeof address->as.ip4, .as.ip4 = {.sin_family = AF_INET}};
  address->as.ip4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int fd = weir_socket_open(AF_INET);
  CHECK_EQUAL(bind(fd, &address->as.any, address->size), 0);
  CHECK_EQUAL(listen(fd, 8), 0);
  CHECK_EQUAL(getsockname(fd, &address->as.any, &address->size), 0);
  return fd;
}

SPEC("a connect that is interrupted goes on by itself; what is refused is told") {
  weir_address address;
  int listener = listen_somewhere(&address), fd = weir_socket_open(AF_INET);
  fault_shim_begin("connect:1:ENETUNREACH,connect:2:EINTR", "");
  CHECK_EQUAL(weir_socket_connect(fd, &address.as.any, address.size), -ENETUNREACH);
  CHECK_EQUAL(weir_socket_connect(fd, &address.as.any, address.size), -EINPROGRESS);
  fault_shim_end();
  CHECK_EQUAL(weir_socket_error(fd), 0);
  weir_socket_close(fd);
  weir_socket_close(listener);
}

SPEC("an accept that is interrupted is made again; where nobody waits it is EAGAIN") {
  weir_address address;
  int listener = listen_somewhere(&address);
  fault_shim_begin("accept4:1:EINTR", "");
  CHECK_EQUAL(weir_socket_accept(listener), -EAGAIN);
  CHECK_EQUAL(fault_shim_count("accept4"), 2);
  fault_shim_end();
  weir_socket_close(listener);
}

SPEC("a send that is interrupted is made again; what is refused is told") {
  int ends[2];
  if (!CHECK_EQUAL(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0)) return;
  struct iovec vector = {(char[]){"abc"}, 3};
  fault_shim_begin("sendmsg:1:EINTR,sendmsg:3:ENOBUFS", "");
  CHECK_EQUAL(weir_socket_send(ends[0], &vector, 1), 3);
  CHECK_EQUAL(fault_shim_count("sendmsg"), 2);
  CHECK_EQUAL(weir_socket_send(ends[0], &vector, 1), -ENOBUFS);
  fault_shim_end();
  weir_socket_close(ends[1]);
  CHECK_EQUAL(weir_socket_send(ends[0], &vector, 1), -EPIPE); /* and no signal */
  weir_socket_close(ends[0]);
}

SPEC("what cannot be asked is an error, or nothing") {
  CHECK_EQUAL(weir_socket_error(-1), -EBADF);
  CHECK_EQUAL(weir_socket_unsent(-1), 0);
  fault_shim_begin("socket:1:EMFILE", "");
  CHECK_EQUAL(weir_socket_open(AF_INET), -EMFILE);
  fault_shim_end();
}

SPEC("keep-alive is set with its delay, with the system's, or not at all; a refusal is told") {
  int fd = weir_socket_open(AF_INET);
  fault_shim_begin("setsockopt:4:EINVAL,setsockopt:5:ENOBUFS,setsockopt:7:EINVAL", "");
  CHECK_EQUAL(weir_socket_set_keep_alive(fd, true, 0), 0);
  CHECK_EQUAL(fault_shim_count("setsockopt"), 1);
  CHECK_EQUAL(weir_socket_set_keep_alive(fd, false, 7), 0);
  CHECK_EQUAL(fault_shim_count("setsockopt"), 2);
  CHECK_EQUAL(weir_socket_set_keep_alive(fd, true, 7), -EINVAL);
  CHECK_EQUAL(fault_shim_count("setsockopt"), 4);
  CHECK_EQUAL(weir_socket_set_keep_alive(fd, true, 7), -ENOBUFS);
  CHECK_EQUAL(weir_socket_set_no_delay(fd, true), 0);
  CHECK_EQUAL(weir_socket_set_no_delay(fd, true), -EINVAL);
  fault_shim_end();
  weir_socket_close(fd);
}

int main(int argc, char **argv) {
  return check_main(argc, argv);
}
