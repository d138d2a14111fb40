/* no_rebind.c - preloaded: no function of libuv can be looked up, as in a program that has libuv
** inside and shows none of it.
** SPDX-License-Identifier: MIT
*/
#define _GNU_SOURCE
#include <dlfcn.h>
#include <string.h>

void *dlsym(void *library, const char *name) {
  static const char *const versions[] = {"GLIBC_2.34", "GLIBC_2.17", "GLIBC_2.2.5", "GLIBC_2.0"};
  static void *(*real)(void *library, const char *name);
  if (strncmp(name, "uv_", 3) == 0) return NULL;
  for (int i = 0; !real && i < 4; i++) {
    void *found = dlvsym(RTLD_NEXT, "dlsym", versions[i]);
    memcpy(&real, &found, sizeof real);
  }
  return real(library, name);
}
