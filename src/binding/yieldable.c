/* yieldable.c - see yieldable.h.
**
** Lua 5.3 and later, and LuaJIT, have lua_isyieldable. Lua 5.1 and 5.2 say it only by raising, too
** late for us; but they count it in a place that has not moved since their first release, and will
** not. It is tried out before it is relied on: where the count is not as it should be, a coroutine
** is taken to be able to yield, and Lua raises if it is not.
** SPDX-License-Identifier: MIT
*/
#include "binding/yieldable.h"

#if LUA_VERSION_NUM >= 503

bool weir_is_yieldable(lua_State *L) {
  return lua_isyieldable(L) != 0;
}

void weir_yieldable_open(lua_State *L) {
  (void)L;
}

#else

#include <stdatomic.h>

#if LUA_VERSION_NUM == 502

typedef struct state_head {
  void *next;
  unsigned char type, marked, status;
  void *top, *global, *call;
  const void *saved_pc;
  void *stack_last, *stack;
  int stack_size;
  unsigned short not_yieldable, c_calls;
} state_head;

static bool counts_say_so(lua_State *L) {
  return ((const state_head *)(const void *)L)->not_yieldable == 0;
}

static int resume(lua_State *thread, lua_State *from) {
  return lua_resume(thread, from, 0);
}

static bool ask_lua(lua_State *L, bool *answer) {
  (void)L, (void)answer;
  return false;
}

#else

typedef struct state_head {
  void *next;
  unsigned char type, marked, status;
  void *top, *base, *global, *call;
  const void *saved_pc;
  void *stack_last, *stack, *last_call, *first_call;
  int stack_size, calls_size;
  unsigned short c_calls, base_c_calls;
} state_head;

static bool counts_say_so(lua_State *L) {
  const state_head *head = (const void *)L;
  return head->c_calls <= head->base_c_calls;
}

static int resume(lua_State *thread, lua_State *from) {
  (void)from;
  return lua_resume(thread, 0);
}

/* LuaJIT has it; Lua 5.1 has not, and one build serves both. */
extern int lua_isyieldable(lua_State *L) __attribute__((weak));

static bool ask_lua(lua_State *L, bool *answer) {
  if (!lua_isyieldable) return false;
  *answer = lua_isyieldable(L) != 0;
  return true;
}

#endif

/* The same for all states of the process: they share one Lua. */
static atomic_bool counts_are_right;

bool weir_is_yieldable(lua_State *L) {
  bool answer;
  if (ask_lua(L, &answer)) return answer;
  bool is_main = lua_pushthread(L) == 1;
  lua_pop(L, 1);
  if (is_main) return false;
  return atomic_load_explicit(&counts_are_right, memory_order_relaxed) ? counts_say_so(L) : true;
}

static lua_results say(lua_State *L) {
  lua_pushboolean(L, counts_say_so(L));
  return 1;
}

/* Runs in a coroutine: it could yield here, but not within the protected call. */
static lua_results try_both(lua_State *L) {
  bool right = counts_say_so(L);
  lua_pushcfunction(L, say);
  if (lua_pcall(L, 0, 1, 0) != LUA_OK || lua_toboolean(L, -1)) right = false;
  lua_pushboolean(L, right && counts_say_so(L));
  return 1;
}

void weir_yieldable_open(lua_State *L) {
  bool answer;
  if (ask_lua(L, &answer)) return;
  lua_State *thread = lua_newthread(L);
  lua_pushcfunction(thread, try_both);
  bool right = resume(thread, L) == LUA_OK && lua_toboolean(thread, -1);
  atomic_store_explicit(&counts_are_right, right, memory_order_relaxed);
  lua_pop(L, 1);
}

#endif
