-- Coroutines: weir.run(fn), weir.spawn and send.
local weir = require "weir"
local settle = require("spec.semantics.support").settle
local support = require "spec.embedding.support"

local slow_stream, fast_stream = support.slow_stream, support.fast_stream
local run, code_of = support.run, support.code_of

describe("weir.run(fn)", function()
  before_each(settle)

  it("runs it as a coroutine and returns its results, nil among them and at the end", function()
    local got = { n = 0 }
    local function take(...) got = { n = select("#", ...), ... } end
    take(weir.run(function(...) return ... end, 1, nil, "c", nil))
    assert.equal(4, got.n)
    assert.equal("c", got[3])
    take(weir.run(function() end))
    assert.equal(0, got.n)
  end)

  it("raises what it raised: an object unchanged, a string with a traceback", function()
    local problem = {}
    local ok, err = pcall(weir.run, function() error(problem) end)
    assert.is_false(ok)
    assert.is_true(rawequal(problem, err))
    ok, err = pcall(weir.run, function() error "oops" end)
    assert.is_false(ok)
    assert.matches("oops\nstack traceback:", err)
    assert.is_false(weir.run "nowait")
  end)

  it("goes on with the loop when the function is over, until nothing is left", function()
    local fired
    run(function() weir.set_timeout(function() fired = true end, 2) end)
    assert.is_true(fired)
  end)

  it("answers ERR_STALLED, naming stream and event, when it would wait for ever", function()
    local ws = slow_stream()
    local ok, err = weir.run(function() ws:send "a" end)
    assert.equal("ERR_STALLED", code_of(ok, err))
    assert.matches("'drain' of weir.stream", err.message)
    ok, err = weir.run(function() coroutine.yield() end)
    assert.equal("ERR_STALLED", code_of(ok, err))
  end)

  it("inside a run answers ERR_LOOP_RUNNING and does not call it", function()
    local called, code = false, nil
    run(function() code = code_of(weir.run(function() called = true end)) end)
    weir.run()
    assert.equal("ERR_LOOP_RUNNING", code)
    assert.is_false(called)
  end)

  it("returns early, and goes on in the next run, when it is stopped", function()
    local ended = false
    local ws, sink = slow_stream()
    weir.run(function()
      weir.set_timeout(function()
        weir.stop()
        weir.set_timeout(function() sink.answer() end, 1)
      end, 1)
      ws:send "a"
      ended = true
    end)
    assert.is_false(ended)
    weir.run()
    assert.is_true(ended)
  end)
end)

