-- Where Node's own behaviour looks like a defect (semantics.md, 13): what weir mends.
local weir = require "weir"
local support = require "spec.semantics.support"
local rounds = require "spec.support.rounds"

-- A stream and the log of its events.
local function logged(options)
  local log = support.new_log()
  local ws = weir.writable(options)
  for _, event in ipairs { "drain", "prefinish", "finish", "error", "close" } do
    ws:on(event, log.cb(event))
  end
  return ws, log
end

describe("a write from inside the sink", function()
  before_each(support.settle)

  it("before an answer at once calls back after the outer write [Q-01]", function()
    local log
    local ws, nested
    ws, log = logged { write = function(self, chunk, done)
      log.add("write(" .. chunk .. ")")
      if not nested then
        nested = true
        self:write("n", log.cb "n")
      end
      done()
    end }
    ws:write("a", log.cb "a")
    support.run()
    assert.equal("write(a) write(n) a n", log.take())
  end)

  it("after an answer at once waits until the sink has returned [Q-02]", function()
    local log, ws, nested
    ws, log = logged { write = function(self, chunk, done)
      log.add("<" .. chunk)
      done()
      if not nested then
        nested = true
        self:write("n", log.cb "n")
      end
      log.add(chunk .. ">")
    end }
    ws:write("a", log.cb "a")
    support.run()
    assert.equal("<a a> <n n> a n", log.take())
  end)

  it("during a flush does not overtake what is queued [Q-01, Q-02]", function()
    local log, ws, nested
    ws, log = logged { write = function(self, chunk, done)
      log.add(chunk)
      if not nested then
        nested = true
        self:write("n1", log.cb "cb-n1")
        done()
        self:write("n2", log.cb "cb-n2")
      else
        done()
      end
    end }
    ws:cork()
    ws:write("a", log.cb "cb-a")
    ws:write("b", log.cb "cb-b")
    ws:uncork()
    support.run()
    assert.equal("a b n1 n2 cb-a cb-b cb-n1 cb-n2", log.take())
  end)

  it("may go on as long as it likes, without a deep stack [Q-01]", function()
    local count, all = 0, rounds(10000, 40)
    local ws = weir.writable { write = function(self, _, done)
      count = count + 1
      if count < all then self:write("x") end
      done()
    end }
    ws:write("x")
    support.run()
    assert.equal(all, count)
    assert.equal(0, ws:writable_length())
  end)

  it("is queued for the next flush when that is writev, with a result of its own [Q-21]", function()
    local log, ws, answer
    ws, log = logged {
      write = function(_, chunk, done)
        log.add("write(" .. chunk .. ")")
        done("X")
      end,
      writev = function(self, chunks, done)
        log.add("writev(" .. table.concat(chunks, ",") .. ")")
        self:write("n", log.cb "n")
        answer = done
      end,
    }
    ws:cork()
    ws:write("a", log.cb "a")
    ws:write("b", log.cb "b")
    ws:uncork()
    assert.equal(3, ws:writable_length())
    answer()
    assert.equal(0, ws:writable_length())
    support.run()
    assert.equal("writev(a,b) write(n) a b n(X) error(X) close", log.take())
  end)

  it("does not keep the stream from finishing when that is writev [Q-21]", function()
    local log, ws, nested
    ws, log = logged {
      write = function(_, _, done) done() end,
      writev = function(self, _, done)
        if not nested then
          nested = true
          self:write("n", log.cb "n")
        end
        done()
      end,
    }
    ws:cork()
    ws:write("a")
    ws:write("b")
    ws:uncork()
    ws:end_()
    support.run()
    assert.equal("prefinish n finish close", log.take())
  end)
end)

