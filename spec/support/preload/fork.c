/* fork.c - fork() for a script: package.loadlib(..., "fork") is a function that returns 0 in the
** child, and in the parent the child's number; "wait" waits for one child. Any Lua will do.
** SPDX-License-Identifier: MIT
*/
#include <stddef.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct lua_State lua_State;
void lua_pushnumber(lua_State *L, double number);
int fork_in_lua(lua_State *L);
int wait_in_lua(lua_State *L);

int fork_in_lua(lua_State *L) {
  lua_pushnumber(L, (double)fork());
  return 1;
}

int wait_in_lua(lua_State *L) {
  int status = 0;
  wait(&status);
  lua_pushnumber(L, (double)status);
  return 1;
}
