/* uv_api.c - see uv_api.h.
** SPDX-License-Identifier: MIT
*/
#include "sinks/uv_api.h"

#include <dlfcn.h>
#include <stddef.h>
#include <string.h>

const weir_uv_api weir_uv_linked = {
#define ENTRY(result, name, parameters) .name = uv_##name,
    WEIR_UV_FUNCTIONS(ENTRY)
#undef ENTRY
};

/* What has to be found in another libuv, and where it goes. */
static const struct {
  const char *name;
  size_t offset;
} functions[] = {
#define ENTRY(result, name, parameters) {"uv_" #name, offsetof(weir_uv_api, name)},
    WEIR_UV_FUNCTIONS(ENTRY)
#undef ENTRY
};

/* The image that a function, given by the bytes of a pointer to it, lies in. ISO C converts no
** pointer to a function into one to data.
*/
static const void *image_of(const void *function_pointer, Dl_info *info) {
  void *address;
  memcpy(&address, function_pointer, sizeof address);
  return address && dladdr(address, info) ? info->dli_fbase : NULL;
}

/* A loop holds one callback of libuv's own from the beginning on. */
static const void *image_of_loop(const uv_loop_t *loop, Dl_info *info) {
  return image_of(&loop->wq_async.async_cb, info);
}

bool weir_uv_is_linked(const uv_loop_t *loop) {
  Dl_info ours, theirs;
  int (*init)(uv_loop_t *) = uv_loop_init;
  const void *image = image_of_loop(loop, &theirs);
  return image && image == image_of(&init, &ours);
}

/* Sets the function pointer at `target`, if the image has such a function itself. */
static bool bind_one(void *library, const void *image, const char *name, void *target) {
  Dl_info info;
  void *address = dlsym(library, name);
  if (!address || !dladdr(address, &info) || info.dli_fbase != image) return false;
  memcpy(target, &address, sizeof address);
  return true;
}

static bool bind_all(void *library, const void *image, weir_uv_api *api) {
  for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
    char *target = (char *)api + functions[i].offset;
    if (!bind_one(library, image, functions[i].name, target)) return false;
  }
  return true;
}

bool weir_uv_rebind(weir_uv_api *api, const uv_loop_t *loop) {
  Dl_info info;
  const void *image = image_of_loop(loop, &info);
  if (!image) return false;
  void *library = dlopen(info.dli_fname, RTLD_NOW | RTLD_NOLOAD);
  if (!library) library = dlopen(NULL, RTLD_NOW); /* the program itself */
  if (bind_all(library, image, api))
    return true; /* it stays: lua_close must not unload it under us */
  dlclose(library);
  return false;
}
