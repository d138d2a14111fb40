local weir = require "weir"
local streams = require "spec.semantics.stream_support"
local rounds = require "spec.support.rounds"

local is_51 = _VERSION == "Lua 5.1" and not rawget(_G, "jit")

-- Reads all by one of the methods, in a coroutine.
local function read_all(rs, method)
  local got = {}
  weir.run(function()
    local value, err = rs[method](rs)
    while value ~= nil do
      got[#got + 1] = value
      value, err = rs[method](rs)
    end
    got.err = err
  end)
  return got
end

-- A readable that gets these chunks, one a tick, then its end.
local function slowly(...)
  local chunks, i = { ... }, 0
  return weir.readable { read = function(self)
    i = i + 1
    weir.next_tick(function() self:push(chunks[i]) end)
  end }
end

describe("read_chunk", function()
  before_each(streams.settle)

  it("waits for each chunk, and gives nil at the end", function()
    local rs = slowly("ab", "c", "def")
    local got = read_all(rs, "read_chunk")
    assert.equal("abcdef", table.concat(got))
    assert.is_nil(got.err)
    streams.run()
    assert.is_true(rs:closed())
  end)

  it("gives values in object mode, false too", function()
    local rs, got = weir.readable_from { 1, false, "x" }, {}
    weir.run(function()
      for i = 1, 3 do got[i] = rs:read_chunk() end
      got.last = rs:read_chunk() == nil
    end)
    assert.same({ 1, false, "x", last = true }, got)
  end)

  it("gives nil and the error of a stream that fails, or closes early", function()
    local rs = weir.readable { read = function(self)
      weir.next_tick(self.destroy, self, "E")
    end }
    assert.same({ err = "E" }, read_all(rs, "read_chunk"))
    rs = weir.readable { read = function(self) weir.next_tick(self.destroy, self) end }
    assert.equal("ERR_STREAM_PREMATURE_CLOSE", read_all(rs, "read_chunk").err.code)
  end)

  it("runs the loop outside of a coroutine", function()
    local rs = slowly("a", "b")
    local got, chunk = "", rs:read_chunk()
    while chunk do
      got, chunk = got .. chunk, rs:read_chunk()
    end
    assert.equal("ab", got)
  end)

  it("says ERR_CANNOT_WAIT in a callback, with nothing taken", function()
    local rs = slowly("a")
    local value, err
    weir.next_tick(function() value, err = rs:read_chunk() end)
    streams.run()
    assert.is_nil(value)
    assert.equal("ERR_CANNOT_WAIT", err.code)
    assert.equal("a", rs:read_chunk())
  end)

  it("raises for a stream that is only written", function()
    local ws = weir.writable { write = function(_, _, done) done() end }
    for _, method in ipairs { "read_chunk", "read_line", "chunks", "lines" } do
      assert.has_error(function() ws[method](ws) end)
    end
  end)
end)

describe("read_line", function()
  before_each(streams.settle)

  it("gives lines whole, however they are cut", function()
    local rs = slowly("one\ntw", "o\r", "\n", "\nlo", "ng", "er\nlast")
    assert.same({ "one", "two", "", "longer", "last" }, read_all(rs, "read_line"))
    assert.same({ "a" }, read_all(slowly("a\n"), "read_line"))
    assert.same({}, read_all(slowly(), "read_line"))
  end)

  it("leaves what is behind the line to read_chunk", function()
    local rs = slowly("head\nbody", " more")
    weir.run(function()
      assert.equal("head", rs:read_line())
      local body = rs:read_chunk()
      assert.equal("body", body:sub(1, 4))
      assert.equal("body more", body .. (rs:read_chunk() or ""))
    end)
  end)

  it("reads a million short lines and one long one in no time worth telling", function()
    local n, count, long = 0, rounds(1000, 2), ("x"):rep(200000)
    local rs = weir.readable { high_water_mark = 65536, read = function(self)
      n = n + 1
      if n <= 100 then self:push(("line\n"):rep(count))
      elseif n <= 200 then self:push(long:sub(1, 2000))
      else self:push(nil) end
    end }
    local lines = read_all(rs, "read_line")
    assert.equal(100 * count + 1, #lines)
    assert.equal(200000, #lines[#lines])
  end)

  it("raises for a stream of values", function()
    assert.has_error(function() weir.readable_from({}):read_line() end)
  end)
end)

describe("chunks and lines", function()
  before_each(streams.settle)

  it("are loops around them", function()
    local got = {}
    if is_51 then -- outside of a coroutine
      for line in slowly("a\nb", "\nc"):lines() do got[#got + 1] = line end
      for value in weir.readable_from { "x", "y" }:chunks() do got[#got + 1] = value end
    else
      weir.run(function()
        for line in slowly("a\nb", "\nc"):lines() do got[#got + 1] = line end
        for value in weir.readable_from { "x", "y" }:chunks() do got[#got + 1] = value end
      end)
    end
    assert.same({ "a", "b", "c", "x", "y" }, got)
  end)

  it("raise the error of the stream", function()
    local rs = weir.readable { read = function(self) weir.next_tick(self.destroy, self, "E") end }
    local ok, err = pcall(function()
      for _ in rs:chunks() do end
    end)
    assert.is_false(ok)
    assert.equal("E", err)
  end)

  it("say in a coroutine of Lua 5.1 what can wait there", function()
    if not is_51 then pending "it is not Lua 5.1" end
    local ok, err = pcall(weir.run, function() slowly("a"):chunks() end)
    assert.is_false(ok)
    assert.matches("read_chunk", tostring(err))
  end)
end)
