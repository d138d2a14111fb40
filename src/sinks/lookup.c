/* lookup.c - see lookup.h.
** SPDX-License-Identifier: MIT
*/
#include "sinks/lookup.h"

#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>

struct weir_lookup {
  uv_getaddrinfo_t request;
  weir_loop *loop;
  void (*found)(void *owner, struct addrinfo *addresses, int error); /* NULL: cancelled */
  void *owner;
};

enum { SERVICE_SIZE = 12 };

static struct addrinfo hints_of(const weir_host_name *name, int flags, char *service) {
  static const int families[] = {[0] = AF_UNSPEC, [4] = AF_INET, [6] = AF_INET6};
  snprintf(service, SERVICE_SIZE, "%d", name->port);
  return (struct addrinfo){
      .ai_family = families[name->family],
      .ai_socktype = SOCK_STREAM,
      .ai_flags = flags | AI_NUMERICSERV,
  };
}

struct addrinfo *weir_lookup_literal(const weir_host_name *name) {
  char service[SERVICE_SIZE];
  struct addrinfo hints = hints_of(name, AI_NUMERICHOST, service), *addresses = NULL;
  return getaddrinfo(name->host, service, &hints, &addresses) == 0 ? addresses : NULL;
}

static void on_found(uv_getaddrinfo_t *request, int error, struct addrinfo *addresses) {
  weir_lookup *it = request->data;
  weir_loop *loop = it->loop;
  void (*found)(void *, struct addrinfo *, int) = it->found;
  void *owner = it->owner;
  free(it);
  if (found) found(owner, addresses, error);
  else loop->uv->freeaddrinfo(addresses);
  weir_loop_run_ticks(loop);
}

weir_lookup *weir_lookup_start(weir_loop *loop, const weir_host_name *name,
                               void (*found)(void *owner, struct addrinfo *addresses, int error),
                               void *owner, int *error) {
  char service[SERVICE_SIZE];
  struct addrinfo hints = hints_of(name, 0, service);
  weir_lookup *it = calloc(1, sizeof *it);
  *error = UV_ENOMEM;
  if (!it) return NULL;
  it->loop = loop;
  it->found = found;
  it->owner = owner;
  it->request.data = it;
  *error = loop->uv->getaddrinfo(loop->handle, &it->request, on_found, name->host, service, &hints);
  if (!*error) return it;
  free(it);
  return NULL;
}

/* One that a pool thread works on cannot be called back; it ends unheard. */
void weir_lookup_cancel(weir_lookup *it) {
  it->found = NULL;
  it->loop->uv->cancel((uv_req_t *)&it->request);
}
