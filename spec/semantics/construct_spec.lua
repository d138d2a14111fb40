local weir = require "weir"
local support = require "spec.semantics.support"

describe("the construct hook", function()
  before_each(support.settle)

  it("is called on the first tick, never inside the constructor", function()
    local _, log = support.stream { construct = "now" }
    assert.equal("", log.take())
    support.run()
    assert.equal("construct", log.take())
  end)

  it("gets the stream and done", function()
    local self_, done_, extra
    local ws = weir.writable { construct = function(self, done, ...)
      self_, done_, extra = self, done, select("#", ...)
      done()
    end }
    support.run()
    assert.equal(ws, self_)
    assert.equal("function", type(done_))
    assert.equal(0, extra)
  end)

  it("holds writes back until a tick after its answer", function()
    local ws, log, sink = support.stream { construct = "later", write = "now" }
    ws:write("a", log.cb "a")
    support.run()
    assert.equal("construct", log.take())
    sink.answer_construct()
    assert.equal("", log.take())
    support.run()
    assert.equal("write(a) a", log.take())
  end)

  it("takes effect a tick later even when it answers at once", function()
    local ws, log = support.stream { construct = "now", write = "now" }
    ws:write("a", log.cb "a")
    log.tick "t1"
    support.run()
    assert.equal("construct t1 write(a) a", log.take())
  end)

  it("comes before write, final and destroy, in that order [W-183]", function()
    local ws, log = support.stream {
      construct = "tick", write = "now", final = "now", destroy = "now",
    }
    ws:end_("a", log.cb "end")
    assert.is_true(ws:writable_ended())
    support.run()
    assert.equal("construct write(a) final prefinish end finish destroy close", log.take())
  end)

  it("comes before final when nothing was written [W-184]", function()
    local ws, log = support.stream { construct = "now", final = "now" }
    ws:end_()
    support.run()
    assert.equal("construct final prefinish finish close", log.take())
  end)

  it("lets a stream that ended without data finish on the same tick [X-041]", function()
    local ws, log, sink = support.stream { construct = "later" }
    ws:on("prefinish", function() log.tick "t" end)
    ws:end_(log.cb "end")
    support.run()
    sink.answer_construct()
    support.run()
    assert.equal("construct prefinish end finish t close", log.take())
  end)

  it("hands what was written meanwhile over as one batch", function()
    local ws, log, sink = support.stream {
      construct = "later", writev = true, write = "now", final = "now",
    }
    ws:write("a", log.cb "a")
    ws:write("b")
    ws:end_(log.cb "end")
    support.run()
    sink.answer_construct()
    support.run()
    assert.equal("construct writev(a,b) final prefinish a end finish close", log.take())
  end)

  it("does not uncork a stream", function()
    local ws, log = support.stream { construct = "now", write = "now" }
    ws:cork()
    ws:write("a")
    support.run()
    assert.equal("construct", log.take())
    ws:uncork()
    assert.equal("write(a)", log.take())
  end)

  it("that fails fails writes, end_() and the stream, at once or later [W-181]", function()
    for _, mode in ipairs { "now:C", "tick:C" } do
      local ws, log = support.stream { construct = mode, destroy = "now" }
      ws:write("a", log.cb "a")
      ws:end_(log.cb "end")
      support.run()
      assert.equal("construct destroy(C) a(C) end(C) error(C) close", log.take())
      assert.equal("C", ws:errored())
    end
  end)

  it("that raises fails with what it raised", function()
    local log = support.new_log()
    local ws = weir.writable { write = function() end, construct = function() error("C", 0) end }
    ws:on("error", log.cb "error"):on("close", log.cb "close")
    ws:write("a", log.cb "a")
    support.run()
    assert.equal("a(C) error(C) close", log.take())
  end)

  it("that answers twice is an error [W-180]", function()
    local log = support.new_log()
    local ws = weir.writable { construct = function(_, done)
      done()
      done()
    end }
    ws:on("error", log.cb "error"):on("close", log.cb "close")
    support.run()
    assert.equal("error(MULTIPLE_CALLBACK) close", log.take())
  end)

  it("still runs when the stream is destroyed at birth; all else waits for it [W-182]", function()
    local ws, log = support.stream {
      construct = "tick", write = "now", final = "now", destroy = "now",
    }
    ws:destroy()
    assert.is_true(ws:destroyed())
    assert.is_false(ws:closed())
    support.run()
    assert.equal("construct destroy close", log.take())
  end)

  it("still runs when the stream is destroyed with an error at birth [W-182]", function()
    local ws, log, sink = support.stream { construct = "later", destroy = "now" }
    ws:destroy("D")
    support.run()
    assert.equal("construct", log.take())
    sink.answer_construct()
    support.run()
    assert.equal("destroy(D) error(D) close", log.take())
  end)

  it("that is busy at destroy(err) does not keep the writers waiting", function()
    local ws, log, sink = support.stream { construct = "later", destroy = "now" }
    ws:write("a", log.cb "a")
    ws:end_(log.cb "end")
    support.run()
    ws:destroy("D")
    support.run()
    assert.equal("construct a(D) end(D)", log.take())
    sink.answer_construct()
    support.run()
    assert.equal("destroy(D) error(D) close", log.take())
  end)

  it("that fails after destroy() without an error gives its error to the stream", function()
    local ws, log, sink = support.stream { construct = "later", destroy = "now" }
    ws:destroy()
    support.run()
    sink.answer_construct("C")
    support.run()
    assert.equal("construct destroy(C) error(C) close", log.take())
  end)

  it("that fails after destroy(err) leaves the stream that error", function()
    local ws, log, sink = support.stream { construct = "later", destroy = "now" }
    ws:destroy("D")
    support.run()
    sink.answer_construct("C")
    support.run()
    assert.equal("construct destroy(D) error(D) close", log.take())
    assert.equal("D", ws:errored())
  end)

  it("may destroy the stream itself: destroy and `close` come after its answer [X-043]", function()
    local log = support.new_log()
    local ws = weir.writable {
      construct = function(self, done)
        log.add("construct")
        self:destroy()
        weir.next_tick(done)
      end,
      destroy = function(_, err, done)
        log.add("destroy")
        done(err)
      end,
    }
    ws:on("close", log.cb "close")
    support.run()
    assert.equal("construct destroy close", log.take())
  end)

  it("that never answers: nothing is written and nothing closed", function()
    local ws, log = support.stream { construct = "never" }
    ws:write("a", log.cb "a")
    support.run()
    ws:destroy()
    support.run()
    assert.equal("construct a(DESTROYED)", log.take())
    assert.is_false(ws:closed())
  end)

  it("is not called when there is none, and the first write goes straight to the sink", function()
    local ws, log = support.stream()
    ws:write("a")
    assert.equal("write(a)", log.take())
  end)
end)
