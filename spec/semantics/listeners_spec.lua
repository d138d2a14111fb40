local support = require "spec.semantics.support"

local function fresh()
  local log = support.new_log()
  local ws = support.stream()
  ws:remove_all_listeners()
  local function says(name)
    return function() log.add(name) end
  end
  return ws, log, says
end

describe("off", function()
  it("takes one listener off, the one added last", function()
    local ws, log, says = fresh()
    local a, b = says "a", says "b"
    ws:on("x", a):on("x", b):on("x", a)
    ws:off("x", a)
    ws:emit("x")
    assert.equal("a b", log.take())
  end)

  it("of a function or an event that is not there does nothing", function()
    local ws, log, says = fresh()
    ws:on("x", says "a")
    assert.equal(ws, ws:off("x", says "other"))
    assert.equal(ws, ws:off("y", says "other"))
    ws:emit("x")
    assert.equal("a", log.take())
  end)

  it("of an unrelated function leaves the listener of `error` working", function()
    local ws, log = fresh()
    ws:on("error", log.cb "error")
    ws:off("error", print)
    ws:destroy("D")
    support.run()
    assert.equal("error(D)", log.take())
  end)

  it("takes off what on, once and the prepending forms added", function()
    local ws, _, says = fresh()
    for _, name in ipairs { "on", "once", "prepend_listener", "prepend_once_listener" } do
      local a = says "a"
      ws[name](ws, "x", a)
      assert.equal(1, ws:listener_count("x"))
      ws:off("x", a)
      assert.equal(0, ws:listener_count("x"))
    end
  end)
end)

describe("prepend_listener", function()
  it("puts a listener before all others", function()
    local ws, log, says = fresh()
    ws:on("x", says "a")
    ws:prepend_listener("x", says "b")
    ws:prepend_listener("x", says "c")
    ws:emit("x")
    assert.equal("c b a", log.take())
  end)

  it("has a form for one call", function()
    local ws, log, says = fresh()
    ws:on("x", says "a")
    ws:prepend_once_listener("x", says "b")
    ws:emit("x")
    ws:emit("x")
    assert.equal("b a a", log.take())
  end)

  it("does not reach the emit in which it is called", function()
    local ws, log, says = fresh()
    ws:once("x", function()
      log.add("a")
      ws:prepend_listener("x", says "new")
    end)
    ws:on("x", says "b")
    ws:emit("x")
    ws:emit("x")
    assert.equal("a b new b", log.take())
  end)
end)

describe("remove_all_listeners", function()
  it("with an event takes all listeners of that event off", function()
    local ws, log, says = fresh()
    ws:on("x", says "x1"):on("x", says "x2"):on("y", says "y")
    ws:remove_all_listeners("x")
    ws:emit("x")
    ws:emit("y")
    assert.equal("y", log.take())
  end)

  it("without one takes all off", function()
    local ws, log, says = fresh()
    ws:on("x", says "x"):on("y", says "y")
    ws:remove_all_listeners()
    assert.is_false(ws:emit("x"))
    assert.is_false(ws:emit("y"))
    assert.equal("", log.take())
  end)

  it("does not disturb the stream itself", function()
    local ws, log, sink = support.stream { high_water_mark = 1 }
    ws:write("a", log.cb "a")
    ws:remove_all_listeners()
    ws:end_(log.cb "end")
    sink.answer()
    support.run()
    assert.equal("write(a) a end", log.take())
    assert.is_true(ws:closed())
  end)
end)

describe("listeners and listener_count", function()
  it("tell the functions that were given, in order, those of once too", function()
    local ws, _, says = fresh()
    local a, b, c = says "a", says "b", says "c"
    ws:on("x", a):once("x", b):prepend_listener("x", c)
    local list = ws:listeners("x")
    assert.equal(3, #list)
    assert.equal(c, list[1])
    assert.equal(a, list[2])
    assert.equal(b, list[3])
    assert.equal(3, ws:listener_count("x"))
  end)

  it("tell nothing for an event without listeners", function()
    local ws = fresh()
    assert.same({}, ws:listeners("x"))
    assert.equal(0, ws:listener_count("x"))
  end)

  it("give a copy: changing it changes nothing", function()
    local ws, log, says = fresh()
    ws:on("x", says "a")
    local list = ws:listeners("x")
    list[1] = nil
    list[2] = print
    ws:emit("x")
    assert.equal("a", log.take())
    assert.equal(1, #ws:listeners("x"))
  end)

  it("count as listeners come and go", function()
    local ws, _, says = fresh()
    local a = says "a"
    local counts = {}
    local function look() counts[#counts + 1] = ws:listener_count("x") end
    look()
    ws:on("x", a) look()
    ws:on("x", a) look()
    ws:once("x", a) look()
    ws:emit("x") look()
    ws:off("x", a) look()
    ws:remove_all_listeners("x") look()
    assert.same({ 0, 1, 2, 3, 2, 1, 0 }, counts)
  end)
end)

describe("the events of the stream", function()
  before_each(support.settle)

  it("hand over nothing but what the event is about", function()
    local ws, _, sink = support.stream { high_water_mark = 1 }
    local counts = {}
    for _, event in ipairs { "drain", "prefinish", "finish", "close" } do
      ws:on(event, function(...) counts[#counts + 1] = event .. select("#", ...) end)
    end
    ws:write("a")
    sink.answer()
    ws:end_()
    support.run()
    assert.equal("drain0 prefinish0 finish0 close0", table.concat(counts, " "))
  end)

  it("hand `error` its error and nothing else", function()
    local ws = support.stream()
    local count, got
    ws:on("error", function(...) count, got = select("#", ...), ... end)
    ws:destroy("D")
    support.run()
    assert.equal(1, count)
    assert.equal("D", got)
  end)

  it("are told to the listeners there are at that time, not when they came due", function()
    local ws, log = support.stream()
    ws:destroy()
    ws:on("close", function() log.add "late" end)
    support.run()
    assert.equal("close late", log.take())
  end)
end)
