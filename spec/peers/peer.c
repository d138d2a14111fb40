/* peer.c - the other end of a socket, for specs: it listens, says where, and behaves as it is told.
**
**   peer [options] way [number]
**
** First it prints its process and where it listens: a port, of 127.0.0.1, or with `-u path` that
** path. Then it takes `-n` connections (1), one process each, and treats each in its way:
**
**   collect          reads to the end
**   echo             sends back what it reads
**   half             ends its own side at once, and reads to the end
**   close NUMBER     reads so many bytes, and closes
**   reset NUMBER     the same, but says "reset"
**   never            never reads
**   slow NUMBER      reads a byte a millisecond for so many bytes, and then the rest
**   chatty NUMBER    sends so many bytes before it reads anything, slowly, to the end
**   linger NUMBER    reads to the end, and ends its own side only so many milliseconds later
**
** Options: `-a address` and `-p port` to listen there, `-r bytes` the size of its receive buffer, `-q`
** says nothing of what it read, `-b n` the backlog, `-d ms` waits so long before it takes the first
** connection, `-l ms` ends after so long at the latest (120 s). What it has read it says when it is
** through: "BYTES SUM\n", the sum being Adler's of 32 bits.
*/
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const char *unix_path;
static const char *ip_address = "127.0.0.1";
static int port, receive_bytes, backlog = 511, delay_ms, connections = 1, life_ms = 120000;
static bool quiet;
static char buffer[65536];

static uint64_t total;
static uint32_t sum_a = 1, sum_b;

static void die(const char *what) {
  fprintf(stderr, "peer: %s: %s\n", what, strerror(errno));
  exit(2);
}

static void leave(int number) {
  (void)number;
  _exit(0);
}

static void sleep_ms(int ms) {
  struct timespec time = {ms / 1000, (long)(ms % 1000) * 1000000};
  nanosleep(&time, NULL);
}

/* From now on. */
static void live(void) {
  struct itimerval end = {.it_value = {life_ms / 1000, (long)(life_ms % 1000) * 1000}};
  setitimer(ITIMER_REAL, &end, NULL);
}

static void note(const char *bytes, ssize_t size) {
  total += (uint64_t)size;
  for (ssize_t i = 0; i < size; i++) {
    sum_a = (sum_a + (unsigned char)bytes[i]) % 65521;
    sum_b = (sum_b + sum_a) % 65521;
  }
}

static ssize_t read_some(int fd, size_t most) {
  ssize_t size = read(fd, buffer, most < sizeof buffer ? most : sizeof buffer);
  if (size > 0) note(buffer, size);
  return size;
}

static void read_to_end(int fd) {
  while (read_some(fd, sizeof buffer) > 0) {
  }
}

static void read_bytes(int fd, long count) {
  while (count > 0) {
    ssize_t size = read_some(fd, (size_t)count);
    if (size <= 0) return;
    count -= size;
  }
}

static void send_bytes(int fd, const char *bytes, ssize_t size) {
  while (size > 0) {
    ssize_t sent = write(fd, bytes, (size_t)size);
    if (sent <= 0) return;
    bytes += sent;
    size -= sent;
  }
}

static void echo(int fd) {
  ssize_t size;
  while ((size = read_some(fd, sizeof buffer)) > 0) send_bytes(fd, buffer, size);
}

static void be_slow(int fd, long count) {
  for (; count > 0; count--) {
    if (read_some(fd, 1) <= 0) return;
    sleep_ms(1);
  }
  read_to_end(fd);
}

static void be_chatty(int fd, long count) {
  memset(buffer, 'c', sizeof buffer);
  for (; count > 0; count -= (long)sizeof buffer) send_bytes(fd, buffer, sizeof buffer);
  sleep_ms(50);
  while (read_some(fd, 16384) > 0) sleep_ms(2);
}

static void treat(int fd, const char *way, long number) {
  if (strcmp(way, "collect") == 0) read_to_end(fd);
  else if (strcmp(way, "echo") == 0) echo(fd);
  else if (strcmp(way, "half") == 0) {
    shutdown(fd, SHUT_WR);
    read_to_end(fd);
  } else if (strcmp(way, "close") == 0) read_bytes(fd, number);
  else if (strcmp(way, "reset") == 0) {
    struct linger at_once = {1, 0};
    read_bytes(fd, number);
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  } else if (strcmp(way, "never") == 0) pause();
  else if (strcmp(way, "slow") == 0) be_slow(fd, number);
  else if (strcmp(way, "chatty") == 0) be_chatty(fd, number);
  else if (strcmp(way, "linger") == 0) {
    read_to_end(fd);
    sleep_ms((int)number);
  } else die("no such way");
  close(fd);
  if (quiet) return;
  printf("%llu %u\n", (unsigned long long)total, (unsigned)(sum_b * 65536u + sum_a));
  fflush(stdout);
}

static int listen_somewhere(void) {
  struct sockaddr_in ip = {.sin_family = AF_INET};
  struct sockaddr_un un = {.sun_family = AF_UNIX};
  struct sockaddr *address = (struct sockaddr *)&ip;
  socklen_t size = sizeof ip;
  inet_pton(AF_INET, ip_address, &ip.sin_addr);
  ip.sin_port = htons((uint16_t)port);
  if (unix_path) {
    snprintf(un.sun_path, sizeof un.sun_path, "%s", unix_path);
    address = (struct sockaddr *)&un;
    size = sizeof un;
  }
  int fd = socket(unix_path ? AF_UNIX : AF_INET, SOCK_STREAM, 0);
  if (receive_bytes > 0) setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_bytes, sizeof(int));
  if (fd < 0 || bind(fd, address, size) != 0 || listen(fd, backlog) != 0) die("listen");
  if (getsockname(fd, address, &size) != 0) die("getsockname");
  if (unix_path) printf("%ld %s\n", (long)getpid(), unix_path);
  else printf("%ld %d\n", (long)getpid(), ntohs(ip.sin_port));
  fflush(stdout);
  return fd;
}

static void read_options(int argc, char **argv) {
  for (int option; (option = getopt(argc, argv, "a:p:u:n:r:b:d:l:q")) != -1;) {
    if (option == 'a') ip_address = optarg;
    else if (option == 'p') port = atoi(optarg);
    else if (option == 'u') unix_path = optarg;
    else if (option == 'n') connections = atoi(optarg);
    else if (option == 'r') receive_bytes = atoi(optarg);
    else if (option == 'b') backlog = atoi(optarg);
    else if (option == 'd') delay_ms = atoi(optarg);
    else if (option == 'l') life_ms = atoi(optarg);
    else if (option == 'q') quiet = true;
    else exit(2);
  }
}

int main(int argc, char **argv) {
  read_options(argc, argv);
  if (optind >= argc) return 2;
  signal(SIGPIPE, SIG_IGN);
  signal(SIGTERM, leave); /* a shell says nothing about these two */
  signal(SIGALRM, leave);
  live();
  int listener = listen_somewhere();
  sleep_ms(delay_ms);
  long number = optind + 1 < argc ? atol(argv[optind + 1]) : 0;
  for (int i = 0; i < connections; i++) {
    int fd = accept(listener, NULL, NULL);
    if (fd < 0) die("accept");
    if (connections > 1 && fork() != 0) {
      close(fd);
      continue;
    }
    live();
    treat(fd, argv[optind], number);
    if (connections > 1) return 0;
  }
  close(listener);
  while (wait(NULL) > 0) {
  }
  if (unix_path) unlink(unix_path);
  return 0;
}
