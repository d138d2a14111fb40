local weir = require "weir"
local support = require "spec.semantics.support"

describe("object mode", function()
  before_each(support.settle)

  it("is off unless asked for", function()
    assert.is_false(support.stream():writable_object_mode())
    assert.is_true(support.stream { object_mode = true }:writable_object_mode())
  end)

  it("passes any value but nil to the sink as it is [W-032]", function()
    local thread = coroutine.create(function() end)
    local values = { {}, { 1 }, 0, 1.5, true, false, "", "text", print, thread }
    local got, told = {}, 0
    local ws = weir.writable { object_mode = true, write = function(_, value, done)
      got[#got + 1] = value
      done()
    end }
    for _, value in ipairs(values) do
      ws:write(value, function(err) if err == nil then told = told + 1 end end)
    end
    support.run()
    assert.equal(#values, #got)
    for i, value in ipairs(values) do assert.is_true(rawequal(value, got[i])) end
    assert.equal(#values, told)
  end)

  it("raises for nil before anything is taken, and tells nobody [W-031]", function()
    local ws, log = support.stream { object_mode = true }
    local ok, err = pcall(function() ws:write(nil, log.cb "a") end)
    assert.is_false(ok)
    assert.matches("bad argument #1 to 'write'", tostring(err))
    assert.equal(0, ws:writable_length())
    support.run()
    assert.equal("", log.take())
  end)

  it("raises for nil without auto_destroy too; the stream stays usable [W-033]", function()
    local ws, log = support.stream { object_mode = true, auto_destroy = false }
    assert.has_error(function() ws:write(nil) end)
    assert.is_true(ws:write(false))
    support.run()
    assert.equal("write(false)", log.take())
  end)

  it("takes false for a value like any other [W-032]", function()
    local ws, log, sink = support.stream { object_mode = true, high_water_mark = 2 }
    assert.is_true(ws:write(false, log.cb "a"))
    assert.is_false(ws:write(false, log.cb "b"))
    assert.equal(2, ws:writable_length())
    sink.answer()
    sink.answer()
    support.run()
    assert.equal("write(false) write(false) a drain b", log.take())
  end)

  it("gives writev false at its place in the array", function()
    local chunks
    local ws = weir.writable { object_mode = true, write = function() end,
      writev = function(_, values) chunks = values end }
    ws:cork()
    ws:write(false)
    ws:write("b")
    ws:write(false)
    ws:uncork()
    assert.equal(3, #chunks)
    assert.same({ false, "b", false }, chunks)
  end)

  it("counts values, not bytes, with a mark of 16 by default", function()
    local ws = support.stream { object_mode = true }
    assert.equal(16, ws:writable_high_water_mark())
    for _ = 1, 15 do assert.is_true(ws:write(("x"):rep(20000))) end
    assert.is_false(ws:write(""))
    assert.equal(16, ws:writable_length())
  end)

  it("counts an empty string as one value", function()
    local ws = support.stream { object_mode = true, high_water_mark = 1 }
    assert.is_false(ws:write(""))
    assert.equal(1, ws:writable_length())
  end)

  it("drains when no value is left", function()
    local ws, log, sink = support.stream { object_mode = true, high_water_mark = 2 }
    log.add(ws:write(1))
    log.add(ws:write(2))
    sink.answer()
    sink.answer()
    assert.equal("write(1) true false write(2) drain", log.take())
  end)

  it("takes one value and a callback", function()
    local ws, log = support.stream { object_mode = true, write = "now" }
    ws:write("v", log.cb "v")
    ws:write("w", nil)
    support.run()
    assert.equal("write(v) write(w) v", log.take())
  end)

  it("raises for a callback that is no function, and for a third argument [X-016]", function()
    local ws, log = support.stream { object_mode = true }
    local _, err = pcall(function() ws:write("v", "no function") end)
    assert.matches("bad argument #2 to 'write'", tostring(err))
    _, err = pcall(function() ws:write("v", log.cb "v", "more") end)
    assert.matches("bad argument #3 to 'write'", tostring(err))
    assert.equal(0, ws:writable_length())
    assert.equal("", log.take())
  end)

  it("raises for a call of write() without any argument", function()
    local ws = support.stream { object_mode = true }
    local ok, err = pcall(function() ws:write() end)
    assert.is_false(ok)
    assert.matches("bad argument #1 to 'write'", tostring(err))
  end)

  it("writes a function as a value, and a function after it is the callback", function()
    local got
    local ws, log = support.stream { object_mode = true, write = function(_, value, done)
      got = value
      done()
    end }
    ws:write(print, log.cb "told")
    support.run()
    assert.equal(print, got)
    assert.equal("told", log.take())
  end)

  it("takes a lone function given to end_() for the callback", function()
    local ws, log = support.stream { object_mode = true }
    ws:end_(log.cb "end")
    support.run()
    assert.equal("prefinish end finish close", log.take())
  end)

  it("writes the value given to end_(), false too, and takes nil for none", function()
    local ws, log = support.stream { object_mode = true, write = "now" }
    ws:end_(false, log.cb "end")
    support.run()
    assert.equal("write(false) prefinish end finish close", log.take())
    ws, log = support.stream { object_mode = true, write = "now" }
    ws:end_(nil, log.cb "end")
    support.run()
    assert.equal("prefinish end finish close", log.take())
  end)

  it("keeps a queued value alive until it is delivered", function()
    local got, first
    local ws = weir.writable { object_mode = true, write = function(_, value, done)
      if first then
        got = value
        done()
      else
        first = done
      end
    end }
    ws:write("first")
    ws:write({ name = "kept" })
    collectgarbage()
    collectgarbage()
    first()
    assert.equal("kept", got.name)
  end)

  it("fails queued values like queued bytes", function()
    local ws, log, sink = support.stream { object_mode = true }
    ws:write(1, log.cb "a")
    ws:write(2, log.cb "b")
    sink.answer("X")
    support.run()
    assert.equal("write(1) a(X) b(X) error(X) close", log.take())
  end)

  it("batches by the same rules", function()
    local ws, log, sink = support.stream { object_mode = true, writev = true }
    for _, value in ipairs { "a", "b", "c" } do ws:write(value) end
    sink.answer()
    assert.equal("write(a) writev(b,c)", log.take())
  end)
end)
