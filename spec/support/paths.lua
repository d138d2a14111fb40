-- Where the specs find weir: this checkout's lua/ and build/<lua>/ come first, so that no installed
-- copy, and no ./weir/core.so that LuaRocks left for another Lua, is tested instead.
-- Run from the top of the checkout.
local paths = {}

-- What the Makefile calls this Lua: 5.1 to 5.4, or jit.
paths.lua = jit and "jit" or _VERSION:match "%d%.%d"
-- Other kinds of build (asan) have a directory of their own.
paths.build = (os.getenv "WEIR_BUILD" or "build") .. "/" .. paths.lua
paths.module = paths.build .. "/weir/core.so"
paths.zlib_module = paths.build .. "/weir/zlib.so" -- only where there is zlib

-- The interpreter that runs us, for specs that start another. (busted gets an `arg` of our making.)
local first = 0
while arg and arg[first - 1] do first = first - 1 end
paths.interpreter = arg and arg[first]

local lua_path = "./lua/?.lua;./lua/?/init.lua;./?.lua;"
if package.path:sub(1, #lua_path) ~= lua_path then
  package.path = lua_path .. package.path
  package.cpath = "./" .. paths.build .. "/?.so;" .. package.cpath
end

return paths
