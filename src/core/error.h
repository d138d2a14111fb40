/* error.h - one error, counted, as it travels from where it happened to whoever is told.
**
** Four kinds share one type: an error of weir's own (a code), an error of the system (an errno and
** the call that failed), an error of a library such as zlib (a name and a text), and any value that
** the user passed as an error. What the value is only the binding knows: the core carries its
** anchor and gives it back with the last reference.
**
** Layer: core. Not thread safe.
** SPDX-License-Identifier: MIT
*/
#ifndef WEIR_CORE_ERROR_H
#define WEIR_CORE_ERROR_H

#include <stdint.h>

typedef enum weir_code {
  WEIR_E_VALUE,   /* the user's own value */
  WEIR_E_SYSTEM,  /* a system call failed: see `system` and `syscall` */
  WEIR_E_LIBRARY, /* a library's own: see `name` and `text` */
  WEIR_E_STREAM_DESTROYED,
  WEIR_E_STREAM_WRITE_AFTER_END,
  WEIR_E_STREAM_ALREADY_FINISHED,
  WEIR_E_MULTIPLE_CALLBACK,
  WEIR_E_METHOD_NOT_IMPLEMENTED,
  WEIR_E_NO_BUFFER_SPACE, /* over max_buffered */
  WEIR_E_OUT_OF_MEMORY,
  WEIR_E_LOOP_RUNNING,
  WEIR_E_OUT_OF_RANGE,  /* more than one read may ask for */
  WEIR_E_INVALID_CHUNK, /* pushed: no bytes */
  WEIR_E_STREAM_PUSH_AFTER_EOF,
  WEIR_E_STREAM_UNSHIFT_AFTER_END,
  WEIR_E_CANNOT_WAIT,
  WEIR_E_SERVER_ALREADY_LISTEN,
  WEIR_E_SERVER_NOT_RUNNING,
  WEIR_E_HOST_RUNS,
  WEIR_E_COUNT
} weir_code;

typedef struct weir_error weir_error;
struct weir_error {
  uint32_t references;
  weir_code code;
  int system;          /* errno of WEIR_E_SYSTEM, the number of WEIR_E_LIBRARY, else 0 */
  const char *syscall; /* the call of WEIR_E_SYSTEM that failed; a literal, or NULL */
  const char *method;  /* the method that was refused ("write", "end"); a literal, or NULL */
  const char *address; /* of WEIR_E_SYSTEM: the host or address it was about; owned, or NULL */
  int port;            /* with an address; 0: none */
  const char *name;    /* of WEIR_E_LIBRARY, like its text a literal; else NULL */
  const char *text;
  uint32_t anchor; /* the binding's hold on the Lua value that stands for this error; 0: none */
  void (*forget)(void *holder, uint32_t anchor); /* gives the anchor back; NULL without one */
  void *holder;
};

/* Makes an error of weir's own, with one reference. Never NULL: without memory it is the one
** out-of-memory error that always exists. `method` is a literal or NULL.
*/
weir_error *weir_error_new(weir_code code, const char *method);

/* Makes an error of a failed system call. `syscall` is a literal. Never NULL, as above. */
weir_error *weir_error_system(int system, const char *syscall);
/* The same, about a peer: keeps a copy of `address`, which may be NULL. */
weir_error *weir_error_system_at(int system, const char *syscall, const char *address, int port);

/* Makes an error of a library: its name for it, its text, and its number. Name and text are
** literals. Never NULL, as above.
*/
weir_error *weir_error_library(const char *name, const char *text, int number);

/* Gives one more reference. `error` may be NULL: NULL means success everywhere. */
weir_error *weir_error_hold(weir_error *error);
/* Gives one reference back; the last one frees it. `error` may be NULL. */
void weir_error_release(weir_error *error);

/* "ERR_STREAM_DESTROYED" and the like; NULL for the kinds whose name the core does not know. */
const char *weir_code_name(weir_code code);
/* The text that goes with the code. Where it holds a `%s`, the method's name belongs there. */
const char *weir_code_message(weir_code code);

#endif
