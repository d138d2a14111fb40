local weir = require "weir"
local support = require "spec.semantics.support"

describe("the destroy hook", function()
  before_each(support.settle)

  it("gets the stream, the error and done, inside destroy() [W-152]", function()
    local self_, err_, done_, extra
    local ws = weir.writable { destroy = function(self, err, done, ...)
      self_, err_, done_, extra = self, err, done, select("#", ...)
      done(err)
    end }
    ws:on("error", function() end)
    ws:destroy("D")
    assert.equal(ws, self_)
    assert.equal("D", err_)
    assert.equal("function", type(done_))
    assert.equal(0, extra)
  end)

  it("gets nil when there is no error [W-154]", function()
    local ws, log = support.stream { destroy = "now" }
    ws:destroy()
    support.run()
    assert.equal("destroy close", log.take())
  end)

  it("passes the error on by done(err) [W-152]", function()
    local ws, log = support.stream { destroy = "now" }
    ws:destroy("D")
    support.run()
    assert.equal("destroy(D) error(D) close", log.take())
  end)

  it("swallows the error event by done(), the stream remembers it [W-153]", function()
    local ws, log = support.stream { destroy = "now:none" }
    ws:destroy("D")
    support.run()
    assert.equal("destroy(D) close", log.take())
    assert.equal("D", ws:errored())
  end)

  it("may fail although destroy() had no error [W-156]", function()
    local ws, log = support.stream { destroy = "now:E" }
    ws:destroy()
    assert.equal("E", ws:errored())
    support.run()
    assert.equal("destroy error(E) close", log.take())
  end)

  it("may tell another error; the stream remembers the first", function()
    local ws, log = support.stream { destroy = "now:E" }
    ws:destroy("D")
    support.run()
    assert.equal("destroy(D) error(E) close", log.take())
    assert.equal("D", ws:errored())
  end)

  it("that is slow holds `error` and `close` back; a later destroy(err) is ignored [W-158]",
    function()
      local ws, log, sink = support.stream { destroy = "later" }
      ws:destroy()
      ws:destroy("2")
      support.run()
      assert.equal("destroy", log.take())
      assert.is_nil(ws:errored())
      sink.answer_destroy("1")
      support.run()
      ws:destroy("3")
      support.run()
      assert.equal("error(1) close", log.take())
      assert.equal("1", ws:errored())
    end)

  it("that is slow leaves the stream destroyed, not closed, and writes refused [X-033]", function()
    local ws, log, sink = support.stream { destroy = "later" }
    ws:destroy("D")
    assert.is_false(ws:closed())
    log.add(ws:write("a", log.cb "a"))
    support.run()
    assert.equal("destroy(D) refused(DESTROYED) a(DESTROYED)", log.take())
    sink.answer_destroy("D")
    support.run()
    assert.equal("error(D) close", log.take())
  end)

  it("that raises fails with what it raised [X-034]", function()
    local log = support.new_log()
    local ws = weir.writable { destroy = function() error("E", 0) end }
    ws:on("error", log.cb "error"):on("close", log.cb "close")
    ws:destroy()
    assert.equal("E", ws:errored())
    support.run()
    assert.equal("error(E) close", log.take())
  end)

  it("that calls end_() gets no `finish` [W-155]", function()
    local log = support.new_log()
    local ws = weir.writable { destroy = function(self, err, done)
      weir.next_tick(function()
        self:end_()
        done(err)
      end)
    end }
    for _, event in ipairs { "prefinish", "finish", "error", "close" } do
      ws:on(event, log.cb(event))
    end
    ws:destroy()
    support.run()
    assert.equal("close", log.take())
  end)

  it("that answers twice is heard once", function()
    local log = support.new_log()
    local ws = weir.writable { destroy = function(_, _, done)
      done()
      done("again")
    end }
    ws:on("error", log.cb "error"):on("close", log.cb "close")
    ws:destroy()
    support.run()
    assert.equal("close", log.take())
  end)

  it("is called once in the life of a stream, after a finish too [W-170]", function()
    local ws, log = support.stream { write = "now", destroy = "now" }
    ws:end_("a")
    support.run()
    ws:destroy()
    support.run()
    assert.equal("write(a) prefinish finish destroy close", log.take())
  end)

  it("is called when the sink failed, with the error", function()
    local ws, log, sink = support.stream { destroy = "now" }
    ws:write("a", log.cb "a")
    sink.answer("X")
    support.run()
    assert.equal("write(a) a(X) destroy(X) error(X) close", log.take())
  end)
end)
