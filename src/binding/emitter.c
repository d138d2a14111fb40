/* emitter.c - see emitter.h.
** SPDX-License-Identifier: MIT
*/
#include "binding/emitter.h"

#include <string.h>

#include "binding/objects.h"
#include "binding/server.h"
#include "binding/waiting.h"

/* The stream that is self, or NULL for a server. Raises for anything else. */
static weir_lua_stream *check(lua_State *L, const char *method) {
  return weir_server_test(L, 1) ? NULL : weir_lua_stream_check(L, 1, method);
}

/* --- lists --- */

/* A list is never changed: who adds or removes makes a new one. It is a table of entries, each a
** function, or for once() a table that holds one; or, as most are, a single function.
*/

/* Pushes the list of the event whose name is at `event`, or nil. */
static void push_list(lua_State *L, int stream, int event) {
  lua_getuservalue(L, stream);
  lua_pushvalue(L, event);
  lua_rawget(L, -2);
  lua_remove(L, -2);
}

/* Pops a list, or nil, and makes it that of the event. To take one away allocates nothing. */
static void set_list(lua_State *L, int stream, int event) {
  int list = lua_gettop(L);
  lua_getuservalue(L, stream);
  lua_pushvalue(L, event);
  lua_pushvalue(L, list);
  lua_rawset(L, -3);
  lua_settop(L, list - 1);
}

static int length_of(lua_State *L, int list) {
  if (lua_istable(L, list)) return (int)lua_rawlen(L, list);
  return lua_isfunction(L, list);
}

static void push_entry(lua_State *L, int list, int index) {
  if (lua_istable(L, list)) lua_rawgeti(L, list, index);
  else lua_pushvalue(L, list);
}

/* Pushes the function of the entry on top of the stack in its place: nil for one that has fired. */
static void unwrap(lua_State *L) {
  if (!lua_istable(L, -1)) return;
  lua_rawgeti(L, -1, 1);
  lua_remove(L, -2);
  if (lua_isboolean(L, -1)) {
    lua_pop(L, 1);
    lua_pushnil(L);
  }
}

static bool has_fired(lua_State *L, int list, int index) {
  push_entry(L, list, index);
  unwrap(L);
  bool fired = lua_isnil(L, -1);
  lua_pop(L, 1);
  return fired;
}

/* Appends entry `index` of `list` to the list on top of the stack, unless it has fired. */
static void copy_entry(lua_State *L, int list, int index) {
  if (has_fired(L, list, index)) return;
  int copy = lua_gettop(L);
  push_entry(L, list, index);
  lua_rawseti(L, copy, (int)lua_rawlen(L, copy) + 1);
}

/* --- what the readable side has to know --- */

static bool has_listener(lua_State *L, int list) {
  for (int i = length_of(L, list); i >= 1; i--) {
    if (!has_fired(L, list, i)) return true;
  }
  return false;
}

/* Whether the event at `event` is one of the two that decide if data flows. */
static bool is_watched(lua_State *L, const weir_lua_stream *stream, int event, bool *data) {
  if (!stream || !stream->core.readable) return false;
  const char *name = lua_tostring(L, event);
  *data = strcmp(name, "data") == 0;
  return *data || strcmp(name, "readable") == 0;
}

static void tell_removed(lua_State *L, weir_lua_stream *stream, bool data, bool any) {
  lua_State *outer = weir_context_enter(stream->context, L);
  weir_readable_listener_removed(stream->core.readable, data, any);
  weir_lua_stream_settle(stream);
  weir_context_leave(stream->context, outer);
}

/* A listener of the stream at `self` was removed, or there was none to remove. */
static void on_removed(lua_State *L, int self, int event) {
  weir_lua_stream *stream = weir_lua_stream_test(L, self);
  bool data;
  if (!is_watched(L, stream, event, &data)) return;
  push_list(L, self, event);
  bool any = has_listener(L, lua_gettop(L));
  lua_pop(L, 1);
  tell_removed(L, stream, data, any);
}

static void on_added(lua_State *L, weir_lua_stream *stream, int event, bool starts) {
  bool data;
  if (!is_watched(L, stream, event, &data)) return;
  lua_State *outer = weir_context_enter(stream->context, L);
  weir_readable_listener_added(stream->core.readable, data, starts);
  weir_lua_stream_settle(stream);
  weir_context_leave(stream->context, outer);
}

/* --- adding and removing --- */

/* The new list is on top of the stack. */
static lua_results added(lua_State *L, weir_lua_stream *stream, bool in_front) {
  set_list(L, 1, 2);
  if (stream) stream->listened = true;
  on_added(L, stream, 2, !in_front);
  lua_settop(L, 1);
  return 1;
}

