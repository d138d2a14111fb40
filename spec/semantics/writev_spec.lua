local weir = require "weir"
local support = require "spec.semantics.support"

describe("batches of chunks", function()
  before_each(support.settle)

  it("go to writev with a fresh array of chunks, in order", function()
    local arrays, done_ = {}, nil
    local ws = weir.writable {
      write = function(_, _, done) done() end,
      writev = function(_, chunks, done)
        arrays[#arrays + 1] = chunks
        done_ = done
      end,
    }
    ws:cork()
    ws:write("a")
    ws:write("b")
    ws:uncork()
    ws:write("c")
    ws:write("d")
    arrays[1][1] = "the array is the sink's to keep"
    done_()
    done_()
    assert.same({ "c", "d" }, arrays[2])
    assert.is_true(arrays[1] ~= arrays[2])
    assert.equal(0, ws:writable_length())
  end)

  it("get the stream, the chunks and done, and nothing else", function()
    local count, self_, done_
    local ws = weir.writable { write = function() end, writev = function(self, _, done, ...)
      self_, done_, count = self, done, select("#", ...)
    end }
    ws:cork()
    ws:write("a")
    ws:write("b")
    ws:uncork()
    assert.equal(ws, self_)
    assert.equal("function", type(done_))
    assert.equal(0, count)
  end)

  it("call every callback in order, then the one of end_(), then `finish` [W-075]", function()
    local ws, log, sink = support.stream { writev = true }
    ws:cork()
    for _, chunk in ipairs { "a", "b", "c" } do ws:write(chunk, log.cb(chunk)) end
    ws:end_(log.cb "end")
    support.run()
    assert.equal("writev(a,b,c)", log.take())
    sink.answer()
    support.run()
    assert.equal("a b c prefinish end finish close", log.take())
  end)

  it("call every callback on one tick when the sink answers at once", function()
    local ws, log = support.stream { write = "now", writev = true }
    ws:cork()
    ws:write("a", log.cb "a")
    ws:write("b", log.cb "b")
    ws:uncork()
    log.tick "t"
    support.run()
    assert.equal("writev(a,b) a b t", log.take())
  end)

  it("that fail give every callback the same error, and `error` once [W-164]", function()
    local err, got = { code = "EBATCH" }, {}
    local ws, log, sink = support.stream { writev = true, auto_destroy = false }
    ws:cork()
    for i = 1, 2 do ws:write("x", function(e) got[i] = e end) end
    ws:uncork()
    sink.answer(err)
    support.run()
    assert.equal(err, got[1])
    assert.equal(err, got[2])
    assert.equal("writev(x,x) error(EBATCH)", log.take())
  end)

  it("keep counting in the length until the batch is answered [W-073]", function()
    local ws, _, sink = support.stream { object_mode = true, writev = true }
    local lengths = {}
    local function look() lengths[#lengths + 1] = ws:writable_length() end
    ws:cork()
    for i = 1, 5 do ws:write(i, look) end
    ws:end_()
    assert.equal(5, ws:writable_length())
    sink.answer()
    assert.same({ 0, 0, 0, 0, 0 }, lengths)
  end)

  it("are not needed: with writev alone one chunk is a batch of one [W-076]", function()
    local ws, log, sink = support.stream { write = false, writev = true }
    ws:write("a", log.cb "a")
    assert.equal("writev(a)", log.take())
    sink.answer()
    assert.equal("a", log.take())
  end)

  it("use both hooks: write for the first chunk, writev for two that waited [W-013]", function()
    local ws, log = support.stream { write = "now", writev = true }
    ws:write("a")
    ws:cork()
    ws:write("b")
    ws:write("c")
    ws:end_()
    assert.equal("write(a) writev(b,c) prefinish", log.take())
  end)

  it("are one writev whatever corks lie between [W-074]", function()
    for _, uncorked in ipairs { true, false } do
      local ws, log = support.stream { write = "now", writev = true }
      ws:cork()
      ws:write("a")
      ws:cork()
      ws:write("b")
      ws:uncork()
      ws:write("c")
      if uncorked then ws:uncork() end
      ws:end_()
      assert.equal("writev(a,b,c) prefinish", log.take())
    end
  end)

  it("fail with writev's error, and the stream never finishes [W-077]", function()
    local ws, log = support.stream { write = "never", writev = function(_, _, done) done("V") end }
    ws:cork()
    ws:write("a", log.cb "a")
    ws:end_("b")
    support.run()
    assert.equal("a(V) error(V) close", log.take())
  end)

  it("that were failed by the sink are not flushed further", function()
    local ws, log, sink = support.stream()
    for _, chunk in ipairs { "a", "b", "c" } do ws:write(chunk, log.cb(chunk)) end
    sink.answer("X")
    assert.equal("write(a) a(X) b(X) c(X)", log.take())
  end)

  -- What the sink is called with; `k` lets it answer. The sink answers late unless said.
  local cases = {
    { "a b c d", "a,b,c,d k", "write(a) writev(b,c,d)" },
    { "a b", "a,b k", "write(a) write(b)" },
    { "cork a uncork", "C,a,U", "write(a)" },
    { "cork a b c uncork", "C,a,b,c,U", "writev(a,b,c)" },
    { "two corks and one uncork", "C,C,a,b,U", "" },
    { "two corks and two uncorks", "C,C,a,b,U,U", "writev(a,b)" },
    { "two corks, a, end_(b)", "C,C,a,Eb", "writev(a,b)" },
    { "cork, end_(a)", "C,Ea", "write(a)" },
    { "a batch in flight, c, d", "C,a,b,U,c,d k", "writev(a,b) writev(c,d)" },
    { "x in flight, a, cork, b, end_(c)", "x,a,C,b,Ec k", "write(x) writev(a,b,c)" },
    { "a chunk after a batch", "C,a,b,U,c k", "writev(a,b) write(c)" },
    { "a, cork, end_()", "a,C,E", "write(a) " },
  }
  for _, case in ipairs(cases) do
    it("reach the sink as Node's do: " .. case[1], function()
      local ws, log, sink = support.stream { writev = true }
      for step in case[2]:gmatch("[^, ]+") do
        if step == "C" then ws:cork()
        elseif step == "U" then ws:uncork()
        elseif step == "E" then ws:end_()
        elseif step == "k" then sink.answer()
        elseif step:sub(1, 1) == "E" then ws:end_(step:sub(2))
        else ws:write(step) end
      end
      assert.equal((case[3]:gsub(" $", "")), log.take())
    end)
  end

  it("go chunk by chunk without writev, and wait where the sink is slow", function()
    local ws, log, sink = support.stream { write = { "now", "later", "now" } }
    ws:cork()
    for _, chunk in ipairs { "a", "b", "c" } do ws:write(chunk) end
    ws:uncork()
    assert.equal("write(a) write(b)", log.take())
    sink.answer()
    assert.equal("write(c)", log.take())
  end)
end)
