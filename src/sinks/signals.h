/* signals.h - two signals that would end the process where an error is wanted.
**
** Writing to a pipe that nobody reads raises SIGPIPE, writing beyond the limit of a file's size
** SIGXFSZ. Once they are caught, the write says EPIPE or EFBIG. That is a setting of the whole
** process, made only where the default was in force. They are caught and not ignored, because a
** program that the process starts would go on ignoring them; what was caught is default in it.
**
** Layer: sinks.
** SPDX-License-Identifier: MIT
*/
#ifndef WEIR_SINKS_SIGNALS_H
#define WEIR_SINKS_SIGNALS_H

/* Catches both, unless somebody has set them otherwise. */
void weir_signals_catch(void);
/* Sets the default again, unless somebody has set them otherwise meanwhile. */
void weir_signals_restore(void);

#endif
