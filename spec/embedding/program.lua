-- Hosts in C: programs that have Lua in them. No spec of its own.
local paths = require "spec.support.paths"
local support = require "spec.sinks.support"

local program = {}

program.compiler = os.getenv "CC" or "cc"

local LUA = jit and "luajit" or "lua" .. _VERSION:match "[%d.]+"
local BUILD = "unset LD_PRELOAD; %s -std=c11 -Wall -Wextra -Werror -pthread -rdynamic -o %s "
  .. "%s $(pkg-config --cflags --libs %s) -lm -ldl"

--- Why none can be built here; nil if it can.
function program.obstacle()
  local lacks = support.lacks_command(program.compiler) or support.lacks_command "pkg-config"
  if lacks then return lacks end
  local _, unknown = support.sh("pkg-config --exists " .. LUA)
  if unknown ~= 0 then return "there are no headers of " .. LUA end
end

--- Compiles it. Returns its path.
function program.build(source)
  local path = support.new_path()
  local output, code = support.sh(BUILD:format(program.compiler, path, source, LUA))
  assert(code == 0, output)
  return path
end

--- Runs it; `modules`: where to find weir/core.so. Returns what it printed, and its exit code.
function program.run(path, arguments, modules)
  return support.sh(("export LUA_PATH='./lua/?.lua;./lua/?/init.lua' LUA_CPATH='%s/?.so' "
    .. "LD_PRELOAD=\"$LD_PRELOAD $SPEC_PRELOAD\"; %s %s"):format(modules or paths.build, path,
    arguments))
end

return program
