-- What does not grow: the stack, the memory, the descriptors, whatever their number and size.
-- THOROUGH=1 (make faults) takes more of each.
local weir = require "weir"
local support = require "spec.sinks.support"

local THOROUGH = os.getenv "THOROUGH" ~= nil
local MILLION = THOROUGH and 1000000 or support.slow and 20000 or 200000

describe("a million", function()
  setup(support.open_folder)
  teardown(support.remove_folder)

  it("writes, each from the callback of the one before, need no stack: the sink answers at once",
    function()
      local left, told = MILLION, 0
      local ws = weir.writable { write = function(_, _, done) done() end }
      local function go_on()
        told = told + 1
        left = left - 1
        if left > 0 then ws:write("x", go_on) end
      end
      ws:write("x", go_on)
      weir.run()
      assert.equal(MILLION, told)
    end)

  it("writes made inside the sink need no stack either", function()
    local left = MILLION
    local ws
    ws = weir.writable { write = function(_, _, done)
      left = left - 1
      if left > 0 then ws:write "x" end
      done()
    end }
    ws:write "x"
    weir.run()
    assert.equal(0, left)
  end)

  it("tiny chunks in a corked file leave in calls of many, and all arrive", function()
    local count = math.floor(MILLION / 4)
    local ws = weir.create_write_stream(support.new_path())
    ws:cork()
    for i = 1, count do ws:write(i % 10) end
    ws:uncork()
    ws:end_()
    support.close(ws)
    assert.equal(count, support.size(ws:path()))
    assert.is_true(ws:stats().flushes <= count / 10)
  end)
end)

describe("a hundred thousand streams, one after the other", function()
  setup(support.open_folder)
  teardown(support.remove_folder)

  local STREAMS = THOROUGH and 100000 or support.slow and 500 or 2500

  local function registry_size()
    local count = 0
    for _ in pairs(debug.getregistry()) do count = count + 1 end
    return count
  end

  -- Opens, writes and closes so many; by now they are collected.
  local function make(new, count)
    for i = 1, count do
      local ws = new(i)
      ws:write("x", function() end)
      ws:end_()
      if i % 100 == 0 then weir.run() end
    end
    for _ = 1, 4 do
      weir.run()
      collectgarbage()
    end
  end

  -- A table that is rehashed at a bad moment grows once, and not again in the next round. A leak
  -- grows by as much in each.
  local function stays_below(most, new, count)
    for _ = 1, 2 do
      local heap = collectgarbage "count"
      if heap < most then return true end
      most = heap + 100
      make(new, count)
    end
    return collectgarbage "count" < most
  end

  local function check(new)
    make(new, THOROUGH and 10000 or STREAMS) -- tables and pools have grown to what they need
    local descriptors, memory = support.descriptors(), support.memory()
    local registry, heap = registry_size(), collectgarbage "count"
    make(new, STREAMS)
    assert.equal(descriptors, support.descriptors())
    assert.is_true(registry_size() <= registry + 2, "the registry grew")
    assert.is_true(stays_below(heap + 100, new, STREAMS), "Lua's heap grew")
    if memory and not support.slow then
      local grown = support.memory() - memory
      assert.is_true(grown < 4 * 2 ^ 20, grown .. " bytes more than before")
    end
  end

  it("into files leave no descriptor, nothing in the registry, and no memory", function()
    local path = support.new_path()
    check(function(i) return weir.create_write_stream(path .. i % 100) end)
  end)

  it("into sinks of Lua leave nothing in the registry, and no memory", function()
    check(function() return weir.writable { write = function(_, _, done) done() end } end)
  end)
end)

describe("a peer that takes nothing", function()
  setup(support.open_folder)
  teardown(support.remove_folder)

  -- Writes to a pipe that nobody reads; prints by how many bytes the process grew.
  local function grown(script)
    local fifo = support.new_path()
    local _, code = support.sh("mkfifo " .. fifo)
    if code ~= 0 then pending "there is no mkfifo" end
    local output = support.output_of(([[
      local chunk = ("x"):rep(1000)
      local options = { fd = 3, max_buffered = 1000000, auto_close = false }
      local ws = weir.create_write_stream(nil, options)
      ws:on("error", function() end)
      collectgarbage() collectgarbage()
      local before = support.memory()
      %s
      collectgarbage() collectgarbage()
      io.write((support.memory() or 0) - (before or 0), " ", ws:writable_length())
      io.stdout:flush()
      ws:destroy()
    ]]):format(script), { around = "%s 3<>" .. fifo })
    if not support.memory() then pending "this system does not tell how much memory is used" end
    return tonumber(output:match "^%S+"), tonumber(output:match "%S+$")
  end

  it("costs those who honour false no more than the mark and a chunk", function()
    local bytes, length = grown [[
      local function go_on() while ws:write(chunk) do end end
      ws:on("drain", go_on)
      go_on()
      for _ = 1, 50 do weir.run "nowait" end
    ]]
    assert.is_true(length <= 16384 + 1000, length)
    if not support.slow then assert.is_true(bytes < 2 * 2 ^ 20, bytes) end
  end)

  it("costs those who do not honour it no more than max_buffered", function()
    local bytes, length = grown [[
      local refused = 0
      for i = 1, 100000 do
        if ws:write(chunk) == nil then refused = refused + 1 end
        if i % 1000 == 0 then weir.run "nowait" end
      end
      assert(refused > 90000)
    ]]
    assert.is_true(length <= 1000000, length)
    if not support.slow then assert.is_true(bytes < 1000000 + 2 * 2 ^ 20, bytes) end
  end)
end)

describe("a process that may not have more memory", function()
  setup(support.open_folder)
  teardown(support.remove_folder)

  it("gets an error that it can catch, and goes on", function()
    if support.slow then pending "a sanitizer needs all the memory there is" end
    local child = support.child([[
      local ws = weir.writable { write = function() end }
      local ok, err = pcall(function()
        for i = 1, 1e7 do ws:write(("x"):rep(100000) .. i) end
      end)
      ws:destroy()
      ws = nil
      collectgarbage() collectgarbage()
      io.write(tostring(ok), " ", tostring(err))
    ]], { around = "ulimit -v 300000; %s" })
    assert.equal(0, child.code, child.output)
    assert.matches("^false .*not enough memory", child.output)
  end)
end)

describe("a chunk beyond all measure", function()
  it("of more than 2 GiB is written to its last byte, and counted", function()
    if not THOROUGH then pending "it takes 2 GiB of memory: make faults THOROUGH=1" end
    if jit then pending "LuaJIT has no strings of this size" end
    local size = 2 ^ 31 - 1000
    local ok, text = pcall(string.rep, "x", size)
    if not ok then pending "this Lua has no strings of this size" end
    local ws = weir.create_write_stream("/dev/null")
    ws:write(text, text)
    ws:end_()
    support.close(ws)
    assert.equal(2 * size, ws:bytes_written())
  end)
end)

describe("the clock", function()
  it("that counts for weir is the monotonic one: nobody asks for the time of day", function()
    local words = "gettimeofday|CLOCK_REALTIME|[^_a-z]time\\("
    local pipe = io.popen("grep -rnE '" .. words .. "' src --include=*.c")
    local found = pipe:read "*a"
    pipe:close()
    assert.equal("", found)
  end)
end)
