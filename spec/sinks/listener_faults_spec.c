/* listener_faults_spec.c - a listener where the system refuses something: it says what, leaves no
** descriptor and no path behind, and takes connections again when it can.
** SPDX-License-Identifier: MIT
*/
#include "sinks/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/check.h"
#include "support/failing_alloc.h"
#include "support/foreign_loop.h"
#include "support/preload/fault_shim.h"

static weir_loop loop;
static weir_uv_api uv;
static weir_listener listener;
static int taken, closed;
static bool closes; /* when it takes one */

static void on_accepted(void *owner, int fd) {
  CHECK(owner == &listener);
  taken++;
  weir_socket_close(fd);
  if (closes) weir_listener_close(&listener);
}

static void on_closed(void *owner) {
  CHECK(owner == &listener);
  closed++;
}

static void prepare(void) {
  taken = closed = 0;
  closes = false;
  weir_listener_init(&listener, &loop);
  listener.accepted = on_accepted;
  listener.closed = on_closed;
  listener.owner = &listener;
}

static void begin(void) {
  CHECK_EQUAL(weir_loop_open(&loop), 0);
  uv = weir_uv_linked;
  loop.uv = &uv;
  prepare();
}

static void end(void) {
  weir_listener_close(&listener);
  weir_listener_close(&listener);
  weir_loop_run(&loop, UV_RUN_DEFAULT);
  CHECK_EQUAL(listener.fd, -1);
  CHECK(weir_loop_close(&loop));
}

/* --- the internet ------------------------------------------------------------------------------ */

static int open_any(const char *rules) {
  fault_shim_begin(rules, "");
  int error = weir_listener_open_any(&listener, 0, 8);
  fault_shim_end();
  return error;
}

SPEC("on a system without IPv6, whatever it says, the other family is listened at") {
  static const char *const refusals[] = {"socket:1:EAFNOSUPPORT", "bind:1:EADDRNOTAVAIL",
                                         "bind:1:EINVAL"};
  int fd = weir_socket_open(AF_INET6);
  if (fd < 0) SKIP("there is no other family here");
  weir_socket_close(fd);
  for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
    weir_address address = {.size = sizeof address.as};
    begin();
    CHECK_EQUAL(open_any(refusals[i]), 0);
    CHECK_EQUAL(getsockname(listener.fd, &address.as.any, &address.size), 0);
    CHECK_EQUAL(address.as.any.sa_family, AF_INET);
    end();
  }
}

SPEC("an address that cannot be had is an error, and no descriptor is left") {
  begin();
  CHECK_EQUAL(open_any("bind:*:EACCES"), -EACCES);
  CHECK_EQUAL(open_any("listen:*:ENOBUFS"), -ENOBUFS);
  CHECK_EQUAL(open_any("socket:*:EMFILE"), -EMFILE);
  CHECK_EQUAL(listener.fd, -1);
  end();
}

/* --- a path ------------------------------------------------------------------------------------ */

static weir_address address;

static const char *path(void) {
  static char name[64];
  if (!name[0]) snprintf(name, sizeof name, "/tmp/weir-listener-%ld", (long)getpid());
  return name;
}

static bool is_there(void) {
  struct stat info;
  return lstat(path(), &info) == 0;
}

static void begin_path(void) {
  begin();
  CHECK_EQUAL(weir_address_of_path(&address, path(), strlen(path()), false), 0);
}

static int open_path(const char *rules, mode_t mode) {
  fault_shim_begin(rules, "");
  int error = weir_listener_open_path(&listener, &address, mode, 8);
  fault_shim_end();
  return error;
}

/* A socket that nobody listens at, as a process leaves it that was killed. */
static void leave_stale(void) {
  int fd = weir_socket_open(AF_UNIX);
  CHECK_EQUAL(bind(fd, &address.as.any, address.size), 0);
  weir_socket_close(fd);
}

