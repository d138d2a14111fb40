/* lua_stream.h - the stream as Lua sees it: a userdata that leads to a counted stream on the C
** side.
**
** The userdata holds one reference. While work is pending an anchor keeps the userdata, and with it
** the listeners and callbacks, alive; an idle stream that nobody holds is collected and closed.
**
** Layer: binding.
** SPDX-License-Identifier: MIT
*/
#ifndef WEIR_BINDING_LUA_STREAM_H
#define WEIR_BINDING_LUA_STREAM_H

#include "binding/context.h"
#include "core/readable.h"
#include "core/writable.h"

/* How long lua_close may take to flush what was accepted, unless the script says otherwise. */
enum { WEIR_CLOSE_MS = 2000 };

/* The user value of the userdata is one table, since there may be ten thousand: by the names of the
** events it has the listeners (see emitter.c), from 1 on the hooks (see lua_sink.c), and here what
** is made when it is needed. What is anchored comes below that.
*/
enum {
  WEIR_FIELD_PRIVATE = -1, /* see inner.c */
  WEIR_FIELD_WATCH = -2,   /* see waiting.h */
  WEIR_FIELD_OWN = -3,     /* see subclass.h, also for the next */
  WEIR_FIELD_FIELDS = -4,
  WEIR_FIELD_LAST = WEIR_FIELD_FIELDS
};

typedef struct weir_lua_stream weir_lua_stream;

/* What a kind of stream adds to what all have. A NULL function: nothing to say, pushes nil. */
typedef struct weir_stream_kind {
  const char *name;
  bool reads;             /* has a readable side */
  bool read_only;         /* has no writable side */
  int hooks;              /* functions of the script's that do the work, how many there may be */
  bool has_class;         /* see subclass.h */
  const char *write_hook; /* what is missing if it cannot be written to; NULL: "_write()" */
  bool borrows;           /* long strings may be lent to the sink instead of being copied */
  bool is_socket;         /* `close` tells whether there was an error */
  /* write() of what is on the stack, the short way; 0: nothing was done. NULL: there is none. */
  lua_results (*write_direct)(weir_lua_stream *stream, lua_State *L);
  /* write() of the value on top of the stack, above the userdata, where the sink takes it at once;
  ** false: nothing was done. Pops nothing, and never raises. NULL: it never does.
  */
  bool (*take_value)(weir_lua_stream *stream, lua_State *L, weir_verdict *verdict);
  const char *(*path)(const weir_lua_stream *stream); /* may return NULL */
  void (*push_fd)(const weir_lua_stream *stream, lua_State *L);
  void (*push_pending)(const weir_lua_stream *stream, lua_State *L);
  void (*push_bytes_read)(const weir_lua_stream *stream, lua_State *L);
  void (*flows)(weir_lua_stream *stream, bool on); /* it was paused, or resumed */
  void (*unused)(weir_lua_stream *stream);         /* frees the sink; NULL: there is none */
  /* Not ended when the state closes, or nobody will read what comes of it: drop it? */
  bool (*discards)(const weir_lua_stream *stream);
  /* Idle, and yet not to be closed without an end? */
  bool (*may_reset)(const weir_lua_stream *stream);
  /* The state closes: nobody reads any more. Is there an end to wait for nevertheless? */
  bool (*drops_input)(weir_lua_stream *stream);
  void (*end_now)(weir_lua_stream *stream, bool discard); /* the loop will never go on */
  bool (*must_wait)(const weir_lua_stream *stream);       /* a pool thread reads memory of Lua's */
} weir_stream_kind;

struct weir_lua_stream {
  weir_stream core;
  weir_writable writable;
  weir_context *context;
  const weir_stream_kind *kind;
  weir_anchors anchors;
  uint32_t holder; /* the context's anchor that can keep the userdata alive; see objects.h */
  uint8_t
      standard; /* 1 + the descriptor of the process's own, which pipes never end; 0: it is not */
  bool held;    /* the holder does: work is pending */
  bool started : 1;
  bool settling : 1;  /* in the context's list of those that may be let go of */
  bool collected : 1; /* its userdata is gone: nobody is told anything any more */
  bool watched : 1;   /* by coroutines */
  bool listened : 1;  /* it has had a listener */
  bool counted : 1;   /* among the context's open streams */
  bool orphan : 1;    /* collected with work pending: its reference waits for the state's end */
  weir_lua_stream *next, *previous, *next_settling;
};

/* --- making one --- */

