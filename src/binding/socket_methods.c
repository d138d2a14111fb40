/* socket_methods.c - see socket_methods.h. What each method promises a script is written in
** lua/weir/types.lua.
** SPDX-License-Identifier: MIT
*/
#include "binding/socket_methods.h"

#include "binding/address.h"
#include "binding/socket_stream.h"

static weir_socket *check(lua_State *L, const char *method) {
  const weir_lua_stream *stream = weir_lua_stream_check(L, 1, method);
  weir_socket *socket = weir_socket_of(stream);
  if (socket) return socket;
  luaL_where(L, 1);
  lua_pushfstring(L, "calling '%s' on bad self (socket expected, got a stream of '%s')", method,
                  stream->kind->name);
  lua_concat(L, 2);
  lua_error(L);
  return NULL;
}

/* A missing one is true, as in Node. */
static bool check_on(lua_State *L, const char *method) {
  if (lua_isnoneornil(L, 2)) return true;
  if (!lua_isboolean(L, 2)) weir_type_error(L, 2, method, "boolean");
  return lua_toboolean(L, 2) != 0;
}

static uint64_t check_ms(lua_State *L, int index, const char *method) {
  if (lua_type(L, index) != LUA_TNUMBER) weir_type_error(L, index, method, "number");
  lua_Number ms = lua_tonumber(L, index);
  if (!(ms >= 0 && ms <= 1e12)) {
    weir_argument_error(L, index, method, "milliseconds, 0 or more, expected");
  }
  return ms > 0 && ms < 1 ? 1 : (uint64_t)ms;
}

static lua_results self(lua_State *L) {
  lua_settop(L, 1);
  return 1;
}

/* --- settings --- */

static lua_results socket_set_no_delay(lua_State *L) {
  weir_socket *socket = check(L, "set_no_delay");
  socket->no_delay = check_on(L, "set_no_delay");
  if (socket->sink.fd >= 0 && socket->sink.type == WEIR_STREAM_TCP) {
    weir_socket_set_no_delay(socket->sink.fd, socket->no_delay);
  }
  return self(L);
}

static lua_results socket_set_keep_alive(lua_State *L) {
  weir_socket *socket = check(L, "set_keep_alive");
  bool on = check_on(L, "set_keep_alive");
  uint64_t delay_ms = lua_isnoneornil(L, 3) ? 0 : check_ms(L, 3, "set_keep_alive");
  socket->keep_alive = on;
  socket->keep_alive_s = delay_ms > 1000000000 ? 1000000 : (unsigned)(delay_ms / 1000);
  if (socket->sink.fd >= 0 && socket->sink.type == WEIR_STREAM_TCP) {
    weir_socket_set_keep_alive(socket->sink.fd, on, socket->keep_alive_s);
  }
  return self(L);
}

/* set_timeout(ms [, fn]): fn is a listener for one `timeout`. */
static lua_results socket_set_timeout(lua_State *L) {
  weir_socket *socket = check(L, "set_timeout");
  uint64_t timeout_ms = check_ms(L, 2, "set_timeout");
  bool listens = !lua_isnoneornil(L, 3);
  if (listens && !lua_isfunction(L, 3)) return weir_type_error(L, 3, "set_timeout", "function");
  if (listens) {
    lua_getfield(L, 1, timeout_ms > 0 ? "once" : "off");
    lua_pushvalue(L, 1);
    lua_pushliteral(L, "timeout");
    lua_pushvalue(L, 3);
    lua_call(L, 3, 0);
  }
  if (!weir_stream_sink_set_timeout(&socket->sink, timeout_ms)) {
    return luaL_error(L, "not enough memory");
  }
  return self(L);
}

static lua_results socket_ref(lua_State *L) {
  weir_stream_sink_set_ref(&check(L, "ref")->sink, true);
  return self(L);
}

static lua_results socket_unref(lua_State *L) {
  weir_stream_sink_set_ref(&check(L, "unref")->sink, false);
  return self(L);
}

static lua_results socket_reset_and_destroy(lua_State *L) {
  weir_lua_stream *stream = weir_lua_stream_check(L, 1, "reset_and_destroy");
  check(L, "reset_and_destroy")->sink.resets = true;
  lua_State *outer = weir_context_enter(stream->context, L);
  weir_stream_destroy(&stream->core, NULL);
  weir_lua_stream_settle(stream);
  weir_context_leave(stream->context, outer);
  return self(L);
}

/* --- state --- */

static lua_results socket_connecting(lua_State *L) {
  const weir_lua_stream *stream = weir_lua_stream_check(L, 1, "connecting");
  const weir_socket *socket = check(L, "connecting");
  bool on_the_way = socket->sink.connector != NULL && stream->core.life == WEIR_ALIVE;
  lua_pushboolean(L, on_the_way);
  return 1;
}

static lua_results socket_local_address(lua_State *L) {
  return weir_address_push(L, check(L, "local_address")->sink.fd, false);
}

static lua_results socket_remote_address(lua_State *L) {
  return weir_address_push(L, check(L, "remote_address")->sink.fd, true);
}

const luaL_Reg weir_socket_methods[] = {
    {"set_no_delay", socket_set_no_delay},
    {"set_keep_alive", socket_set_keep_alive},
    {"set_timeout", socket_set_timeout},
    {"reset_and_destroy", socket_reset_and_destroy},
    {"ref", socket_ref},
    {"unref", socket_unref},
    {"connecting", socket_connecting},
    {"local_address", socket_local_address},
    {"remote_address", socket_remote_address},
    {NULL, NULL},
};
