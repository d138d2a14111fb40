local weir = require "weir"
local streams = require "spec.semantics.stream_support"

local EVENTS = { "end", "pipe", "unpipe", "finish", "close" }

describe("pipeline", function()
  before_each(streams.settle)

  local log, rs, t, ws, sink
  -- r, t, w joined; the callback is logged as CB.
  local function open(options)
    options = options or {}
    log = streams.new_log()
    options.only = EVENTS
    rs = streams.readable(log, "r", { only = EVENTS })
    t = streams.upper(log, "t", { only = EVENTS, transform = options.transform })
    options.transform = nil
    ws, sink = streams.writable(log, "w", options)
    assert.equal(ws, weir.pipeline(rs, t, ws, log.cb "CB"))
  end

  it("moves all, and calls back when all are closed", function()
    open()
    rs:push "a"
    rs:push(nil)
    streams.run()
    assert.equal("t.pipe w.pipe W(A) r.end t.unpipe t.end w.unpipe t.finish r.close w.finish "
      .. "t.close w.close CB", log.take())
  end)

  it("destroys every stage with the error of one, and reports that [L-005]", function()
    open { transform = function(_, _, done) done "T" end }
    rs:push "a"
    streams.run()
    assert.equal("t.pipe w.pipe t.unpipe t.error(T) t.close r.error(T) r.close w.unpipe w.error(T) "
      .. "w.close CB(T)", log.take())
  end)

  it("reports the source's and the sink's error alike [L-004, L-006]", function()
    open()
    rs:destroy "S"
    streams.run()
    assert.matches("CB%(S%)$", log.take())
    assert.is_true(t:destroyed() and ws:destroyed())
    open { write = "later" }
    rs:push "a"
    streams.run()
    sink.answer "D"
    streams.run()
    assert.matches("CB%(D%)$", log.take())
    assert.is_true(t:destroyed() and rs:destroyed())
  end)

  it("calls an early close premature, on either side [L-003]", function()
    open()
    rs:destroy()
    streams.run()
    assert.matches("t.error%(PREMATURE_CLOSE%).*w.error%(PREMATURE_CLOSE%).*CB%(PREMATURE_CLOSE%)$",
      log.take())
    open()
    ws:destroy()
    streams.run()
    assert.matches("r.error%(PREMATURE_CLOSE%).*CB%(PREMATURE_CLOSE%)$", log.take())
  end)

  it("lets a real error take the place of a premature close", function()
    open()
    ws:destroy()
    rs:destroy "S"
    streams.run()
    assert.matches("CB%(S%)$", log.take())
  end)

  it("calls back exactly once, whatever fails", function()
    open()
    rs:destroy "S"
    t:destroy "T"
    ws:destroy "D"
    streams.run()
    local _, count = log.take():gsub("CB", "")
    assert.equal(1, count)
  end)

  it("waits for a destroy that takes its time [L-022]", function()
    log = streams.new_log()
    local done
    rs = streams.readable(log, "r", { only = {}, destroy = function(_, _, callback)
      done = callback
    end })
    ws = streams.writable(log, "w", { only = {} })
    weir.pipeline(rs, ws, log.cb "CB")
    rs:push(nil)
    streams.run()
    assert.equal("", log.take())
    done()
    streams.run()
    assert.equal("CB", log.take())
    assert.is_true(rs:closed())
  end)

  it("says so when the destination was through before (C-03)", function()
    log = streams.new_log()
    ws = streams.writable(log, "w", { only = {} })
    ws:end_()
    streams.run()
    rs = streams.readable(log, "r", { only = {} })
    weir.pipeline(rs, ws, log.cb "CB")
    streams.run()
    assert.equal("r.error(PREMATURE_CLOSE) CB(PREMATURE_CLOSE)", log.take())
    assert.is_true(rs:destroyed())
  end)

  it("leaves a last stage that can be read alone [L-019]", function()
    log = streams.new_log()
    rs = streams.readable(log, "r", { only = {} })
    local last = weir.passthrough()
    weir.pipeline(rs, last, log.cb "CB")
    rs:push "a"
    rs:push(nil)
    streams.run()
    assert.equal("CB", log.take())
    assert.is_false(last:destroyed())
    assert.equal("a", last:read())
    assert.equal(0, last:listener_count "error")
  end)

  it("takes one array of streams [L-024]", function()
    local got
    ws, sink = streams.writable(nil, "w")
    weir.pipeline({ weir.readable_from { "a", "b" }, weir.passthrough(), ws }, function(err)
      got = err or sink.text()
    end)
    weir.run()
    assert.equal("ab", got)
  end)

  it("raises for misuse, and touches nothing [L-002]", function()
    rs = weir.readable { read = function() end }
    ws = weir.writable { write = function() end }
    local function nothing() end
    local ok, err = pcall(weir.pipeline, rs, nothing)
    assert.is_false(ok)
    assert.equal("ERR_MISSING_ARGS", err.code)
    assert.has_error(function() weir.pipeline() end)
    assert.has_error(function() weir.pipeline(rs, ws) end)
    assert.has_error(function() weir.pipeline(rs, 5, nothing) end,
      "bad argument #2 to 'pipeline' (stream or function expected, got number)")
    assert.has_error(function() weir.pipeline(ws, rs, nothing) end)
    assert.has_error(function() weir.pipeline(rs, rs, nothing) end)
    assert.has_error(function() weir.pipeline(true, ws, nothing) end)
    assert.equal(0, rs:listener_count "data")
    assert.equal(0, ws:listener_count "close")
  end)

  it("lets what its callback raises be uncaught [L-032]", function()
    ws = streams.writable(nil, "w")
    weir.pipeline({ "a" }, ws, function() error { "mine" } end)
    local ok, err = pcall(weir.run)
    assert.is_false(ok)
    assert.same({ "mine" }, err)
  end)
end)

