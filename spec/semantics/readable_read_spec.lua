local weir = require "weir"
local streams = require "spec.semantics.stream_support"

describe("read", function()
  before_each(streams.settle)

  local log
  local function readable(options)
    log = streams.new_log()
    return streams.readable(log, "r", options)
  end

  it("gives n bytes or nothing, across chunks [RD-008]", function()
    local rs = readable()
    rs:push "abc"
    rs:push "def"
    local got = { rs:read(2), rs:read(10) or "-", rs:read(-1) or "-", rs:read(0) or "-", rs:read(3),
      rs:read() }
    assert.same({ "ab", "-", "-", "-", "cde", "f" }, got)
  end)

  it("raises the mark to the next power of two [RD-009]", function()
    local rs = readable { high_water_mark = 4 }
    rs:read(5)
    assert.equal(8, rs:readable_high_water_mark())
    rs:read(17)
    assert.equal(32, rs:readable_high_water_mark())
  end)

  it("raises ERR_OUT_OF_RANGE for more than 1 GiB, and for what is no whole number", function()
    local rs = readable()
    local ok, err = pcall(rs.read, rs, 2 ^ 30 + 1)
    assert.is_false(ok)
    assert.equal("ERR_OUT_OF_RANGE", err.code)
    assert.has_error(function() rs:read(1.5) end)
    assert.has_error(function() rs:read(0 / 0) end)
    assert.has_error(function() rs:read "3" end)
    assert.has_error(function() rs:read {} end)
  end)

  it("in object mode gives one value, false and the empty string too [RD-010]", function()
    local rs = readable { object_mode = true }
    for _, value in ipairs { false, "", 0 } do rs:push(value) end
    assert.equal(false, rs:read(5))
    assert.equal("", rs:read())
    assert.equal(0, rs:read())
    assert.is_nil(rs:read())
  end)

  it("emits what it returns as `data`, also while paused [RD-024]", function()
    local rs = readable()
    rs:pause()
    rs:on("data", log.add)
    rs:push "ab"
    assert.equal("ab", rs:read())
    assert.equal("r.pause ab", log.take())
  end)

  it("of a destroyed stream still gives what is buffered [RD-027]", function()
    local rs = readable()
    rs:push "a"
    rs:destroy()
    streams.run()
    assert.equal("a", rs:read())
  end)

  it("asks the hook with the mark, once until it has pushed [RD-011]", function()
    local sizes = {}
    local rs = readable {
      high_water_mark = 7,
      read = function(_, size) sizes[#sizes + 1] = size end,
    }
    rs:read()
    rs:read()
    rs:resume()
    streams.run()
    assert.same({ 7 }, sizes)
  end)

  it("fails the stream with what the hook raises [RD-029]", function()
    local rs = readable { read = function() error("boom", 0) end }
    assert.is_nil(rs:read())
    streams.run()
    assert.equal("r.error(boom) r.close", log.take())
  end)

  it("without a hook is ERR_METHOD_NOT_IMPLEMENTED", function()
    log = streams.new_log()
    local rs = streams.watch(log, "r", weir.readable())
    rs:resume()
    streams.run()
    assert.equal("r.resume r.error(METHOD_NOT_IMPLEMENTED) r.close", log.take())
  end)

  it("keeps bytes as they are, whatever they are and however they are cut", function()
    local all = {}
    for i = 0, 255 do all[#all + 1] = string.char(i) end
    local text = table.concat(all):rep(20)
    local rs, parts = readable { high_water_mark = 1e6 }, {}
    for i = 1, #text, 37 do rs:push(text:sub(i, i + 36)) end
    rs:push(nil)
    for n = 1, 1000 do
      local part = rs:read(n)
      if not part then break end
      parts[#parts + 1] = part
    end
    assert.is_true(table.concat(parts) == text)
  end)
end)

describe("the state of a readable", function()
  before_each(streams.settle)

  it("begins as Node's does [RD-001]", function()
    local rs = weir.readable()
    assert.is_true(rs:readable())
    assert.is_nil(rs:readable_flowing())
    assert.is_nil(rs:errored())
    for _, name in ipairs { "readable_ended", "destroyed", "closed", "is_paused",
      "readable_aborted", "readable_did_read", "readable_object_mode" } do
      assert.is_false(rs[name](rs), name)
    end
    assert.equal(0, rs:readable_length())
    assert.equal(16384, rs:readable_high_water_mark())
    assert.equal(16, weir.readable { object_mode = true }:readable_high_water_mark())
  end)

  it("of the writable side is nil, and its verbs raise", function()
    local rs = weir.readable { read = function() end }
    for _, name in ipairs { "writable_length", "writable_need_drain", "writable_ended",
      "writable_finished", "writable_corked", "writable_high_water_mark", "writable_object_mode",
      "writable_aborted", "stats", "bytes_written" } do
      assert.is_nil((rs[name](rs)), name)
    end
    assert.is_false(rs:writable())
    for _, name in ipairs { "write", "end_", "cork", "uncork" } do
      local ok, err = pcall(rs[name], rs, "a")
      assert.is_false(ok)
      assert.matches("calling '" .. name .. "' on a stream that is only read", err)
    end
  end)

  it("of the readable side of a writable is nil, and its verbs raise", function()
    local ws = weir.writable { write = function(_, _, done) done() end }
    for _, name in ipairs { "readable_length", "readable_flowing", "readable_ended", "is_paused",
      "readable_high_water_mark", "readable_object_mode", "readable_aborted",
      "readable_did_read" } do
      assert.is_nil((ws[name](ws)), name)
    end
    assert.is_false(ws:readable())
    for _, name in ipairs { "push", "unshift", "read", "pause", "resume" } do
      local ok, err = pcall(ws[name], ws)
      assert.is_false(ok)
      assert.matches("calling '" .. name .. "' on a stream that is only written", err)
    end
  end)

  it("names unknown and wrong options", function()
    assert.has_error(function() weir.readable { highWaterMark = 1 } end,
      "bad argument #1 to 'readable' (unknown option \"highWaterMark\", did you mean "
        .. "'high_water_mark'?)")
    for _, mark in ipairs { -1, 1.5, 0 / 0, 1 / 0, "5", true } do
      assert.has_error(function() weir.readable { high_water_mark = mark } end)
    end
    assert.has_error(function() weir.readable { read = 5 } end)
    assert.has_error(function() weir.duplex { write = 5 } end)
    assert.has_error(function() weir.transform { transform = "x" } end)
    assert.has_error(function() weir.passthrough { transform = function() end } end)
  end)
end)
