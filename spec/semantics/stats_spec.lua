local support = require "spec.semantics.support"

local NAMES = {
  "writes", "bytes_accepted", "bytes_written", "queued_writes", "flushes", "drains",
  "peak_buffered", "blocked_ns", "longest_blocked_ns",
}

describe("stats", function()
  before_each(support.settle)

  it("is a table of numbers, all 0 for a stream that did nothing", function()
    local stats = support.stream():stats()
    for _, name in ipairs(NAMES) do assert.equal(0, stats[name]) end
  end)

  it("holds these numbers and nothing else", function()
    local known = {}
    for _, name in ipairs(NAMES) do known[name] = true end
    for name, value in pairs(support.stream():stats()) do
      assert.is_true(known[name] or false)
      assert.equal("number", type(value))
    end
  end)

  it("counts accepted writes and their bytes", function()
    local ws = support.stream { write = "now" }
    ws:write("abc")
    ws:write("d", 1, "e")
    ws:write("")
    ws:end_("xy")
    support.run()
    local stats = ws:stats()
    assert.equal(4, stats.writes)
    assert.equal(8, stats.bytes_accepted)
  end)

  it("does not count what was refused", function()
    local ws = support.stream { high_water_mark = 2, max_buffered = 2 }
    ws:write("ab")
    ws:write("c")
    pcall(function() ws:write({}) end)
    ws:destroy()
    ws:write("d")
    support.run()
    local stats = ws:stats()
    assert.equal(1, stats.writes)
    assert.equal(2, stats.bytes_accepted)
  end)

  it("counts the drains that came", function()
    local ws, _, sink = support.stream { high_water_mark = 2 }
    for _ = 1, 3 do
      ws:write("ab")
      sink.answer()
    end
    ws:write("a")
    sink.answer()
    assert.equal(3, ws:stats().drains)
  end)

  it("remembers the most that was ever buffered", function()
    local ws, _, sink = support.stream()
    ws:write("abcd")
    ws:write("ef")
    sink.answer()
    sink.answer()
    ws:write("g")
    assert.equal(6, ws:stats().peak_buffered)
  end)

  it("tells how many writes wait for the sink now", function()
    local ws, _, sink = support.stream()
    for _ = 1, 4 do ws:write("x") end
    assert.is_true(ws:stats().queued_writes >= 3)
    for _ = 1, 4 do sink.answer() end
    assert.equal(0, ws:stats().queued_writes)
  end)

  it("was never blocked when write() never answered false", function()
    local ws, _, sink = support.stream()
    ws:write("x")
    sink.answer()
    local stats = ws:stats()
    assert.equal(0, stats.blocked_ns)
    assert.equal(0, stats.longest_blocked_ns)
  end)

  it("is a new table each time: changing it changes nothing", function()
    local ws = support.stream { write = "now" }
    ws:write("abc")
    local stats = ws:stats()
    stats.writes = 1000
    assert.equal(1, ws:stats().writes)
    ws:write("d")
    assert.equal(1000, stats.writes)
    support.run()
  end)
end)
