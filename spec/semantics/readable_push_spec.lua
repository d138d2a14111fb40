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
