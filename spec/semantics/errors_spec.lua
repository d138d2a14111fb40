local weir = require "weir"
local support = require "spec.semantics.support"

describe("a failing sink", function()
  before_each(support.settle)

  it("calls every callback once, in order, when it fails midway", function()
    local ws, log, sink = support.stream()
    for i = 1, 4 do ws:write("x", log.cb(i)) end
    ws:end_(log.cb "end")
    sink.answer()
    sink.answer("X")
    support.run()
    assert.equal("write(x) write(x) 1 2(X) 3(X) 4(X) end(X) error(X) close", log.take())
  end)

  it("is told to the callback before `error`, whenever it fails [W-130]", function()
    for _, mode in ipairs { "now:X", "tick:X" } do
      local ws, log = support.stream { write = mode }
      ws:write("a", log.cb "a")
      assert.equal("write(a)", log.take())
      support.run()
      assert.equal("a(X) error(X) close", log.take())
    end
  end)

  it("that fails late tells all who wait inside that answer; nothing more is written [X-009]",
    function()
      local ws, log, sink = support.stream()
      for _, name in ipairs { "a", "b", "c" } do ws:write(name, log.cb(name)) end
      sink.answer("X")
      assert.equal("write(a) a(X) b(X) c(X)", log.take())
      assert.equal(0, ws:writable_length())
      support.run()
      assert.equal("error(X) close", log.take())
    end)

  it("that fails at once shows at once, and is told on a tick [X-010]", function()
    local ws, log = support.stream { write = "now:X" }
    assert.is_false(ws:write("a", log.cb "a"))
    assert.equal("X", ws:errored())
    assert.is_false(ws:destroyed())
    assert.is_false(ws:writable())
    assert.falsy(ws:write("b", log.cb "b"))
    ws:end_(log.cb "end")
    assert.is_false(ws:writable_ended())
    assert.equal("write(a)", log.take())
    support.run()
    assert.equal("a(X) b(X) end(X) error(X) close", log.take())
  end)

  it("fails a write made inside the failed write's callback with the same error [X-014]",
    function()
      local ws, log, sink = support.stream()
      ws:write("a", function()
        log.add("a")
        assert.falsy(ws:write("b", log.cb "b"))
      end)
      sink.answer("X")
      support.run()
      local text = log.take()
      assert.matches("^write%(a%) a ", text)
      assert.matches(" b%(X%)", text)
      assert.matches(" error%(X%) close", text)
    end)

  it("tells `error` once, even when later writes and answers fail too [W-121]", function()
    local ws, log = support.stream()
    ws:end_()
    ws:write("a")
    ws:write("b")
    support.run()
    assert.equal("prefinish error(WRITE_AFTER_END) close", log.take())
  end)

  it("without auto_destroy tells `error` in the same answer, and closes nothing", function()
    local ws, log, sink = support.stream { auto_destroy = false }
    ws:write("a", log.cb "a")
    ws:write("b", log.cb "b")
    sink.answer("X")
    assert.equal("write(a) a(X) b(X) error(X)", log.take())
    support.run()
    assert.equal("", log.take())
    assert.is_false(ws:destroyed())
    assert.is_false(ws:closed())
    assert.is_false(ws:writable())
  end)

  it("without auto_destroy answers every later write with the same error, on a tick", function()
    local ws, log, sink = support.stream { auto_destroy = false }
    ws:write("a")
    sink.answer("X")
    support.run()
    log.take()
    log.add(ws:write("b", log.cb "b"))
    log.add("|")
    support.run()
    assert.equal("refused(X) | b(X)", log.take())
    assert.equal(0, ws:writable_length())
  end)

  it("without auto_destroy is told once, though it answers twice with errors [X-012]", function()
    local log, answer = support.new_log(), nil
    local ws = weir.writable {
      auto_destroy = false, write = function(_, _, done) answer = done end,
    }
    ws:on("error", log.cb "error")
    ws:write("a", log.cb "a")
    answer("1")
    answer("2")
    support.run()
    assert.equal("a(1) error(1)", log.take())
    assert.equal("1", ws:errored())
  end)

  it("may use any value but nil and false as its error [X-013]", function()
    for _, value in ipairs { "str", 0, "", true, { any = "table" } } do
      local got = {}
      local ws = weir.writable { write = function(_, _, done) done(value) end }
      ws:on("error", function(err) got[2] = err end)
      ws:write("a", function(err) got[1] = err end)
      support.run()
      assert.equal(value, got[1])
      assert.equal(value, got[2])
      assert.equal(value, ws:errored())
    end
  end)

  it("succeeds with nil and with false; the callback gets nil [X-013]", function()
    local ws = weir.writable { write = function(_, chunk, done)
      if chunk == "nil" then done(nil) else done(false) end
    end }
    local got = {}
    ws:write("nil", function(err) got[1] = { err } end)
    ws:write("false", function(err) got[2] = { err } end)
    support.run()
    assert.same({ {}, {} }, got)
    assert.is_nil(ws:errored())
  end)

  it("passes the very object it failed with to every callback and listener", function()
    local problem, got = setmetatable({}, { __tostring = function() return "P" end }), {}
    local ws = weir.writable { write = function(_, _, done) weir.next_tick(done, problem) end }
    ws:on("error", function(err) got[4] = err end)
    for i = 1, 2 do ws:write("x", function(err) got[i] = err end) end
    ws:end_(function(err) got[3] = err end)
    support.run()
    for i = 1, 4 do assert.is_true(rawequal(problem, got[i])) end
  end)

  it("gets extra arguments of done ignored", function()
    local ws, log = support.stream { write = function(_, _, done) done(nil, "extra", 3) end }
    local count
    ws:write("a", function(...) count = select("#", ...) end)
    support.run()
    assert.equal(1, count)
    assert.equal("", log.take())
  end)
end)