static lua_results add(lua_State *L, const char *method, bool once, bool in_front) {
  weir_lua_stream *stream = check(L, method);
  if (lua_type(L, 2) != LUA_TSTRING) return weir_type_error(L, 2, method, "string");
  if (!lua_isfunction(L, 3)) return weir_type_error(L, 3, method, "function");
  lua_settop(L, 3);
  if (once) {
    lua_createtable(L, 1, 0);
    lua_insert(L, 3);
    lua_rawseti(L, 3, 1);
  }
  push_list(L, 1, 2); /* 4 */
  int count = length_of(L, 4);
  if (count == 0 && !once) {
    lua_pushvalue(L, 3);
    return added(L, stream, in_front);
  }
  lua_createtable(L, count + 1, 0); /* 5 */
  if (in_front) {
    lua_pushvalue(L, 3);
    lua_rawseti(L, 5, 1);
  }
  for (int i = 1; i <= count; i++) copy_entry(L, 4, i);
  if (!in_front) {
    lua_pushvalue(L, 3);
    lua_rawseti(L, 5, (int)lua_rawlen(L, 5) + 1);
  }
  return added(L, stream, in_front);
}

static lua_results stream_on(lua_State *L) {
  return add(L, "on", false, false);
}
static lua_results stream_once(lua_State *L) {
  return add(L, "once", true, false);
}
static lua_results stream_prepend_listener(lua_State *L) {
  return add(L, "prepend_listener", false, true);
}
static lua_results stream_prepend_once_listener(lua_State *L) {
  return add(L, "prepend_once_listener", true, true);
}

/* The latest entry with the function at `function`; 0: none. */
static int find_latest(lua_State *L, int list, int function) {
  for (int i = length_of(L, list); i >= 1; i--) {
    push_entry(L, list, i);
    unwrap(L);
    bool found = lua_rawequal(L, -1, function) != 0;
    lua_pop(L, 1);
    if (found) return i;
  }
  return 0;
}

static lua_results stream_off(lua_State *L) {
  check(L, "off");
  if (lua_type(L, 2) != LUA_TSTRING) return weir_type_error(L, 2, "off", "string");
  if (!lua_isfunction(L, 3)) return weir_type_error(L, 3, "off", "function");
  lua_settop(L, 3);
  push_list(L, 1, 2); /* 4 */
  int removed = find_latest(L, 4, 3), count = length_of(L, 4);
  if (removed > 0) {
    lua_createtable(L, count - 1, 0); /* 5 */
    for (int i = 1; i <= count; i++) {
      if (i != removed) copy_entry(L, 4, i);
    }
    if (lua_rawlen(L, 5) == 0) lua_pushnil(L);
    set_list(L, 1, 2);
  }
  on_removed(L, 1, 2);
  lua_settop(L, 1);
  return 1;
}

/* Of all events. */
static void remove_all(lua_State *L) {
  lua_getuservalue(L, 1);
  int fields = lua_gettop(L);
  lua_pushnil(L);
  while (lua_next(L, fields)) {
    lua_pop(L, 1);
    if (lua_type(L, -1) != LUA_TSTRING) continue;
    lua_pushvalue(L, -1);
    lua_pushnil(L);
    lua_rawset(L, fields);
  }
}

static lua_results stream_remove_all_listeners(lua_State *L) {
  weir_lua_stream *stream = check(L, "remove_all_listeners");
  lua_settop(L, 2);
  if (lua_isnil(L, 2)) {
    remove_all(L);
    if (stream && stream->core.readable) {
      tell_removed(L, stream, true, false);
      tell_removed(L, stream, false, false);
    }
  } else {
    if (lua_type(L, 2) != LUA_TSTRING) {
      return weir_type_error(L, 2, "remove_all_listeners", "string");
    }
    lua_pushnil(L);
    set_list(L, 1, 2);
    on_removed(L, 1, 2);
  }
  lua_settop(L, 1);
  return 1;
}

/* --- looking --- */

static lua_results stream_listeners(lua_State *L) {
  check(L, "listeners");
  if (lua_type(L, 2) != LUA_TSTRING) return weir_type_error(L, 2, "listeners", "string");
  lua_settop(L, 2);
  push_list(L, 1, 2); /* 3 */
  int count = length_of(L, 3), found = 0;
  lua_createtable(L, count, 0); /* 4 */
  for (int i = 1; i <= count; i++) {
    push_entry(L, 3, i);
    unwrap(L);
    if (lua_isnil(L, -1)) lua_pop(L, 1);
    else lua_rawseti(L, 4, ++found);
  }
  return 1;
}

static lua_results stream_listener_count(lua_State *L) {
  check(L, "listener_count");
  if (lua_type(L, 2) != LUA_TSTRING) return weir_type_error(L, 2, "listener_count", "string");
  lua_settop(L, 2);
  push_list(L, 1, 2); /* 3 */
  int found = 0;
  for (int i = length_of(L, 3); i >= 1; i--) found += !has_fired(L, 3, i);
  lua_pushinteger(L, found);
  return 1;
}

/* --- emitting --- */

