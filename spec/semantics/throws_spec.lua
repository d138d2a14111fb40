-- A hook that raises counts as one that answers with what it raised [Q-09].
local weir = require "weir"
local support = require "spec.semantics.support"

local function logged(options)
  local log = support.new_log()
  local ws = weir.writable(options)
  for _, event in ipairs { "drain", "prefinish", "finish", "error", "close" } do
    ws:on(event, log.cb(event))
  end
  return ws, log
end

describe("a sink that raises", function()
  before_each(support.settle)

  it("fails its write: false, the callback, `error` once, `close` [Q-09]", function()
    local ws, log = logged { write = function() error("bang", 0) end }
    log.add(ws:write("a", log.cb "a"))
    assert.is_false(ws:writable())
    assert.equal("bang", ws:errored())
    support.run()
    assert.equal("false a(bang) error(bang) close", log.take())
  end)

  it("does not raise out of write() or end_(chunk) [Q-09]", function()
    local ws, log = logged { write = function() error("bang", 0) end }
    assert.equal(ws, ws:end_("a", log.cb "end"))
    support.run()
    assert.equal("end(bang) error(bang) close", log.take())
  end)

  it("fails with the very object it raised [Q-09]", function()
    local problem, got = {}, {}
    local ws = weir.writable { write = function() error(problem) end }
    ws:on("error", function(err) got[2] = err end)
    ws:write("a", function(err) got[1] = err end)
    support.run()
    assert.is_true(rawequal(problem, got[1]))
    assert.is_true(rawequal(problem, got[2]))
  end)

  it("fails what is queued behind it with the same error, unseen by the sink [Q-09]", function()
    local log, ws
    ws, log = logged { write = function(_, chunk)
      log.add("write(" .. chunk .. ")")
      error("bang", 0)
    end }
    ws:cork()
    for _, name in ipairs { "a", "b" } do ws:write(name, log.cb(name)) end
    ws:end_(log.cb "end")
    support.run()
    assert.equal("write(a) a(bang) b(bang) end(bang) error(bang) close", log.take())
  end)

  it("fails a write that an uncork(), an answer or a construct handed over [Q-09]", function()
    local answers = {}
    local function sink(_, chunk, done)
      if chunk == "bad" then error("bang", 0) end
      answers[#answers + 1] = done
    end
    local ws, log = logged { write = sink }
    ws:cork()
    ws:write("bad", log.cb "a")
    ws:uncork()
    support.run()
    assert.equal("a(bang) error(bang) close", log.take())

    ws, log = logged { write = sink }
    ws:write("good", log.cb "a")
    ws:write("bad", log.cb "b")
    answers[1]()
    support.run()
    assert.equal("a b(bang) error(bang) close", log.take())

    ws, log = logged { write = sink, construct = function(_, done) done() end }
    ws:write("bad", log.cb "a")
    support.run()
    assert.equal("a(bang) error(bang) close", log.take())
  end)

  it("fails a whole batch when it is writev that raises [Q-09]", function()
    local ws, log = logged {
      write = function() end, writev = function() error("bang", 0) end,
    }
    ws:cork()
    for _, name in ipairs { "a", "b" } do ws:write(name, log.cb(name)) end
    ws:uncork()
    support.run()
    assert.equal("a(bang) b(bang) error(bang) close", log.take())
  end)

  it("after it has answered is an error of the stream's; the write itself went well [Q-09]",
    function()
      local ws, log = logged { write = function(_, _, done)
        done()
        error("bang", 0)
      end }
      ws:write("a", log.cb "a")
      support.run()
      assert.matches("^a error%(.+%) close$", log.take())
    end)

  it("without auto_destroy tells callback and `error`, and the stream is not wedged [Q-09]",
    function()
      local ws, log = logged { auto_destroy = false, write = function() error("bang", 0) end }
      ws:write("a", log.cb "a")
      support.run()
      assert.equal("a(bang) error(bang)", log.take())
      log.add(ws:write("b", log.cb "b"))
      support.run()
      assert.equal("refused(bang) b(bang)", log.take())
      assert.equal(0, ws:writable_length())
    end)

  it("with a position in its message keeps the message as it was raised [Q-09]", function()
    local ws = weir.writable { write = function() error("bang") end }
    local told
    ws:on("error", function() end)
    ws:write("a", function(err) told = err end)
    support.run()
    assert.matches("^%S*throws_spec%.lua:%d+: bang$", told)
  end)

  it("nil or false has answered all the same: its callback comes once [Q-09]", function()
    for _, nothing in ipairs { "nil", "false" } do
      local ws = weir.writable { write = function()
        if nothing == "nil" then error(nil) else error(false) end
      end }
      local calls, emitted = 0, 0
      ws:on("error", function() emitted = emitted + 1 end)
      ws:write("a", function() calls = calls + 1 end)
      support.run()
      assert.equal(1, calls)
      assert.is_true(emitted <= 1)
    end
  end)

  it("leaves nothing for run to raise when somebody listens [Q-09]", function()
    local ws = support.stream { write = function() error("bang", 0) end }
    ws:write("a")
    assert.is_false(weir.run("nowait"))
  end)
end)

describe("a callback that raises", function()
  before_each(support.settle)

  it("costs the others of its batch nothing: they share a tick and are all called [Q-10]",
    function()
      local calls = 0
      local ws = support.stream { write = "now" }
      local function shared()
        calls = calls + 1
        if calls == 1 then error("oops", 0) end
      end
      for _ = 1, 3 do ws:write("x", shared) end
      ws:end_()
      local ok, err = pcall(support.run)
      assert.is_false(ok)
      assert.matches("oops", tostring(err))
      support.run()
      assert.equal(3, calls)
      assert.is_true(ws:writable_finished())
    end)

  it("costs the others of a writev nothing [Q-10]", function()
    local ws, log, sink = support.stream { writev = true }
    ws:cork()
    ws:write("a", function() error("oops", 0) end)
    ws:write("b", log.cb "b")
    ws:end_(log.cb "end")
    sink.answer()
    assert.is_false((pcall(support.run)))
    support.run()
    assert.equal("writev(a,b) b prefinish end finish close", log.take())
  end)

  it("in `drain` costs the write its callback no more, nor the stream its finish [Q-10]",
    function()
      local ws, log, sink = support.stream { high_water_mark = 1 }
      ws:on("drain", function() error("oops", 0) end)
      ws:write("a", log.cb "a")
      sink.answer()
      ws:end_()
      local ok, err = pcall(support.run)
      assert.is_false(ok)
      assert.matches("oops", tostring(err))
      support.run()
      assert.equal("write(a) drain a prefinish finish close", log.take())
    end)

  it("of end_() costs `finish` nothing [Q-10]", function()
    local ws, log = support.stream()
    ws:end_(function() error("oops", 0) end)
    assert.is_false((pcall(support.run)))
    support.run()
    assert.equal("prefinish finish close", log.take())
  end)

  it("of a queued write that is failed costs the rest of the queue nothing [Q-10]", function()
    local ws, log = support.stream()
    ws:cork()
    ws:write("a", function() error("oops", 0) end)
    ws:write("b", log.cb "b")
    ws:destroy("D")
    assert.is_false((pcall(support.run)))
    support.run()
    assert.equal("b(D) error(D) close", log.take())
    assert.equal(0, ws:writable_length())
  end)
end)

describe("close", function()
  before_each(support.settle)

  it("follows when nobody listens to `error`; run raises the error [Q-12]", function()
    local log = support.new_log()
    local ws = weir.writable {}
    ws:on("close", log.cb "close")
    ws:destroy("U")
    local ok, err = pcall(support.run)
    assert.is_false(ok)
    assert.matches("U", tostring(err))
    support.run()
    assert.equal("close", log.take())
  end)

  it("follows when a listener of `error` raises [Q-12]", function()
    local ws, log = support.stream()
    ws:on("error", function() error("oops", 0) end)
    ws:destroy("D")
    assert.is_false((pcall(support.run)))
    support.run()
    assert.equal("error(D) close", log.take())
  end)
end)
