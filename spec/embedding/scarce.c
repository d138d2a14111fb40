/* scarce.c - a program in C that runs a Lua script again and again, and each time another request
** for Lua's memory fails.
**
**   scarce SCRIPT
**
** The script has the functions arm() and disarm(), between which requests count, and point(n), which
** makes light userdata that point into n regions where nothing is: LuaJIT keeps a list of all such.
** Each run has a state of its own; the last is the first one in which nothing failed. What a script
** raises is printed, and makes the program end with code 1.
** SPDX-License-Identifier: MIT
*/
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { RUNS_MAX = 2000, REGION_BITS = 39 };

static bool armed, failed_before;
static long asked, failing;

/* Lua collects and asks again: so twice in a row. */
static bool fails(void) {
  if (!armed) return false;
  if (failed_before) {
    failed_before = false;
    return true;
  }
  failed_before = ++asked == failing;
  return failed_before;
}

static void *allocate(void *unused, void *memory, size_t old, size_t size) {
  (void)unused;
  if (size == 0) {
    free(memory);
    return NULL;
  }
  if ((!memory || size > old) && fails()) return NULL;
  return realloc(memory, size);
}

static int arm(lua_State *L) {
  (void)L;
  armed = true;
  return 0;
}

static int disarm(lua_State *L) {
  (void)L;
  armed = false;
  return 0;
}

static int point(lua_State *L) {
  for (int region = 1; region <= luaL_checkinteger(L, 1); region++) {
    lua_pushlightuserdata(L, (void *)((uintptr_t)region << REGION_BITS));
    lua_pop(L, 1);
  }
  return 0;
}

static int run(const char *script) {
  lua_State *L = lua_newstate(allocate, NULL);
  if (!L) abort();
  luaL_openlibs(L);
  lua_register(L, "arm", arm);
  lua_register(L, "disarm", disarm);
  lua_register(L, "point", point);
  asked = 0;
  failed_before = false;
  int status = luaL_loadfile(L, script) || lua_pcall(L, 0, 0, 0);
  armed = false;
  if (status) printf("request %ld: %s\n", failing, lua_tostring(L, -1));
  lua_close(L);
  return status;
}

int main(int argc, char **argv) {
  int failures = 0;
  if (argc != 2) return 2;
  for (failing = 1; failing < RUNS_MAX; failing++) {
    failures += run(argv[1]) != 0;
    if (asked < failing) break;
  }
  printf("%ld requests\n", failing - 1);
  return failures ? 1 : 0;
}
