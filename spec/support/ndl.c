/* ndl.c - a dlclose that does nothing, to preload under a sanitizer: lua_close would unload the
** module before the leak report is written, and the report could not name what is in it.
** SPDX-License-Identifier: MIT
*/
int dlclose(void *handle) {
  (void)handle;
  return 0;
}
