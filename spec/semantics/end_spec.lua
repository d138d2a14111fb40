local weir = require "weir"
local support = require "spec.semantics.support"

describe("end_", function()
  before_each(support.settle)

  it("finishes and closes a stream that was never written to", function()
    local ws, log = support.stream()
    ws:end_(log.cb "end")
    log.add("|")
    support.run()
    assert.equal("prefinish | end finish close", log.take())
  end)

  it("finishes after it returned, so that a listener added then still hears it [W-090]", function()
    local ws = support.stream()
    local heard = 0
    ws:end_()
    ws:on("finish", function() heard = heard + 1 end)
    support.run()
    assert.equal(1, heard)
  end)

  it("returns the stream, however it is called", function()
    local function done() end
    local ways = {
      function(ws) return ws:end_() end,
      function(ws) return ws:end_("a") end,
      function(ws) return ws:end_(done) end,
      function(ws) return ws:end_("a", done) end,
      function(ws) return ws:destroy():end_() end,
    }
    for _, way in ipairs(ways) do
      local ws = support.stream { write = "now" }
      assert.equal(ws, way(ws))
    end
  end)

  it("never calls the sink when there is no chunk [W-007]", function()
    local ws, log = support.stream()
    ws:end_()
    assert.is_false(ws:writable())
    support.run()
    assert.equal("prefinish finish close", log.take())
  end)

  it("writes its chunk last and calls back once, before `finish` [W-110]", function()
    local ws, log, sink = support.stream()
    ws:write("a", log.cb "a")
    ws:end_("z", log.cb "end")
    sink.answer()
    sink.answer()
    support.run()
    assert.equal("write(a) write(z) a prefinish end finish close", log.take())
  end)

  it("calls back after the callbacks of the writes [W-110]", function()
    local ws, log = support.stream { write = "now" }
    ws:write("a", log.cb "a")
    ws:end_(log.cb "end")
    support.run()
    assert.equal("write(a) prefinish a end finish close", log.take())
  end)

  it("takes nil for no chunk [X-019]", function()
    local ws, log = support.stream()
    ws:end_(nil, log.cb "end")
    support.run()
    assert.equal("prefinish end finish close", log.take())
    ws, log = support.stream()
    ws:end_(nil)
    support.run()
    assert.equal("prefinish finish close", log.take())
  end)

  it("gives its callback exactly one nil when all went well", function()
    local ws = support.stream()
    local count, err
    ws:end_(function(...) count, err = select("#", ...), (...) end)
    support.run()
    assert.equal(1, count)
    assert.is_nil(err)
  end)

  it("may be called again before the finish: every callback is told, in order [X-020]", function()
    local ws, log = support.stream()
    ws:end_(log.cb "1")
    ws:end_()
    ws:end_(log.cb "2")
    support.run()
    assert.equal("prefinish 1 2 finish close", log.take())
  end)

  it("tells its callbacks before a `finish` listener that was there earlier [X-020]", function()
    local ws, log = support.stream()
    ws:once("finish", function() log.add "earlier" end)
    ws:end_(log.cb "1")
    support.run()
    assert.equal("prefinish 1 finish earlier close", log.take())
  end)

  it("calls both callbacks of two end_(), and a third in `finish` hears it was late [W-111]",
    function()
      local ws, log = support.stream { write = "tick" }
      ws:on("finish", function()
        ws:end_(log.cb "3")
        log.add("|")
      end)
      ws:end_("a", log.cb "1")
      ws:end_(log.cb "2")
      support.run()
      local text = log.take()
      assert.matches("^write%(a%) prefinish 1 2 finish | ", text)
      assert.matches(" 3%(ALREADY_FINISHED%)", text)
    end)

  it("on a finished stream tells only its callback, on a tick, and nobody else [X-021]", function()
    local ws, log = support.stream()
    ws:end_()
    support.run()
    log.take()
    ws:end_(log.cb "late")
    ws:end_()
    log.add("|")
    support.run()
    assert.equal("| late(ALREADY_FINISHED)", log.take())
  end)

  it("after a destroy() in `finish` says the stream was finished [W-117]", function()
    local ws, log = support.stream()
    ws:on("finish", function()
      ws:destroy()
      ws:end_(log.cb "late")
      log.add("|")
    end)
    ws:end_()
    support.run()
    assert.equal("prefinish finish | close late(ALREADY_FINISHED)", log.take())
  end)

  it("with a chunk after end_() is an error to every callback, and no chunk is written [W-114]",
    function()
      local ws, log = support.stream { write = "now" }
      ws:end_("a", log.cb "1")
      ws:end_(log.cb "2")
      assert.is_false(ws:destroyed())
      assert.is_true(ws:writable_ended())
      ws:end_("b", log.cb "3")
      assert.is_true(ws:destroyed())
      support.run()
      local text = log.take()
      for i = 1, 3 do assert.matches(i .. "%(WRITE_AFTER_END%)", text) end
      assert.matches("error%(WRITE_AFTER_END%) close", text)
      assert.is_nil(text:find(" finish", 1, true))
      assert.is_nil(text:find("write(b)", 1, true))
    end)

  it("with a chunk after end_() is told before a tick queued afterwards [W-115]", function()
    local ws, log = support.stream { write = "now" }
    ws:end_("a")
    ws:end_("b")
    log.tick "t"
    support.run()
    assert.equal("write(a) prefinish error(WRITE_AFTER_END) close t", log.take())
  end)

  it("with a chunk after end_() tells the first end_() once its chunk is answered", function()
    local ws, log, sink = support.stream()
    ws:end_("a", log.cb "1")
    ws:end_("b", log.cb "2")
    support.run()
    assert.equal("write(a) error(WRITE_AFTER_END) close 2(WRITE_AFTER_END)", log.take())
    sink.answer()
    support.run()
    assert.equal("1(WRITE_AFTER_END)", log.take())
  end)

  it("with a chunk after `finish`, without auto_destroy, is a write after the end [X-023]",
    function()
      local ws, log = support.stream { auto_destroy = false }
      ws:end_()
      support.run()
      log.take()
      ws:end_("a", log.cb "late")
      support.run()
      local text = log.take()
      assert.matches("error%(WRITE_AFTER_END%)", text)
      assert.matches("late%(WRITE_AFTER_END%)", text)
    end)

  it("inside the callback of a write begins the end at once", function()
    local ws, log = support.stream { write = "now" }
    ws:write("a", function()
      log.add("a")
      ws:end_(log.cb "end")
      log.tick "t"
    end)
    support.run()
    assert.equal("write(a) a prefinish end finish t close", log.take())
  end)

  it("inside the first of several callbacks shares the tick with the others", function()
    local ws, log = support.stream { write = "now" }
    local calls = 0
    local function shared()
      calls = calls + 1
      log.add("cb" .. calls)
      if calls == 1 then ws:end_(log.cb "end") end
    end
    for _ = 1, 3 do ws:write("x", shared) end
    log.take()
    support.run()
    assert.equal("cb1 prefinish cb2 cb3 end finish close", log.take())
  end)

  it("inside the sink waits for the sink's answer", function()
    local log = support.new_log()
    local ws = weir.writable { write = function(self, _, done)
      self:end_(log.cb "end")
      log.add(self:writable_ended())
      done()
    end }
    ws:on("prefinish", log.cb "prefinish")
    ws:write("a", log.cb "a")
    support.run()
    assert.equal("true a prefinish end", log.take())
  end)

  describe("tells its callback about a failure:", function()
    it("the error of a write that was in the sink, after that write [W-112]", function()
      local ws, log, sink = support.stream()
      ws:write("a", log.cb "a")
      ws:write("b", log.cb "b")
      ws:end_(log.cb "1")
      ws:end_(log.cb "2")
      sink.answer("X")
      assert.equal("write(a) a(X) b(X) 1(X) 2(X)", log.take())
      support.run()
      assert.equal("error(X) close", log.take())
    end)

    it("the error of a write that failed before end_() was called", function()
      local ws, log = support.stream { write = "now:X" }
      ws:write("a", log.cb "a")
      ws:end_(log.cb "end")
      assert.is_false(ws:writable_ended())
      support.run()
      assert.equal("write(a) a(X) end(X) error(X) close", log.take())
    end)

    it("ERR_STREAM_DESTROYED when that failure has destroyed the stream meanwhile", function()
      local ws, log, sink = support.stream()
      ws:write("a")
      sink.answer("X")
      support.run()
      ws:end_(log.cb "end")
      support.run()
      assert.equal("write(a) error(X) close end(DESTROYED)", log.take())
    end)

    it("the failure itself without auto_destroy, on a tick [X-011]", function()
      local ws, log, sink = support.stream { auto_destroy = false }
      ws:write("a")
      sink.answer("X")
      support.run()
      log.take()
      ws:end_(log.cb "end")
      log.add("|")
      support.run()
      assert.equal("| end(X)", log.take())
    end)

    it("a write after the end, without auto_destroy, before `error`", function()
      local ws, log = support.stream { auto_destroy = false }
      ws:end_(log.cb "end")
      ws:write("a", log.cb "a")
      support.run()
      assert.equal("prefinish a(WRITE_AFTER_END) end(WRITE_AFTER_END) error(WRITE_AFTER_END)",
        log.take())
    end)

    it("ERR_STREAM_DESTROYED for a destroy() before the finish, before `close` [X-026]", function()
      local ws, log = support.stream()
      ws:end_(log.cb "end")
      ws:destroy()
      support.run()
      assert.equal("prefinish end(DESTROYED) close", log.take())
    end)

    it("the error of a destroy(err) before the finish, before `error`", function()
      local ws, log = support.stream()
      ws:end_(log.cb "end")
      ws:destroy("D")
      support.run()
      assert.equal("prefinish end(D) error(D) close", log.take())
    end)

    it("the error of a destroy(err) while its chunk was in the sink [W-118]", function()
      local ws, log, sink = support.stream()
      ws:end_("a", log.cb "end")
      ws:destroy("D")
      support.run()
      assert.equal("write(a) error(D) close", log.take())
      sink.answer()
      support.run()
      assert.equal("end(D)", log.take())
    end)

    it("once, however often the stream is destroyed [W-119]", function()
      local ws, log = support.stream()
      ws:end_(log.cb "end")
      ws:destroy()
      ws:destroy()
      support.run()
      assert.equal("prefinish end(DESTROYED) close", log.take())
    end)

    it("ERR_STREAM_DESTROYED, not the error, after destroy(err)", function()
      local ws, log = support.stream()
      ws:destroy("D")
      ws:end_(log.cb "end")
      support.run()
      assert.equal("error(D) close end(DESTROYED)", log.take())
    end)

    it("ERR_STREAM_DESTROYED in an `error` listener, asynchronously [W-116]", function()
      local ws, log = support.stream()
      ws:on("error", function()
        ws:end_(log.cb "end")
        log.add("|")
      end)
      ws:destroy("D")
      support.run()
      local text = log.take()
      assert.matches("^error%(D%) | ", text)
      assert.matches(" end%(DESTROYED%)", text)
    end)

    it("ERR_STREAM_DESTROYED for a chunk after destroy(), and end_() did not happen", function()
      local ws, log = support.stream()
      ws:destroy()
      ws:end_("a", log.cb "end")
      assert.is_false(ws:writable_ended())
      support.run()
      assert.equal("close end(DESTROYED)", log.take())
    end)

    it("ERR_STREAM_DESTROYED to the callback of every end_() after destroy()", function()
      local ws, log = support.stream()
      ws:destroy()
      ws:end_(log.cb "1")
      ws:end_(log.cb "2")
      support.run()
      assert.equal("close 1(DESTROYED) 2(DESTROYED)", log.take())
    end)
  end)

  it("with a bad chunk raises, does not end the stream and calls nobody back [X-018]", function()
    local ws, log = support.stream { write = "now" }
    local ok = pcall(function() ws:end_({}, log.cb "end") end)
    assert.is_false(ok)
    assert.is_false(ws:writable_ended())
    support.run()
    assert.equal("", log.take())
    assert.is_true(ws:write("still open"))
  end)

  it("without auto_destroy stops at `finish`: no `close`", function()
    local ws, log = support.stream { auto_destroy = false, destroy = "now" }
    ws:end_()
    support.run()
    assert.equal("prefinish finish", log.take())
    assert.is_false(ws:destroyed())
    assert.is_false(ws:closed())
  end)

  it("without emit_close closes in silence", function()
    local ws, log = support.stream { emit_close = false, destroy = "now" }
    ws:end_()
    support.run()
    assert.equal("prefinish finish destroy", log.take())
    assert.is_true(ws:closed())
  end)

  it("calls the destroy hook on the tick of `finish`, once, and `close` a tick later [W-170]",
    function()
      local ws, log = support.stream { write = "now", destroy = "now" }
      ws:on("finish", function() log.tick "t" end)
      ws:write("a")
      ws:write("b")
      ws:end_()
      support.run()
      assert.equal("write(a) write(b) prefinish finish destroy t close", log.take())
    end)
end)
