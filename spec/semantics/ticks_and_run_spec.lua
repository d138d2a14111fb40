local weir = require "weir"
local support = require "spec.semantics.support"
local rounds = require "spec.support.rounds"

describe("next_tick", function()
  before_each(support.settle)

  it("runs nothing before the turn is over", function()
    local log = support.new_log()
    log.tick "t"
    assert.equal("", log.take())
    support.run()
    assert.equal("t", log.take())
  end)

  it("runs functions first in, first out", function()
    local log = support.new_log()
    for i = 1, 5 do log.tick(i) end
    support.run()
    assert.equal("1 2 3 4 5", log.take())
  end)

  it("runs ticks queued by ticks in the same run, behind those that wait", function()
    local log = support.new_log()
    weir.next_tick(function()
      log.add("1")
      log.tick "3"
    end)
    log.tick "2"
    support.run()
    assert.equal("1 2 3", log.take())
  end)

  it("hands its arguments over as they are, nil among them and at the end", function()
    local count, got
    local function take(...) count, got = select("#", ...), { ... } end
    weir.next_tick(take, 1, nil, "c", false, nil)
    support.run()
    assert.equal(5, count)
    assert.equal(1, got[1])
    assert.is_nil(got[2])
    assert.equal("c", got[3])
    assert.is_false(got[4])
    weir.next_tick(take)
    support.run()
    assert.equal(0, count)
  end)

  it("takes many arguments", function()
    local sum = 0
    weir.next_tick(function(...)
      for i = 1, select("#", ...) do sum = sum + (select(i, ...)) end
    end, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20)
    support.run()
    assert.equal(210, sum)
  end)

  it("raises for what is no function", function()
    for _, value in ipairs { 1, "text", {}, true } do
      local ok, err = pcall(function() weir.next_tick(value) end)
      assert.is_false(ok)
      assert.matches("bad argument #1 to 'next_tick'", tostring(err))
    end
    assert.has_error(function() weir.next_tick() end)
    support.run()
  end)

  it("keeps function and arguments alive until it runs", function()
    local got
    weir.next_tick(function(thing) got = thing.name end, { name = "kept" })
    collectgarbage()
    collectgarbage()
    support.run()
    assert.equal("kept", got)
  end)

  it("queues twenty thousand ticks, one from another, in constant stack", function()
    local left = rounds(20000, 40)
    local function again()
      left = left - 1
      if left > 0 then weir.next_tick(again) end
    end
    weir.next_tick(again)
    support.run()
    assert.equal(0, left)
  end)

  it("shares one queue with the streams", function()
    local ws, log = support.stream { write = "now" }
    log.tick "1"
    ws:write("a", log.cb "a")
    log.tick "2"
    ws:end_()
    log.tick "3"
    log.take()
    support.run()
    assert.equal("1 a 2 3 finish close", log.take())
  end)

  it("shares one queue among several streams", function()
    local one, log = support.stream { write = "now" }
    local two = support.stream { write = "now" }
    one:write("x", log.cb "one")
    two:write("x", log.cb "two")
    one:write("x", log.cb "three")
    log.take()
    support.run()
    assert.equal("one two three", log.take())
  end)
end)

describe("run", function()
  before_each(support.settle)

  it("answers false at once when there is nothing to do", function()
    assert.is_false(weir.run("nowait"))
    assert.is_false(weir.run("once"))
    assert.is_false(weir.run("default"))
    assert.is_false(weir.run())
  end)

  it("runs all ticks in every mode", function()
    for _, mode in ipairs { "nowait", "once", "default" } do
      local log = support.new_log()
      weir.next_tick(function() log.tick "2" end)
      log.tick "1"
      assert.is_false(weir.run(mode))
      assert.equal("1 2", log.take())
    end
    local log = support.new_log()
    log.tick "1"
    weir.run()
    assert.equal("1", log.take())
  end)

  it("does not wait for a sink written in Lua that owes an answer", function()
    local ws, log, sink = support.stream()
    ws:write("a", log.cb "a")
    assert.is_false(weir.run())
    assert.equal("write(a)", log.take())
    sink.answer()
    assert.equal("a", log.take())
  end)

  it("raises for a mode it does not know", function()
    for _, mode in ipairs { "later", 1, {}, true } do
      local ok, err = pcall(function() weir.run(mode) end)
      assert.is_false(ok)
      assert.matches("bad argument #1 to 'run'", tostring(err))
    end
  end)

  it("inside a run answers nil and ERR_LOOP_RUNNING, and disturbs nothing", function()
    local log = support.new_log()
    local answers = {}
    weir.next_tick(function()
      for _, mode in ipairs { "nowait", "once", "default" } do
        local ok, err = weir.run(mode)
        answers[#answers + 1] = { ok = ok == nil, code = err.code }
      end
      log.add("1")
    end)
    log.tick "2"
    support.run()
    assert.equal("1 2", log.take())
    assert.equal(3, #answers)
    for _, answer in ipairs(answers) do
      assert.is_true(answer.ok)
      assert.equal("ERR_LOOP_RUNNING", answer.code)
    end
  end)

  it("inside the callback of a write answers ERR_LOOP_RUNNING too", function()
    local ws = support.stream { write = "now" }
    local code
    ws:write("a", function()
      local _, err = weir.run("nowait")
      code = err.code
    end)
    support.run()
    assert.equal("ERR_LOOP_RUNNING", code)
  end)
end)
