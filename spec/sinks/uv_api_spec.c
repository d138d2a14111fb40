/* uv_api_spec.c - a loop of something that is not libuv is neither taken for ours nor bound to.
** (Those of libuv: handle_spec.c, and the Lua specs of luv.)
** SPDX-License-Identifier: MIT
*/
#include "sinks/uv_api.h"

#include <stdlib.h>
#include <string.h>

#include "support/check.h"

static uv_loop_t loop;
static weir_uv_api api;

static void check_unknown(void) {
  CHECK(!weir_uv_is_linked(&loop));
  CHECK(!weir_uv_rebind(&api, &loop));
}

SPEC("a loop that was never made is nobody's") {
  memset(&loop, 0, sizeof loop);
  check_unknown();
}

SPEC("a loop whose callback lies in no image is nobody's") {
  void *nowhere = malloc(16);
  memset(&loop, 0, sizeof loop);
  memcpy(&loop.wq_async.async_cb, &nowhere, sizeof nowhere);
  check_unknown();
  free(nowhere);
}

static void on_async(uv_async_t *async) {
  (void)async;
}

SPEC("a loop of a program that has libuv, but not in itself, cannot be bound to") {
  memset(&loop, 0, sizeof loop);
  loop.wq_async.async_cb = on_async;
  check_unknown();
}

SPEC("nor can one of a library that has no libuv") {
  double (*elsewhere)(const char *) = atof;
  memset(&loop, 0, sizeof loop);
  memcpy(&loop.wq_async.async_cb, &elsewhere, sizeof elsewhere);
  check_unknown();
}

SPEC("a loop of the libuv that is linked is known, and all its functions are found") {
  CHECK_EQUAL(uv_loop_init(&loop), 0);
  CHECK(weir_uv_is_linked(&loop));
  memset(&api, 0, sizeof api);
  CHECK(weir_uv_rebind(&api, &loop));
  CHECK(memcmp(&api, &weir_uv_linked, sizeof api) == 0);
  CHECK_EQUAL(uv_loop_close(&loop), 0);
}

int main(int argc, char **argv) {
  return check_main(argc, argv);
}
