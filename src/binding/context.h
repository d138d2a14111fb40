/* context.h - what weir keeps per lua_State: the loop, the tables, and the way into Lua.
**
** The C part is counted and outlives the state, because libuv may still hold what points to it. The
** Lua part are the slots below.
**
** Layer: binding.
** SPDX-License-Identifier: MIT
*/
#ifndef WEIR_BINDING_CONTEXT_H
#define WEIR_BINDING_CONTEXT_H

#include "binding/anchors.h"

#include <pthread.h>
#include <stdatomic.h>

#include "sinks/loop.h"

/* What the context keeps in the registry, each in a slot of its own: one look-up. */
enum {
  WEIR_SLOT_STREAMS = 1, /* weak: weir_lua_stream* -> its userdata */
  WEIR_SLOT_FRONTED,     /* LuaJIT, weak: the userdata of all streams, as keys */
  WEIR_SLOT_ANCHORS,     /* what the context's anchors hold */
  WEIR_SLOT_STREAM_META,
  WEIR_SLOT_ERROR_META,
  WEIR_SLOT_HANDLER,     /* the message handler for callbacks: adds a traceback to strings */
  WEIR_SLOT_MAKE_ERROR,  /* function(weir_error*, path): see error_object.c */
  WEIR_SLOT_UNCAUGHT,    /* the first uncaught error of a run */
  WEIR_SLOT_OTHERS,      /* those after it, a table or false */
  WEIR_SLOT_ON_UNCAUGHT, /* the user's function, or false */
  WEIR_SLOT_ADD_OTHER,   /* function(error): see uncaught.c */
  WEIR_SLOT_CALL_HOOK,   /* functions of lua_sink.c */
  WEIR_SLOT_TAKE_RAISED,
  WEIR_SLOT_TAKE_CHUNK,
  WEIR_SLOT_CALL_PACKED,     /* function of ticks.c */
  WEIR_SLOT_MAKE_STRING,     /* function of data.c */
  WEIR_SLOT_WRITE_FOR_HOST,  /* function of host_api.c */
  WEIR_SLOT_MAKE_CONNECTION, /* function of server.c */
  WEIR_SLOT_SERVER_META,
  WEIR_SLOT_TIMER_META,
  WEIR_SLOT_STDIN, /* the streams of the standard descriptors, or false, in their order */
  WEIR_SLOT_STDOUT,
  WEIR_SLOT_STDERR,
  WEIR_SLOT_WATCHER,     /* function of tasks.lua, see waiting.h */
  WEIR_SLOT_LUV,         /* the functions of the luv whose loop is shared, or false */
  WEIR_SLOT_MAKE_HANDLE, /* functions of luv.c */
  WEIR_SLOT_CLOSE_HANDLE,
  WEIR_SLOT_ARM,   /* function of bridge.lua, or false */
  WEIR_SLOT_GUARD, /* functions of uncaught.c, for loops of other people's */
  WEIR_SLOT_RAISE,
  WEIR_SLOT_THREAD, /* for callbacks that come while no call of ours is on a stack */
  /* The names of the events, so that emitting one allocates nothing. */
  WEIR_ON_DRAIN,
  WEIR_ON_PREFINISH,
  WEIR_ON_FINISH,
  WEIR_ON_ERROR,
  WEIR_ON_CLOSE,
  WEIR_ON_OPEN,
  WEIR_ON_READY,
  WEIR_ON_READABLE,
  WEIR_ON_END,
  WEIR_ON_PAUSE,
  WEIR_ON_RESUME,
  WEIR_ON_DATA,
  WEIR_ON_LOOKUP,
  WEIR_ON_CONNECT,
  WEIR_ON_TIMEOUT,
  WEIR_ON_LISTENING,
  WEIR_ON_CONNECTION,
  WEIR_ON_DROP,
  WEIR_SLOT_COUNT = WEIR_ON_DROP
};

/* Stack slots that whoever enters makes sure of: notices of the core that come meanwhile must not
** have to grow the stack, which may raise.
*/
enum { WEIR_STACK = 40 };

/* How often this process, or one before it, has forked on the way here. at_exit.c counts. */
extern atomic_uint weir_forks;

struct weir_lua_stream;
struct weir_lua_timer;
struct weir_server;

/* In the order of their names in loop_choice.c. */
typedef enum weir_loop_kind {
  WEIR_LOOP_OWN,
  WEIR_LOOP_HOST,
  WEIR_LOOP_LUV,
  WEIR_LOOP_REBOUND, /* luv's, on another copy of libuv, whose functions we call */
  WEIR_LOOP_BRIDGE   /* our own, driven by luv's */
} weir_loop_kind;

/* How luv calls a callback: it pops the function and its arguments, and reports what is raised. */
typedef int (*weir_hook)(lua_State *L, int arguments, int results, int flags);

