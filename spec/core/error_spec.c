/* error_spec.c - errors are counted, name themselves, and exist even without memory.
** SPDX-License-Identifier: MIT
*/
#include "core/error.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "support/check.h"
#include "support/failing_alloc.h"

SPEC("an error of weir's own carries its code and the refused method, and one reference") {
  weir_error *error = weir_error_new(WEIR_E_STREAM_DESTROYED, "write");
  CHECK_EQUAL(error->code, WEIR_E_STREAM_DESTROYED);
  CHECK_STRING(error->method, "write");
  CHECK_EQUAL(error->references, 1);
  CHECK_EQUAL(error->system, 0);
  CHECK(error->syscall == NULL);
  CHECK_EQUAL(error->anchor, 0);
  weir_error_release(error);
}

SPEC("an error of the system carries errno and the call that failed") {
  weir_error *error = weir_error_system(ENOSPC, "write");
  CHECK_EQUAL(error->code, WEIR_E_SYSTEM);
  CHECK_EQUAL(error->system, ENOSPC);
  CHECK_STRING(error->syscall, "write");
  CHECK(error->method == NULL);
  weir_error_release(error);
}

SPEC("an error about a peer keeps a copy of its address, and its port") {
  long live = failing_alloc_live();
  char address[] = "127.0.0.1";
  weir_error *error = weir_error_system_at(ECONNREFUSED, "connect", address, 80);
  address[0] = 'X';
  CHECK_STRING(error->address, "127.0.0.1");
  CHECK_EQUAL(error->port, 80);
  weir_error_release(error);
  CHECK_EQUAL(failing_alloc_live(), live);
}

SPEC("an error of a library carries its name, its text and its number") {
  weir_error *error = weir_error_library("Z_DATA_ERROR", "incorrect header check", -3);
  CHECK_EQUAL(error->code, WEIR_E_LIBRARY);
  CHECK_STRING(error->name, "Z_DATA_ERROR");
  CHECK_STRING(error->text, "incorrect header check");
  CHECK_EQUAL(error->system, -3);
  weir_error_release(error);
  failing_alloc_begin(1, true);
  error = weir_error_library("Z_DATA_ERROR", "incorrect header check", -3);
  failing_alloc_end();
  if (failing_alloc_works()) CHECK_EQUAL(error->code, WEIR_E_OUT_OF_MEMORY);
  weir_error_release(error);
}

static void make_system_error_of_zero(void) {
  weir_error_release(weir_error_system(0, "write"));
}

SPEC("errno 0 is no error of the system") {
  CHECK_ABORTS(make_system_error_of_zero);
}

static struct {
  void *holder;
  uint32_t anchor;
  int times;
} forgotten;

static void note_forgotten(void *holder, uint32_t anchor) {
  forgotten.holder = holder;
  forgotten.anchor = anchor;
  forgotten.times++;
}

SPEC("the last reference gives the user's value back, once, and frees the error") {
  long live = failing_alloc_live();
  memset(&forgotten, 0, sizeof forgotten);
  weir_error *error = weir_error_new(WEIR_E_VALUE, NULL);
  error->forget = note_forgotten;
  error->holder = &live;
  error->anchor = 7;
  CHECK(weir_error_hold(error) == error);
  weir_error_hold(error);
  weir_error_release(error);
  weir_error_release(error);
  CHECK_EQUAL(forgotten.times, 0);
  weir_error_release(error);
  CHECK_EQUAL(forgotten.times, 1);
  CHECK_EQUAL(forgotten.anchor, 7);
  CHECK(forgotten.holder == &live);
  CHECK_EQUAL(failing_alloc_live(), live);
}

SPEC("NULL is success: it may be held and released") {
  CHECK(weir_error_hold(NULL) == NULL);
  weir_error_release(NULL);
}

SPEC("without memory there is still an error, which says so and is never freed") {
  if (!failing_alloc_works()) SKIP("allocations cannot be made to fail here");
  long live = failing_alloc_live();
  failing_alloc_begin(1, true);
  weir_error *first = weir_error_new(WEIR_E_STREAM_DESTROYED, "write");
  weir_error *second = weir_error_system(ENOSPC, "write");
  failing_alloc_end();
  CHECK_EQUAL(first->code, WEIR_E_OUT_OF_MEMORY);
  CHECK(first == second);
  CHECK(first->method == NULL);
  CHECK(first->syscall == NULL);
  for (int i = 0; i < 3; i++) weir_error_release(first);
  CHECK(weir_error_hold(second) == second);
  CHECK_EQUAL(second->code, WEIR_E_OUT_OF_MEMORY);
  CHECK_EQUAL(second->references, 1);
  CHECK_EQUAL(failing_alloc_live(), live);
}

static weir_error over_released; /* references: 0 */

static void release_once_too_often(void) {
  weir_error_release(&over_released);
}

SPEC("a release without a reference is an impossible state") {
  CHECK_ABORTS(release_once_too_often);
}

SPEC("codes have Node's names") {
  CHECK_STRING(weir_code_name(WEIR_E_STREAM_DESTROYED), "ERR_STREAM_DESTROYED");
  CHECK_STRING(weir_code_name(WEIR_E_STREAM_WRITE_AFTER_END), "ERR_STREAM_WRITE_AFTER_END");
  CHECK_STRING(weir_code_name(WEIR_E_STREAM_ALREADY_FINISHED), "ERR_STREAM_ALREADY_FINISHED");
  CHECK_STRING(weir_code_name(WEIR_E_MULTIPLE_CALLBACK), "ERR_MULTIPLE_CALLBACK");
  CHECK_STRING(weir_code_name(WEIR_E_METHOD_NOT_IMPLEMENTED), "ERR_METHOD_NOT_IMPLEMENTED");
  CHECK_STRING(weir_code_name(WEIR_E_NO_BUFFER_SPACE), "ENOBUFS");
  CHECK_STRING(weir_code_name(WEIR_E_OUT_OF_MEMORY), "ENOMEM");
  CHECK_STRING(weir_code_name(WEIR_E_LOOP_RUNNING), "ERR_LOOP_RUNNING");
}

SPEC("the user's values and errors of the system have no name the core knows") {
  CHECK(weir_code_name(WEIR_E_VALUE) == NULL);
  CHECK(weir_code_name(WEIR_E_SYSTEM) == NULL);
  CHECK(weir_code_message(WEIR_E_VALUE) == NULL);
  CHECK(weir_code_message(WEIR_E_SYSTEM) == NULL);
}

SPEC("every code of weir's own has a message, with at most one place for the method") {
  for (int code = WEIR_E_STREAM_DESTROYED; code < WEIR_E_COUNT; code++) {
    CHECK(weir_code_name((weir_code)code) != NULL);
    const char *message = weir_code_message((weir_code)code);
    if (!CHECK(message != NULL)) continue;
    const char *place = strchr(message, '%');
    CHECK(!place || (place[1] == 's' && !strchr(place + 1, '%')));
  }
  CHECK_STRING(weir_code_message(WEIR_E_STREAM_DESTROYED),
               "Cannot call %s after a stream was destroyed");
  CHECK_STRING(weir_code_message(WEIR_E_STREAM_WRITE_AFTER_END), "write after end");
}

int main(int argc, char **argv) {
  return check_main(argc, argv);
}
