/* signals.c - see signals.h.
** SPDX-License-Identifier: MIT
*/
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "sinks/signals.h"

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>

static const int caught[] = {SIGPIPE, SIGXFSZ};

static void do_nothing(int number) {
  (void)number;
}

static bool is_in_force(int number, void (*handler)(int)) {
  struct sigaction now;
  sigaction(number, NULL, &now); /* of a signal that there is, it cannot fail */
  return !(now.sa_flags & SA_SIGINFO) && now.sa_handler == handler;
}

static void replace(void (*before)(int), void (*after)(int)) {
  struct sigaction wanted = {.sa_handler = after, .sa_flags = SA_RESTART | SA_ONSTACK};
  sigemptyset(&wanted.sa_mask);
  for (size_t i = 0; i < sizeof caught / sizeof *caught; i++) {
    if (is_in_force(caught[i], before)) sigaction(caught[i], &wanted, NULL);
  }
}

void weir_signals_catch(void) {
  replace(SIG_DFL, do_nothing);
}

void weir_signals_restore(void) {
  replace(do_nothing, SIG_DFL);
}