typedef struct weir_context {
  uint32_t references; /* the state's, and one for each stream */
  weir_loop loop;
  bool has_loop;
  weir_loop_kind kind;
  uv_loop_t *luv_loop; /* of the last three */
  weir_uv_api rebound; /* of WEIR_LOOP_REBOUND */
  weir_hook hook;      /* luv's, or NULL */
  bool host_runs;      /* the loop: weir.run() may not */
  bool runs_luv;       /* weir.run() runs luv's loop */
  bool uses_own;       /* weir.use(false) */
  bool closed;         /* the state has closed */
  bool frees_core;     /* as the last thing, because the loop is not ours to close */
  void *end;           /* the userdata whose end is that of the context too, if there is one */
  int end_reference;   /* its place in the registry */
  unsigned forks;      /* what at_exit.c had counted then */
  pthread_t thread;    /* that made the loop */
  struct weir_context *next_at_exit;
  lua_State *base; /* the thread for callbacks that come from the loop */
  lua_State *L;    /* where Lua can be called now; NULL: nowhere, the state is closing */
  int slots[WEIR_SLOT_COUNT + 1]; /* references into the registry */
  weir_anchors anchors;
  unsigned calls; /* of Lua functions by us, that are on the stack */
  unsigned sends; /* by coroutines, in this turn of the loop */
  bool has_uncaught;
  bool is_luajit;
  bool leaves_signals;              /* SIGPIPE and SIGXFSZ stay as they are */
  uint64_t close_ms;                /* how long the end of the state may take to flush */
  struct weir_lua_stream *streams;  /* all there are */
  struct weir_server *servers;      /* all there are */
  unsigned open_streams;            /* those that are not closed */
  struct weir_lua_timer *timers;    /* those that may still fire */
  struct weir_lua_stream *settling; /* those that may be let go of when the ticks have run */
} weir_context;

/* The context of this state, made if there is none; then `*made` is true and its slots wait to be
** filled. Pushes the userdata that functions carry as their first upvalue. May raise.
*/
weir_context *weir_context_get(lua_State *L, bool *made);
/* They are filled: the userdata on top of the stack is the state's from now on. May raise. */
void weir_context_keep(lua_State *L);
/* The context of the function that is running. Raises once the state closes. */
weir_context *weir_context_of(lua_State *L);

static inline void weir_context_hold(weir_context *context) {
  context->references++;
}
void weir_context_release(weir_context *context);

/* Pushes what a slot holds. Never raises, never allocates. */
static inline void weir_context_push(const weir_context *context, lua_State *L, int slot) {
  lua_rawgeti(L, LUA_REGISTRYINDEX, context->slots[slot]);
}
/* Pops a value into a slot. Never raises, never allocates. */
static inline void weir_context_set(const weir_context *context, lua_State *L, int slot) {
  lua_rawseti(L, LUA_REGISTRYINDEX, context->slots[slot]);
}

/* Whether the loop, which it has, is that of the process which has forked this one. */
static inline bool weir_context_is_of_parent(const weir_context *context) {
  return context->forks != atomic_load_explicit(&weir_forks, memory_order_relaxed);
}

/* Whether luv's loop has been closed by the script. (A field that all libuvs have at one place.) */
static inline bool weir_context_is_luv_closed(const weir_context *context) {
  return context->luv_loop && weir_uv_linked.backend_fd(context->luv_loop) < 0;
}

/* Sees to it that the state's end begins with the context's: before that of handles that luv has
** made until now, which would be freed while they still close. May raise.
*/
void weir_context_end_first(weir_context *context, lua_State *L);

/* The loop, made or joined at the first need. Raises if it cannot be. */
weir_loop *weir_context_loop(weir_context *context, lua_State *L);

/* Where Lua can be called now, with room for 16 values; NULL: nowhere, the state closes. */
static inline lua_State *weir_context_way_in(const weir_context *context) {
  lua_State *L = context->L;
  return L && lua_checkstack(L, 16) ? L : NULL;
}

/* A call of ours that may call back runs between these two. Nothing between them may raise. */
static inline lua_State *weir_context_enter(weir_context *context, lua_State *L) {
  lua_State *outer = context->L;
  if (outer) context->L = L;
  return outer;
}
static inline void weir_context_leave(weir_context *context, lua_State *outer) {
  if (context->L) context->L = outer;
}

/* Holds the value on top of the stack for the context, and pops it. May raise. */
uint32_t weir_context_anchor(weir_context *context, lua_State *L);
void weir_context_push_anchor(weir_context *context, lua_State *L, uint32_t anchor);
void weir_context_drop_anchor(weir_context *context, lua_State *L, uint32_t anchor);

/* Calls the function below `arguments` arguments on top of the stack, protected, and takes them
** off; what it raises is an uncaught error. Never raises. Needs three free stack slots. Returns
** false where memory ran out, perhaps before the function began.
*/
bool weir_context_call(weir_context *context, lua_State *L, int arguments);
/* The same, where WEIR_SLOT_HANDLER has been pushed already, to the index `handler`. */
bool weir_context_call_handled(weir_context *context, lua_State *L, int arguments, int handler);

/* Takes the error on top of the stack as one that nobody caught. On our own loop the first of a run
** is kept for weir.run() to raise, and stops the loop; on others' it goes to weir.on_uncaught(),
** else to the host. Never raises.
*/
void weir_context_uncaught(weir_context *context, lua_State *L);
/* Raises what was kept, if anything. */
void weir_context_raise(weir_context *context, lua_State *L);

#endif