/* Pushes the function of entry `index`, or returns false if it is not to be called (any more). One
** for once() fires now: it leaves the list if it stands there alone, and is skipped from now on if
** not; the next add or off drops it. Neither allocates.
*/
static bool push_listener(lua_State *L, int stream, int event, int list, int index) {
  push_entry(L, list, index);
  if (!lua_istable(L, -1)) return true;
  int wrapper = lua_gettop(L);
  lua_rawgeti(L, wrapper, 1);
  if (!lua_isfunction(L, -1)) {
    lua_settop(L, wrapper - 1);
    return false;
  }
  lua_pushboolean(L, 0);
  lua_rawseti(L, wrapper, 1);
  lua_remove(L, wrapper);
  push_list(L, stream, event);
  if (length_of(L, -1) == 1 && has_fired(L, lua_gettop(L), 1)) {
    lua_pushnil(L);
    set_list(L, stream, event);
  }
  lua_pop(L, 1);
  on_removed(L, stream, event);
  return true;
}

/* emit(event, ...): listeners are called in the caller's name; what one raises ends the emit. */
static lua_results stream_emit(lua_State *L) {
  check(L, "emit");
  if (lua_type(L, 2) != LUA_TSTRING) return weir_type_error(L, 2, "emit", "string");
  int arguments = lua_gettop(L) - 2;
  push_list(L, 1, 2);
  int list = lua_gettop(L), count = length_of(L, list);
  bool heard = has_listener(L, list);
  if (!heard && strcmp(lua_tostring(L, 2), "error") == 0) {
    lua_settop(L, 3); /* the error, or nil */
    return lua_error(L);
  }
  luaL_checkstack(L, arguments + 8, "too many arguments");
  for (int i = 1; i <= count; i++) {
    if (!push_listener(L, 1, 2, list, i)) continue;
    for (int k = 1; k <= arguments; k++) lua_pushvalue(L, k + 2);
    lua_call(L, arguments, 0);
  }
  weir_lua_stream *stream = check(L, "emit"); /* as it is by now */
  if (stream) weir_tell_watcher(stream, L, 1, 2, heard, 3, arguments);
  lua_pushboolean(L, heard);
  return 1;
}

bool weir_emission_begin(weir_emission *it, weir_context *context, const void *thing, lua_State *L,
                         int event) {
  if (!weir_object_push(context, L, thing)) return false;
  it->self = lua_gettop(L);
  it->event = it->self + 1;
  weir_context_push(context, L, event);
  push_list(L, it->self, it->event);
  it->list = lua_gettop(L);
  it->count = length_of(L, it->list);
  it->next = 1;
  return true;
}

bool weir_emission_next(weir_emission *it, lua_State *L) {
  while (it->next <= it->count) {
    if (push_listener(L, it->self, it->event, it->list, it->next++)) return true;
  }
  return false;
}

/* `stream` is the thing, or NULL if that is a server. */
static void emit(weir_context *context, const void *thing, weir_lua_stream *stream, lua_State *L,
                 int event, int arguments) {
  int first = lua_gettop(L) - arguments + 1;
  weir_emission emission;
  if (!weir_emission_begin(&emission, context, thing, L, event)) {
    lua_settop(L, first - 1);
    return;
  }
  bool heard = has_listener(L, emission.list), watched = stream && stream->watched;
  if (!heard && !watched && event == WEIR_ON_ERROR) {
    lua_pushvalue(L, first);
    weir_context_uncaught(context, L);
  }
  while (weir_emission_next(&emission, L)) {
    for (int k = 0; k < arguments; k++) lua_pushvalue(L, first + k);
    weir_context_call(context, L, arguments);
  }
  if (stream) {
    weir_tell_watcher(stream, L, emission.self, emission.event, heard, first, arguments);
  }
  lua_settop(L, first - 1);
}

void weir_emit(weir_lua_stream *stream, lua_State *L, int event, int arguments) {
  bool is_heard = stream->listened || stream->watched || event == WEIR_ON_ERROR;
  if (is_heard) emit(stream->context, stream, stream, L, event, arguments);
  else lua_pop(L, arguments);
}

void weir_emit_opened(weir_lua_stream *stream, int fd) {
  lua_State *L = weir_lua_stream_way_in(stream);
  if (!L) return;
  lua_pushinteger(L, fd);
  weir_emit(stream, L, WEIR_ON_OPEN, 1);
  weir_emit(stream, L, WEIR_ON_READY, 0);
}

void weir_emit_for(weir_context *context, const void *thing, lua_State *L, int event,
                   int arguments) {
  emit(context, thing, NULL, L, event, arguments);
}

const luaL_Reg weir_emitter_methods[] = {
    {"on", stream_on},
    {"once", stream_once},
    {"off", stream_off},
    {"prepend_listener", stream_prepend_listener},
    {"prepend_once_listener", stream_prepend_once_listener},
    {"remove_all_listeners", stream_remove_all_listeners},
    {"listeners", stream_listeners},
    {"listener_count", stream_listener_count},
    {"emit", stream_emit},
    {NULL, NULL},
};
