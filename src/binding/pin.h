/* pin.h - keeps a library loaded for good: lua_close may unload it while a pool thread, or a loop
** that is run later, still has its functions on the stack.
**
** Layer: binding.
** SPDX-License-Identifier: MIT
*/
#ifndef WEIR_BINDING_PIN_H
#define WEIR_BINDING_PIN_H

#include "binding/compat.h"

#include <dlfcn.h>

/* `thing` is anything that the library defines. */
static inline void weir_pin(const void *thing) {
#ifdef RTLD_NODELETE
  Dl_info info;
  if (dladdr(thing, &info) == 0 || !info.dli_fname) return;
  void *self = dlopen(info.dli_fname, RTLD_NOW | RTLD_NOLOAD | RTLD_NODELETE);
  if (self) dlclose(self);
#else
  (void)thing;
#endif
}

#endif
