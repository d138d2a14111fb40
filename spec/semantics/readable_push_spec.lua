local weir = require "weir"
local support = require "spec.semantics.support"

-- A readable whose `read` does nothing, unless `given` has one; a log of its events, and of what
-- the words below add.
local function readable(given)
  local log, options = support.new_log(), { read = function() end }
  for name, value in pairs(given or {}) do options[name] = value end
  local rs = weir.readable(options)
  for _, event in ipairs { "end", "pause", "resume", "close" } do
    rs:on(event, function() log.add(event) end)
  end
  rs:on("error", log.cb "error")
  return rs, log
end

describe("push", function()
  before_each(support.settle)

  it("says false from the mark on, and takes the chunk all the same [RD-002]", function()
    local rs, log = readable { high_water_mark = 4 }
    for _, chunk in ipairs { "ab", "c", "d", "e", "" } do log.add(rs:push(chunk)) end
    log.add(rs:push(nil))
    assert.equal("true true false false false false", log.take())
    assert.equal(5, rs:readable_length())
  end)

  it("says true with a mark of 0 only while nothing is buffered [RD-003]", function()
    local rs, log = readable { high_water_mark = 0 }
    log.add(rs:push "")
    log.add(rs:push "a")
    assert.equal("true false", log.take())
  end)

  it("of what is no string fails the stream [RD-004]", function()
    for _, chunk in ipairs { 5, true, {} } do
      local rs, log = readable()
      log.add(rs:push(chunk))
      support.run()
      assert.equal("false error(INVALID_ARG_TYPE) close", log.take())
    end
  end)

  it("of nothing after the end is silent [RD-005]", function()
    local rs, log = readable()
    rs:push(nil)
    log.add(rs:push "")
    log.add(rs:push(nil))
    rs:resume()
    support.run()
    assert.equal("false false resume end close", log.take())
  end)

  it("of data after the end fails the stream, once", function()
    local rs, log = readable()
    rs:push(nil)
    log.add(rs:push "a")
    log.add(rs:push "b")
    support.run()
    assert.equal("false false error(PUSH_AFTER_EOF) close", log.take())
  end)

  it("from within a data listener reaches it at once, within the first", function()
    local rs, log = readable()
    rs:on("data", function(chunk)
      log.add("(" .. chunk)
      if chunk == "a" then log.add(rs:push "b") end
      log.add(")")
    end)
    support.run()
    log.take()
    log.add(rs:push "a")
    assert.equal("(a (b ) true ) true", log.take())
  end)

  it("counts listeners as they are when it begins, however they change meanwhile", function()
    local rs, log = readable { object_mode = true }
    local function second(value) log.add("2:" .. tostring(value)) end
    local function first(value)
      log.add("1:" .. tostring(value))
      if value == false then rs:on("data", second) else rs:off("data", second) end
    end
    rs:on("data", first)
    support.run()
    log.take()
    for _, value in ipairs { false, 1, 2 } do rs:push(value) end
    assert.equal("1:false 1:1 2:1 1:2", log.take())
  end)

  it("goes on where a data listener raises, and loses nothing", function()
    local rs, log = readable()
    for chunk in ("abc"):gmatch "." do rs:push(chunk) end
    rs:on("data", function(chunk)
      log.add(chunk)
      if chunk ~= "b" then error("at " .. chunk, 0) end
    end)
    local raised, err = pcall(weir.run)
    assert.is_false(raised)
    assert.matches("at a", tostring(err))
    support.settle()
    rs:push "d"
    assert.matches("at d", tostring(select(2, pcall(weir.run))))
    assert.equal("resume a b c d", log.take())
  end)

  it("after destroy() drops the chunk without a word [RD-006]", function()
    local rs, log = readable()
    rs:destroy()
    log.add(rs:push "a")
    log.add(rs:push(nil))
    support.run()
    assert.equal("false false close", log.take())
    assert.equal(0, rs:readable_length())
  end)

  it("before the first read is buffered, and then goes straight to a data listener [RD-025]",
    function()
      local rs, log = readable()
      rs:on("data", log.add)
      rs:push "a"
      log.add "|"
      support.run()
      rs:push "b"
      log.add "|"
      assert.equal("| resume a b |", log.take())
    end)
end)

describe("unshift", function()
  before_each(support.settle)

  it("puts a chunk in front, also after the end of input", function()
    local rs, log = readable()
    rs:push "b"
    rs:push(nil)
    log.add(rs:unshift "a")
    log.add(rs:read())
    support.run()
    assert.equal("false ab end close", log.take())
  end)

  it("of nil is an end of input [RD-007]", function()
    local rs, log = readable()
    rs:unshift(nil)
    rs:resume()
    support.run()
    assert.equal("resume end close", log.take())
  end)

  it("cancels an end that is about to be told", function()
    local rs, log = readable()
    rs:push "a"
    rs:push(nil)
    log.add(rs:read())
    rs:unshift "z"
    support.run()
    assert.equal(1, rs:readable_length())
    log.add(rs:read())
    support.run()
    assert.equal("a z end close", log.take())
  end)

  it("after `end` fails the stream", function()
    local rs, log = readable { auto_destroy = false }
    rs:push(nil)
    rs:resume()
    support.run()
    log.add(rs:unshift "a")
    assert.equal("resume end error(UNSHIFT_AFTER_END_EVENT) false", log.take())
  end)
end)
