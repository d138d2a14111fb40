/* states.c - a program in C that runs a Lua script in several states at once, each on a thread of
** its own, and closes them all at once; then it does all of it again.
**
**   states THREADS SCRIPT PREFIX
**
** The scripts get PREFIX.N and N: 1 to THREADS the first time, and on from there the second. What
** a script raises is printed, and ends the program with code 1 when all threads are done. Where
** there is /proc the program says last which files of weir's modules are still mapped.
** SPDX-License-Identifier: MIT
*/
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROUNDS = 2, MOST = 16 };

/* --- a place where threads wait for one another --- */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t all_are_here = PTHREAD_COND_INITIALIZER;
static int threads, here;
static unsigned meetings;

static void meet(void) {
  pthread_mutex_lock(&lock);
  unsigned meeting = meetings;
  if (++here == threads) {
    here = 0;
    meetings++;
    pthread_cond_broadcast(&all_are_here);
  }
  while (meeting == meetings) pthread_cond_wait(&all_are_here, &lock);
  pthread_mutex_unlock(&lock);
}

/* --- one of the threads --- */

typedef struct task {
  pthread_t thread;
  const char *script, *prefix;
  int number;
  int failed;
} task;

static int run_script(lua_State *L, const task *mine) {
  if (luaL_loadfile(L, mine->script)) return 1;
  lua_pushfstring(L, "%s.%d", mine->prefix, mine->number);
  lua_pushinteger(L, mine->number);
  return lua_pcall(L, 2, 0, 0);
}

static void *run(void *argument) {
  task *mine = argument;
  meet();
  lua_State *L = luaL_newstate();
  luaL_openlibs(L);
  mine->failed = run_script(L, mine);
  if (mine->failed) printf("%d: %s\n", mine->number, lua_tostring(L, -1));
  meet();
  lua_close(L);
  return NULL;
}

/* --- the program --- */

static int run_all(task *tasks, const char *script, const char *prefix, int first) {
  int failed = 0;
  for (int i = 0; i < threads; i++) {
    tasks[i] = (task){.script = script, .prefix = prefix, .number = first + i};
    if (pthread_create(&tasks[i].thread, NULL, run, &tasks[i])) abort();
  }
  for (int i = 0; i < threads; i++) {
    pthread_join(tasks[i].thread, NULL);
    failed |= tasks[i].failed;
  }
  return failed;
}

/* A mapping that can be run is one of code. */
static void say_what_is_mapped(void) {
  char line[4096];
  FILE *maps = fopen("/proc/self/maps", "r");
  while (maps && fgets(line, sizeof line, maps)) {
    const char *name = strstr(line, "/weir/"); /* the last one: the checkout may be named so too */
    for (const char *later; name && (later = strstr(name + 1, "/weir/"));) name = later;
    if (name && strstr(line, ".so\n") && strstr(line, " r-xp ")) printf("mapped: %s", name + 1);
  }
  if (maps) fclose(maps);
}

int main(int argc, char **argv) {
  task tasks[MOST];
  threads = argc == 4 ? atoi(argv[1]) : 0;
  if (threads < 1 || threads > MOST) return 2;
  int failed = 0;
  for (int i = 0; i < ROUNDS; i++) failed |= run_all(tasks, argv[2], argv[3], 1 + i * threads);
  say_what_is_mapped();
  return failed ? 1 : 0;
}
