/* connector_faults_spec.c - on the way to a peer where things are refused, do not answer, or are called
** off: it is answered once, with the latest error, and nothing is left behind.
**
** Names are looked up by the spec, and what waits for a descriptor waits until the spec says so.
** SPDX-License-Identifier: MIT
*/
#include "sinks/connector.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "support/check.h"
#include "support/failing_alloc.h"
#include "support/preload/fault_shim.h"
#include "support/refusal.h"

static weir_loop loop;
static weir_uv_api uv;
static weir_connector *connector;
static int answers, error, found_count;
static char syscall_name[32], about[WEIR_ADDRESS_TEXT];
static bool cancels; /* when it is told of an address, or of none */
static long live;

/* --- who is told ------------------------------------------------------------------------------- */

static void on_found(void *owner, const struct sockaddr *address, weir_error *why) {
  CHECK(owner == &loop);
  CHECK(!address == !!why);
  found_count++;
  if (cancels) weir_connector_cancel(connector);
}

static void on_done(void *owner, int fd, weir_error *why) {
  CHECK(owner == &loop);
  CHECK((fd < 0) == !!why);
  answers++;
  error = why ? why->system : 0;
  snprintf(syscall_name, sizeof syscall_name, "%s", why ? why->syscall : "");
  snprintf(about, sizeof about, "%s", why && why->address ? why->address : "");
  if (fd >= 0) weir_socket_close(fd);
}

static const weir_connector_host host = {.found = on_found, .done = on_done};

static void check_answer(int expected, const char *expected_syscall, const char *expected_about) {
  CHECK_EQUAL(answers, 1);
  CHECK_EQUAL(error, expected);
  CHECK_STRING(syscall_name, expected_syscall);
  CHECK_STRING(about, expected_about);
}

/* --- what the spec decides --------------------------------------------------------------------- */

static struct {
  uv_getaddrinfo_t *request;
  uv_getaddrinfo_cb done;
} lookup;

static int keep_lookup(uv_loop_t *handle, uv_getaddrinfo_t *request, uv_getaddrinfo_cb done,
                       const char *node, const char *service, const struct addrinfo *hints) {
  (void)handle, (void)node, (void)service, (void)hints;
  lookup.request = request;
  lookup.done = done;
  return 0;
}

static int cancel_nothing(uv_req_t *request) {
  CHECK(request == (uv_req_t *)lookup.request);
  return UV_EBUSY;
}

static struct addrinfo found[2];
static weir_address there; /* where somebody listens */
static int listener;

static void free_found(struct addrinfo *addresses) {
  if (addresses != found) uv_freeaddrinfo(addresses);
}

static void resolve(int code) {
  lookup.done(lookup.request, code, code ? NULL : found);
}

enum { WAITING_MAX = 4 };
static struct {
  uv_poll_t *poll;
  uv_poll_cb ready;
} waiting[WAITING_MAX];
static int waiting_count;

static int keep_waiting(uv_poll_t *poll, int events, uv_poll_cb ready) {
  CHECK_EQUAL(events, UV_WRITABLE);
  if (!CHECK(waiting_count < WAITING_MAX)) return UV_EINVAL;
  waiting[waiting_count].poll = poll;
  waiting[waiting_count++].ready = ready;
  return 0;
}

static void tell_ready(int which, int status) {
  waiting[which].ready(waiting[which].poll, status, status ? 0 : UV_WRITABLE);
}

static int hurry(uv_timer_t *timer, uv_timer_cb fired, uint64_t timeout_ms, uint64_t repeat_ms) {
  (void)timeout_ms;
  return uv_timer_start(timer, fired, 1, repeat_ms);
}

static void listen_somewhere(void) {
  there = (weir_address){.size = sizeof there.as.ip4, .as.ip4 = {.sin_family = AF_INET}};
  there.as.ip4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  listener = weir_socket_open(AF_INET);
  CHECK_EQUAL(bind(listener, &there.as.any, there.size), 0);
  CHECK_EQUAL(listen(listener, 8), 0);
  CHECK_EQUAL(getsockname(listener, &there.as.any, &there.size), 0);
  for (int i = 0; i < 2; i++) {
    found[i] = (struct addrinfo){.ai_family = AF_INET, .ai_addrlen = there.size};
    found[i].ai_addr = &there.as.any;
    found[i].ai_next = i == 0 ? &found[1] : NULL;
  }
}

static void begin(void) {
  live = failing_alloc_live();
  CHECK_EQUAL(weir_loop_open(&loop), 0);
  uv = weir_uv_linked;
  uv.getaddrinfo = keep_lookup;
  uv.freeaddrinfo = free_found;
  uv.cancel = cancel_nothing;
  uv.poll_start = keep_waiting;
  uv.timer_start = hurry;
  loop.uv = &uv;
  answers = error = found_count = waiting_count = 0;
  cancels = false;
  listen_somewhere();
}

static void start(weir_connector *it) {
  connector = it;
  weir_connector_start(it, &loop, &host, &loop);
}

static void start_to_host(uint64_t timeout_ms) {
  start(weir_connector_to_host("some.name", 1, 0, timeout_ms));
}

static void start_to_path(uint64_t timeout_ms) {
  weir_address path;
  CHECK_EQUAL(weir_address_of_path(&path, "/nobody/is/there", 16, false), 0);
  start(weir_connector_to_path(&path, 0, timeout_ms));
}

