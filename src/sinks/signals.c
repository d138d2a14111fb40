/* signals.c - see signals.h.
** SPDX-License-Identifier: MIT
*/
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "sinks/signals.h"

#include <signal.h>
#include <stddef.h>

static void ignore(int signal) {
  struct sigaction now;
  if (sigaction(signal, NULL, &now) != 0) return;
  if ((now.sa_flags & SA_SIGINFO) || now.sa_handler != SIG_DFL) return;
  now.sa_handler = SIG_IGN;
  sigaction(signal, &now, NULL);
}

void weir_signals_ignore(void) {
  ignore(SIGPIPE);
  ignore(SIGXFSZ);
}
