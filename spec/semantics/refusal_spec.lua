local weir = require "weir"
local support = require "spec.semantics.support"
local rounds = require "spec.support.rounds"

describe("a refused write", function()
  before_each(support.settle)

  it("returns nil and the error, and its callback gets that same object on a tick", function()
    local ws = support.stream()
    ws:end_()
    local told, calls = nil, 0
    local ok, err = ws:write("a", function(e) told, calls = e, calls + 1 end)
    assert.is_nil(ok)
    assert.equal("ERR_STREAM_WRITE_AFTER_END", err.code)
    assert.equal(0, calls)
    support.run()
    assert.equal(1, calls)
    assert.is_true(rawequal(err, told))
  end)

  it("needs no callback", function()
    local ws = support.stream()
    ws:destroy()
    local ok, err = ws:write("a")
    assert.is_nil(ok)
    assert.equal("ERR_STREAM_DESTROYED", err.code)
    support.run()
  end)

  it("takes nothing", function()
    local ws, log = support.stream()
    ws:destroy()
    ws:write("abc")
    assert.equal(0, ws:writable_length())
    support.run()
    assert.equal("close", log.take())
  end)

  it("after end_() errs the stream with the same object, after the callback [W-132]", function()
    for _, auto_destroy in ipairs { "yes", "no" } do
      local ws, log = support.stream { auto_destroy = auto_destroy == "yes" }
      local emitted
      ws:on("error", function(err) emitted = err end)
      ws:end_()
      local _, err = ws:write("a", log.cb "a")
      assert.equal("prefinish", log.take())
      support.run()
      assert.equal(
        "a(WRITE_AFTER_END) error(WRITE_AFTER_END)" .. (auto_destroy == "yes" and " close" or ""),
        log.take())
      assert.is_true(rawequal(err, emitted))
      assert.is_true(rawequal(err, ws:errored()))
    end
  end)

  it("after end_() destroys the stream before write() returns", function()
    local ws = support.stream()
    ws:end_()
    ws:write("a")
    assert.is_true(ws:destroyed())
  end)

  it("after end_() reaches the callbacks of that end_(), and there is no finish", function()
    local ws, log = support.stream()
    ws:end_(log.cb "end")
    ws:write("a", log.cb "a")
    support.run()
    assert.equal("prefinish a(WRITE_AFTER_END) end(WRITE_AFTER_END) " ..
      "error(WRITE_AFTER_END) close", log.take())
  end)

  it("after end_() is told once; a later destroy(err) is silent [W-135]", function()
    local ws, log = support.stream()
    ws:on("error", function() ws:destroy("again") end)
    ws:end_()
    ws:write("a")
    support.run()
    ws:destroy("and again")
    support.run()
    assert.equal("prefinish error(WRITE_AFTER_END) close", log.take())
    assert.equal("ERR_STREAM_WRITE_AFTER_END", ws:errored().code)
  end)

  it("after `finish` and `close` is told to its callback and to nobody else [X-022]", function()
    local ws, log = support.stream()
    ws:end_()
    support.run()
    log.take()
    log.add(ws:write("a", log.cb "a"))
    support.run()
    assert.equal("refused(WRITE_AFTER_END) a(WRITE_AFTER_END)", log.take())
    assert.is_nil(ws:errored())
  end)

  it("after destroy() is told to its callback, behind `close`, and to nobody else [W-162]",
    function()
      local ws, log = support.stream()
      ws:destroy()
      log.add(ws:write("a", log.cb "a"))
      support.run()
      assert.equal("refused(DESTROYED) close a(DESTROYED)", log.take())
    end)

  it("in an `error` listener after destroy(err) is told after `close` [X-015]", function()
    local ws, log = support.stream()
    ws:on("error", function() log.add(ws:write("a", log.cb "a")) end)
    ws:destroy("D")
    support.run()
    assert.equal("error(D) refused(DESTROYED) close a(DESTROYED)", log.take())
  end)

  it("after destroy() does not change whether the stream needs a drain", function()
    local ws = support.stream { high_water_mark = 1 }
    ws:destroy()
    ws:write("abc")
    assert.is_false(ws:writable_need_drain())
    support.run()
  end)

  it("leaves the order of callbacks among refusals as the calls were", function()
    local ws, log = support.stream()
    ws:destroy()
    for i = 1, 3 do ws:write("x", log.cb(i)) end
    support.run()
    assert.equal("close 1(DESTROYED) 2(DESTROYED) 3(DESTROYED)", log.take())
  end)
end)

