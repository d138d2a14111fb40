/* connector.c - see connector.h.
** SPDX-License-Identifier: MIT
*/
#include "sinks/connector.h"

#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>

#include "core/assert.h"
#include "sinks/lookup.h"

enum {
  NEXT_MS = 250,      /* an address that has not answered for so long gets company */
  RETRY_MS = 5,       /* a unix socket whose backlog is full is asked again, */
  RETRY_MAX_MS = 100, /* ever more seldom, */
  RETRIES_MS = 10000, /* but not for ever */
};

typedef struct attempt attempt;
struct attempt {
  weir_handle poll;
  weir_connector *connector;
  attempt *next;
  int fd;
  const struct sockaddr *address;
};

struct weir_connector {
  weir_loop *loop;
  const weir_connector_host *host;
  void *owner;
  uint64_t timeout_ms;
  unsigned references;       /* the owner's, and one for each thing libuv has of ours */
  bool over;                 /* answered or cancelled */
  weir_timer deadline, pace; /* `owner` NULL: not started */
  /* A unix socket. */
  bool is_path;
  int path_error; /* what is wrong with it, or 0 */
  weir_address path;
  uint64_t retry_ms, retried_ms;
  /* The internet. */
  weir_lookup *lookup; /* NULL: not under way */
  struct addrinfo *found;
  const struct addrinfo *next; /* the address to try next */
  attempt *attempts;           /* those that go on */
  weir_error *error;           /* the latest attempt's */
  int family, port;
  char name[]; /* of the host */
};

/* --- life --- */

static weir_connector *make(const char *name, uint64_t timeout_ms) {
  size_t size = strlen(name) + 1;
  weir_connector *it = calloc(1, sizeof *it + size);
  if (!it) return NULL;
  it->references = 1;
  it->timeout_ms = timeout_ms;
  memcpy(it->name, name, size);
  return it;
}

weir_connector *weir_connector_to_host(const char *host, int port, int family,
                                       uint64_t timeout_ms) {
  weir_connector *it = make(host, timeout_ms);
  if (!it) return NULL;
  it->port = port;
  it->family = family;
  return it;
}

weir_connector *weir_connector_to_path(const weir_address *path, int error, uint64_t timeout_ms) {
  weir_connector *it = make("", timeout_ms);
  if (!it) return NULL;
  it->path = *path;
  it->is_path = true;
  it->path_error = error;
  return it;
}

const char *weir_connector_name(const weir_connector *it) {
  return it->name;
}

static void release(weir_connector *it) {
  WEIR_ASSERT(it->references > 0);
  if (--it->references > 0) return;
  WEIR_ASSERT(!it->attempts);
  weir_error_release(it->error);
  if (it->found) it->loop->uv->freeaddrinfo(it->found);
  free(it);
}

static void on_timer_freed(weir_timer *timer) {
  release(timer->owner);
}

static void on_attempt_closed(weir_handle *poll) {
  attempt *closed = poll->owner;
  weir_connector *it = closed->connector;
  free(closed);
  release(it);
}

/* Ends one attempt; its descriptor is the caller's. */
static int end_attempt(weir_connector *it, attempt *ended) {
  attempt **link = &it->attempts;
  while (*link != ended) link = &(*link)->next;
  *link = ended->next;
  int fd = ended->fd;
  weir_handle_close(&ended->poll, on_attempt_closed);
  return fd;
}

static void end_all(weir_connector *it) {
  it->over = true;
  if (it->lookup) weir_lookup_cancel(it->lookup);
  it->lookup = NULL;
  while (it->attempts) weir_socket_close(end_attempt(it, it->attempts));
  if (it->deadline.owner) weir_timer_end(&it->deadline);
  if (it->pace.owner) weir_timer_end(&it->pace);
}

void weir_connector_cancel(weir_connector *it) {
  end_all(it);
  release(it);
}

static void answer(weir_connector *it, int fd, weir_error *error) {
  WEIR_ASSERT(!it->over);
  end_all(it);
  it->host->done(it->owner, fd, error);
  release(it);
}

static void answer_with(weir_connector *it, int code, const char *syscall) {
  const char *about = it->is_path ? NULL : it->name;
  weir_error *error = weir_error_system_at(-code, syscall, about, it->port);
  answer(it, -1, error);
  weir_error_release(error);
}

/* --- timers --- */

static int start_timer(weir_connector *it, weir_timer *timer, void (*fired)(weir_timer *),
                       uint64_t timeout_ms) {
  timer->fired = fired;
  timer->freed = on_timer_freed;
  int error = weir_timer_start(timer, it->loop, timeout_ms);
  if (error) return error;
  timer->owner = it;
  it->references++;
  return 0;
}

static void on_pace(weir_timer *timer);

/* The next attempt comes in so many milliseconds; without memory, not at all. */
static void set_pace(weir_connector *it, uint64_t timeout_ms) {
  if (it->pace.owner) {
    weir_timer_again(&it->pace, timeout_ms);
  } else {
    int error = start_timer(it, &it->pace, on_pace, timeout_ms);
    if (error && !it->attempts) answer_with(it, error, "connect");
  }
}

/* --- attempts --- */

static void try_next(weir_connector *it);

static void note_failure(weir_connector *it, int error, const struct sockaddr *address) {
  char text[WEIR_ADDRESS_TEXT];
  int port = weir_address_to_text(address, text);
  weir_error_release(it->error);
  it->error = weir_error_system_at(-error, "connect", port >= 0 ? text : NULL, port);
}

