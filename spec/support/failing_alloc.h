/* failing_alloc.h - allocations that fail when a C spec says so, and a count of those not freed.
**
** It sees the calls of the code under test and of the spec (malloc, calloc, realloc, aligned_alloc,
** strdup, strndup, realpath, free), not those of libuv or libc. Any thread may allocate. What libc
** allocated otherwise and the caller frees (getline) would be counted wrong.
**
** To fail each allocation of a scenario once, and then each and all after it:
**
**   for (int sticky = 0; sticky <= 1; sticky++) {
**     long nth = 0;
**     do {
**       long live = failing_alloc_live();
**       failing_alloc_begin(++nth, sticky);
**       scenario();
**       failing_alloc_end();
**       CHECK_EQUAL(failing_alloc_live(), live);
**     } while (failing_alloc_failed());
**   }
** SPDX-License-Identifier: MIT
*/
#ifndef SPEC_SUPPORT_FAILING_ALLOC_H
#define SPEC_SUPPORT_FAILING_ALLOC_H

#include <stdbool.h>

/* False where the linker cannot do it: nothing fails there, and the counts stay 0. */
bool failing_alloc_works(void);

/* The nth allocation from now fails (1: the next one); if sticky, all after it fail too. */
void failing_alloc_begin(long nth, bool sticky);
/* From now on none fails. */
void failing_alloc_end(void);

/* Has any failed since failing_alloc_begin? */
bool failing_alloc_failed(void);
/* How many were asked for since failing_alloc_begin. */
long failing_alloc_asked(void);
/* How many are not freed. */
long failing_alloc_live(void);

#endif
