/* foreign_loop.h - a loop of somebody else's, who makes the handles on it and may close any of them
** behind our back, as luv and its scripts do.
**
**   static foreign_loop host;
**   foreign_begin(&host);
**   weir_loop_join(&loop, &host.uv, &weir_uv_linked, &foreign_maker, &host);
**   ...
**   weir_loop_close(&loop);
**   foreign_end(&host);            checks that nothing of ours is left on it
** SPDX-License-Identifier: MIT
*/
#ifndef SPEC_SUPPORT_FOREIGN_LOOP_H
#define SPEC_SUPPORT_FOREIGN_LOOP_H

#include "sinks/handle.h"

typedef struct foreign_loop {
  uv_loop_t uv;
  int made, closed;
  bool refuses; /* makes no handle any more */
  struct foreign_memory *memory;
} foreign_loop;

extern const weir_handle_maker foreign_maker;

void foreign_begin(foreign_loop *host);
void foreign_end(foreign_loop *host);
/* A script closes a handle that it found on its loop, or all of them. */
void foreign_close(const weir_handle *handle);
void foreign_close_all(foreign_loop *host);

#endif
