/* plan.c - which faults there are, and which of them are tried.
** SPDX-License-Identifier: MIT
*/
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "support/check.h"
#include "torture/host.h"

static const char *const kinds[] = {"lua", "malloc", "uv", "calls"};

const char *torture_name(const torture_fault *fault) {
  static char name[256];
  if (fault->kind == TORTURE_CALLS) snprintf(name, sizeof name, "calls \"%s\"", fault->rule);
  else
    snprintf(name, sizeof name, "%s %ld%s", kinds[fault->kind], fault->nth,
             fault->sticky ? " and all after it" : "");
  return name;
}

static long number_of(const char *variable, long without) {
  const char *given = getenv(variable);
  return given && *given ? atol(given) : without;
}

/* Of `count` points about SHALLOW are taken, at random; without it all. */
static bool is_taken(long count) {
  long shallow = number_of("SHALLOW", 0);
  return shallow == 0 || (long)check_random((uint64_t)count) < shallow;
}

/* --- allocations ------------------------------------------------------------------------------- */

static void fail_allocations(torture_kind kind, bool sticky) {
  torture_fault fault = {.kind = kind};
  torture_run(&fault); /* in good weather, and to count */
  long count = fault.asked;
  printf("%ld allocations of %s\n", count, kinds[kind]);
  for (long nth = number_of("FROM", 1); nth <= count; nth++) {
    if (!is_taken(count)) continue;
    fault = (torture_fault){.kind = kind, .nth = nth, .sticky = sticky};
    torture_run(&fault);
  }
}

/* --- system calls ------------------------------------------------------------------------------ */

static const char *const write_faults[] = {"EINTR",  "EAGAIN", "ENOSPC", "EIO", "EDQUOT", "EPERM",
                                           "EINVAL", "27",     "s0",     "s1",  "s2",     "s3",
                                           "s5",     "s7",     "s64",    "s999"};
static const char *const open_faults[] = {"EINTR",  "EACCES", "EMFILE", "ENFILE",
                                          "ENOSPC", "EROFS",  "EIO",    "ENOMEM"};
static const char *const other_faults[] = {"EINTR", "EIO", "ENOSPC", "EDQUOT", "EPERM"};

#define WITH(list) list, sizeof list / sizeof *list
static const struct {
  const char *call;
  const char *const *faults;
  size_t count;
} calls[] = {
    {"write", WITH(write_faults)},   {"writev", WITH(write_faults)},
    {"pwritev", WITH(write_faults)}, {"open", WITH(open_faults)},
    {"fsync", WITH(other_faults)},   {"fdatasync", WITH(other_faults)},
    {"close", WITH(other_faults)},   {"rename", WITH(other_faults)},
    {"fchmod", WITH(other_faults)},
};

/* EINTR for ever is for ever; nobody promises to end then. */
static bool is_endless(const char *fault, bool sticky) {
  return sticky && strcmp(fault, "EINTR") == 0;
}

static void fail_call(size_t call, long nth, bool sticky) {
  for (size_t i = 0; i < calls[call].count; i++) {
    if (is_endless(calls[call].faults[i], sticky) || !is_taken(100)) continue;
    torture_fault fault = {.kind = TORTURE_CALLS, .nth = nth, .sticky = sticky};
    snprintf(fault.rule, sizeof fault.rule, "%s:%ld%s:%s", calls[call].call, nth, sticky ? "+" : "",
             calls[call].faults[i]);
    torture_run(&fault);
  }
}

static void fail_calls(void) {
  torture_fault fault = {.kind = TORTURE_CALLS};
  torture_run(&fault);
  long counts[sizeof calls / sizeof *calls];
  for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
    counts[i] = fault_shim_count(calls[i].call);
  }
  for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
    for (long nth = 1; nth <= counts[i]; nth++) {
      fail_call(i, nth, false);
      fail_call(i, nth, true);
    }
  }
}

/* libuv keeps a pipe for the process. */
static void warm_up(void) {
  uv_loop_t loop;
  if (uv_loop_init(&loop) == 0) uv_loop_close(&loop);
}

void torture_all(const char *kind) {
  warm_up();
  check_random_begin((uint64_t)number_of("SEED", 1));
  for (int i = 0; i < TORTURE_CALLS; i++) {
    if (strcmp(kind, kinds[i]) != 0) continue;
    fail_allocations((torture_kind)i, false);
    fail_allocations((torture_kind)i, true);
    return;
  }
  fail_calls();
}
