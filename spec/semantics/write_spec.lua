local weir = require "weir"
local support = require "spec.semantics.support"
local rounds = require "spec.support.rounds"

local function chunks_of(count)
  local chunks = {}
  for i = 1, count do chunks[i] = ("x"):rep(i - 1) end
  return chunks
end

describe("write", function()
  before_each(support.settle)

  describe("answers", function()
    it("true while the accepted bytes stay below the mark, false from the mark on [X-003]",
      function()
        local ws = support.stream { high_water_mark = 4 }
        assert.is_true(ws:write("aaa"))
        assert.is_false(ws:write("b"))
        assert.is_false(ws:write("cc"))
      end)

    it("false for one chunk of exactly the mark, and takes it [X-001]", function()
      local ws, log = support.stream { high_water_mark = 3 }
      assert.is_false(ws:write("abc"))
      assert.equal("write(abc)", log.take())
      assert.equal(3, ws:writable_length())
    end)

    it("true for any size when the sink answers at once [X-002]", function()
      local ws = support.stream { high_water_mark = 3, write = "now" }
      assert.is_true(ws:write("abc"))
      assert.is_true(ws:write(("x"):rep(100000)))
      assert.is_false(ws:writable_need_drain())
    end)

    it("false for a chunk above the mark, true for a smaller one on an idle stream [W-061]",
      function()
        local ws, _, sink = support.stream { high_water_mark = 16 }
        assert.is_false(ws:write(("x"):rep(17)))
        sink.answer()
        assert.is_true(ws:write("hello"))
      end)

    it("by the same arithmetic while corked", function()
      local ws = support.stream { high_water_mark = 3, write = "now" }
      ws:cork()
      assert.is_true(ws:write("ab"))
      assert.is_false(ws:write("c"))
      assert.is_true(ws:writable_need_drain())
    end)

    it("by the same arithmetic before the stream is constructed", function()
      local ws = support.stream { high_water_mark = 3, construct = "later" }
      assert.is_true(ws:write("ab"))
      assert.is_false(ws:write("c"))
    end)

    it("false at a mark of 0, but true for no bytes at all on an empty stream [X-004]", function()
      local ws = support.stream { high_water_mark = 0 }
      assert.is_true(ws:write(""))
      assert.is_false(ws:write("a"))
      assert.is_false(ws:write(""))
    end)

    it("false when the sink failed before write() returned", function()
      local ws = support.stream { write = "now:X" }
      assert.is_false(ws:write("a"))
    end)

    it("false in the loop's first turn when the sink fails at once [W-131]", function()
      local ws, _ = support.stream { write = "now:X" }
      local turns = 0
      while ws:write("a") do turns = turns + 1 end
      assert.equal(0, turns)
    end)

    it("false when the sink destroyed the stream from inside", function()
      local ws = weir.writable { write = function(self, _, done)
        self:destroy()
        done()
      end }
      assert.is_false(ws:write("a"))
    end)

    it("a boolean and nothing else when the chunk was accepted", function()
      local ws = support.stream { high_water_mark = 2 }
      assert.equal(1, select("#", ws:write("a")))
      assert.equal(1, select("#", ws:write("b")))
    end)
  end)

  describe("delivers", function()
    it("the first chunk to an idle sink before it returns", function()
      local ws, log = support.stream()
      ws:write("a")
      assert.equal("write(a)", log.take())
    end)

    it("one chunk at a time, the next when the sink answered [W-057]", function()
      local ws, log, sink = support.stream()
      ws:write("a")
      ws:write("b")
      ws:write("c")
      ws:end_()
      support.run()
      assert.equal("write(a)", log.take())
      sink.answer()
      assert.equal("write(b)", log.take())
      sink.answer()
      support.run()
      assert.equal("write(c)", log.take())
      sink.answer()
      support.run()
      assert.equal("prefinish finish close", log.take())
    end)

    it("every chunk in order to those who ignore its answer, and finishes after the last [W-050]",
      function()
        local got, finished_at = {}, nil
        local ws = weir.writable { high_water_mark = 100, write = function(_, chunk, done)
          got[#got + 1] = chunk
          weir.next_tick(done)
        end }
        ws:on("finish", function() finished_at = #got end)
        local chunks = chunks_of(50)
        for _, chunk in ipairs(chunks) do ws:write(chunk) end
        ws:end_()
        support.run()
        assert.same(chunks, got)
        assert.equal(50, finished_at)
      end)

    it("every chunk in order when each turn writes one [W-051]", function()
      local got = {}
      local ws = weir.writable { high_water_mark = 100, write = function(_, chunk, done)
        got[#got + 1] = chunk
        weir.next_tick(done)
      end }
      local chunks = chunks_of(50)
      for _, chunk in ipairs(chunks) do
        ws:write(chunk)
        support.run()
      end
      ws:end_()
      support.run()
      assert.same(chunks, got)
      assert.is_true(ws:writable_finished())
    end)

    it("a chunk of no bytes in its place, and waits for its answer [W-054]", function()
      local ws, log, sink = support.stream()
      ws:write("", log.cb "empty")
      ws:end_()
      support.run()
      assert.equal("write()", log.take())
      sink.answer()
      support.run()
      assert.equal("empty prefinish finish close", log.take())
    end)

    it("a chunk of no bytes whose callback comes before `finish` [W-055]", function()
      local ws, log = support.stream { write = "now" }
      ws:write("", log.cb "empty")
      ws:end_()
      support.run()
      assert.equal("write() prefinish empty finish close", log.take())
    end)

    it("a chunk and an empty last one, then finishes [W-056]", function()
      local ws, log = support.stream { write = "tick" }
      ws:write("a")
      ws:end_("")
      support.run()
      assert.equal("write(a) write() prefinish finish close", log.take())
    end)

    it("bytes of every value unchanged", function()
      local all = {}
      for byte = 0, 255 do all[byte + 1] = string.char(byte) end
      local bytes, got = table.concat(all), nil
      local ws = weir.writable { write = function(_, chunk, done)
        got = chunk
        done()
      end }
      ws:write(bytes)
      assert.equal(bytes, got)
      assert.equal(256, #got)
    end)

    it("to the sink with the stream as first argument, and a done", function()
      local self_, done_, extra
      local ws = weir.writable { write = function(self, _, done, ...)
        self_, done_, extra = self, done, select("#", ...)
      end }
      ws:write("a")
      assert.equal(ws, self_)
      assert.equal("function", type(done_))
      assert.equal(0, extra)
    end)

    it("what waits behind a slow chunk without growing the stack", function()
      local first, count
      local all = rounds(20000, 40)
      local ws = weir.writable { write = function(_, _, done)
        count = (count or 0) + 1
        if first then done() else first = done end
      end }
      for _ = 1, all do ws:write("x") end
      first()
      support.run()
      assert.equal(all, count)
      assert.equal(0, ws:writable_length())
    end)

    it("through a chain of a hundred streams that each write to the next", function()
      local got, told
      local stream = weir.writable { write = function(_, chunk, done)
        got = chunk
        done()
      end }
      for _ = 1, 100 do
        local next_stream = stream
        stream = weir.writable { write = function(_, chunk, done)
          next_stream:write(chunk, done)
        end }
      end
      stream:write("a", function(err) told = err == nil end)
      support.run()
      assert.equal("a", got)
      assert.is_true(told)
    end)
  end)

  describe("calls back", function()
    it("never before it returned, even when the sink answered at once", function()
      local ws, log = support.stream { write = "now" }
      ws:write("a", log.cb "a")
      log.add("|")
      support.run()
      assert.equal("write(a) | a", log.take())
    end)

    it("inside the sink's late answer, after the next chunk was handed over", function()
      local ws, log, sink = support.stream()
      ws:write("a", log.cb "a")
      ws:write("b", log.cb "b")
      sink.answer()
      assert.equal("write(a) write(b) a", log.take())
    end)

    it("for every chunk once, in order, all before the tick after `finish` [W-053]", function()
      local ws, log = support.stream { write = { "now", "tick", "tick", "now", "now", "tick" } }
      for i = 1, 8 do ws:write("x", log.cb(i)) end
      ws:on("finish", function() log.tick "later" end)
      ws:end_()
      support.run()
      local text = log.take():gsub("write%(x%) ", "")
      assert.equal("1 2 3 4 5 6 7 8 prefinish finish later close", text)
    end)

    it("with exactly one nil when all went well", function()
      local count, err
      local ws = support.stream { write = "now" }
      ws:write("a", function(...) count, err = select("#", ...), (...) end)
      support.run()
      assert.equal(1, count)
      assert.is_nil(err)
    end)

    it("in the order of the writes, whoever shares a callback [X-006]", function()
      local ws, log = support.stream { write = "now" }
      local f, g = log.cb "f", log.cb "g"
      for _, callback in ipairs { f, f, g, f, f } do ws:write("x", callback) end
      log.take()
      support.run()
      assert.equal("f f g f f", log.take())
    end)

    it("all who share one callback on the first one's tick [W-060]", function()
      local ws, log = support.stream { write = "now" }
      local shared = log.cb "f"
      ws:write("x", shared)
      log.tick "t"
      ws:write("x", shared)
      ws:write("x", shared)
      log.take()
      support.run()
      assert.equal("f f f t", log.take())
    end)

    it("each on a tick of its own when the callbacks differ", function()
      local ws, log = support.stream { write = "now" }
      ws:write("x", log.cb "a")
      log.tick "t"
      ws:write("x", log.cb "b")
      log.take()
      support.run()
      assert.equal("a t b", log.take())
    end)

    it("by a tick of its own when a callback writes with one that is already due", function()
      local ws, log = support.stream { write = "now" }
      local g = log.cb "g"
      ws:write("x", function()
        log.add("f")
        ws:write("y", g)
      end)
      ws:write("x", g)
      log.tick "t"
      log.take()
      support.run()
      assert.equal("f write(y) g t g", log.take())
    end)

    it("when the bytes it counted are gone from the length", function()
      local ws, _, sink = support.stream()
      local length
      ws:write("abc", function() length = ws:writable_length() end)
      sink.answer()
      assert.equal(0, length)
    end)

    it("nobody, and delivers all the same, when there is no callback", function()
      local ws, log = support.stream { write = "now" }
      ws:write("a")
      ws:write("b", nil)
      support.run()
      assert.equal("write(a) write(b)", log.take())
    end)
  end)

  describe("from inside a callback", function()
    it("of a write is delivered after what already waits", function()
      local ws, log, sink = support.stream()
      ws:write("a", function() ws:write("c") end)
      ws:write("b")
      sink.answer()
      sink.answer()
      assert.equal("write(a) write(b) write(c)", log.take())
    end)

    it("goes on for ten thousand chunks in constant stack", function()
      local left = rounds(10000, 40)
      local ws = support.stream { write = "now" }
      local function again()
        left = left - 1
        if left > 0 then ws:write("x", again) end
      end
      ws:write("x", again)
      support.run()
      assert.equal(0, left)
    end)
  end)
end)
