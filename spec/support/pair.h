/* pair.h - a stream on one end of a pair of sockets. The other end, the peer's, is the spec's.
**
**   static pair it;
**   fake_host *host = pair_begin(&it, (pair_options){.mark = 16});
**   fake_write(host, "abc", NULL);
**   pair_turn(&it);
**   CHECK_STRING(pair_received(&it), "abc");
**   pair_end(&it);                 destroys the stream, and checks the accounts
** SPDX-License-Identifier: MIT
*/
#ifndef SPEC_SUPPORT_PAIR_H
#define SPEC_SUPPORT_PAIR_H

#include "sinks/stream_sink.h"

#include "support/fake_host.h"
#include "support/foreign_loop.h"

typedef struct pair_options {
  uint64_t mark;   /* of what is written; 0: 16384 */
  bool write_only; /* there is no readable side */
  bool half_open;  /* the peer's end leaves ours open */
  bool untold;     /* nobody is told what the core does not tell */
  bool foreign;    /* on a loop of somebody else's, which makes the handles */
  /* Connects first; there is no peer. NULL: it has its descriptor. */
  weir_connector *(*connector)(void);
} pair_options;

typedef struct pair {
  weir_loop loop;
  weir_uv_api uv; /* of the loop, to be changed */
  foreign_loop foreign;
  bool is_foreign;
  weir_stream_sink sink;
  fake_host *host;
  int peer;                              /* -1: it is gone, or there is none */
  int found, connects, timeouts, closes; /* what was told */
} pair;

fake_host *pair_begin(pair *it, pair_options options);
void pair_end(pair *it);

/* The ticks, one turn of the loop without waiting, and its ticks. */
void pair_turn(pair *it);
/* Turns for so long, or until something is so; it gives up after 20 s. */
void pair_wait(pair *it, uint64_t ms);
#define PAIR_UNTIL(it, condition) \
  do { \
    bool is_so = (condition); \
    for (int turns = 0; turns < 40000 && !is_so; turns++) { \
      pair_nap(it); \
      is_so = (condition); \
    } \
    check_that(is_so, #condition, __FILE__, __LINE__); \
  } while (0)
/* A turn, and half a millisecond. */
void pair_nap(pair *it);
/* The peer's acts. */
void pair_send(const pair *it, const char *text);
void pair_peer_ends(const pair *it);       /* says so, and goes on reading */
void pair_peer_leaves(pair *it);           /* is gone */
const char *pair_received(const pair *it); /* by now, since it was asked last */
bool pair_peer_sees_end(const pair *it);   /* behind all that */

#endif
