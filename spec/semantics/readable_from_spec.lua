local weir = require "weir"
local streams = require "spec.semantics.stream_support"

describe("readable_from", function()
  before_each(streams.settle)

  local function all_of(rs)
    local got = {}
    rs:on("data", function(chunk) got[#got + 1] = chunk end)
    rs:on("error", function(err) got.err = err end)
    rs:on("end", function() got.ended = true end)
    weir.run()
    return got
  end

  it("hands out values as they are, one by one", function()
    local one, two = {}, function() end
    local got = all_of(weir.readable_from { one, two, false, "", 3 })
    assert.equal(5, #got)
    assert.equal(one, got[1])
    assert.equal(two, got[2])
    assert.is_false(got[3])
    assert.is_true(got.ended)
  end)

  it("asks only as far as somebody reads", function()
    local asked = 0
    local rs = weir.readable_from(function()
      asked = asked + 1
      return "x"
    end)
    assert.equal(0, asked)
    assert.equal("x", rs:read())
    streams.run()
    assert.is_true(asked <= 3)
    rs:destroy()
  end)

  it("makes a stream of bytes with object_mode = false", function()
    local rs = weir.readable_from({ "ab", "", 12, "cd" }, { object_mode = false })
    rs:on("readable", function() end)
    streams.run()
    assert.equal("ab", rs:read(2))
    assert.equal("12cd", rs:read(4))
    assert.is_false(rs:readable_object_mode())
  end)

  it("ends with what the function raises, or returns behind nil", function()
    assert.equal("E", all_of(weir.readable_from(function() error("E", 0) end)).err)
    assert.equal("E", all_of(weir.readable_from(function() return nil, "E" end)).err)
    assert.equal("E", all_of(weir.readable_from(coroutine.create(function()
      error("E", 0)
    end))).err)
  end)

  it("takes anything that can be called", function()
    local n = 0
    local callable = setmetatable({}, { __call = function()
      n = n + 1
      return n < 3 and n or nil
    end })
    assert.same({ 1, 2, ended = true }, all_of(weir.readable_from(callable)))
  end)

  it("of a coroutine that is over is empty", function()
    local co = coroutine.create(function() end)
    coroutine.resume(co)
    assert.same({ ended = true }, all_of(weir.readable_from(co)))
  end)

  it("raises for anything else", function()
    assert.has_error(function() weir.readable_from() end,
      "bad argument #1 to 'readable_from' (function, coroutine, table or string expected, got nil)")
    assert.has_error(function() weir.readable_from(5) end)
    assert.has_error(function() weir.readable_from(weir.readable()) end)
    assert.has_error(function() weir.readable_from({}, { read = function() end }) end)
  end)
end)

describe("compose", function()
  before_each(streams.settle)

  local function upper()
    return weir.transform { transform = function(_, chunk, done) done(nil, chunk:upper()) end }
  end

  it("is one duplex: in at the first, out at the last", function()
    local log = streams.new_log()
    local d = streams.watch(log, "d", weir.compose(upper(), weir.passthrough()))
    d:on("data", log.add)
    d:write "a"
    d:end_("b", log.cb "cb")
    weir.run()
    local text = log.take()
    assert.matches("A", text)
    assert.matches("cb", text)
    assert.matches("d.end", text)
    assert.matches("d.finish", text)
    assert.matches("d.close$", text)
  end)

  it("keeps the pace of its reader", function()
    local d = weir.compose(upper(), weir.passthrough())
    local written = 0
    while d:write(("x"):rep(1000)) and written < 1000 do written = written + 1 end
    streams.run()
    assert.is_true(written < 200)
    d:on("data", function() end)
    d:end_()
    weir.run()
    assert.is_true(d:closed())
  end)

  it("takes functions as stages, and joins a pipeline", function()
    local ws, sink = streams.writable(nil, "w")
    local result
    weir.pipeline({ "a", "b" }, weir.compose(upper(), function(next_chunk)
      local chunk = next_chunk()
      while chunk do
        coroutine.yield(chunk .. "!")
        chunk = next_chunk()
      end
    end), ws, function(err) result = err or "well" end)
    weir.run()
    assert.equal("well", result)
    assert.equal("A!B!", sink.text())
  end)

  it("fails with the error of a stage, and destroys all", function()
    local log = streams.new_log()
    local bad = weir.transform { transform = function(_, _, done) done "E" end }
    local first = weir.passthrough()
    local d = streams.watch(log, "d", weir.compose(first, bad), { "close" })
    d:write "a"
    weir.run()
    assert.equal("d.error(E) d.close", log.take())
    assert.is_true(first:destroyed() and bad:destroyed())
  end)

  it("destroyed, destroys its stages, and invents no error", function()
    local log = streams.new_log()
    local first, last = weir.passthrough(), weir.passthrough()
    local d = streams.watch(log, "d", weir.compose(first, last), { "close" })
    d:destroy()
    weir.run()
    assert.equal("d.close", log.take())
    assert.is_true(first:destroyed() and last:destroyed())
    first, last = weir.passthrough(), weir.passthrough()
    d = streams.watch(log, "d", weir.compose(first, last), { "close" })
    d:destroy "E"
    weir.run()
    assert.equal("d.error(E) d.close", log.take())
    assert.is_true(first:destroyed() and last:destroyed())
  end)

  it("of one stream is that stream; of none, or of others, raises", function()
    local t = upper()
    assert.equal(t, weir.compose(t))
    assert.has_error(function() weir.compose() end)
    assert.has_error(function() weir.compose(t, 5) end)
    assert.has_error(function() weir.compose(weir.writable(), t) end)
    assert.has_error(function() weir.compose(t, weir.readable()) end)
  end)
end)
