/* standard.c - a standard descriptor of this process is another one for a while: the host's own
** output goes to where it did.
** SPDX-License-Identifier: MIT
*/
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "torture/host.h"

static struct {
  int fd, saved, peer;
  char path[256];
} now = {.saved = -1, .peer = -1};

static char text[1 << 18]; /* what was written into it */
static size_t text_size;

/* Each opens both ends: ours, which is returned, and `now.peer`. */
static int open_socket(void) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) abort();
  now.peer = ends[1];
  if (now.fd != STDIN_FILENO) fcntl(now.peer, F_SETFL, O_NONBLOCK);
  return ends[0];
}

static int open_fifo(void) {
  if (mkfifo(now.path, 0600) != 0) abort();
  bool reads = now.fd == STDIN_FILENO;
  int reader = open(now.path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  int writer = open(now.path, O_WRONLY | O_CLOEXEC);
  if (reads) fcntl(reader, F_SETFL, 0);
  now.peer = reads ? writer : reader;
  return reads ? reader : writer;
}

static int open_file(void) {
  now.peer = open(now.path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  return open(now.path, O_RDWR | O_CLOEXEC);
}

static void say(const char *words, size_t size) {
  while (size > 0) {
    ssize_t written = write(now.peer, words, size);
    if (written <= 0) abort();
    words += written;
    size -= (size_t)written;
  }
  close(now.peer);
  now.peer = -1;
}

/* replace(fd, kind [, words]): kind is file, fifo or socket; the words are what comes out of it. */
static int replace(lua_State *L) {
  const char *kind = luaL_checkstring(L, 2);
  size_t size;
  const char *words = luaL_optlstring(L, 3, NULL, &size);
  now.fd = (int)luaL_checkinteger(L, 1);
  snprintf(now.path, sizeof now.path, "%s/standard", torture.folder);
  unlink(now.path);
  int ours = strcmp(kind, "socket") == 0 ? open_socket()
             : strcmp(kind, "fifo") == 0 ? open_fifo()
                                         : open_file();
  now.saved = fcntl(now.fd, F_DUPFD_CLOEXEC, 100);
  if (ours < 0 || now.saved < 0 || dup2(ours, now.fd) < 0) abort();
  close(ours);
  if (words) say(words, size);
  text_size = 0;
  return 0;
}

/* drain(): takes what was written into it, so that there is room for more. It needs no memory, and
** passes the shim by.
*/
static int drain(lua_State *L) {
  (void)L;
  if (now.peer < 0) return 0;
  for (;;) {
    long got = syscall(SYS_read, now.peer, text + text_size, sizeof text - text_size);
    if (got <= 0) return 0;
    text_size += (size_t)got;
  }
}

/* received() -> all that was written into it */
static int received(lua_State *L) {
  drain(L);
  lua_pushlstring(L, text, text_size);
  return 1;
}

void torture_standard_open(lua_State *L) {
  lua_pushcfunction(L, replace);
  lua_setfield(L, -2, "replace");
  lua_pushcfunction(L, drain);
  lua_setfield(L, -2, "drain");
  lua_pushcfunction(L, received);
  lua_setfield(L, -2, "received");
}

void torture_standard_restore(void) {
  if (now.saved < 0) return;
  dup2(now.saved, now.fd);
  close(now.saved);
  if (now.peer >= 0) close(now.peer);
  unlink(now.path);
  now.saved = now.peer = -1;
}
