-- Small pieces go a short way, and on LuaJIT one of its own; what is accepted, and what is in the
-- file, is the same on all ways.
local weir = require "weir"
local support = require "spec.sinks.support"

local UNPACK = table.unpack or unpack

local function expected_of(pieces)
  local text = ""
  for i = 1, #pieces do text = text .. pieces[i] end
  return text
end

-- Writes each chunk of pieces as many times as make the ways hot; returns what differs, if any.
local function compare(chunks, rounds)
  local path = support.new_path()
  local ws = weir.create_write_stream(path, { high_water_mark = 2 ^ 20 })
  local parts = {}
  for _ = 1, rounds do
    for i = 1, #chunks do
      ws:write(UNPACK(chunks[i]))
      parts[#parts + 1] = expected_of(chunks[i])
    end
  end
  support.end_and_close(ws)
  return table.concat(parts), support.read(path)
end

local function numbers()
  local list = { 0, 0.5, -0.5, 1e15, -1e15, 1e100, -1e-100, 1 / 0, -1 / 0, 2 ^ 53, 2 ^ 63, -2 ^ 63,
    0.1, 1 / 3, 123456789012345, 12345678901234, 99999999999999, 100000000000000, 3.0, -0.0 }
  for power = 0, 18 do
    local ten = 1
    for _ = 1, power do ten = ten * 10 end -- whole, where Lua has whole numbers
    for _, around in ipairs { ten - 1, ten, ten + 1 } do
      list[#list + 1] = around
      list[#list + 1] = -around
    end
  end
  for _, limit in ipairs { "mininteger", "maxinteger" } do list[#list + 1] = math[limit] end
  return list
end

describe("small writes", function()
  setup(support.open_folder)
  teardown(support.remove_folder)

  it("write each number as `..` does, alone and among strings", function()
    local chunks = {}
    for _, number in ipairs(numbers()) do
      chunks[#chunks + 1] = { number }
      chunks[#chunks + 1] = { "<", number, ">\n" }
      chunks[#chunks + 1] = { number, number }
    end
    local expected, got = compare(chunks, support.slow and 2 or 40)
    assert.is_true(expected == got)
  end)

  it("write pieces of all small sizes, from one to twenty at a time", function()
    local all, chunks = ("abcdefghijklmnopqrstuvwxyz0123456789"):rep(200), {}
    for size = 0, 70 do chunks[#chunks + 1] = { all:sub(size + 1, 2 * size) } end
    for _, size in ipairs { 100, 511, 512, 513, 1023, 4095, 4096, 4097 } do
      chunks[#chunks + 1] = { all:sub(1, size), "|" }
    end
    for count = 1, 20 do
      local pieces = {}
      for i = 1, count do pieces[i] = i % 3 == 0 and i * 7 or all:sub(i, 2 * i - i % 2) end
      chunks[#chunks + 1] = pieces
    end
    local expected, got = compare(chunks, support.slow and 2 or 40)
    assert.is_true(expected == got)
  end)

  it("count as all writes do", function()
    local ws = weir.create_write_stream(support.new_path(), { high_water_mark = 100 })
    for i = 1, 30 do assert.is_true(ws:write(i % 10)) end
    assert.equal(30, ws:writable_length())
    assert.equal(30, ws:stats().writes)
    assert.equal(30, ws:stats().queued_writes)
    assert.equal(30, ws:stats().peak_buffered)
    assert.is_true(ws:write(("x"):rep(69)))
    assert.is_false(ws:write "y")
    assert.is_false(ws:write "z")
    assert.equal(101, ws:stats().bytes_accepted)
    support.end_and_close(ws)
    assert.equal(101, ws:bytes_written())
  end)

  it("are refused with the same errors as all writes", function()
    local ws = weir.create_write_stream(support.new_path())
    for _ = 1, 300 do ws:write("a", 1) end
    local function message(...)
      local _, raised = pcall(ws.write, ws, ...)
      return (tostring(raised):gsub("^[^:]*:%d+: ", ""))
    end
    local expected = "bad argument #%d to 'write' (string or number expected, got %s)"
    assert.equal(expected:format(1, "no value"), message())
    assert.equal(expected:format(1, "nil"), message(nil))
    assert.equal(expected:format(2, "nil"), message("a", nil, "b"))
    assert.equal(expected:format(2, "nil"), message("a", nil, nil))
    assert.equal(expected:format(3, "table"), message("a", 1, {}))
    assert.equal(expected:format(1, "boolean"), message(true))
    assert.is_true(ws:write("b", nil)) -- one trailing nil is no callback
    ws:end_()
    local written, refusal = ws:write "late"
    assert.is_nil(written)
    assert.equal("ERR_STREAM_WRITE_AFTER_END", refusal.code)
    ws:on("error", function() end)
    support.settle()
    assert.equal(601, ws:stats().bytes_accepted)
  end)

  it("keep their place among writes with callbacks, long ones, and other streams'", function()
    local path, other_path = support.new_path(), support.new_path()
    local ws = weir.create_write_stream(path)
    local other = weir.create_write_stream(other_path)
    local long, parts, other_parts, calls = ("l"):rep(5000), {}, {}, 0
    for i = 1, support.slow and 200 or 3000 do
      ws:write("n", i)
      other:write(i, ",")
      parts[#parts + 1], other_parts[#other_parts + 1] = "n" .. i, i .. ","
      if i % 7 == 0 then
        ws:write("c", function() calls = calls + 1 end)
        parts[#parts + 1] = "c"
      end
      if i % 50 == 0 then
        ws:write(long)
        parts[#parts + 1] = long
      end
      if i % 333 == 0 then weir.run "nowait" end
    end
    ws:end_()
    support.end_and_close(other)
    support.close(ws)
    assert.is_true(table.concat(parts) == support.read(path))
    assert.is_true(table.concat(other_parts) == support.read(other_path))
    assert.equal(math.floor((support.slow and 200 or 3000) / 7), calls)
  end)

  it("go through the FFI on LuaJIT", function()
    if not (jit and jit.status()) then return pending "only LuaJIT has it" end
    local ws = weir.create_write_stream(support.new_path())
    assert.equal(require("weir.front").methods.write, ws.write)
    assert.equal("Lua", debug.getinfo(ws.write, "S").what)
    support.end_and_close(ws)
  end)

  it("are the same when LuaJIT does not compile", function()
    if not jit then return pending "only LuaJIT does" end
    jit.off()
    local expected, got = compare({ { "a", 1, "b" }, { "c" }, { 2.5, 3 }, { 1, 2, 3, 4, 5 } }, 200)
    jit.on()
    assert.is_true(expected == got)
  end)

  it("on a stream that was collected raise", function()
    local ws = weir.create_write_stream(support.new_path())
    support.end_and_close(ws)
    debug.getmetatable(ws).__gc(ws)
    for _ = 1, 100 do assert.has_error(function() ws:write "a" end) end
  end)

  it("on anything but a stream raise", function()
    local ws = weir.create_write_stream(support.new_path())
    local write = ws.write
    for _ = 1, 300 do write(ws, "a") end
    local hostile = { 1, "a", {}, false, io.stdout, coroutine.create(function() end), print }
    local new = rawget(_G, "newproxy") -- Lua 5.1 and LuaJIT: makes userdata
    if new then
      local proxy = new(true)
      getmetatable(proxy).__metatable = getmetatable(ws)
      hostile[#hostile + 1] = proxy
      hostile[#hostile + 1] = debug.setmetatable(new(), debug.getmetatable(ws))
    end
    for i = 1, #hostile do
      assert.has_error(function() write(hostile[i], "a") end)
    end
    assert.has_error(function() write() end)
    support.end_and_close(ws)
    for _ = 1, 300 do write(ws, "a") end -- refused, each time
    assert.equal(300, ws:bytes_written())
  end)
end)
