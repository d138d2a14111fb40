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
  if (fault->kind == TORTURE_CALLS) return fault->name;
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
static const char *const read_faults[] = {"EINTR", "EAGAIN", "EIO", "EINVAL", "s1",
                                          "s2",    "s3",     "s7",  "s64",    "s999"};
static const char *const open_faults[] = {"EINTR",  "EACCES", "EMFILE", "ENFILE",
                                          "ENOSPC", "EROFS",  "EIO",    "ENOMEM"};
static const char *const other_faults[] = {"EINTR", "EIO", "ENOSPC", "EDQUOT", "EPERM"};
static const char *const socket_read_faults[] = {"EINTR", "EAGAIN", "ECONNRESET", "ETIMEDOUT",
                                                 "EIO",   "s1",     "s7",         "s999"};
static const char *const send_faults[] = {"EINTR",     "EAGAIN",  "EPIPE", "ECONNRESET",
                                          "ETIMEDOUT", "ENOBUFS", "s0",    "s1",
                                          "s2",        "s7",      "s64",   "s999"};
static const char *const accept_faults[] = {"EINTR",  "EAGAIN", "ECONNABORTED", "EMFILE",
                                            "ENFILE", "ENOMEM", "EPERM"};
static const char *const connect_faults[] = {"EINTR",        "EAGAIN",       "EINPROGRESS",
                                             "ECONNREFUSED", "ENETUNREACH",  "ETIMEDOUT",
                                             "EACCES",       "EADDRNOTAVAIL"};
static const char *const socket_faults[] = {"EMFILE", "ENFILE",       "ENOBUFS",
                                            "ENOMEM", "EAFNOSUPPORT", "EACCES"};

#define WITH(list) list, sizeof list / sizeof *list
static const struct {
  const char *call;
  bool of_socket;
  const char *const *faults;
  size_t count;
} calls[] = {
    {"write", false, WITH(write_faults)},      {"writev", false, WITH(write_faults)},
    {"pwritev", false, WITH(write_faults)},    {"read", false, WITH(read_faults)},
    {"pread", false, WITH(read_faults)},       {"open", false, WITH(open_faults)},
    {"fsync", false, WITH(other_faults)},      {"fdatasync", false, WITH(other_faults)},
    {"close", false, WITH(other_faults)},      {"rename", false, WITH(other_faults)},
    {"fchmod", false, WITH(other_faults)},     {"fchown", false, WITH(other_faults)},
    {"fstat", false, WITH(other_faults)},      {"lstat", false, WITH(other_faults)},
    {"fcntl", false, WITH(other_faults)},      {"poll", false, WITH(other_faults)},
    {"read", true, WITH(socket_read_faults)},  {"sendmsg", true, WITH(send_faults)},
    {"accept4", true, WITH(accept_faults)},    {"connect", true, WITH(connect_faults)},
    {"socket", true, WITH(socket_faults)},     {"bind", true, WITH(socket_faults)},
    {"listen", true, WITH(socket_faults)},     {"getsockopt", true, WITH(other_faults)},
    {"setsockopt", true, WITH(other_faults)},  {"getsockname", true, WITH(other_faults)},
    {"getpeername", true, WITH(other_faults)}, {"shutdown", true, WITH(other_faults)},
    {"fcntl", true, WITH(other_faults)},       {"close", true, WITH(other_faults)},
    {"poll", true, WITH(other_faults)},
};

/* For ever is for ever: nobody promises to end then. */
static bool is_endless(size_t call, const char *fault) {
  if (strcmp(fault, "EINTR") == 0) return true;
  return calls[call].of_socket && (strcmp(fault, "EAGAIN") == 0 || strcmp(fault, "s0") == 0);
}

static void fail_call(size_t call, long nth, bool sticky) {
  for (size_t i = 0; i < calls[call].count; i++) {
    const char *what = calls[call].faults[i];
    if ((sticky && is_endless(call, what)) || !is_taken(100)) continue;
    torture_fault fault = {.kind = TORTURE_CALLS, .nth = nth, .sticky = sticky};
    fault.of_sockets = calls[call].of_socket;
    const char *on = fault.of_sockets ? " of sockets" : "";
    snprintf(fault.rule, sizeof fault.rule, "%s:%ld%s:%s", calls[call].call, nth, sticky ? "+" : "",
             what);
    snprintf(fault.name, sizeof fault.name, "calls \"%s\"%s", fault.rule, on);
    torture_run(&fault);
  }
}

/* In good weather, and to count: the calls on files, or those on sockets. */
static void fail_calls_of(bool sockets) {
  long counts[sizeof calls / sizeof *calls];
  torture_fault fault = {.kind = TORTURE_CALLS, .of_sockets = sockets, .name = "calls"};
  torture_run(&fault);
  for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
    counts[i] = fault_shim_count(calls[i].call);
  }
  for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
    if (calls[i].of_socket != sockets) continue;
    if (counts[i] > 0) printf("%ld of %s\n", counts[i], calls[i].call);
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
  fail_calls_of(false);
  fail_calls_of(true);
}
