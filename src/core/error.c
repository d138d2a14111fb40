/* error.c - see error.h.
** SPDX-License-Identifier: MIT
*/
#include "core/error.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "core/assert.h"

/* Never counted and never freed: the answer when even an error cannot be allocated. */
static weir_error out_of_memory = {.references = 1, .code = WEIR_E_OUT_OF_MEMORY};

/* With `extra` bytes behind it. */
static weir_error *make(weir_code code, size_t extra) {
  weir_error *error = calloc(1, sizeof *error + extra);
  if (!error) return &out_of_memory;
  error->references = 1;
  error->code = code;
  return error;
}

weir_error *weir_error_new(weir_code code, const char *method) {
  weir_error *error = make(code, 0);
  if (error != &out_of_memory) error->method = method;
  return error;
}

weir_error *weir_error_system(int system, const char *syscall) {
  return weir_error_system_at(system, syscall, NULL, 0);
}

weir_error *weir_error_system_at(int system, const char *syscall, const char *address, int port) {
  WEIR_ASSERT(system > 0);
  size_t size = address ? strlen(address) + 1 : 0;
  weir_error *error = make(WEIR_E_SYSTEM, size);
  if (error == &out_of_memory) return error;
  error->system = system;
  error->syscall = syscall;
  error->port = port;
  if (address) error->address = memcpy(error + 1, address, size);
  return error;
}

weir_error *weir_error_library(const char *name, const char *text, int number) {
  weir_error *error = make(WEIR_E_LIBRARY, 0);
  if (error == &out_of_memory) return error;
  error->name = name;
  error->text = text;
  error->system = number;
  return error;
}

weir_error *weir_error_hold(weir_error *error) {
  if (error && error != &out_of_memory) error->references++;
  return error;
}

void weir_error_release(weir_error *error) {
  if (!error || error == &out_of_memory) return;
  WEIR_ASSERT(error->references > 0);
  if (--error->references > 0) return;
  if (error->forget) error->forget(error->holder, error->anchor);
  free(error);
}

static const struct {
  const char *name, *message;
} texts[WEIR_E_COUNT] = {
    [WEIR_E_STREAM_DESTROYED] = {"ERR_STREAM_DESTROYED",
                                 "Cannot call %s after a stream was destroyed"},
    [WEIR_E_STREAM_WRITE_AFTER_END] = {"ERR_STREAM_WRITE_AFTER_END", "write after end"},
    [WEIR_E_STREAM_ALREADY_FINISHED] = {"ERR_STREAM_ALREADY_FINISHED",
                                        "Cannot call %s after a stream was finished"},
    [WEIR_E_MULTIPLE_CALLBACK] = {"ERR_MULTIPLE_CALLBACK", "Callback called multiple times"},
    [WEIR_E_METHOD_NOT_IMPLEMENTED] = {"ERR_METHOD_NOT_IMPLEMENTED",
                                       "The %s method is not implemented"},
    [WEIR_E_NO_BUFFER_SPACE] = {"ENOBUFS", "the write would exceed max_buffered"},
    [WEIR_E_OUT_OF_MEMORY] = {"ENOMEM", "not enough memory"},
    [WEIR_E_LOOP_RUNNING] = {"ERR_LOOP_RUNNING", "the loop is already running"},
    [WEIR_E_OUT_OF_RANGE] = {"ERR_OUT_OF_RANGE", "The size of a read must be at most 1 GiB"},
    [WEIR_E_INVALID_CHUNK] = {"ERR_INVALID_ARG_TYPE", "The chunk must be a string"},
    [WEIR_E_STREAM_PUSH_AFTER_EOF] = {"ERR_STREAM_PUSH_AFTER_EOF", "stream.push() after EOF"},
    [WEIR_E_STREAM_UNSHIFT_AFTER_END] = {"ERR_STREAM_UNSHIFT_AFTER_END_EVENT",
                                         "stream.unshift() after end event"},
    [WEIR_E_HOST_RUNS] = {"ERR_LOOP_RUNNING", "the loop is the host's, who runs it"},
    [WEIR_E_CANNOT_WAIT] = {"ERR_CANNOT_WAIT",
                            "%s can wait only in a coroutine, or where weir may run its own loop"},
    [WEIR_E_SERVER_ALREADY_LISTEN] = {"ERR_SERVER_ALREADY_LISTEN", "The server listens already"},
    [WEIR_E_SERVER_NOT_RUNNING] = {"ERR_SERVER_NOT_RUNNING", "Server is not running"},
};

const char *weir_code_name(weir_code code) {
  return texts[code].name;
}

const char *weir_code_message(weir_code code) {
  return texts[code].message;
}
