/* signals.h - two signals that would end the process where an error is wanted.
**
** Writing to a pipe that nobody reads raises SIGPIPE, writing beyond the limit of a file's size
** SIGXFSZ. Ignored, they become EPIPE and EFBIG. That is a setting of the whole process, and
** children inherit it: it is made only where the default was in force.
**
** Layer: sinks.
** SPDX-License-Identifier: MIT
*/
#ifndef WEIR_SINKS_SIGNALS_H
#define WEIR_SINKS_SIGNALS_H

/* Ignores both, unless somebody has set them otherwise. */
void weir_signals_ignore(void);

#endif
