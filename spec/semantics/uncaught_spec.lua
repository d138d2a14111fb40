local weir = require "weir"
local support = require "spec.semantics.support"

-- What run raises; fails when it raises nothing.
local function raised_by_run(mode)
  local ok, err = pcall(weir.run, mode or "nowait")
  assert.is_false(ok)
  return err
end

local function raises(value)
  return function() error(value, 0) end
end

describe("an uncaught error", function()
  before_each(support.settle)
  after_each(function()
    weir.on_uncaught(nil)
    support.settle()
  end)

  it("of a tick is raised by run", function()
    weir.next_tick(raises("oops"))
    assert.matches("oops", tostring(raised_by_run()))
  end)

  it("is raised in every mode of run", function()
    for _, mode in ipairs { "nowait", "once", "default" } do
      weir.next_tick(raises("oops"))
      assert.matches("oops", tostring(raised_by_run(mode)))
    end
  end)

  it("is the very object that was raised, of whatever type", function()
    for _, problem in ipairs { {}, { code = "EMINE" }, 42, true, print } do
      weir.next_tick(raises(problem))
      assert.is_true(rawequal(problem, raised_by_run()))
    end
  end)

  it("that is a string keeps its text", function()
    weir.next_tick(raises("the very words"))
    assert.matches("^the very words", raised_by_run())
  end)

  it("is raised once: the next run is as if nothing had been", function()
    weir.next_tick(raises("oops"))
    raised_by_run()
    assert.is_false(weir.run("nowait"))
  end)

  it("leaves run usable: later ticks are run", function()
    local log = support.new_log()
    weir.next_tick(raises("oops"))
    raised_by_run()
    log.tick "t"
    assert.is_false(weir.run("nowait"))
    assert.equal("t", log.take())
  end)

  it("does not keep the ticks behind it from being called", function()
    local log = support.new_log()
    log.tick "1"
    weir.next_tick(raises("oops"))
    log.tick "2"
    assert.matches("oops", tostring(raised_by_run()))
    support.run()
    assert.equal("1 2", log.take())
  end)

  it("in the callback of a write does not keep the other callbacks away", function()
    local ws, log = support.stream { write = "now" }
    ws:write("a", raises("oops"))
    ws:write("b", log.cb "b")
    ws:end_(log.cb "end")
    assert.matches("oops", tostring(raised_by_run()))
    support.run()
    assert.equal("write(a) write(b) prefinish b end finish close", log.take())
  end)

  it("in the callback of a late answer does not reach the sink that answers", function()
    local ws, log, sink = support.stream()
    ws:write("a", raises("oops"))
    ws:write("b", log.cb "b")
    sink.answer()
    sink.answer()
    assert.equal("write(a) write(b) b", log.take())
    assert.matches("oops", tostring(raised_by_run()))
  end)

  it("in the callback of a failed write does not keep the others and `error` away", function()
    local ws, log, sink = support.stream()
    ws:write("a", raises("oops"))
    ws:write("b", log.cb "b")
    ws:end_(log.cb "end")
    sink.answer("X")
    assert.matches("oops", tostring(raised_by_run()))
    support.run()
    assert.equal("write(a) b(X) end(X) error(X) close", log.take())
  end)

  it("in a listener does not keep the other listeners and the next steps away", function()
    for _, event in ipairs { "drain", "prefinish", "finish", "close" } do
      local log, answer = support.new_log(), nil
      local ws = weir.writable {
        high_water_mark = 1, write = function(_, _, done) answer = done end,
      }
      ws:on(event, raises("oops"))
      for _, name in ipairs { "drain", "prefinish", "finish", "close" } do
        ws:on(name, log.cb(name))
      end
      ws:write("a", log.cb "a")
      answer()
      ws:end_(log.cb "end")
      assert.matches("oops", tostring(raised_by_run()))
      support.run()
      assert.equal("drain a prefinish end finish close", log.take())
    end
  end)

  it("in an `error` listener does not keep `close` away [X-037]", function()
    local ws, log = support.stream()
    ws:on("error", raises("oops"))
    ws:destroy("D")
    assert.matches("oops", tostring(raised_by_run()))
    support.run()
    assert.equal("error(D) close", log.take())
  end)

  it("is an `error` of the stream's that nobody listens to; `close` comes too [X-037]", function()
    local log, problem = support.new_log(), { code = "EMINE" }
    local ws = weir.writable { write = function() end }
    ws:on("close", log.cb "close")
    ws:destroy(problem)
    assert.is_true(rawequal(problem, raised_by_run()))
    support.run()
    assert.equal("close", log.take())
    assert.is_true(ws:closed())
  end)

  it("is a write after end_() that nobody listens to", function()
    local ws = weir.writable { write = function(_, _, done) done() end }
    ws:end_()
    local _, refusal = ws:write("late")
    assert.is_true(rawequal(refusal, raised_by_run()))
  end)

  it("is a failed write that nobody listens to, although its callback was told", function()
    local log = support.new_log()
    local ws = weir.writable { write = function(_, _, done) done("X") end }
    ws:write("a", log.cb "a")
    assert.matches("X", tostring(raised_by_run()))
    support.run()
    assert.equal("a(X)", log.take())
  end)

  it("is a failed final that nobody listens to, although end_() was told [W-100]", function()
    local log, problem = support.new_log(), { code = "EFINAL" }
    local ws = weir.writable { final = function(_, done) done(problem) end }
    ws:end_(log.cb "end")
    assert.is_true(rawequal(problem, raised_by_run()))
    support.run()
    assert.equal("end(EFINAL)", log.take())
  end)

  it("is not an error that somebody listens to", function()
    local ws, log = support.stream()
    ws:destroy("D")
    assert.is_false(weir.run("nowait"))
    assert.equal("error(D) close", log.take())
  end)

  it("that is not the first goes to weir.on_uncaught, the first to run", function()
    local later = {}
    weir.on_uncaught(function(err) later[#later + 1] = err end)
    local problems = { {}, {}, {} }
    for _, problem in ipairs(problems) do weir.next_tick(raises(problem)) end
    assert.is_true(rawequal(problems[1], raised_by_run()))
    support.run()
    assert.equal(2, #later)
    assert.is_true(rawequal(problems[2], later[1]))
    assert.is_true(rawequal(problems[3], later[2]))
  end)

  it("that is not the first is kept in the first one's others without a handler", function()
    local ws = weir.writable { write = function(_, _, done) done() end }
    ws:end_()
    ws:write("late")
    weir.next_tick(raises("second"))
    local first = raised_by_run()
    support.run()
    assert.equal("ERR_STREAM_WRITE_AFTER_END", first.code)
    assert.equal(1, #first.others)
    assert.matches("second", tostring(first.others[1]))
  end)

  it("is the first again in the next run", function()
    local later = {}
    weir.on_uncaught(function(err) later[#later + 1] = err end)
    for i = 1, 2 do
      weir.next_tick(raises("oops " .. i))
      assert.matches("oops " .. i, tostring(raised_by_run()))
    end
    assert.equal(0, #later)
  end)

  it("of the handler itself does no harm", function()
    weir.on_uncaught(raises("in the handler"))
    local log = support.new_log()
    weir.next_tick(raises("1"))
    weir.next_tick(raises("2"))
    log.tick "t"
    assert.matches("^1", raised_by_run())
    support.settle()
    assert.equal("t", log.take())
  end)

  it("costs no callback its call, whoever raises: every one is called once", function()
    local calls = 0
    local ws = weir.writable { high_water_mark = 4, write = function(_, _, done)
      weir.next_tick(done)
    end }
    for i = 1, 50 do
      ws:write("x", function()
        calls = calls + 1
        if i % 7 == 0 then error("oops", 0) end
      end)
    end
    ws:end_()
    for _ = 1, 60 do
      if pcall(weir.run, "nowait") then break end
    end
    assert.equal(50, calls)
    assert.is_true(ws:writable_finished())
    assert.is_true(ws:closed())
  end)
end)
