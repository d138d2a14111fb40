/* subclass.h - streams that the Lua part of weir gives methods and fields of their own.
**
** They are the requests and responses of weir.http. Such a stream has another metatable, its class,
** and is a stream of weir in all else. Its fields a script may read and set as those of a table;
** apart from them it has a table for its owner, which only `own` gives out.
**
** Layer: binding.
** SPDX-License-Identifier: MIT
*/
#ifndef WEIR_BINDING_SUBCLASS_H
#define WEIR_BINDING_SUBCLASS_H

#include "binding/compat.h"

/* subclass(name, methods), own(stream, class, method), is_untouched(stream). The makers of such
** streams are core.request_maker and core.response_maker, see lua_sink.h.
*/
extern const luaL_Reg weir_subclass_functions[];

#endif
