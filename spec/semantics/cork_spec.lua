local weir = require "weir"
local support = require "spec.semantics.support"

describe("cork", function()
  before_each(support.settle)

  it("holds chunks back over any number of turns, uncork hands them over in order [W-070]",
    function()
      local ws, log = support.stream { write = "now" }
      ws:write("1")
      ws:cork()
      for _, chunk in ipairs { "2", "3", "4", "5" } do
        log.add(ws:write(chunk))
        support.run()
      end
      ws:uncork()
      assert.equal("write(1) true true true true write(2) write(3) write(4) write(5)", log.take())
      support.run()
      assert.equal("", log.take())
    end)

  it("ends with end_(), which hands everything over before it returns [W-071]", function()
    local ws, log = support.stream { write = "now" }
    ws:write("1")
    ws:cork()
    for _, chunk in ipairs { "2", "3" } do ws:write(chunk) end
    ws:end_()
    log.add("|")
    support.run()
    assert.equal("write(1) write(2) write(3) prefinish | finish close", log.take())
  end)

  it("counts its depth and lets go at 0 [W-072]", function()
    local ws, log, sink = support.stream { writev = true }
    ws:cork()
    ws:cork()
    ws:write("a")
    ws:uncork()
    assert.equal(1, ws:writable_corked())
    ws:write("b")
    assert.equal("", log.take())
    weir.next_tick(function() ws:uncork() end)
    support.run()
    assert.equal("writev(a,b)", log.take())
    assert.equal(0, ws:writable_corked())
    sink.answer()
    ws:cork()
    ws:write("c")
    ws:end_()
    assert.equal("write(c)", log.take())
    assert.equal(0, ws:writable_corked())
  end)

  it("is undone at any depth by end_() [X-046]", function()
    local ws, log = support.stream { write = "now", writev = true }
    for _ = 1, 3 do ws:cork() end
    ws:write("a")
    ws:write("b")
    ws:end_()
    assert.equal(0, ws:writable_corked())
    support.run()
    assert.equal("writev(a,b) prefinish finish close", log.take())
  end)

  it("does not stop a chunk that is already in the sink, nor its callback", function()
    local ws, log, sink = support.stream()
    ws:write("a", log.cb "a")
    ws:write("b", log.cb "b")
    ws:cork()
    sink.answer()
    assert.equal("write(a) a", log.take())
    ws:uncork()
    sink.answer()
    assert.equal("write(b) b", log.take())
  end)

  it("inside the sink does not interrupt a flush that has begun [X-045]", function()
    local log, corked = support.new_log(), false
    local ws = weir.writable { write = function(self, chunk, done)
      log.add(chunk)
      if not corked then
        corked = true
        self:cork()
      end
      done()
    end }
    ws:cork()
    for _, chunk in ipairs { "a", "b", "c" } do ws:write(chunk) end
    ws:uncork()
    assert.equal("a b c", log.take())
    ws:write("d")
    assert.equal("", log.take())
    ws:uncork()
    assert.equal("d", log.take())
  end)

  it("and uncork inside the sink hand nothing over before the sink answered", function()
    local log, done_ = support.new_log(), nil
    local ws = weir.writable { write = function(self, chunk, done)
      log.add(chunk)
      if chunk == "a" then
        self:cork()
        self:write("b")
        self:uncork()
      end
      done_ = done
    end }
    ws:write("a")
    assert.equal("a", log.take())
    done_()
    assert.equal("b", log.take())
  end)

  it("after end_() holds back what still waits, and so the finish, until uncork [X-044]",
    function()
      local ws, log, sink = support.stream()
      ws:write("a")
      ws:write("b", log.cb "b")
      ws:end_()
      ws:cork()
      sink.answer()
      support.run()
      assert.equal("write(a)", log.take())
      ws:uncork()
      assert.equal("write(b)", log.take())
      sink.answer()
      support.run()
      assert.equal("b prefinish finish close", log.take())
    end)

  it("after end_() with nothing left does not hold back the finish", function()
    local ws, log = support.stream { write = "now" }
    ws:end_("a")
    ws:cork()
    support.run()
    assert.equal("write(a) prefinish finish close", log.take())
  end)

  it("may be called on a destroyed stream, and uncork too", function()
    local ws, log = support.stream()
    ws:destroy()
    ws:cork()
    ws:cork()
    ws:uncork()
    assert.equal(1, ws:writable_corked())
    support.run()
    assert.equal("close", log.take())
  end)

  it("fails what it held back when the stream is destroyed [W-163]", function()
    local ws, log = support.stream { write = "now" }
    ws:cork()
    ws:write("a", log.cb "a")
    ws:uncork()
    ws:cork()
    ws:write("b", log.cb "b")
    ws:destroy()
    log.add(ws:write("c", log.cb "c"))
    ws:uncork()
    support.run()
    local text = log.take()
    assert.matches("^write%(a%) refused%(DESTROYED%) a ", text)
    assert.matches(" b%(DESTROYED%)", text)
    assert.matches(" c%(DESTROYED%)", text)
    assert.is_nil(text:find("error", 1, true))
  end)
end)
