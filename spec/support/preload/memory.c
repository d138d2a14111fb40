/* memory.c - how much memory malloc has given out: package.loadlib(..., "allocated") is a function
** that returns the bytes, with what malloc itself needs for each piece. Any Lua will do; glibc.
** SPDX-License-Identifier: MIT
*/
#include <malloc.h>

typedef struct lua_State lua_State;
void lua_pushnumber(lua_State *L, double number);
int allocated(lua_State *L);

int allocated(lua_State *L) {
  struct mallinfo2 info = mallinfo2();
  lua_pushnumber(L, (double)(info.uordblks + info.hblkhd));
  return 1;
}