typedef struct weir_stream_options {
  weir_writable_options writable;
  weir_readable_options readable;
  const weir_source_port *source; /* of a kind that reads */
  bool auto_destroy, emit_close;
} weir_stream_options;

/* Makes a stream that does nothing yet and pushes its userdata. May raise. Until it is started, the
** collector simply frees it. With it comes room for a sink, all zero, freed with the stream; 0: it
** needs none.
*/
weir_lua_stream *weir_lua_stream_new(weir_context *context, lua_State *L,
                                     const weir_stream_kind *kind, size_t sink_size);
/* Where that room is. */
void *weir_lua_stream_sink_place(weir_lua_stream *stream);
/* Starts it, with the sides that its kind has. The sink, which is its source too, is the stream's
** from now on, freed by the kind's `unused`. Never raises.
*/
void weir_lua_stream_start(weir_lua_stream *stream, const weir_sink_port *port, void *sink,
                           const weir_stream_options *options);
/* Creates the metatable of all streams, with all methods. */
void weir_lua_stream_open(weir_context *context, lua_State *L);

/* --- finding it --- */

/* In the userdata, before anything is read through it: no other type of userdata starts like this.
*/
#define WEIR_STREAM_MAGIC UINT64_C(0x77656972b0a7f10d)

typedef struct weir_stream_box {
  uint64_t magic;
  weir_lua_stream *stream; /* NULL: collected */
} weir_stream_box;

/* The userdata at `index` if it is a stream's, else NULL. A light one has no length. */
static inline weir_stream_box *weir_stream_box_test(lua_State *L, int index) {
  weir_stream_box *box = lua_touserdata(L, index);
  if (!box || lua_rawlen(L, index) != sizeof *box) return NULL;
  return box->magic == WEIR_STREAM_MAGIC ? box : NULL;
}

/* The stream at `index`; raises "bad argument" in the name of `method` for anything else. */
weir_lua_stream *weir_lua_stream_check(lua_State *L, int index, const char *method);
/* The same, or NULL. Never raises. */
weir_lua_stream *weir_lua_stream_test(lua_State *L, int index);
/* Where Lua can be called for this stream, with room for 16 values; NULL: nowhere, any more. */
lua_State *weir_lua_stream_way_in(const weir_lua_stream *stream);
/* Pushes the userdata of a stream; returns false, with nothing pushed, if it is gone. */
bool weir_lua_stream_push(const weir_lua_stream *stream, lua_State *L);
/* The same, which leaves a value of its own below it: cheaper where the stack is cleared anyway. */
static inline bool weir_lua_stream_push_roughly(const weir_lua_stream *stream, lua_State *L) {
  if (stream->held) {
    weir_context_push(stream->context, L, WEIR_SLOT_ANCHORS);
    weir_anchors_push(&stream->context->anchors, L, -1, stream->holder);
    return true;
  }
  lua_pushnil(L);
  if (weir_lua_stream_push(stream, L)) return true;
  lua_pop(L, 1);
  return false;
}
/* Pushes the table of what the stream at `index` has anchored. */
static inline void weir_lua_stream_push_anchors(lua_State *L, int index) {
  lua_getuservalue(L, index);
}

/* --- keeping it --- */

/* Whether weir_lua_stream_settle has nothing to do, cheaply; false: it may have. */
static inline bool weir_lua_stream_is_settled(const weir_lua_stream *stream) {
  return !stream->held && !weir_stream_is_busy(&stream->core) && stream->writable.corked == 0;
}
/* Work may have come or gone: holds the userdata, or lets go of it when the ticks have run. Never
** raises.
*/
void weir_lua_stream_settle(weir_lua_stream *stream);
/* The loop's hook: no tick is left. */
void weir_lua_stream_settle_all(void *context);
/* The state closes from within a callback of its loop: flushes and closes all streams without it.
*/
void weir_lua_stream_end_all(weir_context *context);
/* Whether no stream has anything left to do. */
bool weir_lua_stream_are_all_closed(const weir_context *context);
/* The state closes: flushes and closes all streams. Returns false if some did not within the bound.
*/
bool weir_lua_stream_close_all(weir_context *context, uint64_t timeout_ms);

/* --- errors of arguments --- */

/* Raises "bad argument #n to 'method' (expected X, got Y)"; the n-th counted without self. */
lua_results weir_type_error(lua_State *L, int index, const char *method, const char *expected);
lua_results weir_argument_error(lua_State *L, int index, const char *method, const char *message);

#endif