describe("a failure at once in a flush", function()
  before_each(support.settle)

  it("stops it: the rest fails with the first error, unseen by the sink [Q-03]", function()
    local ws, log = support.stream { write = { "now", "now:X", "now:Y" } }
    ws:cork()
    for _, name in ipairs { "a", "b", "c", "d" } do ws:write(name, log.cb(name)) end
    ws:uncork()
    support.run()
    assert.equal("write(a) write(b) a b(X) c(X) d(X) error(X) close", log.take())
    assert.equal(0, ws:writable_length())
  end)

  it("is not followed by another flush before the stream is destroyed [Q-03]", function()
    local ws, log = support.stream { write = "now:X" }
    ws:write("a", log.cb "a")
    ws:cork()
    ws:write("b", log.cb "b")
    ws:uncork()
    support.run()
    local text = log.take()
    assert.equal("write(a) a(X) b(X) error(X) close", text)
    assert.equal(0, ws:writable_length())
  end)

  it("is not followed by a flush that a callback starts by uncork() [Q-03]", function()
    local ws, log, sink = support.stream()
    ws:write("a", function()
      log.add("a")
      ws:cork()
      ws:uncork()
    end)
    ws:write("b", function()
      log.add("b")
      ws:cork()
      ws:uncork()
    end)
    ws:write("c", log.cb "c")
    sink.answer("X")
    support.run()
    assert.equal("write(a) a b c(X) error(X) close", log.take())
    assert.equal(0, ws:writable_length())
  end)

  it("destroy(err) inside the sink stops it as well [Q-03]", function()
    local log, ws
    ws, log = logged { write = function(self, chunk, done)
      log.add("write(" .. chunk .. ")")
      self:destroy("D")
      done()
    end }
    ws:cork()
    for _, name in ipairs { "a", "b", "c" } do ws:write(name, log.cb(name)) end
    ws:uncork()
    support.run()
    assert.equal("write(a) error(D) close a b(D) c(D)", log.take())
    assert.equal(0, ws:writable_length())
  end)
end)

describe("the callback of end_", function()
  before_each(support.settle)

  it("on a destroyed stream gets ERR_STREAM_DESTROYED on a tick; the stream has ended [Q-04]",
    function()
      local ws, log = support.stream()
      ws:destroy()
      support.run()
      ws:end_(log.cb "end")
      assert.is_true(ws:writable_ended())
      log.add("|")
      support.run()
      assert.equal("close | end(DESTROYED)", log.take())
    end)

  it("is told when a listener of `prefinish` destroys the stream inside that end_() [Q-04]",
    function()
      local ws, log = support.stream()
      ws:once("prefinish", function() ws:destroy() end)
      ws:end_(log.cb "end")
      support.run()
      local text = log.take()
      assert.matches("^prefinish .*end%(DESTROYED%)", text)
      assert.matches(" close", text)
      assert.is_nil(text:find(" finish", 1, true))
    end)

  it("is told when the sink destroys the stream over the chunk of that end_() [Q-04]", function()
    local log, ws
    ws, log = logged { write = function(self, _, done)
      self:destroy()
      done()
    end }
    ws:end_("a", log.cb "end")
    support.run()
    local text = log.take()
    assert.matches("end%(DESTROYED%)", text)
    assert.matches("close", text)
    assert.is_nil(text:find("finish", 1, true))
  end)

  it("is told without auto_destroy after a construct that failed [Q-05]", function()
    local ws, log = support.stream { construct = "now:C", auto_destroy = false }
    ws:write("a", log.cb "a")
    ws:end_(log.cb "end")
    support.run()
    assert.equal("construct a(C) end(C) error(C)", log.take())
  end)

  it("is told without auto_destroy after a write that came too late [Q-05]", function()
    local ws, log = support.stream { final = "later", auto_destroy = false }
    ws:end_(log.cb "end")
    ws:write("a", log.cb "a")
    support.run()
    assert.equal("final a(WRITE_AFTER_END) end(WRITE_AFTER_END) error(WRITE_AFTER_END)",
      log.take())
  end)

  it("is told, and no finish comes, when the stream is destroyed after final answered [Q-08]",
    function()
      local ws, log, sink = support.stream { final = "later" }
      ws:end_(log.cb "end")
      sink.answer_final()
      ws:destroy("D")
      support.run()
      assert.equal("final prefinish end(D) error(D) close", log.take())
      assert.is_false(ws:writable_finished())
      assert.is_true(ws:writable_aborted())
    end)

  it("is told, and no finish comes, when `prefinish` destroys it after final [Q-08]", function()
    local ws, log = support.stream { final = "now" }
    ws:once("prefinish", function() ws:destroy() end)
    ws:end_(log.cb "end")
    support.run()
    local text = log.take()
    assert.matches("^final prefinish ", text)
    assert.matches("end%(DESTROYED%)", text)
    assert.is_nil(text:find(" finish", 1, true))
  end)

  it("is told, and no finish comes, when the stream fails between without auto_destroy [Q-08]",
    function()
      local ws, log, sink = support.stream { final = "later", auto_destroy = false }
      ws:end_(log.cb "end")
      sink.answer_final()
      ws:write("late", log.cb "late")
      support.run()
      local text = log.take()
      assert.matches("end%(WRITE_AFTER_END%)", text)
      assert.matches("late%(WRITE_AFTER_END%)", text)
      assert.is_nil(text:find(" finish", 1, true))
    end)
end)

