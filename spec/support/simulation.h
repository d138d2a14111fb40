/* simulation.h - a random program over a random sink, checked against a naive ledger.
**
** A program is a number of acts of the user, the sink and the loop, one after the other; and the
** user acts, now and then, inside whatever he is told. At the end the sink answers all it owes, and
** then nothing may be left: no callback, no byte, no anchor, no memory. What happens is drawn from
** check_random(): a seed repeats it, and a fuzzer that chooses the numbers chooses the program.
** SPDX-License-Identifier: MIT
*/
#ifndef SPEC_SUPPORT_SIMULATION_H
#define SPEC_SUPPORT_SIMULATION_H

#include <stdbool.h>

extern bool simulation_traces; /* shows what happens */

/* Runs one program of so many acts; of fewer, where check_random_from()'s bytes are over before. */
void simulation_run(int acts);

#endif