describe("a pipeline with functions", function()
  before_each(streams.settle)

  -- Runs a pipeline whose last stage is a function. Returns the error, and what that returned.
  local function run(...)
    local result = {}
    weir.pipeline({ ... }, function(err, value) result.err, result.value = err, value end)
    weir.run()
    return result.err, result.value
  end

  -- Runs one into a sink. Returns what came, and the error.
  local function to_sink(first, ...)
    local ws, sink = streams.writable(nil, "w")
    local result = { called = 0 }
    local stages = { first, ... }
    stages[#stages + 1] = ws
    weir.pipeline(stages, function(err) result.err, result.called = err, result.called + 1 end)
    weir.run()
    assert.equal(1, result.called)
    return sink.text(), result.err
  end

  local function shout(next_chunk)
    local chunk = next_chunk()
    while chunk do
      coroutine.yield(chunk:upper())
      chunk = next_chunk()
    end
  end

  it("takes an iterator, a coroutine, a table and a string as the source [L-011]", function()
    assert.equal("abc", (to_sink(("a b c"):gmatch "%a")))
    assert.equal("xyz", (to_sink(coroutine.create(function()
      coroutine.yield "x"
      coroutine.yield "y"
      return "z"
    end))))
    assert.equal("12", (to_sink { "1", 2 }))
    assert.equal("text", (to_sink "text"))
    assert.equal("pq", (to_sink(function()
      coroutine.yield "p"
      coroutine.yield "q"
    end)))
    assert.equal("lm", (to_sink(function() return ("lm"):gmatch "." end)))
    assert.equal("", (to_sink {}))
  end)

  it("takes sources of LTN12, and their errors", function()
    local chunks, i = { "a", "b" }, 0
    local function source()
      i = i + 1
      if i > 2 then return nil, "broken" end
      return chunks[i]
    end
    local text, err = to_sink(source)
    assert.equal("ab", text)
    assert.equal("broken", err)
  end)

  it("runs a function in the middle, which yields what it makes", function()
    assert.equal("ABC", (to_sink({ "a", "b", "c" }, shout)))
    assert.equal("ABC", (to_sink({ "a", "b", "c" }, shout, weir.passthrough(), shout)))
  end)

  it("runs one that returns an iterator", function()
    local function doubled(next_chunk)
      return function()
        local chunk = next_chunk()
        return chunk and chunk .. chunk
      end
    end
    assert.equal("aabb", (to_sink({ "a", "b" }, doubled)))
  end)

  it("hands what the last function returns to the callback [L-013]", function()
    local err, value = run({ "a", "b" }, function(next_chunk)
      local all, chunk = "", next_chunk()
      while chunk do
        all, chunk = all .. chunk, next_chunk()
      end
      return all
    end)
    assert.is_nil(err)
    assert.equal("ab", value)
  end)

  it("reports what a function raises, and destroys the others [L-012]", function()
    local src = weir.readable_from { "a", "b" }
    local text, err = to_sink(src, function(next_chunk)
      next_chunk()
      error("boom", 0)
    end)
    assert.equal("", text)
    assert.equal("boom", err)
    assert.is_true(src:destroyed())
    local _, first = to_sink(function() error("first", 0) end)
    assert.equal("first", first)
  end)

  it("lets a function leave early, and destroys what is in front of it [L-028]", function()
    local left
    local function many() -- not without end: without memory nobody could leave
      left = left - 1
      return left > 0 and "x" or nil
    end
    left = 1000
    local src = weir.readable_from(many)
    local err, value = run(src, weir.passthrough(), function(next_chunk)
      return next_chunk() .. next_chunk()
    end)
    assert.is_nil(err)
    assert.equal("xx", value)
    assert.is_true(src:destroyed())
    assert.is_true(left > 900)
    left = 1000
    assert.equal("xy", (to_sink(many, function(next_chunk)
      coroutine.yield(next_chunk())
      coroutine.yield "y"
    end)))
  end)

  it("keeps the pace of a slow sink", function()
    local made = 0
    local ws, sink = streams.writable(nil, "w", { write = "later", high_water_mark = 1 })
    weir.pipeline(function()
      made = made + 1
      return made < 1000 and "x" or nil
    end, shout, ws, function() end)
    streams.run()
    assert.is_true(made < 10)
    for _ = 1, 5 do
      sink.answer()
      streams.run()
    end
    assert.is_true(made < 20)
    ws:destroy()
    streams.run()
  end)
end)