static void on_attempt(uv_poll_t *poll, int status, int events) {
  attempt *tried = weir_handle_of((uv_handle_t *)poll)->owner;
  weir_connector *it = tried->connector;
  weir_loop *loop = it->loop;
  int error = weir_socket_error(tried->fd);
  if (!error && status < 0) error = status;
  (void)events;
  const struct sockaddr *address = tried->address;
  int fd = end_attempt(it, tried);
  if (!error) {
    answer(it, fd, NULL);
  } else {
    weir_socket_close(fd);
    note_failure(it, error, address);
    try_next(it);
  }
  weir_loop_run_ticks(loop);
}

/* Waits for a descriptor to be connected. Returns 0 or a negative errno. */
static int wait_for(weir_connector *it, int fd, const struct sockaddr *address) {
  attempt *made = calloc(1, sizeof *made);
  if (!made) return -ENOMEM;
  int error = weir_handle_open(&made->poll, it->loop, UV_POLL, fd, made);
  if (error) {
    free(made);
    return error;
  }
  made->connector = it;
  made->fd = fd;
  made->address = address;
  made->next = it->attempts;
  it->attempts = made;
  it->references++;
  it->loop->uv->poll_start(made->poll.uv.poll, UV_WRITABLE, on_attempt);
  return 0;
}

/* Returns whether it answered or waits; else the failure is noted. */
static bool try(weir_connector *it, const struct sockaddr *address, socklen_t size) {
  int fd = weir_socket_open(address->sa_family);
  int error = fd < 0 ? fd : weir_socket_connect(fd, address, size);
  if (fd >= 0 && error == 0) {
    answer(it, fd, NULL);
    return true;
  }
  if (fd >= 0 && error == -EINPROGRESS) {
    error = wait_for(it, fd, address);
    if (!error) return true;
  }
  if (fd >= 0) weir_socket_close(fd);
  note_failure(it, error, address);
  return false;
}

/* A unix socket says EAGAIN while its backlog is full. */
static void try_path(weir_connector *it) {
  if (it->path_error) note_failure(it, it->path_error, &it->path.as.any);
  else if (try(it, &it->path.as.any, it->path.size)) return;
  if (it->error->system != EAGAIN || it->retried_ms > RETRIES_MS) {
    answer(it, -1, it->error);
    return;
  }
  it->retry_ms = it->retry_ms ? it->retry_ms * 2 : RETRY_MS;
  if (it->retry_ms > RETRY_MAX_MS) it->retry_ms = RETRY_MAX_MS;
  it->retried_ms += it->retry_ms;
  set_pace(it, it->retry_ms);
}

static void try_next(weir_connector *it) {
  while (it->next) {
    const struct addrinfo *address = it->next;
    it->next = address->ai_next;
    if (!try(it, address->ai_addr, address->ai_addrlen)) continue;
    if (!it->over && it->next) set_pace(it, NEXT_MS);
    return;
  }
  if (!it->attempts) answer(it, -1, it->error); /* nothing goes on: the latest error */
}

static void on_pace(weir_timer *timer) {
  weir_connector *it = timer->owner;
  if (it->is_path) try_path(it);
  else try_next(it);
}

static void on_deadline(weir_timer *timer) {
  weir_connector *it = timer->owner;
  const char *about = it->name[0] ? it->name : NULL;
  char text[WEIR_ADDRESS_TEXT];
  if (it->attempts && weir_address_to_text(it->attempts->address, text) >= 0) about = text;
  weir_error *error = weir_error_system_at(ETIMEDOUT, "connect", about, it->port);
  answer(it, -1, error);
  weir_error_release(error);
}

/* --- lookup --- */

static void tell_found(weir_connector *it) {
  for (const struct addrinfo *a = it->found; a && !it->over; a = a->ai_next) {
    it->host->found(it->owner, a->ai_addr, NULL);
  }
}

static void on_found(void *owner, struct addrinfo *found, int code) {
  weir_connector *it = owner;
  it->lookup = NULL;
  it->found = found;
  it->next = found;
  it->references++; /* the owner may cancel it when it is told */
  if (code) {
    weir_error *error = weir_error_system_at(-code, "getaddrinfo", it->name, it->port);
    it->host->found(it->owner, NULL, error);
    if (!it->over) answer(it, -1, error);
    weir_error_release(error);
  } else {
    tell_found(it);
    if (!it->over) try_next(it);
  }
  release(it);
}

static void look_up(weir_connector *it) {
  weir_host_name name = {it->name, it->port, it->family};
  it->found = weir_lookup_literal(&name);
  if (it->found) {
    it->next = it->found;
    try_next(it);
    return;
  }
  int error;
  it->lookup = weir_lookup_start(it->loop, &name, on_found, it, &error);
  if (!it->lookup) answer_with(it, error, "getaddrinfo");
}

/* --- start --- */

void weir_connector_start(weir_connector *it, weir_loop *loop, const weir_connector_host *host,
                          void *owner) {
  it->loop = loop;
  it->host = host;
  it->owner = owner;
  it->references++; /* it may be over before this returns */
  bool limited = it->timeout_ms > 0;
  int error = limited ? start_timer(it, &it->deadline, on_deadline, it->timeout_ms) : 0;
  if (error) answer_with(it, error, "connect");
  else if (it->is_path) try_path(it);
  else look_up(it);
  release(it);
}