static void run(void) {
  weir_loop_run(&loop, UV_RUN_DEFAULT);
}

static void end(void) {
  run();
  weir_socket_close(listener);
  CHECK(weir_loop_close(&loop));
  CHECK_EQUAL(failing_alloc_live(), live);
}

/* --- addresses --------------------------------------------------------------------------------- */

SPEC("an address that does not answer gets company, and the first to connect wins") {
  begin();
  start_to_host(0);
  resolve(0);
  CHECK_EQUAL(found_count, 2);
  CHECK_EQUAL(waiting_count, 1);
  run(); /* its time is over */
  CHECK_EQUAL(waiting_count, 2);
  tell_ready(0, 0);
  check_answer(0, "", "");
  end();
}

SPEC("while one address goes on, the failure of another is no answer; then the latest is") {
  begin();
  fault_shim_begin("connect:2:ECONNREFUSED", "");
  start_to_host(0);
  resolve(0);
  run();
  fault_shim_end();
  CHECK_EQUAL(waiting_count, 1);
  CHECK_EQUAL(answers, 0);
  tell_ready(0, UV_EBADF); /* libuv says so, and the socket knows of nothing */
  check_answer(EBADF, "connect", "127.0.0.1");
  end();
}

SPEC("an address for which there is no memory to wait is passed over") {
  begin();
  start_to_host(0);
  uv.poll_init = refuse_poll;
  resolve(0);
  check_answer(ENOMEM, "connect", "127.0.0.1");
  end();
  if (!failing_alloc_works()) return;
  begin();
  start_to_host(0);
  failing_alloc_begin(1, false);
  resolve(0);
  failing_alloc_end();
  CHECK_EQUAL(waiting_count, 1);
  tell_ready(0, 0);
  check_answer(0, "", "");
  end();
}

SPEC("without memory for a timer the first address has all the time there is") {
  begin();
  start_to_host(0);
  uv.timer_init = refuse_timer;
  resolve(0);
  run();
  CHECK_EQUAL(waiting_count, 1);
  CHECK_EQUAL(answers, 0);
  tell_ready(0, 0);
  check_answer(0, "", "");
  end();
}

/* --- the lookup -------------------------------------------------------------------------------- */

SPEC("a lookup for which there is no memory, or that is refused, is the answer") {
  begin();
  weir_connector *it = weir_connector_to_host("some.name", 1, 0, 0);
  failing_alloc_begin(1, false);
  start(it);
  failing_alloc_end();
  if (failing_alloc_works()) check_answer(ENOMEM, "getaddrinfo", "some.name");
  else resolve(UV_ENOMEM);
  end();
}

SPEC("a name that is not found is told once as a lookup, and once as the answer") {
  begin();
  start_to_host(0);
  resolve(UV_EAI_NONAME);
  CHECK_EQUAL(found_count, 1);
  check_answer(-UV_EAI_NONAME, "getaddrinfo", "some.name");
  end();
}

SPEC("whoever calls it off when he is told of an address, or of none, hears no more") {
  for (int fails = 0; fails <= 1; fails++) {
    begin();
    cancels = true;
    start_to_host(1000);
    resolve(fails ? UV_EAI_NONAME : 0);
    CHECK_EQUAL(found_count, 1);
    run();
    CHECK_EQUAL(answers, 0);
    CHECK_EQUAL(waiting_count, 0);
    end();
  }
}

SPEC("a lookup that ends after it was called off is not told, and what it found is given back") {
  begin();
  start_to_host(0);
  weir_connector_cancel(connector);
  resolve(0);
  CHECK_EQUAL(found_count, 0);
  CHECK_EQUAL(answers, 0);
  end();
}

/* --- the deadline ------------------------------------------------------------------------------ */

SPEC("a deadline names the address that was being tried, else the name, else nothing") {
  begin();
  start_to_host(1);
  resolve(0);
  run();
  check_answer(ETIMEDOUT, "connect", "127.0.0.1");
  end();

  begin();
  start_to_host(1);
  run();
  check_answer(ETIMEDOUT, "connect", "some.name");
  resolve(0);
  CHECK_EQUAL(found_count, 0);
  end();

  begin();
  fault_shim_begin("connect:*:EINPROGRESS", "");
  start_to_path(1);
  run();
  fault_shim_end();
  check_answer(ETIMEDOUT, "connect", "");
  end();
}

SPEC("a deadline that cannot be set is the answer") {
  begin();
  uv.timer_init = refuse_timer;
  start_to_host(1);
  check_answer(ENOMEM, "connect", "some.name");
  end();
}

/* --- a path ------------------------------------------------------------------------------------ */

SPEC("a path whose peers are too many is tried again and again, for ten seconds, not for ever") {
  begin();
  fault_shim_begin("connect:*:EAGAIN", "");
  start_to_path(0);
  run();
  check_answer(EAGAIN, "connect", "");
  long tries = fault_shim_count("connect");
  CHECK(tries > 100 && tries < 200); /* the waits would be 100 ms each in the end */
  fault_shim_end();
  end();
}

SPEC("a path that cannot be tried again later for want of a timer says so") {
  begin();
  fault_shim_begin("connect:*:EAGAIN", "");
  uv.timer_init = refuse_timer;
  start_to_path(0);
  fault_shim_end();
  check_answer(ENOMEM, "connect", "");
  end();
}

int main(int argc, char **argv) {
  return check_main(argc, argv);
}
