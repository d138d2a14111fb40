/* host.h - what the files of the torture host ask of each other: host.c runs one point, plan.c says
** which there are, uv_alloc.c fails the allocations of libuv.
** SPDX-License-Identifier: MIT
*/
#ifndef SPEC_TORTURE_HOST_H
#define SPEC_TORTURE_HOST_H

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <stdbool.h>

#include "support/failing_alloc.h"
#include "support/preload/fault_shim.h"

typedef enum torture_kind { TORTURE_LUA, TORTURE_MALLOC, TORTURE_UV, TORTURE_CALLS } torture_kind;

typedef struct torture_fault {
  torture_kind kind;
  long nth; /* 0: none */
  bool sticky;
  char rule[64];   /* TORTURE_CALLS: see fault_shim.c */
  bool of_sockets; /* and not of files */
  char name[96];
  long asked; /* afterwards: how many allocations there were */
} torture_fault;

typedef struct torture_options {
  const char *scenario, *folder;
  char **arguments;
  int argument_count;
} torture_options;

extern torture_options torture;

/* Runs the scenario with this fault. */
void torture_run(torture_fault *fault);
/* Runs it with all faults of a kind: "lua", "malloc", "uv", "calls". */
void torture_all(const char *kind);
/* "malloc 17, and all after it" */
const char *torture_name(const torture_fault *fault);

/* Adds replace() and received() to the table on top of the stack: see standard.c. */
void torture_standard_open(lua_State *L);
/* The descriptor that was replaced is again what it was. */
void torture_standard_restore(void);

/* The allocations of libuv, as in failing_alloc.h. */
void torture_uv_install(void);
void torture_uv_begin(long nth, bool sticky);
void torture_uv_end(void);
long torture_uv_asked(void);

#endif
