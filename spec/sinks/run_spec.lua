-- weir.run with real input and output, timers, and errors that nobody catches.
local weir = require "weir"
local support = require "spec.sinks.support"

local function seconds_of(body)
  local began = weir.hrtime()
  body()
  return (weir.hrtime() - began) / 1e9
end

describe("run", function()
  setup(support.open_folder)
  teardown(support.remove_folder)
  before_each(support.settle)

  it("runs until all files are closed, and says that nothing is left", function()
    local streams = {}
    for i = 1, 20 do
      streams[i] = weir.create_write_stream(support.new_path())
      streams[i]:write(("x"):rep(100000))
      streams[i]:end_()
    end
    assert.is_false(weir.run())
    for i = 1, 20 do assert.is_true(streams[i]:closed()) end
  end)

  it('with "default" is run without a mode', function()
    local ws = weir.create_write_stream(support.new_path())
    ws:end_ "abc"
    assert.is_false(weir.run "default")
    assert.is_true(ws:closed())
  end)

  it('with "nowait" does not wait, and gets there by being called again', function()
    local ws = weir.create_write_stream(support.new_path())
    ws:end_(("x"):rep(1000000))
    local turns, slowest = 0, 0
    assert.is_true(weir.run "nowait")
    repeat
      turns = turns + 1
      local left
      slowest = math.max(slowest, seconds_of(function() left = weir.run "nowait" end))
    until not left or turns > 1e7
    assert.is_true(ws:closed())
    assert.is_true(turns > 1)
    assert.is_true(slowest < 0.5)
  end)

  it('with "once" waits for something to happen, and gets there by being called again', function()
    local ws = weir.create_write_stream(support.new_path())
    ws:end_(("x"):rep(1000000))
    local turns = 0
    while weir.run "once" do turns = turns + 1 end
    assert.is_true(ws:closed())
    assert.is_true(turns < 100)
  end)

  it('with "once" and nothing to do returns at once', function()
    assert.is_true(seconds_of(function() assert.is_false(weir.run "once") end) < 1)
  end)

  it("does nothing, and says so, when there is nothing to do", function()
    for _, mode in ipairs { "default", "once", "nowait" } do assert.is_false(weir.run(mode)) end
    assert.is_false(weir.run())
  end)

  it("can be stopped by a callback, and goes on later where it was", function()
    local ws, log = support.stream(support.new_path())
    ws:write("a", function()
      log.add "a"
      weir.stop()
    end)
    ws:end_("b", log.cb "end")
    assert.is_true(weir.run())
    assert.is_false(ws:closed())
    assert.is_false(weir.run())
    assert.is_true(ws:closed())
    assert.equal("open ready a prefinish end finish close", log.take())
    assert.equal("ab", support.read(ws:path()))
  end)

  it("within a callback of a file is refused, and the file is written all the same", function()
    local ws = weir.create_write_stream(support.new_path())
    local ok, refusal = true, nil
    ws:write("a", function() ok, refusal = weir.run() end)
    support.end_and_close(ws)
    assert.is_nil(ok)
    assert.equal("ERR_LOOP_RUNNING", refusal.code)
    assert.equal("a", support.read(ws:path()))
  end)

  it("sees to ticks between the events of a file", function()
    local ws, log = support.stream(support.new_path())
    for _, event in ipairs { "open", "finish", "close" } do
      ws:on(event, function() log.tick("after-" .. event) end)
    end
    ws:end_ "abc"
    weir.run()
    assert.equal("open ready after-open prefinish finish after-finish close after-close",
      log.take())
  end)
end)

