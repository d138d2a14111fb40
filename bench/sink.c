/* sink.c - a server for benchmarks: takes connections on the loopback and discards what comes. Writes
** its port to the file it is given, and runs until its standard input ends.
** SPDX-License-Identifier: MIT
*/
#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CONNECTIONS_MAX = 4096, BACKLOG = 1024, READ_BYTES = 1 << 18 };

static struct pollfd polled[CONNECTIONS_MAX + 2]; /* standard input, the listener, connections */
static nfds_t count = 2;
static char discarded[READ_BYTES];

static void die(const char *what) {
  perror(what);
  exit(1);
}

static int listen_on_loopback(void) {
  struct sockaddr_in address = {.sin_family = AF_INET};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  if (fd < 0) die("socket");
  if (bind(fd, (struct sockaddr *)&address, sizeof address) != 0) die("bind");
  if (listen(fd, BACKLOG) != 0) die("listen");
  return fd;
}

static void write_port(int fd, const char *path) {
  struct sockaddr_in address;
  socklen_t size = sizeof address;
  if (getsockname(fd, (struct sockaddr *)&address, &size) != 0) die("getsockname");
  FILE *out = fopen(path, "w");
  if (!out || fprintf(out, "%d\n", ntohs(address.sin_port)) < 0 || fclose(out) != 0) die(path);
}

static void take_connection(void) {
  int fd = accept(polled[1].fd, NULL, NULL);
  if (fd >= 0 && count < CONNECTIONS_MAX + 2) polled[count++] = (struct pollfd){fd, POLLIN, 0};
}

/* Reads once from each that has something; those that have ended go. */
static void read_all(void) {
  for (nfds_t i = 2; i < count; i++) {
    if (!polled[i].revents || read(polled[i].fd, discarded, sizeof discarded) > 0) continue;
    close(polled[i].fd);
    polled[i--] = polled[--count];
  }
}

int main(int argc, char **argv) {
  if (argc != 2) return 2;
  polled[0] = (struct pollfd){0, POLLIN, 0};
  polled[1] = (struct pollfd){listen_on_loopback(), POLLIN, 0};
  write_port(polled[1].fd, argv[1]);
  while (poll(polled, count, -1) >= 0) {
    if (polled[0].revents) return 0;
    read_all();
    if (polled[1].revents) take_connection();
  }
  die("poll");
}