SPEC("a path whose socket cannot be made, set or listened at is an error, and nothing is left") {
  static const struct {
    const char *rules;
    int error;
  } cases[] = {{"socket:1:EMFILE", -EMFILE},
               {"bind:1:EACCES", -EACCES},
               {"lstat:1:EIO", -EIO},
               {"chmod:1:EPERM", -EPERM},
               {"listen:1:ENOBUFS", -ENOBUFS}};
  begin_path();
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    CHECK_EQUAL(open_path(cases[i].rules, 0600), cases[i].error);
    CHECK_EQUAL(listener.fd, -1);
    CHECK(!listener.path && !is_there());
  }
  end();
}

SPEC("a path for which there is no memory is an error, and nothing is left") {
  if (!failing_alloc_works()) SKIP("no allocation can fail here");
  begin_path();
  failing_alloc_begin(1, false);
  CHECK_EQUAL(weir_listener_open_path(&listener, &address, 0, 8), -ENOMEM);
  failing_alloc_end();
  CHECK(!is_there());
  end();
}

SPEC("a socket that is left behind is replaced") {
  begin_path();
  leave_stale();
  CHECK_EQUAL(open_path("", 0600), 0);
  end();
  CHECK(!is_there());
}

SPEC("a socket of which it cannot be known whether it is left behind stays where it is") {
  static const char *const doubts[] = {"socket:2:EMFILE", "lstat:1:EIO", "lstat:2:EIO",
                                       "unlink:1:EACCES"};
  begin_path();
  leave_stale();
  for (size_t i = 0; i < sizeof doubts / sizeof *doubts; i++) {
    CHECK_EQUAL(open_path(doubts[i], 0), -EADDRINUSE);
    CHECK(is_there());
  }
  CHECK_EQUAL(unlink(path()), 0);
  end();
}

SPEC("where somebody else was quicker to take the place of what was left, that is the error") {
  begin_path();
  leave_stale();
  CHECK_EQUAL(open_path("bind:2:EADDRINUSE", 0), -EADDRINUSE);
  CHECK(!is_there());
  end();
}

SPEC("a socket that somebody else has left behind is not removed, except by root") {
  if (geteuid() != 0) SKIP("needs root");
  begin_path();
  leave_stale();
  CHECK_EQUAL(chown(path(), 12345, (gid_t)-1), 0);
  CHECK_EQUAL(seteuid(54321), 0);
  CHECK_EQUAL(open_path("", 0), -EADDRINUSE);
  CHECK_EQUAL(seteuid(0), 0);
  CHECK(is_there());
  CHECK_EQUAL(open_path("", 0), 0);
  end();
}

#ifdef __linux__
SPEC("an abstract name that is taken is an error, and no file is looked for") {
  weir_listener other;
  begin();
  weir_listener_init(&other, &loop);
  CHECK_EQUAL(weir_address_of_path(&address, path(), strlen(path()), true), 0);
  CHECK_EQUAL(weir_listener_open_path(&other, &address, 0, 8), 0);
  CHECK_EQUAL(open_path("", 0), -EADDRINUSE);
  CHECK_EQUAL(fault_shim_count("lstat"), 0);
  weir_socket_close(other.fd);
  end();
}
#endif

SPEC("at the end a path is removed only if it still is the one that was made") {
  begin_path();
  CHECK_EQUAL(open_path("", 0), 0);
  CHECK_EQUAL(unlink(path()), 0);
  weir_listener other;
  weir_listener_init(&other, &loop);
  CHECK_EQUAL(weir_listener_open_path(&other, &address, 0, 8), 0);
  weir_socket_close(other.fd);
  CHECK(weir_listener_start(&listener) == 0);
  weir_listener_close(&listener);
  CHECK(is_there());
  end();
  CHECK_EQUAL(unlink(path()), 0);
  free(other.path);
}

/* --- taking ------------------------------------------------------------------------------------ */

/* One connects to the listener, by the family that is everywhere. Returns its descriptor. */
static int knock(void) {
  weir_address there = {.size = sizeof there.as};
  CHECK_EQUAL(getsockname(listener.fd, &there.as.any, &there.size), 0);
  in_port_t port = there.as.ip4.sin_port; /* which lies where that of the other family does */
  there = (weir_address){.size = sizeof there.as.ip4, .as.ip4 = {.sin_family = AF_INET}};
  there.as.ip4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  there.as.ip4.sin_port = port;
  int fd = weir_socket_open(AF_INET);
  int error = weir_socket_connect(fd, &there.as.any, there.size);
  CHECK(error == 0 || error == -EINPROGRESS);
  return fd;
}