describe("a write on a failed stream without auto_destroy", function()
  before_each(support.settle)

  it("is answered with the error, not kept for ever [Q-05]", function()
    local ws, log, sink = support.stream { auto_destroy = false }
    ws:write("a", log.cb "a")
    sink.answer("X")
    support.run()
    assert.equal("write(a) a(X) error(X)", log.take())
    for i = 1, 2 do ws:write("b", log.cb(i)) end
    support.run()
    assert.equal("1(X) 2(X)", log.take())
    assert.equal(0, ws:writable_length())
  end)

  it("that waited for a construct that failed is told before `error` [Q-05]", function()
    local ws, log, sink = support.stream { construct = "later", auto_destroy = false }
    ws:write("a", log.cb "a")
    support.run()
    sink.answer_construct("C")
    support.run()
    assert.equal("construct a(C) error(C)", log.take())
  end)
end)

describe("an extra answer of the sink", function()
  before_each(support.settle)

  it("does not complete the write that is in the sink by then [Q-07]", function()
    local ws, log, sink = support.stream()
    ws:write("a", log.cb "a")
    ws:write("b", log.cb "b")
    sink.dones[1]()
    assert.equal("write(a) write(b) a", log.take())
    sink.dones[1]()
    assert.equal(1, ws:writable_length())
    support.run()
    assert.equal("error(MULTIPLE_CALLBACK) close", log.take())
    sink.dones[2]()
    assert.equal("b", log.take())
  end)

  it("is another function for each call of the sink [Q-07]", function()
    local ws, _, sink = support.stream()
    ws:write("a")
    ws:write("b")
    sink.answer()
    assert.is_true(sink.dones[1] ~= sink.dones[2])
  end)
end)

describe("an end that waits for a corked flush", function()
  before_each(support.settle)

  for _, way in ipairs { "uncork", "end_" } do
    it("begins when " .. way .. "() lets go and the sink answers at once, nobody to tell [Q-20]",
      function()
        local ws, log, sink = support.stream { write = { "later", "now" } }
        ws:write("a")
        ws:write("b")
        ws:end_()
        ws:cork()
        sink.answer()
        support.run()
        assert.equal("write(a)", log.take())
        ws[way](ws)
        support.run()
        assert.equal("write(b) prefinish finish close", log.take())
      end)
  end

  it("calls final then [Q-20]", function()
    local ws, log, sink = support.stream { write = { "later", "now" }, final = "now" }
    ws:write("a")
    ws:write("b")
    ws:end_()
    ws:cork()
    sink.answer()
    ws:uncork()
    support.run()
    assert.equal("write(a) write(b) final prefinish finish close", log.take())
  end)
end)
