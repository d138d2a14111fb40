local weir = require "weir"
local support = require "spec.semantics.support"

describe("drain", function()
  before_each(support.settle)

  it("comes when the stream is empty again, before the callback that made it so [X-001]",
    function()
      local ws, log, sink = support.stream { high_water_mark = 3 }
      log.add(ws:write("abc", log.cb "a"))
      support.run()
      sink.answer()
      assert.equal("write(abc) false drain a", log.take())
    end)

  it("comes once, when the length is 0, never merely below the mark [X-003]", function()
    local ws, log, sink = support.stream { high_water_mark = 4 }
    ws:write("aaa", log.cb "1")
    ws:write("b", log.cb "2")
    ws:write("cc", log.cb "3")
    sink.answer()
    assert.equal("write(aaa) write(b) 1", log.take())
    sink.answer()
    assert.equal(2, ws:writable_length())
    assert.equal("write(cc) 2", log.take())
    sink.answer()
    assert.equal("drain 3", log.take())
  end)

  it("never comes when nobody was told false", function()
    local ws, log, sink = support.stream { high_water_mark = 4 }
    ws:write("abc")
    sink.answer()
    support.run()
    assert.equal("write(abc)", log.take())
  end)

  it("never comes from a sink that answers at once, whatever the size [X-002]", function()
    local ws, log = support.stream { high_water_mark = 3, write = "now" }
    log.add(ws:write("abc"))
    support.run()
    assert.equal("write(abc) true", log.take())
  end)

  it("comes while an empty chunk is still inside the sink [X-004]", function()
    local ws, log, sink = support.stream { high_water_mark = 0 }
    ws:write("a")
    log.add(ws:write(""))
    sink.answer()
    assert.equal("write(a) false write() drain", log.take())
  end)

  it("comes on a tick when a flush of what was corked is answered at once [X-005]", function()
    local ws, log = support.stream { high_water_mark = 3, write = "now" }
    ws:cork()
    log.add(ws:write("ab", log.cb "1"))
    log.add(ws:write("cd", log.cb "2"))
    ws:uncork()
    log.add("|")
    support.run()
    assert.equal("true false write(ab) write(cd) | drain 1 2", log.take())
  end)

  it("is put off by a write that fills the stream again before its tick [X-007]", function()
    local ws, log, sink = support.stream { high_water_mark = 2, write = { "now", "later" } }
    ws:cork()
    ws:write("aa", log.cb "a")
    ws:uncork()
    ws:write("bb", log.cb "b")
    support.run()
    assert.equal("write(aa) write(bb) a", log.take())
    sink.answer()
    assert.equal("drain b", log.take())
  end)

  it("comes a tick later each time its listener fills a sink that answers at once [X-008]",
    function()
      local ws, log = support.stream { high_water_mark = 1, write = "now" }
      local rounds, depth, deepest = 0, 0, 0
      local function refill()
        depth = depth + 1
        deepest = math.max(deepest, depth)
        rounds = rounds + 1
        if rounds < 1000 then
          ws:cork()
          ws:write("x")
          ws:uncork()
        end
        depth = depth - 1
      end
      ws:on("drain", refill)
      refill()
      support.run()
      assert.equal(1000, rounds)
      assert.equal(1, deepest)
      log.take()
    end)

  it("lets its listener write the next chunk before the callback is told", function()
    local ws, log, sink = support.stream { high_water_mark = 1 }
    ws:once("drain", function() log.add(ws:write("z", log.cb "Z")) end)
    ws:write("a", log.cb "A")
    sink.answer()
    assert.equal("write(a) drain write(z) false A", log.take())
    sink.answer()
    assert.equal("drain Z", log.take())
  end)

  it("does not keep the callback away when its listener destroys the stream", function()
    local ws, log, sink = support.stream { high_water_mark = 1 }
    ws:on("drain", function() ws:destroy() end)
    ws:write("a", log.cb "a")
    sink.answer()
    support.run()
    assert.equal("write(a) drain a close", log.take())
  end)

  it("comes seventeen times to who waits for it with a mark of 50 and chunks of 0 to 49 [W-052]",
    function()
      local chunks, got = {}, {}
      for size = 0, 49 do chunks[size + 1] = ("x"):rep(size) end
      local ws = weir.writable { high_water_mark = 50, write = function(_, chunk, done)
        got[#got + 1] = chunk
        weir.next_tick(done)
      end }
      local drains, below, i = 0, 0, 0
      local function write_more()
        while i < #chunks do
          i = i + 1
          if not ws:write(chunks[i]) and i < #chunks then
            if ws:writable_length() < 50 then below = below + 1 end
            return ws:once("drain", write_more)
          end
        end
        ws:end_()
      end
      ws:on("drain", function() drains = drains + 1 end)
      write_more()
      support.run()
      assert.same(chunks, got)
      assert.equal(0, below)
      assert.equal(17, drains)
      assert.is_true(ws:writable_finished())
    end)

  it("never comes once end_() was called [W-059]", function()
    local ws, log, sink = support.stream { high_water_mark = 1 }
    ws:write("abc", log.cb "a")
    ws:end_()
    sink.answer()
    support.run()
    assert.equal("write(abc) a prefinish finish close", log.take())
  end)

  it("never comes after destroy()", function()
    local ws, log, sink = support.stream { high_water_mark = 1 }
    ws:write("a", log.cb "a")
    ws:destroy()
    sink.answer()
    support.run()
    assert.equal("write(a) a close", log.take())
  end)

  it("never comes for a write that failed", function()
    local ws, log, sink = support.stream { high_water_mark = 1, auto_destroy = false }
    ws:write("a", log.cb "a")
    sink.answer("X")
    support.run()
    assert.equal("write(a) a(X) error(X)", log.take())
  end)

  it("comes after construction to those who wrote too much before [X-042]", function()
    local ws, log = support.stream { high_water_mark = 2, construct = "tick", write = "now" }
    for _ = 1, 3 do log.add(ws:write("x")) end
    support.run()
    assert.equal("true false false construct write(x) write(x) write(x) drain", log.take())
  end)
end)

describe("low_water_mark", function()
  it("of 0 is the default: drain when the stream is empty", function()
    local ws = support.stream()
    assert.equal(0, ws:writable_low_water_mark())
  end)

  it("lets drain come when the length falls to it", function()
    local ws, log, sink = support.stream { high_water_mark = 4, low_water_mark = 2 }
    assert.equal(2, ws:writable_low_water_mark())
    ws:write("aaa", log.cb "1")
    log.add(ws:write("bb", log.cb "2"))
    sink.answer()
    assert.equal("write(aaa) false write(bb) drain 1", log.take())
    assert.equal(2, ws:writable_length())
    sink.answer()
    assert.equal("2", log.take())
  end)

  it("does not let drain come while the length is above it", function()
    local ws, log, sink = support.stream { high_water_mark = 4, low_water_mark = 1 }
    ws:write("aaa")
    ws:write("bb")
    sink.answer()
    assert.equal("write(aaa) write(bb)", log.take())
    sink.answer()
    assert.equal("drain", log.take())
  end)

  it("gives one drain for each time write() had answered false", function()
    local ws, log, sink = support.stream { high_water_mark = 2, low_water_mark = 1 }
    for _ = 1, 4 do ws:write("x") end
    for _ = 1, 3 do sink.answer() end
    assert.equal("write(x) write(x) write(x) write(x) drain", log.take())
    log.add(ws:write("y"))
    sink.answer()
    assert.equal("false write(y) drain", log.take())
  end)

  it("counts values in object mode", function()
    local ws, log, sink = support.stream {
      object_mode = true, high_water_mark = 3, low_water_mark = 1,
    }
    for i = 1, 3 do log.add(ws:write(i)) end
    sink.answer()
    sink.answer()
    assert.equal("write(1) true true false write(2) write(3) drain", log.take())
  end)

  it("leaves the answer of write() and the need of a drain alone", function()
    local ws, _, sink = support.stream { high_water_mark = 4, low_water_mark = 3 }
    assert.is_true(ws:write("aaa"))
    assert.is_false(ws:write("b"))
    assert.is_true(ws:writable_need_drain())
    sink.answer()
    assert.is_false(ws:writable_need_drain())
  end)
end)
