local weir = require "weir"
local support = require "spec.semantics.support"

describe("the final hook", function()
  before_each(support.settle)

  it("is called by end_() itself when nothing is pending, `prefinish` with it [W-092]", function()
    local ws, log = support.stream { write = "now", final = "now", destroy = "now" }
    ws:end_("z", log.cb "end")
    log.add("|")
    support.run()
    assert.equal("write(z) final prefinish | end finish destroy close", log.take())
  end)

  it("gets the stream and done, once [W-093]", function()
    local calls, self_, done_, extra = 0, nil, nil, nil
    local ws = weir.writable {
      write = function(_, _, done) done() end,
      final = function(self, done, ...)
        calls, self_, done_, extra = calls + 1, self, done, select("#", ...)
      end,
    }
    ws:end_()
    ws:end_()
    support.run()
    assert.equal(1, calls)
    assert.equal(ws, self_)
    assert.equal("function", type(done_))
    assert.equal(0, extra)
  end)

  it("holds `prefinish` and `finish` back until it has answered [W-093]", function()
    local ws, log, sink = support.stream { final = "later" }
    ws:end_(log.cb "end")
    support.run()
    assert.equal("final", log.take())
    sink.answer_final()
    assert.equal("prefinish", log.take())
    support.run()
    assert.equal("end finish close", log.take())
  end)

  it("may answer on a tick [W-094]", function()
    local ws, log = support.stream { final = "tick" }
    ws:end_(log.cb "end")
    support.run()
    assert.equal("final prefinish end finish close", log.take())
  end)

  it("waits for the answer to every write", function()
    local ws, log, sink = support.stream { final = "now" }
    ws:write("a", log.cb "a")
    ws:end_(log.cb "end")
    support.run()
    assert.equal("write(a)", log.take())
    sink.answer()
    support.run()
    assert.equal("a final prefinish end finish close", log.take())
  end)

  it("does not wait for the callbacks of writes answered at once, `finish` does", function()
    local ws, log = support.stream { write = "now", final = "now" }
    ws:write("a", log.cb "a")
    ws:end_(log.cb "end")
    log.add("|")
    support.run()
    assert.equal("write(a) final prefinish | a end finish close", log.take())
  end)

  it("waits for construction [W-184]", function()
    local ws, log = support.stream { construct = "tick", final = "now" }
    ws:end_()
    assert.equal("", log.take())
    support.run()
    assert.equal("construct final prefinish finish close", log.take())
  end)

  it("is never called on a destroyed stream", function()
    local ws, log, sink = support.stream { final = "now" }
    ws:write("a")
    ws:end_()
    ws:destroy()
    sink.answer()
    support.run()
    assert.equal("write(a) close", log.take())
  end)

  it("is never called after a failed write [W-104]", function()
    local ws, log, sink = support.stream { final = "now" }
    ws:write("a")
    ws:end_(log.cb "end")
    sink.answer("X")
    support.run()
    assert.equal("write(a) end(X) error(X) close", log.take())
  end)

  it("is not called by anything but the end", function()
    local ws, log = support.stream { write = "now", final = "now" }
    ws:write("a")
    support.run()
    ws:destroy()
    support.run()
    assert.equal("write(a) close", log.take())
  end)

  it("that fails late tells the callback of end_(), then `error`, then `close` [X-029]", function()
    local ws, log, sink = support.stream { final = "later" }
    ws:end_(log.cb "end")
    sink.answer_final("F")
    assert.equal("final end(F)", log.take())
    support.run()
    assert.equal("error(F) close", log.take())
  end)

  it("that fails at once tells `error` and `close`, then the callback of end_() [X-029]",
    function()
      local ws, log = support.stream { final = "now:F" }
      ws:end_(log.cb "end")
      log.add("|")
      support.run()
      assert.equal("final | error(F) close end(F)", log.take())
    end)

  it("that raises fails with what it raised, `error` once [W-095]", function()
    local log = support.new_log()
    local ws = weir.writable { final = function() error("F", 0) end }
    ws:on("error", log.cb "error"):on("close", log.cb "close"):on("finish", log.cb "finish")
    ws:end_(log.cb "end")
    support.run()
    assert.equal("error(F) close end(F)", log.take())
  end)

  it("that raises a table passes that table on", function()
    local problem, got = {}, {}
    local ws = weir.writable { final = function() error(problem) end }
    ws:on("error", function(err) got[1] = err end)
    ws:end_(function(err) got[2] = err end)
    support.run()
    assert.equal(problem, got[1])
    assert.equal(problem, got[2])
    assert.equal(problem, ws:errored())
  end)

  it("that fails leaves no `prefinish` and no `finish`, after a late write too [W-098]", function()
    local ws, log = support.stream { write = "tick", final = "tick:F" }
    ws:write("a", log.cb "a")
    ws:end_(log.cb "end")
    support.run()
    assert.equal("write(a) a final end(F) error(F) close", log.take())
  end)

  it("that fails is told once, whatever its `error` listener does [W-097]", function()
    local ws, log = support.stream { final = "now:F" }
    ws:on("error", function() ws:destroy("again") end)
    ws:end_()
    support.run()
    assert.equal("final error(F) close", log.take())
    assert.equal("F", ws:errored())
  end)

  it("that fails without auto_destroy tells end_() and `error`, and closes nothing [X-030]",
    function()
      local ws, log, sink = support.stream { final = "later", auto_destroy = false }
      ws:end_(log.cb "end")
      sink.answer_final("F")
      assert.equal("final end(F) error(F)", log.take())
      support.run()
      assert.equal("", log.take())
      assert.is_false(ws:destroyed())
    end)

  it("that fails at once without auto_destroy tells `error` on a tick, then end_()", function()
    local ws, log = support.stream { final = "now:F", auto_destroy = false }
    ws:end_(log.cb "end")
    log.add("|")
    support.run()
    assert.equal("final | error(F) end(F)", log.take())
  end)

  it("answered after destroy(err) is ignored; the callback of end_() had the error [X-027]",
    function()
      local ws, log, sink = support.stream { final = "later" }
      ws:end_(log.cb "end")
      ws:destroy("D")
      support.run()
      assert.equal("final end(D) error(D) close", log.take())
      sink.answer_final("late")
      support.run()
      assert.equal("", log.take())
      assert.equal("D", ws:errored())
    end)

  it("that never answers leaves end_() to destroy(err) [W-120]", function()
    local ws, log = support.stream { final = "never" }
    ws:end_(log.cb "end")
    support.run()
    assert.equal("final", log.take())
    ws:destroy("D")
    support.run()
    assert.equal("end(D) error(D) close", log.take())
  end)

  it("with end_() and destroy() in one turn: no `finish`, one `close` [W-096]", function()
    local ws, log = support.stream { final = "tick" }
    ws:end_(log.cb "end")
    ws:destroy()
    support.run()
    assert.equal("final end(DESTROYED) close", log.take())
  end)

  it("answering twice at once finishes, then errs [X-028]", function()
    local log = support.new_log()
    local ws = weir.writable { final = function(_, done)
      done()
      done()
    end }
    for _, event in ipairs { "prefinish", "error", "close" } do ws:on(event, log.cb(event)) end
    ws:end_(log.cb "end")
    support.run()
    local text = log.take()
    assert.matches("^prefinish ", text)
    assert.matches("error%(MULTIPLE_CALLBACK%) close", text)
    assert.matches("end%(MULTIPLE_CALLBACK%)", text)
  end)

  it("answering again after `finish`, without auto_destroy, errs inside that answer", function()
    local log, answer = support.new_log(), nil
    local ws = weir.writable { auto_destroy = false, final = function(_, done)
      answer = done
      done()
    end }
    ws:on("finish", log.cb "finish"):on("error", log.cb "error")
    ws:end_()
    support.run()
    assert.equal("finish", log.take())
    answer()
    assert.equal("error(MULTIPLE_CALLBACK)", log.take())
  end)
end)

