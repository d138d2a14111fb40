/* ndl.c - a dlclose that does nothing, to preload under a sanitizer: lua_close would unload the
** module before the leak report is written, and the report could not name what is in it.
**
** With SPEC_PRELOAD in the environment, what the process starts is not preloaded: a shell does not
** start under TSan's runtime. A spec that starts a Lua preloads SPEC_PRELOAD again.
** SPDX-License-Identifier: MIT
*/
#define _GNU_SOURCE
#include <stdlib.h>

int dlclose(void *handle) {
  (void)handle;
  return 0;
}

__attribute__((constructor)) static void start_others_without(void) {
  if (getenv("SPEC_PRELOAD")) unsetenv("LD_PRELOAD");
}