describe("max_buffered", function()
  before_each(support.settle)

  it("refuses what would exceed it with ENOBUFS, and takes nothing of it", function()
    local ws, log = support.stream { high_water_mark = 2, max_buffered = 4 }
    log.add(ws:write("aa"))
    log.add(ws:write("bb"))
    log.add(ws:write("c"))
    assert.equal("write(aa) false false refused(ENOBUFS)", log.take())
    assert.equal(4, ws:writable_length())
  end)

  it("tells the callback the object that was returned, on a tick", function()
    local ws = support.stream { high_water_mark = 1, max_buffered = 1 }
    ws:write("a")
    local told
    local ok, err = ws:write("b", function(e) told = e end)
    assert.is_nil(ok)
    assert.equal("ENOBUFS", err.code)
    assert.is_nil(told)
    support.run()
    assert.is_true(rawequal(err, told))
  end)

  it("never errs or destroys the stream, which goes on when there is room", function()
    local ws, log, sink = support.stream { high_water_mark = 1, max_buffered = 2 }
    ws:write("aa")
    ws:write("b")
    support.run()
    assert.equal("write(aa)", log.take())
    assert.is_true(ws:writable())
    assert.is_false(ws:destroyed())
    assert.is_nil(ws:errored())
    sink.answer()
    log.add(ws:write("b"))
    assert.equal("drain write(b) false", log.take())
  end)

  it("refuses one chunk that is larger than all it allows", function()
    local ws, log = support.stream { high_water_mark = 2, max_buffered = 4, write = "now" }
    log.add(ws:write("12345"))
    log.add(ws:write("1234"))
    assert.equal("refused(ENOBUFS) write(1234) true", log.take())
  end)

  it("counts what is corked", function()
    local ws, log = support.stream { high_water_mark = 2, max_buffered = 2, write = "now" }
    ws:cork()
    log.add(ws:write("aa"))
    log.add(ws:write("b"))
    ws:uncork()
    log.add(ws:write("b"))
    assert.equal("false refused(ENOBUFS) write(aa) write(b) true", log.take())
  end)

  it("counts values in object mode", function()
    local ws, log = support.stream { object_mode = true, high_water_mark = 1, max_buffered = 2 }
    for _, value in ipairs { "a", "b", "c" } do log.add(ws:write(value)) end
    assert.equal("write(a) false false refused(ENOBUFS)", log.take())
  end)

  it("refuses the chunk of end_() with nil and the error, and the stream has not ended", function()
    local ws, log, sink = support.stream { high_water_mark = 1, max_buffered = 1 }
    ws:write("a")
    local ok, err = ws:end_("b", log.cb "end")
    assert.is_nil(ok)
    assert.equal("ENOBUFS", err.code)
    assert.is_false(ws:writable_ended())
    support.run()
    assert.equal("write(a) end(ENOBUFS)", log.take())
    sink.answer()
    assert.equal(ws, ws:end_("b", log.cb "end"))
    sink.answer()
    support.run()
    assert.equal("drain write(b) prefinish end finish close", log.take())
  end)

  it("lets end_() without a chunk pass however full the stream is", function()
    local ws, log, sink = support.stream { high_water_mark = 1, max_buffered = 1 }
    ws:write("a")
    assert.equal(ws, ws:end_())
    sink.answer()
    support.run()
    assert.equal("write(a) prefinish finish close", log.take())
  end)

  it("yields to the stronger refusals of an ended and a destroyed stream", function()
    local ended = support.stream { high_water_mark = 1, max_buffered = 1 }
    ended:end_("a")
    local _, err = ended:write("bb")
    assert.equal("ERR_STREAM_WRITE_AFTER_END", err.code)
    local destroyed = support.stream { high_water_mark = 1, max_buffered = 1 }
    destroyed:destroy()
    _, err = destroyed:write("bb")
    assert.equal("ERR_STREAM_DESTROYED", err.code)
    support.run()
  end)

  it("is off by default", function()
    local ws = weir.writable { high_water_mark = 1, write = function() end }
    local count = rounds(1000, 20)
    for _ = 1, count do assert.is_false(ws:write(("x"):rep(1000))) end
    assert.equal(1000 * count, ws:writable_length())
  end)
end)
