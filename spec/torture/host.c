/* host.c - a host of Lua in which what a scenario needs fails, one thing after the other: each
** allocation of Lua's, each of ours, each of libuv's, each system call of a file.
**
**   torture KIND SCENARIO [ARGUMENT ...]
**
** KIND is lua, malloc, uv or calls. A scenario is a Lua file that returns two functions: what is done
** while things fail, and what must hold of it afterwards. Each point runs in a Lua state of its own,
** in this process. Nothing may be left when the state is closed: no memory of Lua's or ours, and no
** descriptor. SHALLOW=40 takes about so many points, chosen by SEED, else all are taken; FROM=n
** begins at the nth. The last line is "N passed, N failed".
** SPDX-License-Identifier: MIT
*/
#define _GNU_SOURCE
#include "torture/host.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

torture_options torture;
static torture_fault now; /* what fails in this state */
static bool armed;
static int passed, failed;
static FILE *output; /* our own descriptor: a scenario may replace the standard ones */

/* --- allocations of Lua -------------------------------------------------------------------------- */

static long lua_asked, lua_live; /* live: pieces; LuaJIT may be wrong about the size of one */
static bool lua_failed_before;

/* Once is not enough: Lua collects and asks again. */
static bool lua_fails(size_t old, size_t size) {
  if (!armed || now.kind != TORTURE_LUA || size <= old) return false;
  if (lua_failed_before && !now.sticky) {
    lua_failed_before = false;
    return true;
  }
  lua_asked++;
  if (now.nth == 0 || lua_asked < now.nth || (lua_asked > now.nth && !now.sticky)) return false;
  lua_failed_before = true;
  return true;
}

/* What the linker makes: Lua's memory is not counted as ours. */
void *__real_realloc(void *memory, size_t size);
void __real_free(void *memory);

static void *allocate(void *unused, void *memory, size_t old, size_t size) {
  (void)unused;
  if (!memory) old = 0;
  if (size == 0) {
    __real_free(memory);
    lua_live -= memory != NULL;
    return NULL;
  }
  if (lua_fails(old, size)) return NULL;
  void *moved = __real_realloc(memory, size);
  if (moved && !memory) lua_live++;
  return moved;
}

/* --- arming ---------------------------------------------------------------------------------------- */

static void arm(void) {
  armed = true;
  lua_asked = 0;
  lua_failed_before = false;
  if (now.kind == TORTURE_MALLOC) failing_alloc_begin(now.nth, now.sticky);
  if (now.kind == TORTURE_UV) torture_uv_begin(now.nth, now.sticky);
  if (now.kind == TORTURE_CALLS)
    fault_shim_begin(now.rule, now.of_sockets ? "socket:[" : torture.folder);
}

static void disarm(void) {
  if (!armed) return;
  armed = false;
  now.asked = now.kind == TORTURE_LUA      ? lua_asked
              : now.kind == TORTURE_MALLOC ? failing_alloc_asked()
                                           : torture_uv_asked();
  failing_alloc_end();
  torture_uv_end();
  fault_shim_end();
}

static int lua_arm(lua_State *L) {
  (void)L;
  arm();
  return 0;
}

static int lua_disarm(lua_State *L) {
  (void)L;
  disarm();
  return 0;
}

/* --- one state ------------------------------------------------------------------------------------- */

static int descriptors(void) {
  DIR *folder = opendir("/proc/self/fd");
  if (!folder) return 0;
  int count = 0;
  while (readdir(folder)) count++;
  closedir(folder);
  return count;
}

static void complain(const char *what, const char *text) {
  failed++;
  fprintf(output, "FAILED  %s: %s: %s\n", torture_name(&now), what, text);
}

/* Global `torture`: the folder, the arguments, arm(), disarm(), `calm` where nothing fails, and the
** functions of standard.c.
*/
static void push_self(lua_State *L) {
  lua_createtable(L, 0, 7);
  lua_pushstring(L, torture.folder);
  lua_setfield(L, -2, "folder");
  lua_pushcfunction(L, lua_arm);
  lua_setfield(L, -2, "arm");
  lua_pushcfunction(L, lua_disarm);
  lua_setfield(L, -2, "disarm");
  lua_pushboolean(L, now.nth == 0);
  lua_setfield(L, -2, "calm");
  for (int i = 0; i < torture.argument_count; i++) {
    lua_pushstring(L, torture.arguments[i]);
    lua_rawseti(L, -2, i + 1);
  }
  torture_standard_open(L);
  lua_setglobal(L, "torture");
}

/* Pushes the two functions of the scenario, below them the function that says what went wrong. */
static bool load(lua_State *L) {
  lua_getglobal(L, "debug");
  lua_getfield(L, -1, "traceback");
  lua_remove(L, -2);
  if (luaL_loadfile(L, torture.scenario) == 0 && lua_pcall(L, 0, 2, 1) == 0) return true;
  complain("loading", lua_tostring(L, -1));
  return false;
}

static void run_scenario(lua_State *L) {
  if (!load(L)) return;
  lua_pushvalue(L, 2);
  arm();
  lua_pcall(L, 0, 0, 0); /* it may fail as it likes */
  disarm();
  lua_settop(L, 3);
  if (lua_pcall(L, 0, 0, 1) != 0) complain("afterwards", lua_tostring(L, -1));
}

static void check_nothing_left(long ours, int descriptors_before) {
  char text[64];
  snprintf(text, sizeof text, "%ld pieces of Lua's", lua_live);
  if (lua_live != 0) complain("leaks", text);
  snprintf(text, sizeof text, "%ld pieces of ours", failing_alloc_live() - ours);
  if (failing_alloc_live() != ours) complain("leaks", text);
  snprintf(text, sizeof text, "%d descriptors", descriptors() - descriptors_before);
  if (descriptors() != descriptors_before) complain("leaks", text);
}

void torture_run(torture_fault *fault) {
  now = *fault;
  if (getenv("TRACE")) fprintf(stderr, "%s\n", torture_name(&now));
  int failed_before = failed, descriptors_before = descriptors();
  long ours = failing_alloc_live();
  lua_live = 0;
  lua_State *L = lua_newstate(allocate, NULL);
  if (!L) abort();
  luaL_openlibs(L);
  push_self(L);
  run_scenario(L);
  disarm();
  lua_close(L);
  torture_standard_restore();
  check_nothing_left(ours, descriptors_before);
  if (failed == failed_before) passed++;
  *fault = now;
}

/* --- main ------------------------------------------------------------------------------------------ */

static void remove_folder(void) {
  char command[256];
  snprintf(command, sizeof command, "rm -rf '%s'", torture.folder);
  if (system(command) != 0) perror(command);
}

int main(int argc, char **argv) {
  static char folder[] = "/tmp/weir_torture_XXXXXX";
  if (argc < 3 || !mkdtemp(folder)) return 2;
  torture = (torture_options){
      .scenario = argv[2], .folder = folder, .arguments = argv + 3, .argument_count = argc - 3};
  setvbuf(stdout, NULL, _IOLBF, 0);
  output = fdopen(fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 100), "w");
  if (!output) return 2;
  setvbuf(output, NULL, _IOLBF, 0);
  torture_uv_install();
  torture_all(argv[1]);
  remove_folder();
  printf("%d passed, %d failed\n", passed, failed);
  return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
