local weir = require "weir"
local support = require "spec.semantics.support"

-- What the sink gets for one call of write.
local function written(...)
  local got
  local ws = weir.writable { write = function(_, chunk, done)
    got = chunk
    done()
  end }
  ws:write(...)
  return got
end

describe("the arguments of write", function()
  before_each(support.settle)

  it("may be several pieces: they are one chunk, one string for the sink", function()
    local ws, log = support.stream()
    ws:write("Line ", "x", "\n")
    assert.equal("write(Line x\n)", log.take())
    assert.equal(7, ws:writable_length())
  end)

  it("may be many pieces", function()
    local pieces = {}
    for i = 1, 40 do pieces[i] = "p" .. i end
    local ws, log = support.stream()
    ws:write(pieces[1], pieces[2], pieces[3], pieces[4], pieces[5], pieces[6], pieces[7],
      pieces[8], pieces[9], pieces[10], pieces[11], pieces[12], pieces[13], pieces[14],
      pieces[15], pieces[16], pieces[17], pieces[18], pieces[19], pieces[20], log.cb "told")
    assert.equal("write(" .. table.concat(pieces, "", 1, 20) .. ")", log.take())
  end)

  it("may be numbers: the sink gets the bytes that .. makes of them", function()
    local numbers = {
      0, 1, -1, 42, 1.5, -0.25, 0.1, 1e15, 1e16, 1e100, 2 ^ 31, 2 ^ 53, -2 ^ 53, 1 / 3, 100 / 2,
      1 / 0, -1 / 0, 0 / 0, -0.0, 123456789012,
    }
    for _, number in ipairs(numbers) do
      assert.equal(number .. "", written(number))
      assert.equal("n=" .. number .. ";", written("n=", number, ";"))
    end
    assert.equal(1 .. "" .. 2, written(1, 2))
  end)

  it("count as many bytes as the pieces have together", function()
    local ws = support.stream { high_water_mark = 6 }
    assert.is_true(ws:write("ab", "cd", 1))
    assert.equal(5, ws:writable_length())
    assert.is_false(ws:write("", "", 7))
  end)

  it("may end with a callback, which owns the whole chunk", function()
    local ws, log, sink = support.stream()
    ws:write("a", 1, "b", log.cb "told")
    sink.answer()
    assert.equal("write(a1b) told", log.take())
  end)

  it("may end with one nil for no callback", function()
    local ws, log, sink = support.stream()
    ws:write("a", nil)
    ws:write("b", "c", nil)
    sink.answer()
    assert.equal("write(a) write(bc)", log.take())
  end)

  it("have no callback in a number at the end: it is a piece [X-016]", function()
    local ws, log = support.stream()
    ws:write("a", 5)
    assert.equal("write(a5)", log.take())
  end)

  it("may be a piece without bytes: a chunk of 0 bytes with a place and a callback", function()
    local ws, log, sink = support.stream()
    ws:write("", log.cb "empty")
    ws:write("", "", log.cb "two")
    assert.equal("write()", log.take())
    sink.answer()
    assert.equal("write() empty", log.take())
  end)

  it("may be long strings, short ones and numbers together", function()
    local long = ("0123456789"):rep(1000)
    assert.equal(long .. 5 .. long .. "end", written(long, 5, long, "end"))
  end)

  it("are copied or kept: the caller may drop the string at once", function()
    local got, first = {}, nil
    local ws = weir.writable { write = function(_, chunk, done)
      got[#got + 1] = chunk
      if first then done() else first = done end
    end }
    ws:write("first")
    for i = 1, 50 do ws:write(("piece %d "):format(i):rep(200)) end
    collectgarbage()
    collectgarbage()
    first()
    assert.equal(51, #got)
    for i = 1, 50 do assert.equal(("piece %d "):format(i):rep(200), got[i + 1]) end
  end)

  -- The argument that is wrong, and the call.
  local wrong = {
    { "no argument", 1, function(ws) ws:write() end },
    { "nil", 1, function(ws) ws:write(nil) end },
    { "nil and a callback", 1, function(ws, callback) ws:write(nil, callback) end },
    { "a callback alone", 1, function(ws, callback) ws:write(callback) end },
    { "true", 1, function(ws) ws:write(true) end },
    { "false", 1, function(ws) ws:write(false) end },
    { "a table", 1, function(ws) ws:write({}) end },
    { "a stream", 1, function(ws) ws:write(ws) end },
    { "a coroutine", 1, function(ws) ws:write(coroutine.create(function() end)) end },
    { "a table that reads as a string", 1, function(ws)
      ws:write(setmetatable({}, { __tostring = function() return "text" end }))
    end },
    { "a nil among the pieces", 2, function(ws) ws:write("a", nil, "b") end },
    { "a table among the pieces", 2, function(ws) ws:write("a", {}, "b") end },
    { "a boolean as the last piece", 3, function(ws) ws:write("a", "b", true) end },
    { "a table in the callback's place", 2, function(ws) ws:write("a", {}) end },
    { "a function that is not last", 2, function(ws, callback) ws:write("a", callback, "b") end },
  }
  for _, case in ipairs(wrong) do
    it("raise for " .. case[1] .. ", and take nothing [W-030, W-136]", function()
      local ws, log = support.stream()
      local ok, err = pcall(case[3], ws, log.cb "told")
      assert.is_false(ok)
      assert.matches("bad argument #" .. case[2] .. " to 'write'", tostring(err))
      assert.equal(0, ws:writable_length())
      support.run()
      assert.equal("", log.take())
      assert.is_true(ws:writable())
      ws:write("still usable")
      assert.equal("write(still usable)", log.take())
    end)
  end

  it("name the type that was expected and the one that came", function()
    local ws = support.stream()
    local _, err = pcall(function() ws:write({}) end)
    assert.matches("string", tostring(err))
    assert.matches("table", tostring(err))
  end)

  it("raise without auto_destroy just the same, and no event comes [W-034]", function()
    local ws, log = support.stream { auto_destroy = false }
    assert.has_error(function() ws:write(nil) end)
    assert.has_error(function() ws:write({}) end)
    support.run()
    assert.equal("", log.take())
    assert.is_nil(ws:errored())
  end)

  it("are checked before the stream is asked: wrong ones raise after end_() too [X-017]",
    function()
      local ws, log = support.stream()
      ws:end_()
      support.run()
      log.take()
      for _, chunk in ipairs { {}, true } do
        local ok, err = pcall(function() ws:write(chunk) end)
        assert.is_false(ok)
        assert.matches("bad argument #1 to 'write'", tostring(err))
      end
      assert.has_error(function() ws:write(nil) end)
      support.run()
      assert.equal("", log.take())
    end)

  it("are checked on a destroyed stream too", function()
    local ws, log = support.stream()
    ws:destroy()
    assert.has_error(function() ws:write({}) end)
    support.run()
    assert.equal("close", log.take())
  end)

  it("raise for a self that is no stream", function()
    local ws = support.stream()
    local write = ws.write
    for _, self in ipairs { "text", 1, true, {}, print } do
      local ok, err = pcall(function() write(self, "a") end)
      assert.is_false(ok)
      assert.matches("'write'", tostring(err))
      assert.matches("stream", tostring(err))
    end
    assert.has_error(function() write() end)
    assert.has_error(function() write(nil, "a") end)
  end)
end)

describe("the arguments of end_", function()
  before_each(support.settle)

  it("may be pieces and a callback", function()
    local ws, log = support.stream { write = "now" }
    ws:end_("a", 1, "b", log.cb "end")
    support.run()
    assert.equal("write(a1b) prefinish end finish close", log.take())
  end)

  it("may be a number: it is a chunk", function()
    local ws, log = support.stream { write = "now" }
    ws:end_(42)
    support.run()
    assert.equal("write(42) prefinish finish close", log.take())
  end)

  it("may be an empty string: it is a chunk of 0 bytes", function()
    local ws, log = support.stream { write = "now" }
    ws:end_("")
    support.run()
    assert.equal("write() prefinish finish close", log.take())
  end)

  local wrong = {
    { "a table", 1, function(ws) ws:end_({}) end },
    { "true", 1, function(ws) ws:end_(true) end },
    { "false", 1, function(ws, callback) ws:end_(false, callback) end },
    { "a nil among the pieces", 2, function(ws) ws:end_("a", nil, "b") end },
    { "a table in the callback's place", 2, function(ws) ws:end_("a", {}) end },
    { "a callback that is no function", "%d", function(ws) ws:end_(nil, {}) end },
  }
  for _, case in ipairs(wrong) do
    it("raise for " .. case[1] .. ", and the stream has not ended [X-018]", function()
      local ws, log = support.stream()
      local ok, err = pcall(case[3], ws, log.cb "told")
      assert.is_false(ok)
      assert.matches("bad argument #" .. case[2] .. " to 'end_'", tostring(err))
      assert.is_false(ws:writable_ended())
      support.run()
      assert.equal("", log.take())
    end)
  end

  it("raise for a self that is no stream", function()
    local end_ = support.stream().end_
    assert.has_error(function() end_({}) end)
    assert.has_error(function() end_() end)
  end)
end)

describe("a stream without write and writev", function()
  before_each(support.settle)

  local function refuses(ws, act)
    local ok, err = pcall(act, ws)
    assert.is_false(ok)
    assert.equal("ERR_METHOD_NOT_IMPLEMENTED", err.code)
    assert.matches("not implemented", err.message)
    assert.equal(0, ws:writable_length())
  end

  it("raises the error object out of write(), before anything is taken [W-012]", function()
    local log = support.new_log()
    local ws = weir.writable {}
    ws:on("error", log.cb "error")
    refuses(ws, function() ws:write("a", log.cb "a") end)
    support.run()
    assert.equal("", log.take())
    assert.is_nil(ws:errored())
  end)

  it("raises it out of end_(chunk), and has not ended [W-012]", function()
    local log = support.new_log()
    local ws = weir.writable {}
    refuses(ws, function() ws:end_("a", log.cb "end") end)
    assert.is_false(ws:writable_ended())
    support.run()
    assert.equal("", log.take())
  end)

  it("raises it at once while corked and while under construction", function()
    local ws = weir.writable { construct = function() end }
    ws:cork()
    refuses(ws, function() ws:write("a") end)
  end)

  it("can be ended", function()
    local log = support.new_log()
    local ws = weir.writable {}
    ws:on("finish", log.cb "finish"):on("close", log.cb "close")
    ws:end_()
    support.run()
    assert.equal("finish close", log.take())
  end)
end)
