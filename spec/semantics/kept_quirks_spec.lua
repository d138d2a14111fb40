-- Where Node's behaviour may surprise and weir keeps it (semantics.md, 13).
local support = require "spec.semantics.support"

describe("as in Node,", function()
  before_each(support.settle)

  local function end_then_write(object_mode)
    local ws, log = support.stream { object_mode = object_mode, write = "now" }
    ws:end_("a", log.cb "e")
    ws:write("b", log.cb "w")
    support.run()
    return log.take()
  end

  it("a write too late is told before the end it missed, in byte mode [Q-06]", function()
    local text = end_then_write(false)
    assert.matches("w%(WRITE_AFTER_END%) e%(WRITE_AFTER_END%)", text)
  end)

  it("a write too late is told after the end it missed, in object mode [Q-06]", function()
    local text = end_then_write(true)
    assert.matches("e%(WRITE_AFTER_END%) w%(WRITE_AFTER_END%)", text)
  end)

  it("a write without callback costs a tick in object mode, so `finish` is a tick later [Q-06]",
    function()
      for _, mode in ipairs { "bytes", "objects" } do
        local ws, log = support.stream { object_mode = mode == "objects", write = "now" }
        ws:write("a")
        ws:end_()
        log.tick "t"
        support.run()
        assert.equal(mode == "bytes" and "write(a) prefinish finish t close"
          or "write(a) prefinish t finish close", log.take())
      end
    end)

  it("end_(chunk) whose sink fails at once has not ended the stream [Q-11]", function()
    local ws, log = support.stream { write = "now:X" }
    ws:end_("a", log.cb "end")
    assert.is_false(ws:writable_ended())
    support.run()
    assert.equal("write(a) end(X) error(X) close", log.take())
    assert.is_false(ws:writable_ended())
  end)

  it("destroy() in the turn of a failure at once wins: no `error`, but errored() [Q-16]",
    function()
      local ws, log = support.stream { write = "now:X" }
      ws:write("a", log.cb "a")
      ws:destroy()
      support.run()
      local text = log.take()
      assert.matches("a%(X%)", text)
      assert.matches("close", text)
      assert.is_nil(text:find("error", 1, true))
      assert.equal("X", ws:errored())
    end)

  it("a sink that never answers leaves those behind it untold, though `close` comes [Q-17]",
    function()
      local ws, log, sink = support.stream()
      ws:write("a", log.cb "a")
      ws:write("b", log.cb "b")
      ws:end_(log.cb "end")
      ws:destroy()
      support.run()
      assert.equal("write(a) close", log.take())
      support.run()
      assert.equal("", log.take())
      sink.answer()
      support.run()
      assert.equal("a b(DESTROYED) end(DESTROYED)", log.take())
    end)

  it("a late answer in the same turn is told before an earlier answer at once [Q-19]", function()
    local ws, log, sink = support.stream { write = { "now", "later" } }
    ws:write("a", log.cb "a")
    ws:write("b", log.cb "b")
    sink.answer()
    support.run()
    assert.equal("write(a) write(b) b a", log.take())
  end)

  it("destroy() fails a corked write before a second answer at once is told [Q-19]", function()
    local ws, log = support.stream { write = "now" }
    ws:write("a", log.cb "a")
    ws:write("b", log.cb "b")
    ws:cork()
    ws:write("c", log.cb "c")
    ws:destroy()
    support.run()
    assert.equal("write(a) write(b) a c(DESTROYED) b close", log.take())
  end)
end)