describe("weir.spawn(fn, ...)", function()
  before_each(settle)

  it("begins in the order of the calls, in the next turn, with its arguments", function()
    local log = {}
    for i = 1, 3 do weir.spawn(function(a, b) log[#log + 1] = a .. b end, i, "x") end
    assert.equal(0, #log)
    weir.run()
    assert.equal("1x 2x 3x", table.concat(log, " "))
  end)

  it("returns the coroutine", function()
    local thread = weir.spawn(function() end)
    assert.equal("thread", type(thread))
    weir.run()
    assert.equal("dead", coroutine.status(thread))
  end)

  it("has what it raises raised by run, and costs the others nothing", function()
    local log = {}
    weir.spawn(function() error("oops", 0) end)
    weir.spawn(function() log[1] = "there" end)
    local ok, err = pcall(weir.run)
    assert.is_false(ok)
    assert.matches("^oops", err)
    weir.run()
    assert.equal("there", log[1])
  end)

  it("raises for what is no function, at its caller", function()
    local ok, err = pcall(function() weir.spawn(1) end)
    assert.is_false(ok)
    assert.matches("coroutine_spec.lua:%d+: bad argument #1 to 'spawn' %(function expected", err)
  end)
end)

describe("send", function()
  before_each(settle)

  it("goes on at once while the stream has room, and waits for `drain` when it has not", function()
    local ws, sink = slow_stream { high_water_mark = 3 }
    local log = {}
    weir.spawn(function()
      for i = 1, 4 do
        assert.is_true(ws:send(i))
        log[#log + 1] = i
      end
    end)
    weir.run()
    assert.equal("1 2", table.concat(log, " "))
    sink.answer() sink.answer() sink.answer()
    weir.run()
    assert.equal("1 2 3 4", table.concat(log, " "))
    assert.equal("1234", table.concat(sink))
  end)

  it("wakes those who wait for one stream first come, first served", function()
    local ws, sink = slow_stream()
    local log = {}
    for i = 1, 5 do
      weir.spawn(function()
        ws:send(i)
        log[#log + 1] = i
      end)
    end
    weir.run()
    for _ = 1, 5 do sink.answer() end
    weir.run()
    assert.equal("1 2 3 4 5", table.concat(log, " "))
  end)

  it("wakes when no tick is left", function()
    local ws, sink = slow_stream()
    local log = {}
    weir.spawn(function()
      ws:send "a"
      log[#log + 1] = "sender"
    end)
    weir.run()
    ws:on("drain", function()
      weir.next_tick(function()
        weir.next_tick(function() log[#log + 1] = "tick" end)
      end)
    end)
    sink.answer()
    weir.run()
    assert.equal("tick sender", table.concat(log, " "))
  end)

  it("returns nil and the error when the stream fails meanwhile, and that is all", function()
    local problem = { code = "EMINE" }
    local ws, sink = slow_stream()
    run(function()
      weir.set_timeout(function() sink.answer(problem) end, 1)
      local ok, err = ws:send "a"
      assert.is_nil(ok)
      assert.is_true(rawequal(problem, err))
      ok, err = ws:send "b"
      assert.is_nil(ok)
      assert.is_true(rawequal(problem, err) or err.code == "ERR_STREAM_DESTROYED")
    end)
  end)

  it("returns nil and the refusal, which is told then and no uncaught error", function()
    local ws = fast_stream { auto_destroy = false }
    run(function()
      assert(ws:finish())
      assert.equal("ERR_STREAM_WRITE_AFTER_END", code_of(ws:send "late"))
    end)
  end)

  it("returns ERR_STREAM_PREMATURE_CLOSE when the stream is destroyed meanwhile", function()
    for _, emits in ipairs { true, false } do
      local ws = slow_stream { emit_close = emits }
      run(function()
        weir.set_timeout(function() ws:destroy() end, 1)
        assert.equal("ERR_STREAM_PREMATURE_CLOSE", code_of(ws:send "a"))
      end)
    end
  end)

  it("takes pieces and a callback as write does, and raises as write does", function()
    local ws, sink = slow_stream { high_water_mark = 100 }
    local told = false
    run(function() assert.is_true(ws:send("a", 1, "b", function() told = true end)) end)
    local ok, err = pcall(function() ws:send({}) end)
    assert.is_false(ok)
    assert.matches("bad argument #1 to 'send' %(string or number expected, got table%)", err)
    sink.answer()
    weir.run()
    assert.is_true(told)
    assert.equal("a1b", sink[1])
  end)

  it("lets others have their turn although its stream never says false", function()
    local ws, sent, at = fast_stream(), 0, nil
    weir.set_timeout(function() at = sent end, 1)
    run(function()
      local began = weir.hrtime()
      repeat
        ws:send "x"
        sent = sent + 1
      until at or weir.hrtime() - began > 20e9
    end)
    assert.is_truthy(at)
  end)

  it("waits in a coroutine of the script's own as well", function()
    local ws, sink = slow_stream()
    local log = {}
    local go = coroutine.wrap(function()
      log[#log + 1] = tostring(ws:send "a")
    end)
    go()
    assert.equal(0, #log)
    sink.answer()
    weir.run()
    assert.equal("true", log[1])
  end)

  it("yields again when somebody else resumes it", function()
    local ws, sink = slow_stream()
    local ended = false
    local thread = coroutine.create(function()
      ws:send "a"
      ended = true
    end)
    for _ = 1, 3 do assert.is_true(coroutine.resume(thread, "foreign")) end
    sink.answer()
    assert.is_true(coroutine.resume(thread))
    assert.is_false(ended)
    weir.run()
    assert.is_true(ended)
  end)

  it("skips a waiter that was killed or collected", function()
    local ws, sink = slow_stream()
    local log = {}
    local function sender(i)
      return coroutine.create(function()
        ws:send(i)
        log[#log + 1] = i
      end)
    end
    local first, second = sender(1), sender(2)
    coroutine.resume(first)
    coroutine.resume(second)
    if coroutine.close then coroutine.close(first) else first = nil end
    collectgarbage()
    sink.answer() sink.answer()
    weir.run()
    assert.equal(coroutine.close and "2" or "1 2", table.concat(log, " "))
    assert.truthy(first or second)
  end)

  it("leaves no memory behind, however often it waits", function()
    local ws, sink = slow_stream()
    local function rounds(count)
      run(function()
        for _ = 1, count do
          weir.next_tick(function() sink.answer() end)
          ws:send "x"
        end
      end)
      for i = 1, #sink do sink[i] = nil end
      collectgarbage()
      collectgarbage()
      return collectgarbage "count"
    end
    rounds(1000)
    local before = rounds(1000)
    assert.is_true(rounds(1000) - before < 20)
  end)
end)