describe("an error that nobody caught", function()
  setup(support.open_folder)
  teardown(support.remove_folder)
  before_each(support.settle)
  after_each(function() weir.on_uncaught(nil) end)

  it("of a file is raised by run as the object it is, and close still follows", function()
    local ws = weir.create_write_stream "/no/such/file"
    local closed = 0
    ws:on("close", function() closed = closed + 1 end)
    local ok, err = pcall(weir.run)
    assert.is_false(ok)
    assert.is_true(rawequal(err, ws:errored()))
    assert.equal("ENOENT: no such file or directory, open '/no/such/file'", tostring(err))
    assert.is_false(weir.run())
    assert.equal(1, closed)
  end)

  it("leaves the other files to be written by the next run", function()
    local good = weir.create_write_stream(support.new_path())
    good:end_(("x"):rep(1000000))
    weir.create_write_stream "/no/such/file"
    assert.is_false((pcall(weir.run)))
    assert.is_false(weir.run())
    assert.is_true(good:closed())
    assert.equal(1000000, support.size(good:path()))
  end)

  it("is told to on_uncaught when it is not the first of a run", function()
    local others = {}
    weir.on_uncaught(function(err) others[#others + 1] = err.code end)
    for _ = 1, 3 do weir.create_write_stream "/no/such/file" end
    local raised = 0
    for _ = 1, 5 do
      if not pcall(weir.run) then raised = raised + 1 end
    end
    assert.is_true(raised >= 1)
    assert.equal(3, raised + #others)
  end)

  it("in a listener of open does not keep the file from being written", function()
    local ws, log = support.stream(support.new_path())
    ws:on("open", function() error("oops", 0) end)
    ws:end_("abc", log.cb "end")
    local ok, err = pcall(weir.run)
    assert.is_false(ok)
    assert.matches("^oops", err)
    weir.run()
    assert.equal("open ready prefinish end finish close", log.take())
    assert.equal("abc", support.read(ws:path()))
  end)

  it("in any event of a file leaves the others to come", function()
    for _, event in ipairs { "open", "ready", "drain", "prefinish", "finish", "close" } do
      local ws, log = support.stream(support.new_path(), { high_water_mark = 2 })
      ws:on(event, function() error({ event = event }, 0) end)
      ws:write("abc", log.cb "a")
      local raised, ended = 0, false
      for _ = 1, 1000 do
        local ok, err = pcall(weir.run, "once")
        if not ok then
          raised = raised + 1
          assert.equal(event, err.event)
        end
        if ws:writable_length() == 0 and not ended then
          ended = true
          ws:end_(log.cb "end")
        end
        if ws:closed() then break end
      end
      pcall(function() if not pcall(weir.run) then raised = raised + 1 end end)
      assert.equal("open ready drain a prefinish end finish close", log.take(), event)
      assert.equal(1, raised, event)
    end
  end)
end)

describe("set_timeout", function()
  before_each(support.settle)

  it("calls once, with nothing, not before its time", function()
    local calls, after, given = 0, nil, nil
    local began = weir.hrtime()
    weir.set_timeout(function(...)
      calls = calls + 1
      after = (weir.hrtime() - began) / 1e6
      given = select("#", ...)
    end, 20)
    assert.equal(0, calls)
    assert.is_false(weir.run())
    assert.equal(1, calls)
    assert.equal(0, given)
    assert.is_true(after >= 19 and after < 1000, after .. " ms")
  end)

  it("counts from the call, however long the loop was not looked at", function()
    local began = weir.hrtime()
    weir.run "nowait"
    while weir.hrtime() - began < 30e6 do end
    local at
    local start = weir.hrtime()
    weir.set_timeout(function() at = weir.hrtime() end, 20)
    weir.run()
    assert.is_true(at - start >= 19e6, (at - start) / 1e6 .. " ms")
  end)

  it("calls in the order of their times, and of their making where these are equal", function()
    local log = support.new_log()
    weir.set_timeout(log.cb "c", 30)
    weir.set_timeout(log.cb "a", 5)
    weir.set_timeout(log.cb "b", 15)
    weir.set_timeout(log.cb "d", 30)
    weir.run()
    assert.equal("a b c d", log.take())
  end)

  it("can be cleared: it is not called, and does not keep the loop alive", function()
    local called = false
    local timer = weir.set_timeout(function() called = true end, 60000)
    timer:clear()
    assert.is_true(seconds_of(function() assert.is_false(weir.run()) end) < 5)
    assert.is_false(called)
  end)

  it("can be cleared again, when it was called, and in its own call", function()
    local calls = 0
    local timer
    timer = weir.set_timeout(function()
      calls = calls + 1
      timer:clear()
    end, 1)
    weir.run()
    timer:clear()
    timer:clear()
    assert.is_false(weir.run())
    assert.equal(1, calls)
  end)

  it("can be cleared by another that comes at the same time", function()
    local log = support.new_log()
    local second
    weir.set_timeout(function()
      log.add "first"
      second:clear()
    end, 5)
    second = weir.set_timeout(log.cb "second", 5)
    weir.run()
    assert.equal("first", log.take())
  end)

  it("is called although nobody holds it", function()
    local calls = 0
    for _ = 1, 100 do weir.set_timeout(function() calls = calls + 1 end, 1) end
    collectgarbage()
    collectgarbage()
    weir.run()
    assert.equal(100, calls)
  end)

  it("lets go of its function when it was called or cleared", function()
    local alive = setmetatable({}, { __mode = "k" })
    local timers = {}
    for i = 1, 10 do
      local function fn() return i end
      alive[fn] = true
      timers[i] = weir.set_timeout(fn, i % 2 == 0 and 1 or 60000)
      if i % 2 == 1 then timers[i]:clear() end
    end
    weir.run()
    collectgarbage()
    collectgarbage()
    assert.is_nil(next(alive))
    assert.equal(10, #timers)
  end)

  it("that is set in a timer comes in a later turn: files are seen to meanwhile", function()
    support.open_folder()
    local ws = weir.create_write_stream(support.new_path())
    ws:end_ "abc"
    local turns = 0
    local function again()
      turns = turns + 1
      if not ws:closed() and turns < 100000 then weir.set_timeout(again, 0) end
    end
    again()
    weir.run()
    assert.is_true(ws:closed())
    assert.is_true(turns < 100000)
    support.remove_folder()
  end)

  it("runs the ticks that it queues before the next timer", function()
    local log = support.new_log()
    for i = 1, 3 do
      weir.set_timeout(function()
        log.add(i)
        log.tick("tick" .. i)
      end, 5)
    end
    weir.run()
    assert.equal("1 tick1 2 tick2 3 tick3", log.take())
  end)

  it("may raise: run raises it, and the others come", function()
    local log = support.new_log()
    weir.set_timeout(function() error("oops", 0) end, 1)
    weir.set_timeout(log.cb "second", 2)
    local ok, err = pcall(weir.run)
    assert.is_false(ok)
    assert.matches("^oops", err)
    weir.run()
    assert.equal("second", log.take())
  end)

  it("takes a function and a number of milliseconds that is not negative", function()
    for _, fn in ipairs { 1, "x", true, {} } do
      assert.has_error(function() weir.set_timeout(fn, 1) end)
    end
    for _, ms in ipairs { -1, 0 / 0, 1 / 0, "x", true, {} } do
      assert.has_error(function() weir.set_timeout(print, ms) end)
    end
    assert.has_error(function() weir.set_timeout() end)
    assert.has_error(function() weir.set_timeout(print) end)
    assert.is_false(weir.run())
  end)

  it("gives a timer that cannot be misused", function()
    local timer = weir.set_timeout(function() end, 1)
    assert.has_error(function() timer.clear() end)
    assert.has_error(function() timer.clear {} end)
    assert.has_error(function() timer.clear(io.stdout) end)
    assert.is_string(getmetatable(timer))
    assert.has_error(function() timer.x = 1 end)
    assert.is_nil(timer.no_such_method)
    timer:clear()
    weir.run()
  end)
end)

describe("hrtime", function()
  it("counts nanoseconds, and never goes back", function()
    local last = weir.hrtime()
    for _ = 1, 1000 do
      local now = weir.hrtime()
      assert.is_true(now >= last)
      last = now
    end
    local began = weir.hrtime()
    weir.set_timeout(function() end, 20)
    weir.run()
    local passed = weir.hrtime() - began
    assert.is_true(passed >= 19e6 and passed < 5e9)
  end)
end)