static void listen_and_knock(int *fd) {
  CHECK_EQUAL(weir_listener_open_any(&listener, 0, 8), 0);
  *fd = knock();
  CHECK_EQUAL(weir_listener_start(&listener), 0);
}

SPEC("where there is no descriptor, no buffer or no memory, or one has vanished, the next is "
     "taken") {
  static const char *const refusals[] = {"accept4:1:EMFILE", "accept4:1:ENFILE",
                                         "accept4:1:ENOBUFS", "accept4:1:ENOMEM",
                                         "accept4:1:ECONNABORTED"};
  for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
    int fd;
    begin();
    fault_shim_begin(refusals[i], "");
    listen_and_knock(&fd);
    closes = true;
    weir_loop_run(&loop, UV_RUN_DEFAULT);
    fault_shim_end();
    CHECK_EQUAL(taken, 1);
    CHECK_EQUAL(closed, 1);
    weir_socket_close(fd);
    end();
  }
}

static uv_poll_cb ready;

static int keep_ready(uv_poll_t *poll, int events, uv_poll_cb callback) {
  (void)poll, (void)events;
  ready = callback;
  return 0;
}

SPEC("what libuv says is wrong makes it pause; closed meanwhile, it does not") {
  int fd;
  begin();
  uv.poll_start = keep_ready;
  listen_and_knock(&fd);
  closes = true;
  const weir_timer *pause = &listener.pause;
  ready(listener.poll.uv.poll, UV_EBADF, 0);
  CHECK_EQUAL(taken, 1);
  CHECK(!weir_handle_is_open(&pause->handle));
  weir_loop_run(&loop, UV_RUN_DEFAULT);
  CHECK_EQUAL(closed, 1);
  weir_socket_close(fd);
  end();
}

/* --- on a loop of somebody else's -------------------------------------------------------------- */

static foreign_loop host;

static void begin_foreign(void) {
  foreign_begin(&host);
  CHECK_EQUAL(weir_loop_join(&loop, &host.uv, &weir_uv_linked, &foreign_maker, &host), 0);
  prepare();
}

static void end_foreign(void) {
  CHECK(weir_loop_close(&loop));
  foreign_end(&host);
}

static void on_far(weir_timer *timer) {
  weir_timer_end(timer);
}

static void on_far_freed(weir_timer *timer) {
  CHECK(!weir_handle_is_open(&timer->handle));
}

SPEC("a script that closes its handles ends the taking, and the listener closes all the same") {
  int fd;
  begin_foreign();
  weir_listener_set_ref(&listener, true); /* of one that was not started */
  listen_and_knock(&fd);
  foreign_close(&listener.poll);
  weir_listener_set_ref(&listener, false);
  weir_listener_set_ref(&listener, true);
  weir_timer_again(&listener.pause, 1);
  weir_timer far = {.fired = on_far, .freed = on_far_freed};
  CHECK_EQUAL(weir_timer_start(&far, &loop, 20), 0);
  uv_run(&host.uv, UV_RUN_DEFAULT);
  CHECK_EQUAL(taken, 0);
  foreign_close(&listener.pause.handle);
  weir_listener_close(&listener);
  CHECK_EQUAL(closed, 1);
  weir_socket_close(fd);
  end_foreign();
}

SPEC("a listener that closes when it takes one is told once it is through, where none waits") {
  int fd;
  begin_foreign();
  listen_and_knock(&fd);
  closes = true;
  uv_run(&host.uv, UV_RUN_DEFAULT);
  CHECK_EQUAL(taken, 1);
  CHECK_EQUAL(closed, 1);
  weir_socket_close(fd);
  end_foreign();
}

int main(int argc, char **argv) {
  return check_main(argc, argv);
}
