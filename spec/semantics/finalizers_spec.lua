-- A finalizer may use streams that are collected together with it, and those of a state that is
-- closing. Nothing of it crashes, and what is accepted is written.
local weir = require "weir"
local support = require "spec.sinks.support"

-- A value whose finalizer calls this function.
local function finalizer(fn)
  if not newproxy then return setmetatable({}, { __gc = fn }) end -- luacheck: ignore
  local proxy = newproxy(true) -- luacheck: ignore
  getmetatable(proxy).__gc = fn
  return proxy
end

-- Not in a loop: LuaJIT, where it has compiled one around it, does not come out of it again.
local function collect()
  collectgarbage()
  collectgarbage()
  collectgarbage()
end
if jit then jit.off(collect) end

-- Makes a stream, and lets go of it; the finalizer that uses it runs before the stream's own.
-- Returns whether it ran, and its error.
local function used_late(make, use)
  local ran, err
  local function begin() -- so that nothing of it is left on the stack
    local stream = make()
    finalizer(function()
      ran = true
      local ok, problem = pcall(use, stream)
      if not ok then err = problem end
    end)
  end
  begin()
  collect()
  weir.run "nowait"
  collect()
  return ran, err
end

describe("a finalizer, of a stream that is collected with it,", function()
  setup(support.open_folder)
  teardown(support.remove_folder)

  it("may write to a sink in Lua, which gets it or never hears of it", function()
    for _, late in ipairs { false, true } do
      local got = {}
      local ran, err = used_late(function()
        return weir.writable {
          write = function(_, chunk, done)
            got[#got + 1] = chunk
            if late then weir.next_tick(done) else done() end
          end,
        }
      end, function(ws)
        ws:write "abc"
        ws:write("d", "e", function() end)
        ws:end_ "f"
      end)
      assert.is_true(ran)
      assert.is_nil(err)
      assert.truthy(("abcdef"):find(table.concat(got), 1, true) == 1)
    end
  end)

  it("may write to a file, which has it", function()
    local path = support.new_path()
    local ran, err = used_late(function()
      local ws = weir.create_write_stream(path)
      support.run_until(function() return not ws:pending() end)
      weir.run "nowait"
      return ws
    end, function(ws)
      ws:write "abc"
      ws:end_ "def"
    end)
    assert.is_true(ran)
    assert.is_nil(err)
    support.run_until(function() return support.read(path) == "abcdef" end)
  end)

  it("may push to it, read from it, and listen to it", function()
    for _, modes in ipairs { { false, false }, { true, false }, { false, true }, { true, true } } do
      local ran, err = used_late(function()
        return weir.readable { object_mode = modes[1], read = function() end }
      end, function(rs)
        if modes[2] then
          rs:on("data", function() end)
          rs:on("data", function() end)
        end
        rs:on("readable", function() end)
        rs:push "abc"
        rs:unshift "d"
        rs:read()
        rs:resume()
        rs:push "ef"
        rs:push(nil)
      end)
      assert.is_true(ran)
      assert.is_nil(err)
    end
  end)

  it("may emit, fail and destroy it", function()
    for _, act in ipairs {
      function(s) s:emit("close") s:emit("thing", 1) end,
      function(s) s:destroy() end,
      function(s) s:destroy "oops" end,
      function(s) s:on("error", function() end):destroy "oops" end,
      function(s) s:cork() s:write "x" s:uncork() s:destroy() end,
      function(s) s:remove_all_listeners():once("drain", function() end) end,
      function(s) assert(tostring(s):find "weir.stream") weir.inspect() end,
    } do
      local ran, err = used_late(function()
        local s = weir.writable { write = function(_, _, done) done() end }
        s:on("close", function() end)
        return s
      end, act)
      assert.is_true(ran)
      assert.is_nil(err)
    end
  end)

  it("may let it transform", function()
    local ran, err = used_late(function()
      return weir.transform { transform = function(_, chunk, done) done(nil, chunk) end }
    end, function(t)
      t:write "c"
      t:resume()
      t:end_ "d"
    end)
    assert.is_true(ran)
    assert.is_nil(err)
    support.settle()
  end)

  it("may listen with a server", function()
    local ran, err = used_late(function()
      local server = weir.create_server()
      server:on("error", function() end)
      return server
    end, function(server)
      server:emit "thing"
      server:listen { path = "/no/such/folder/at/all" }
      server:close()
    end)
    assert.is_true(ran)
    assert.is_nil(err)
  end)
end)

describe("a state that is closed", function()
  setup(support.open_folder)
  teardown(support.remove_folder)

  -- The first finalizer runs before weir's end, and leaves streams to the last, after it.
  local SCRIPT = [[
    %s
    local kept = {}
    local all = { "write", "end_", "cork", "uncork", "destroy", "emit", "on", "once", "off", "push",
      "unshift", "read", "pause", "resume", "pipe", "unpipe", "send", "finish", "wait", "stats",
      "errored", "closed", "fd", "path", "pending", "bytes_written", "writable_length",
      "set_timeout", "ref", "unref", "close", "listen", "address", "clear", "listeners",
      "remove_all_listeners", "flush", "reopen" }
    local function last()
      for _, thing in ipairs(kept) do
        for _, name in ipairs(all) do
          pcall(function() return thing[name](thing) end)
          pcall(function() return thing[name](thing, "x", print) end)
          pcall(function() return thing[name](thing, print) end)
        end
        pcall(tostring, thing)
      end
      for _, name in ipairs { "run", "stop", "inspect", "loop_info", "flush_all", "is_alive" } do
        pcall(function() return weir[name]() end)
      end
      pcall(weir.spawn, function() end)
      pcall(weir.next_tick, print)
      pcall(weir.set_timeout, print, 1)
      pcall(weir.create_write_stream, path)
      io.write "over"
    end
    local function finalizer(fn)
      if not newproxy then return setmetatable({}, { __gc = fn }) end
      local proxy = newproxy(true)
      getmetatable(proxy).__gc = fn
      return proxy
    end
    first = finalizer(last)
    weir = require "weir"
    weir.set_close_timeout(20)
    %s
    local function keep(make, ...)
      local ok, thing = pcall(make, ...)
      if ok then kept[#kept + 1] = thing end
      return thing
    end
    local function make_all()
      keep(weir.writable, { write = function(_, _, done) done() end })
      keep(weir.writable, { write = function(_, _, done) kept.done = done end })
      pcall(function() kept[2]:write "x" end)
      keep(weir.transform, { transform = function(_, chunk, done) done(nil, chunk) end })
      keep(weir.readable, { read = function(rs) rs:push "x" end })
      keep(weir.create_write_stream, path)
      keep(weir.create_server)
      keep(weir.set_timeout, print, 1000):unref()
    end
    -- Lua never collects a stream that is made now: it is left to the system, which is a leak.
    if not os.getenv "SPEC_TOOL" then second = finalizer(make_all) end
    if ... then make_all() end
    weir.create_write_stream(path):end_ "abc"
    weir.run()
  ]]

  it("has no method that a late finalizer could crash", function()
    -- The prelude of a child requires weir: here it must come after the first finalizer.
    local unload = [[package.loaded.weir, package.loaded["weir.core"] = nil, nil]]
    for _, luv in ipairs { "", "pcall(function() weir.use(require 'luv') end)" } do
      local child = support.child(SCRIPT:format(unload, luv))
      assert.equal(0, child.code, child.output)
      assert.truthy(child.output:find("over", 1, true), child.output)
    end
  end)
end)
