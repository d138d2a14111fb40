local weir = require "weir"
local support = require "spec.semantics.support"

describe("the state of a writable", function()
  before_each(support.settle)

  it("of a fresh stream is writable, empty, and nothing else", function()
    local ws = support.stream()
    assert.is_true(ws:writable())
    assert.equal(0, ws:writable_length())
    assert.equal(0, ws:writable_corked())
    assert.is_nil(ws:errored())
    for _, question in ipairs { "writable_need_drain", "writable_ended", "writable_finished",
      "writable_aborted", "writable_object_mode", "destroyed", "closed" } do
      assert.is_false(ws[question](ws))
    end
  end)

  it("tells the marks of a stream that did not choose any", function()
    local ws = support.stream()
    assert.equal(16384, ws:writable_high_water_mark())
    assert.equal(0, ws:writable_low_water_mark())
  end)

  it("is writable until the moment end_() is called [W-007]", function()
    local ws, log = support.stream()
    ws:end_()
    assert.is_false(ws:writable())
    support.run()
    assert.equal("prefinish finish close", log.take())
  end)

  it("is not writable from the moment destroy() is called [W-004]", function()
    local ws = support.stream()
    ws:destroy()
    assert.is_false(ws:writable())
  end)

  it("is not writable once the sink failed before write() returned, ahead of `error` [W-005]",
    function()
      local ws, log = support.stream { write = "now:X" }
      ws:write("a")
      assert.is_false(ws:writable())
      assert.equal("X", ws:errored())
      assert.is_false(ws:destroyed())
      assert.equal("write(a)", log.take())
    end)

  it("is not writable on the statement after the sink answered with an error [W-006]", function()
    local ws, log, sink = support.stream()
    ws:write("a")
    assert.is_true(ws:writable())
    sink.answer("X")
    assert.is_false(ws:writable())
    assert.equal("write(a)", log.take())
  end)

  it("is not ended while the sink gets the last chunk of end_(chunk), and is right after [W-008]",
    function()
      local seen
      local ws = weir.writable { write = function(self, _, done)
        seen = { self:writable_ended(), self:writable() }
        done()
      end }
      assert.is_false(ws:writable_ended())
      local told
      ws:end_("a", function() told = { ws:writable_ended(), ws:writable() } end)
      assert.same({ false, true }, seen)
      assert.is_true(ws:writable_ended())
      assert.is_false(ws:writable())
      support.run()
      assert.same({ true, false }, told)
    end)

  it("is ended but not finished until the callback of end_() and `finish` [W-009]", function()
    local ws, _, sink = support.stream()
    local seen = {}
    local function look() seen[#seen + 1] = ws:writable_finished() end
    ws:on("finish", look)
    assert.equal(ws, ws:end_("a", look))
    assert.is_true(ws:writable_ended())
    assert.is_false(ws:writable_finished())
    sink.answer()
    support.run()
    assert.same({ true, true }, seen)
  end)

  it("is not finished inside the sink, nor in `prefinish` [W-010]", function()
    local seen = {}
    local ws = weir.writable { write = function(self, _, done)
      seen[1] = self:writable_finished()
      done()
    end }
    ws:on("prefinish", function() seen[2] = ws:writable_finished() end)
    ws:on("finish", function() seen[3] = ws:writable_finished() end)
    ws:end_("a")
    support.run()
    assert.same({ false, false, true }, seen)
  end)

  it("is aborted after destroy() [W-001]", function()
    local ws = support.stream()
    assert.is_false(ws:writable_aborted())
    ws:destroy()
    assert.is_true(ws:writable_aborted())
  end)

  it("is aborted when destroyed before an end_() could finish [W-002]", function()
    local ws = support.stream()
    ws:end_()
    ws:destroy()
    assert.is_true(ws:writable_aborted())
  end)

  it("is not aborted when destroyed after `finish`", function()
    local ws = support.stream()
    ws:end_()
    support.run()
    assert.is_true(ws:destroyed())
    assert.is_true(ws:writable_finished())
    assert.is_false(ws:writable_aborted())
  end)

  it("is aborted by a failure even without auto_destroy", function()
    local ws, _, sink = support.stream { auto_destroy = false }
    ws:write("a")
    sink.answer("X")
    assert.is_true(ws:writable_aborted())
    assert.is_false(ws:destroyed())
  end)

  it("counts the bytes inside the sink and the bytes that wait", function()
    local ws, _, sink = support.stream()
    ws:write("abc")
    ws:write("de")
    assert.equal(5, ws:writable_length())
    sink.answer()
    assert.equal(2, ws:writable_length())
    sink.answer()
    assert.equal(0, ws:writable_length())
  end)

  it("counts bytes, not characters", function()
    local ws = support.stream()
    ws:write("\195\182")
    assert.equal(2, ws:writable_length())
  end)

  it("needs a drain from a false write() until just before `drain` is told", function()
    local ws, _, sink = support.stream { high_water_mark = 1 }
    local in_listener
    ws:on("drain", function() in_listener = ws:writable_need_drain() end)
    assert.is_false(ws:writable_need_drain())
    ws:write("abcdef")
    assert.is_true(ws:writable_need_drain())
    sink.answer()
    assert.is_false(in_listener)
    assert.is_false(ws:writable_need_drain())
  end)

  it("needs a drain inside the sink of a later write, and not in the write's callback [W-058]",
    function()
      local ws, _, sink = support.stream { high_water_mark = 1 }
      local in_callback
      ws:write("abcdef", function() in_callback = ws:writable_need_drain() end)
      assert.is_true(ws:writable_need_drain())
      sink.answer()
      assert.is_false(in_callback)
    end)

  it("does not need a drain once ended or destroyed [X-024]", function()
    local ended = support.stream { high_water_mark = 1 }
    ended:write("a")
    ended:end_()
    assert.is_false(ended:writable_need_drain())
    local destroyed = support.stream { high_water_mark = 1 }
    destroyed:write("a")
    destroyed:destroy()
    assert.is_false(destroyed:writable_need_drain())
  end)

  it("still needs a drain after a failed write without auto_destroy", function()
    local ws, _, sink = support.stream { high_water_mark = 1, auto_destroy = false }
    ws:write("a")
    sink.answer("X")
    support.run()
    assert.is_true(ws:writable_need_drain())
  end)

  it("is closed as soon as the sink let go, before `close` is told", function()
    local ws, log = support.stream()
    ws:destroy()
    assert.is_true(ws:closed())
    assert.equal("", log.take())
    support.run()
    assert.equal("close", log.take())
  end)

  it("is destroyed, and not closed, while the destroy hook is busy", function()
    local ws, _, sink = support.stream { destroy = "later" }
    ws:destroy()
    assert.is_true(ws:destroyed())
    assert.is_false(ws:closed())
    sink.answer_destroy()
    assert.is_true(ws:closed())
  end)

  it("remembers the first error for good", function()
    local ws = support.stream()
    ws:destroy("D")
    assert.equal("D", ws:errored())
    support.run()
    ws:destroy("E")
    support.run()
    assert.equal("D", ws:errored())
  end)

  it("counts corks, never below zero [W-003]", function()
    local ws = support.stream()
    local depths = {}
    local function look() depths[#depths + 1] = ws:writable_corked() end
    ws:uncork() look()
    ws:cork() ws:cork() look()
    ws:uncork() look()
    ws:uncork() look()
    ws:uncork() look()
    assert.same({ 0, 2, 1, 0, 0 }, depths)
  end)
end)
