local weir = require "weir"
local streams = require "spec.semantics.stream_support"

describe("finished", function()
  before_each(streams.settle)

  local log
  local function watch(stream, options)
    return weir.finished(stream, options or {}, log.cb "said")
  end
  local function readable(options)
    log = streams.new_log()
    return streams.readable(log, "r", options)
  end
  local function writable(options)
    log = streams.new_log()
    return streams.writable(log, "w", options)
  end

  it("says so at `close` of what was read to its end", function()
    local rs = readable()
    watch(rs)
    rs:push(nil)
    rs:resume()
    streams.run()
    assert.equal("r.resume r.end r.close said", log.take())
  end)

  it("says so at `end` when no close will come", function()
    local rs = readable { auto_destroy = false }
    watch(rs)
    rs:push(nil)
    rs:resume()
    streams.run()
    assert.equal("r.resume r.end said", log.take())
  end)

  it("says so at `close` of what was written", function()
    local ws = writable()
    watch(ws)
    ws:end_ "a"
    streams.run()
    assert.equal("W(a) w.prefinish w.finish w.close said", log.take())
  end)

  it("calls it premature when it was destroyed before [F-008]", function()
    local ws = writable { write = "later" }
    watch(ws)
    ws:end_ "a"
    ws:destroy()
    streams.run()
    assert.equal("W(a) w.close said(PREMATURE_CLOSE)", log.take())
  end)

  it("does not call that a success which ended and never finished (C-01)", function()
    local ws = writable()
    watch(ws)
    ws:end_()
    ws:destroy()
    streams.run()
    assert.equal("w.prefinish w.close said(PREMATURE_CLOSE)", log.take())
  end)

  it("tells the error, once", function()
    local ws = writable()
    watch(ws)
    ws:destroy "E"
    streams.run()
    assert.equal("w.error(E) said(E) w.close", log.take())
  end)

  it("tells it at `close` with error = false", function()
    local ws = writable()
    watch(ws, { error = false })
    ws:destroy "E"
    streams.run()
    assert.equal("w.error(E) w.close said(E)", log.take())
  end)

  it("tells unread data of a destroyed stream as premature; an empty one is through [F-012]",
    function()
      for _, chunk in ipairs { "a", "" } do
        local rs = readable()
        watch(rs)
        rs:push(chunk)
        rs:push(nil)
        rs:destroy()
        streams.run()
        assert.equal(chunk == "a" and "r.close said(PREMATURE_CLOSE)" or "r.close said",
          log.take())
      end
    end)

  it("of a duplex waits for both sides, or for the one that is meant [F-013]", function()
    log = streams.new_log()
    local d = streams.watch(log, "d", weir.passthrough())
    watch(d)
    weir.finished(d, { readable = false }, log.cb "written")
    weir.finished(d, { writable = false }, log.cb "read")
    d:end_ "a"
    streams.run()
    assert.equal("d.prefinish d.finish written", log.take())
    d:resume()
    streams.run()
    assert.equal("d.resume d.end read d.close said", log.take())
  end)

  it("of what is over already answers on a tick", function()
    local ws = writable()
    ws:end_()
    streams.run()
    log.take()
    watch(ws)
    assert.equal("", log.take())
    streams.run()
    assert.equal("said", log.take())
    ws = writable()
    ws:destroy "E"
    streams.run()
    log.take()
    watch(ws)
    streams.run()
    assert.equal("said(E)", log.take())
  end)

  it("can be taken back [F-006]", function()
    local ws = writable()
    local before = ws:listener_count "close"
    local cleanup = watch(ws)
    cleanup()
    assert.equal(before, ws:listener_count "close")
    ws:end_()
    streams.run()
    assert.equal("w.prefinish w.finish w.close", log.take())
  end)

  it("raises for what is no stream, option or function [F-005]", function()
    local ws = writable()
    local function nothing() end
    assert.has_error(function() weir.finished({}, nothing) end,
      "bad argument #1 to 'finished' (stream expected, got table)")
    assert.has_error(function() weir.finished(ws) end)
    assert.has_error(function() weir.finished(ws, 5, nothing) end)
    assert.has_error(function() weir.finished(ws, { readable = 1 }, nothing) end)
    assert.has_error(function() weir.finished(ws, { writeable = true }, nothing) end)
    assert.has_error(function() weir.finished(ws, {}, "x") end,
      "bad argument #3 to 'finished' (function expected, got string)")
    assert.is_function(weir.finished(ws, nil, nothing))
  end)
end)