describe("a sink that answers twice", function()
  before_each(support.settle)

  local function answers_twice(first, second)
    local log = support.new_log()
    local ws = weir.writable { write = function(_, _, done)
      if first == "now" then done() else weir.next_tick(done) end
      if second == "now" then done() else weir.next_tick(done) end
    end }
    ws:on("error", log.cb "error"):on("close", log.cb "close")
    ws:write("a", log.cb "a")
    support.run()
    return log.take()
  end

  it("at once is an error, and the callback succeeds [W-133]", function()
    assert.equal("a error(MULTIPLE_CALLBACK) close", answers_twice("now", "now"))
  end)

  it("at once and later is an error, and the callback succeeds [W-133]", function()
    assert.equal("a error(MULTIPLE_CALLBACK) close", answers_twice("now", "later"))
  end)

  it("later is an error, and the callback succeeds [W-133]", function()
    assert.equal("a error(MULTIPLE_CALLBACK) close", answers_twice("later", "later"))
  end)

  it("without auto_destroy has its error set when `error` is told [W-134]", function()
    local seen
    local ws = weir.writable { auto_destroy = false, write = function(_, _, done)
      done()
      done()
    end }
    ws:on("error", function() seen = ws:errored() end)
    ws:write("a")
    support.run()
    assert.equal("ERR_MULTIPLE_CALLBACK", seen.code)
  end)

  it("without auto_destroy errs inside the second answer", function()
    local ws, log, sink = support.stream { auto_destroy = false }
    ws:write("a", log.cb "a")
    sink.answer()
    sink.dones[1]()
    assert.equal("write(a) a error(MULTIPLE_CALLBACK)", log.take())
  end)

  it("after the stream was destroyed changes nothing", function()
    local ws, log, sink = support.stream()
    ws:write("a", log.cb "a")
    ws:destroy()
    support.run()
    sink.answer()
    sink.dones[1]()
    sink.dones[1]("late")
    support.run()
    assert.equal("write(a) close a", log.take())
    assert.is_nil(ws:errored())
  end)
end)

describe("an error object of weir's", function()
  before_each(support.settle)

  local function error_of(act, options)
    local ws = support.stream(options)
    local got
    act(ws, function(err) got = err end)
    support.run()
    return got
  end

  it("is a table with a code and a message, and reads CODE: message", function()
    local err = error_of(function(ws, callback)
      ws:destroy()
      ws:write("a", callback)
    end)
    assert.equal("table", type(err))
    assert.equal("ERR_STREAM_DESTROYED", err.code)
    assert.equal("string", type(err.message))
    assert.equal(err.code .. ": " .. err.message, tostring(err))
  end)

  it("says in Node's words that a stream was destroyed [W-162]", function()
    local err = error_of(function(ws, callback)
      ws:destroy()
      ws:write("a", callback)
    end)
    assert.equal("Cannot call write after a stream was destroyed", err.message)
    err = error_of(function(ws, callback)
      ws:end_(callback)
      ws:destroy()
    end)
    assert.equal("ERR_STREAM_DESTROYED", err.code)
    assert.equal("Cannot call end after a stream was destroyed", err.message)
  end)

  it("says in Node's words that the stream has ended [W-115]", function()
    local err = error_of(function(ws, callback)
      ws:end_()
      ws:write("a", callback)
    end)
    assert.equal("ERR_STREAM_WRITE_AFTER_END", err.code)
    assert.equal("write after end", err.message)
  end)

  it("says in Node's words that the stream has finished", function()
    local err = error_of(function(ws, callback)
      ws:end_()
      support.run()
      ws:end_(callback)
    end)
    assert.equal("ERR_STREAM_ALREADY_FINISHED", err.code)
    assert.equal("Cannot call end after a stream was finished", err.message)
  end)

  it("says in Node's words that a done was called again", function()
    local got
    local ws = weir.writable { write = function(_, _, done)
      done()
      done()
    end }
    ws:on("error", function(err) got = err end)
    ws:write("a")
    support.run()
    assert.equal("ERR_MULTIPLE_CALLBACK", got.code)
    assert.equal("Callback called multiple times", got.message)
  end)
end)
