/* fault_shim.h - for a program that has fault_shim.c linked into it, and sets the rules as it goes.
** SPDX-License-Identifier: MIT
*/
#ifndef SPEC_SUPPORT_FAULT_SHIM_H
#define SPEC_SUPPORT_FAULT_SHIM_H

/* The rules from now on, on files whose path begins with `path`; counts begin anew. */
void fault_shim_begin(const char *rules, const char *path);
/* From now on nothing fails, and nothing counts. */
void fault_shim_end(void);
/* How many such calls there were in between. */
long fault_shim_count(const char *call);

#endif
