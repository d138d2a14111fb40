/* reading.h - a random program over a stream that is read, and whose data is piped back into its own
** writable side, checked against a naive model: two numbers, of what was pushed and what was taken.
**
**   - what is handed out is what was pushed, in order, each byte once, with what was put back
**   - the buffer's length is the difference of the two
**   - the source is asked once until it answers, and never behind its end
**   - `end` comes once, when all was taken, and no data behind it
**   - what is piped reaches the sink as it was handed out
**
** The source pushes inside of a read, later, or of its own accord; the consumer acts, now and then,
** inside whatever he is told; any allocation may fail. See simulation.h for how it is repeated.
** SPDX-License-Identifier: MIT
*/
#ifndef SPEC_SUPPORT_READING_H
#define SPEC_SUPPORT_READING_H

/* Runs one program of so many acts; of fewer, where check_random_from()'s bytes are over before. */
void reading_run(int acts);

#endif
