local weir = require "weir"
local streams = require "spec.semantics.stream_support"

local PIPED = { "end", "pause", "resume", "pipe", "unpipe", "finish", "drain", "close" }

describe("pipe", function()
  before_each(streams.settle)

  local log, rs, ws, sink
  local function open(reading, writing)
    log = streams.new_log()
    local source, target = { only = PIPED }, { only = PIPED }
    for name, value in pairs(reading or {}) do source[name] = value end
    for name, value in pairs(writing or {}) do target[name] = value end
    rs = streams.readable(log, "r", source)
    ws, sink = streams.writable(log, "w", target)
  end

  local function counts(stream, ...)
    local list = {}
    for i, event in ipairs { ... } do list[i] = stream:listener_count(event) end
    return table.concat(list, " ")
  end

  it("moves all, ends the destination, and takes its listeners back", function()
    open()
    local before = counts(ws, "close", "error", "finish", "unpipe", "drain")
    assert.equal(ws, rs:pipe(ws))
    log.take()
    rs:push "a"
    rs:push(nil)
    streams.run()
    assert.equal("r.resume W(a) r.end w.finish r.pause w.unpipe r.close w.close", log.take())
    assert.equal(before, counts(ws, "close", "error", "finish", "unpipe", "drain"))
    assert.equal("1 0", counts(rs, "end", "data"))
  end)

  it("tells the destination at once, with the source [P-001]", function()
    open()
    local who
    ws:on("pipe", function(src) who = src end)
    rs:pipe(ws)
    assert.equal(rs, who)
    who = nil
    ws:on("unpipe", function(src) who = src end)
    rs:unpipe(ws)
    assert.equal(rs, who)
  end)

  it("pauses the source on false, and resumes it on drain", function()
    open({ high_water_mark = 2 }, { high_water_mark = 2, write = "later" })
    rs:pipe(ws)
    streams.run()
    log.take()
    for chunk in ("aa bb c"):gmatch "%a+" do rs:push(chunk) end
    rs:push(nil)
    streams.run()
    assert.equal("W(aa) r.pause", log.take())
    sink.answer()
    streams.run()
    assert.equal("w.drain r.resume W(bb) r.pause", log.take())
    sink.answer()
    streams.run()
    assert.equal("w.drain r.resume W(c) r.end r.close", log.take())
    sink.answer()
    streams.run()
    assert.equal("w.finish r.pause w.unpipe w.close", log.take())
  end)

  it("leaves the destination open with end_ = false", function()
    open()
    rs:pipe(ws, { end_ = false })
    rs:push "a"
    rs:push(nil)
    streams.run()
    assert.is_true(ws:writable())
    assert.equal("w.pipe r.resume W(a) r.end r.pause w.unpipe r.close", log.take())
  end)

  it("ends the destination of a source that has ended before [P-005]", function()
    open { auto_destroy = false }
    rs:push(nil)
    rs:resume()
    streams.run()
    log.take()
    rs:pipe(ws)
    streams.run()
    assert.equal("w.pipe w.finish r.pause w.unpipe w.close", log.take())
  end)

  it("tells an error that the destination's hook raises, and what it raised later", function()
    open()
    local raises = weir.writable { write = function(_, _, done)
      done()
      error "behind its answer"
    end }
    local heard
    raises:on("error", function(err) heard = tostring(err) end)
    rs:pipe(raises)
    rs:push "a"
    streams.run()
    assert.matches("behind its answer", heard)
    assert.is_true(raises:destroyed())
  end)

  it("may be undone, corked, or come to an end within the destination's hook", function()
    for _, act in ipairs {
      function(target) rs:unpipe(target) end,
      function(target) target:cork() target:uncork() end,
      function(target) target:destroy() end,
      function() rs:push(nil) end,
    } do
      open()
      local got = {}
      local target = weir.writable { write = function(self, chunk, done)
        got[#got + 1] = chunk
        if #got == 1 then act(self) end
        done()
      end }
      rs:pipe(target)
      rs:push "a"
      rs:push "b"
      streams.run()
      assert.equal("a", got[1])
      assert.is_true(#got <= 2)
    end
  end)

  it("into a corked destination queues, and drains when it is uncorked", function()
    open(nil, { high_water_mark = 2 })
    ws:cork()
    rs:pipe(ws)
    log.take()
    for chunk in ("abc"):gmatch "." do rs:push(chunk) end
    streams.run()
    assert.equal(2, ws:writable_length())
    ws:uncork()
    rs:push(nil)
    streams.run()
    assert.is_true(ws:writable_finished())
    assert.matches("W%(a%).*W%(b%).*W%(c%)", log.take())
  end)

  it("starts a source that was paused [PI-004]", function()
    open()
    rs:pause()
    rs:push "a"
    rs:pipe(ws)
    streams.run()
    assert.equal("r.pause w.pipe r.resume W(a)", log.take())
  end)

  it("into a full destination begins paused [P-018]", function()
    open(nil, { high_water_mark = 1, write = "later" })
    ws:write "x"
    log.take()
    rs:pipe(ws)
    rs:push "a"
    streams.run()
    assert.equal("w.pipe r.pause r.resume", log.take())
    sink.answer()
    streams.run()
    assert.equal("w.drain r.resume W(a) r.pause", log.take())
  end)

  it("gives every chunk to every destination, at the pace of the slowest [P-007]", function()
    open({ only = { "pause", "resume" } }, { high_water_mark = 1, write = "later", only = {} })
    local other, other_sink = streams.writable(log, "v",
      { high_water_mark = 1, write = "later", only = {} })
    rs:pipe(ws)
    rs:pipe(other)
    rs:push "a"
    rs:push "b"
    streams.run()
    assert.equal("r.resume W(a) r.pause W(a)", log.take())
    sink.answer()
    streams.run()
    assert.equal("", log.take())
    other_sink.answer()
    streams.run()
    assert.equal("r.resume W(b) r.pause W(b)", log.take())
  end)

  it("to the same destination twice writes twice; each unpipe undoes one [P-008]", function()
    open()
    rs:pipe(ws)
    rs:pipe(ws)
    assert.equal(2, rs:listener_count "data")
    rs:push "a"
    streams.run()
    assert.equal("aa", sink.text())
    rs:unpipe(ws)
    assert.equal(1, rs:listener_count "data")
    rs:unpipe(ws)
    assert.equal(0, rs:listener_count "data")
  end)

  it("does not destroy or end the destination when the source fails (C-12)", function()
    open()
    rs:pipe(ws)
    rs:destroy "E"
    streams.run()
    assert.is_true(ws:writable())
  end)

  it("is undone when the destination fails, and the failure is heard", function()
    open(nil, { write = "later" })
    rs:pipe(ws)
    rs:push "a"
    streams.run()
    log.take()
    sink.answer "E"
    streams.run()
    assert.equal("r.pause w.unpipe w.error(E) w.close", log.take())
    assert.is_false(rs:destroyed())
  end)

  it("does not hide a failure that nobody else listens to [P-031]", function()
    rs = weir.readable { read = function() end }
    ws = weir.writable { write = function(_, _, done) done "E" end }
    rs:pipe(ws)
    rs:push "a"
    local ok, err = pcall(weir.run, "nowait")
    assert.is_false(ok)
    assert.equal("E", err)
    streams.settle()
  end)

  it("goes on by hand, with the destination asked again [P-020]", function()
    open(nil, { high_water_mark = 1, write = "later", only = {} })
    rs:pipe(ws)
    rs:push "a"
    rs:push "b"
    streams.run()
    log.take()
    rs:resume()
    streams.run()
    assert.equal("r.resume r.pause", log.take())
    assert.equal(2, ws:writable_length())
  end)

  it("may be piped to itself, when it is a transform [PI-008]", function()
    local count = 0
    local loop = weir.transform { transform = function(_, chunk, done)
      count = count + 1
      done(nil, count < 3 and chunk or nil)
    end }
    loop:pipe(loop)
    loop:write "a"
    streams.run()
    assert.equal(3, count)
  end)

  it("refuses what cannot be read, and raises for what cannot be written", function()
    open()
    ws:on("error", log.cb "heard")
    assert.is_nil((ws:pipe(ws)))
    streams.run()
    assert.matches("heard%(CANNOT_PIPE%)", log.take())
    assert.has_error(function() rs:pipe() end,
      "bad argument #1 to 'pipe' (stream expected, got nil)")
    assert.has_error(function() rs:pipe {} end)
    assert.has_error(function() rs:pipe(weir.readable()) end)
    local target = weir.writable { write = function() end }
    assert.has_error(function() rs:pipe(target, 5) end)
    assert.has_error(function() rs:pipe(target, { ["end"] = false }) end,
      "bad argument #2 to 'pipe' (unknown option 'end', did you mean 'end_'?)")
    assert.equal(0, rs:listener_count "data")
  end)
end)

describe("unpipe", function()
  before_each(streams.settle)

  it("of all pauses the source, and what comes stays buffered [P-010]", function()
    local log = streams.new_log()
    local rs = streams.readable(log, "r")
    local ws = streams.writable(log, "w")
    local vs = streams.writable(log, "v")
    rs:pipe(ws)
    rs:pipe(vs)
    streams.run()
    log.take()
    assert.equal(rs, rs:unpipe())
    assert.equal("r.pause w.unpipe v.unpipe", log.take())
    rs:push "a"
    streams.run()
    assert.equal(1, rs:readable_length())
    assert.equal(0, rs:listener_count "data")
  end)

  it("of a stream it is not piped to does nothing [P-009]", function()
    local log = streams.new_log()
    local rs, ws = streams.readable(log, "r"), streams.writable(log, "w")
    assert.equal(rs, rs:unpipe(ws))
    assert.equal(rs, rs:unpipe())
    assert.equal("", log.take())
  end)

  it("of the slow one of two lets the source go on", function()
    local log = streams.new_log()
    local rs = streams.readable(log, "r", { only = {} })
    local slow = streams.writable(log, "w", { high_water_mark = 1, write = "later", only = {} })
    local quick, fast = streams.writable(nil, "v")
    rs:pipe(slow)
    rs:pipe(quick)
    rs:push "a"
    rs:push "b"
    streams.run()
    assert.equal("a", fast.text())
    rs:unpipe(slow)
    assert.is_true(rs:readable_flowing())
    streams.run()
    assert.equal("ab", fast.text())
  end)
end)

describe("a chunk that the destination refuses", function()
  before_each(streams.settle)

  -- A readable piped into a sink of little room, which answers on a tick.
  local function pipe(max_buffered, options)
    local rs = weir.readable { read = function() end, object_mode = options and options.objects }
    local got = {}
    local ws = weir.writable {
      high_water_mark = max_buffered, max_buffered = max_buffered,
      object_mode = options and options.objects,
      write = function(_, chunk, done)
        got[#got + 1] = tostring(chunk)
        weir.next_tick(done)
      end,
    }
    return rs, ws, got
  end

  it("is kept and offered again: nothing is lost or reordered (C-09)", function()
    local rs, ws, got = pipe(10)
    local sent = {}
    for i = 1, 50 do
      local chunk = string.char(96 + i % 26 + 1):rep(1 + i * 7 % 10)
      sent[i] = chunk
      rs:push(chunk)
    end
    rs:push(nil)
    rs:pipe(ws)
    weir.run()
    assert.equal(table.concat(sent), table.concat(got))
    assert.is_true(ws:writable_finished())
    assert.is_true(ws:stats().peak_buffered <= 10)
  end)

  it("is cut when it is larger than all the room there is", function()
    local rs, ws, got = pipe(4)
    rs:push "abcdefghij"
    rs:push "k"
    rs:push(nil)
    weir.pipeline(rs, ws, function(err) got.err = err or "none" end)
    weir.run()
    assert.equal("none", got.err)
    assert.equal("abcdefghijk", table.concat(got))
  end)

  it("goes back to the source when the pipe is undone", function()
    local log = streams.new_log()
    local rs = streams.readable(log, "r")
    local ws = streams.writable(log, "w",
      { high_water_mark = 4, max_buffered = 4, write = "later" })
    ws:write "xyz"
    rs:push "ab"
    rs:push "cd"
    rs:pipe(ws)
    streams.run()
    assert.equal(2, rs:readable_length())
    rs:unpipe(ws)
    assert.equal("abcd", rs:read())
  end)

  it("that never goes in is the end of the destination", function()
    local rs, ws = pipe(0, { objects = true })
    local failure
    ws:on("error", function(err) failure = err end)
    rs:push { 1 }
    rs:pipe(ws)
    weir.run()
    assert.equal("ENOBUFS", failure.code)
    assert.is_true(ws:destroyed())
  end)

  it("waits in front of those that come meanwhile, when the source is resumed by hand", function()
    local rs, ws, got = pipe(4)
    ws:write "xyz"
    rs:pipe(ws)
    rs:push "ab"
    rs:push "cd"
    streams.run()
    rs:resume()
    rs:push "ef"
    rs:push(nil)
    weir.run()
    assert.equal("xyzabcdef", table.concat(got))
  end)
end)
