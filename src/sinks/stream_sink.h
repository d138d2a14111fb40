/* stream_sink.h - the sink of bytes, and the source, that is a descriptor which can be waited for:
** a TCP or unix socket, a pipe, a terminal.
**
** A write is tried at once. What the kernel does not take stays in the stream's queue until the
** descriptor is ready, so the sink never has bytes of its own: what it wrote is exact, also after
** an error, and nothing has to be waited for when the stream is destroyed. What was read is handed
** on in slabs.
**
** When the writable side has finished and nobody has ever touched the readable one, what the peer
** still sends is read and dropped until its end, or for the linger timeout: a close with unread
** input would take away from the peer what it has not read yet of ours.
**
** Layer: sinks. Not thread safe.
** SPDX-License-Identifier: MIT
*/
#ifndef WEIR_SINKS_STREAM_SINK_H
#define WEIR_SINKS_STREAM_SINK_H

#include "sinks/connector.h"

#include "core/readable.h"
#include "core/writable.h"
#include "sinks/borrowed.h"

typedef enum weir_stream_type {
  WEIR_STREAM_TCP,
  WEIR_STREAM_UNIX,
  WEIR_STREAM_BORROWED, /* whatever can be waited for and is not ours alone */
} weir_stream_type;

/* Who is told what the core does not tell. */
typedef struct weir_stream_sink_host {
  void (*found)(void *owner, const struct sockaddr *address, weir_error *error);
  void (*connected)(void *owner);
  void (*timed_out)(void *owner); /* idle for the time that was set */
  void (*closed)(void *owner);    /* the descriptor has been let go of */
} weir_stream_sink_host;

struct weir_stream_clock;

/* Ten thousand may be open and idle: what it can find elsewhere it does not keep. */
typedef struct weir_stream_sink {
  weir_handle poll; /* the descriptor's, while it has one; always knows the loop */
  weir_writable *writable;
  const weir_stream_sink_host *host;
  union {
    weir_connector *connector; /* of a socket; NULL: not on the way to a peer */
    weir_borrowed borrowed;    /* of that type: what `fd` is */
  };
  struct weir_stream_clock *clock;              /* made when a time limit first counts */
  weir_error *close_error;                      /* why close was asked for; a reference */
  uint64_t written, read;                       /* bytes */
  uint32_t write_timeout_ms, linger_timeout_ms; /* 0: none */
  union {
    uint32_t burst; /* bytes written in a row; or while it is blocked, */
    int unsent;     /* those the kernel had when the limit of a write began */
  };
  uint32_t burst_ms; /* when the burst began */
  int fd;            /* -1: none yet, or none any more */
  weir_stream_type type : 2;
  unsigned polled : 4;  /* the events that are waited for now */
  bool reading : 1;     /* the consumer wants more */
  bool input_ended : 1; /* the peer said so */
  bool shut : 1;        /* we told the peer that nothing more comes */
  bool lingering : 1;   /* the peer's end is awaited for a time */
  bool discarding : 1;  /* nobody reads, so what comes is dropped */
  bool drops : 1;       /* the same where the state closes: past the readable side */
  bool blocked : 1;     /* the kernel took no more: the queue waits for the descriptor */
  bool no_ref : 1;      /* does not keep the loop running */
  bool in_close : 1;    /* close() is on the stack */
  bool resets : 1;      /* closing tells the peer "reset" */
} weir_stream_sink;

/* The port of a sink that has its descriptor, and of one that has to connect first. */
extern const weir_sink_port weir_stream_sink_port, weir_stream_sink_connecting_port;
extern const weir_source_port weir_stream_source_port;

void weir_stream_sink_init(weir_stream_sink *sink, weir_stream_type type);
/* Before the stream is started; whose owner is told by the host's functions. */
void weir_stream_sink_attach(weir_stream_sink *sink, weir_loop *loop, weir_writable *writable,
                             const weir_stream_sink_host *host);
/* The stream was started and has both sides. One that has its descriptor begins to read. */
void weir_stream_sink_begin_to_read(weir_stream_sink *sink);
/* Takes a descriptor, which does not block from now on. Returns 0 or a negative errno; EPERM: one
** that cannot be waited for. On error it stays the caller's.
*/
int weir_stream_sink_adopt(weir_stream_sink *sink, int fd);
/* Writes to what `fd` leads to, which goes on being the caller's. Returns as adopt does. */
int weir_stream_sink_borrow(weir_stream_sink *sink, int fd);
/* Frees what it owns. The sink must be closed, or never have been started. */
void weir_stream_sink_deinit(weir_stream_sink *sink);

/* The state closes and the readable side was abandoned: from now on what comes is dropped, and the
** stream closes only when the peer has ended or has sent nothing for a while after our own end.
** Returns whether there is an end to wait for that the writable side does not bring any more.
*/
bool weir_stream_sink_drop_input(weir_stream_sink *sink);
/* Whether to close it now may take from the peer what it has not read yet of ours. */
bool weir_stream_sink_may_reset(const weir_stream_sink *sink);
/* Writes what is queued, now and without the loop, at most until `deadline_ns`, and closes. For a
** state that is closed from within a callback of the loop, which will never go on.
*/
void weir_stream_sink_end_now(weir_stream_sink *sink, bool discard, uint64_t deadline_ns);

/* `timed_out` comes once after so many ms without a byte either way; then again when some have
** come. 0: never. Returns false without memory.
*/
bool weir_stream_sink_set_timeout(weir_stream_sink *sink, uint64_t timeout_ms);
void weir_stream_sink_set_ref(weir_stream_sink *sink, bool on);

#endif