describe("prefinish and finish", function()
  before_each(support.settle)

  it("prefinish comes inside end_() when nothing is pending [W-091]", function()
    local ws, log = support.stream()
    ws:end_()
    assert.equal("prefinish", log.take())
  end)

  it("finish comes after every callback of a write [W-099]", function()
    local ws, log = support.stream { write = { "now", "tick", "now" } }
    for i = 1, 3 do ws:write("x", log.cb(i)) end
    ws:end_()
    support.run()
    assert.matches("1 .*2 .*3 .*finish close$", (log.take():gsub("write%(x%) ", "")))
  end)

  it("finish comes once", function()
    local ws, log = support.stream { auto_destroy = false }
    ws:end_()
    support.run()
    ws:end_()
    ws:destroy()
    support.run()
    assert.equal("prefinish finish close", log.take())
  end)

  it("finish never comes when destroyed with a write in the sink, answered in `close` [W-101]",
    function()
      local ws, log, sink = support.stream()
      ws:on("close", function() sink.answer() end)
      ws:end_("a")
      ws:destroy()
      support.run()
      assert.equal("write(a) close", log.take())
    end)

  it("finish never comes to an end_() in `close` [W-102]", function()
    local ws, log, sink = support.stream()
    ws:on("close", function()
      sink.answer()
      ws:end_()
    end)
    ws:write("a")
    ws:destroy()
    support.run()
    assert.equal("write(a) close", log.take())
  end)

  it("finish never comes after end_() and destroy() in one turn [W-103]", function()
    local ws, log = support.stream()
    ws:end_()
    ws:destroy()
    support.run()
    assert.equal("prefinish close", log.take())
  end)

  it("neither comes after a failed write, whenever it fails [W-104]", function()
    for _, mode in ipairs { "now:X", "tick:X" } do
      local ws, log = support.stream { write = mode }
      ws:end_("a")
      support.run()
      assert.equal("write(a) error(X) close", log.take())
    end
  end)

  it("a write in `prefinish` is an error, and finish never comes [W-105]", function()
    local ws, log = support.stream()
    ws:on("prefinish", function() ws:write("late", log.cb "late") end)
    ws:end_(log.cb "end")
    support.run()
    local text = log.take()
    assert.matches("late%(WRITE_AFTER_END%)", text)
    assert.matches("end%(WRITE_AFTER_END%)", text)
    assert.matches("error%(WRITE_AFTER_END%) close", text)
    assert.is_nil(text:find(" finish", 1, true))
  end)

  it("a write in `finish` is an error once [W-106]", function()
    local ws, log = support.stream()
    ws:on("finish", function() ws:write("late", log.cb "late") end)
    ws:end_(log.cb "end")
    support.run()
    assert.equal(
      "prefinish end finish late(WRITE_AFTER_END) error(WRITE_AFTER_END) close", log.take())
  end)

  it("an `error` that the user emits in finish does not call end_()'s callback again [W-113]",
    function()
      local ws, log = support.stream()
      ws:on("finish", function() ws:emit("error", "mine") end)
      ws:end_(log.cb "end")
      support.run()
      assert.equal("prefinish end finish error(mine) close", log.take())
    end)

  it("destroy(err) in finish is an error after a success", function()
    local ws, log = support.stream { destroy = "now" }
    ws:on("finish", function() ws:destroy("D") end)
    ws:end_(log.cb "end")
    support.run()
    assert.equal("prefinish end finish destroy(D) error(D) close", log.take())
    assert.is_true(ws:writable_finished())
  end)
end)
