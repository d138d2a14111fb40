-- Several Lua states in one process, each with weir. LuaJIT can make them by itself; the C code is
-- the same for all.
local support = require "spec.sinks.support"

-- A script's words for states: `new()`, `run(state, text)`, which returns what the text returns as
-- a string, and `close(state)`.
local STATES = [[
  local ffi = require "ffi"
  ffi.cdef [=[
    typedef struct lua_State lua_State;
    lua_State *luaL_newstate(void);
    void luaL_openlibs(lua_State *L);
    int luaL_loadstring(lua_State *L, const char *s);
    int lua_pcall(lua_State *L, int nargs, int nresults, int errfunc);
    const char *lua_tolstring(lua_State *L, int idx, size_t *len);
    void lua_settop(lua_State *L, int idx);
    void lua_close(lua_State *L);
  ]=]
  local C = ffi.C
  local HEAD = ("package.path, package.cpath = %q, %q\nlocal path = %q\n")
    :format(package.path, package.cpath, path)
    .. "weir = require 'weir'; local support = require 'spec.sinks.support'\n"
  local function run(L, text)
    if C.luaL_loadstring(L, HEAD .. text) ~= 0 or C.lua_pcall(L, 0, 1, 0) ~= 0 then
      error(ffi.string(C.lua_tolstring(L, -1, nil)), 0)
    end
    local result = C.lua_tolstring(L, -1, nil)
    local text = result ~= nil and ffi.string(result) or nil
    C.lua_settop(L, 0)
    return text
  end
  local function new()
    local L = C.luaL_newstate()
    C.luaL_openlibs(L)
    return L
  end
  local close = C.lua_close
]]

local function output_of(script)
  if not jit then pending "only LuaJIT can make Lua states without a host in C" end
  return support.output_of(STATES .. script)
end

describe("a process of several Lua states", function()
  setup(support.open_folder)
  teardown(support.remove_folder)

  it("has a loop and files of its own in each", function()
    assert.equal("abab", output_of [[
      local states = { new(), new() }
      for i, L in ipairs(states) do
        run(L, ("ws = weir.create_write_stream(path .. %d); ws:write 'a'"):format(i))
      end
      for i, L in ipairs(states) do run(L, "ws:end_ 'b'; weir.run()") end
      for i, L in ipairs(states) do
        close(L)
        io.write(support.read(path .. i))
      end
    ]])
  end)

  it("may close one while the others go on", function()
    assert.equal("abc def finish close", output_of [[
      local first, second = new(), new()
      run(first, "weir.create_write_stream(path):write 'abc'")
      run(second, "ws, log = support.stream(path .. 2); ws:write 'd'; weir.run 'nowait'")
      close(first)
      io.write(support.read(path), " ")
      local words = run(second, "ws:end_ 'ef'; weir.run(); return log.take()")
      io.write(support.read(path .. 2), " ", words:match "finish close")
      close(second)
    ]])
  end)

  it("may run one within a callback of another", function()
    assert.equal("inner outer", output_of [[
      local inner = new()
      local ws = weir.create_write_stream(path)
      ws:write("outer", function()
        run(inner, "weir.create_write_stream(path .. 2):end_ 'inner'; weir.run()")
        close(inner)
      end)
      support.end_and_close(ws)
      io.write(support.read(path .. 2), " ", support.read(path))
    ]])
  end)

  it("may open and close hundreds of them, and leaves no descriptor behind", function()
    assert.equal("same", output_of(([[
      local function one(i)
        local L = new()
        run(L, "weir.create_write_stream(path):write 'abc'; weir.run 'nowait'")
        close(L)
      end
      for i = 1, 5 do one(i) end
      local before = support.descriptors()
      for i = 1, %d do one(i) end
      local after = support.descriptors()
      io.write(before == after and "same" or before .. " " .. after)
    ]]):format(support.slow and 20 or 100)))
  end)

  it("may close a state whose stream is stuck, and goes on", function()
    local fifo = support.new_path()
    local _, code = support.sh("mkfifo " .. fifo)
    if code ~= 0 then pending "there is no mkfifo" end
    if not jit then pending "only LuaJIT can make Lua states without a host in C" end
    local child = support.child(STATES .. [[
      local L = new()
      run(L, "weir.create_write_stream(nil, { fd = 3 }):write(('x'):rep(1000000))")
      close(L)
      local ws = weir.create_write_stream(path)
      ws:write "abc"
      support.end_and_close(ws)
      io.write(support.read(path))
    ]], { around = "%s 3<>" .. fifo })
    assert.equal("abc", child.output)
    assert.is_true(child.seconds < 3)
  end)
end)
