local weir = require "weir"
local streams = require "spec.semantics.stream_support"

describe("a readable", function()
  before_each(streams.settle)

  local log
  local function readable(options)
    log = streams.new_log()
    return streams.readable(log, "r", options)
  end
  local function listen(rs) rs:on("data", function(chunk) log.add("data:" .. chunk) end) end

  it("flows when somebody listens to `data`: resume, hook by hook, end, close", function()
    local read = streams.script("a", "b")
    local rs = readable { high_water_mark = 1, read = function(self)
      log.add "R"
      read(self)
    end }
    listen(rs)
    streams.run()
    assert.equal("R r.resume R data:a R data:b r.end r.close", log.take())
  end)

  it("does not flow without anybody, and so never ends", function()
    local rs = readable()
    rs:push(nil)
    streams.run()
    assert.equal("", log.take())
    rs:resume()
    streams.run()
    assert.equal("r.resume r.end r.close", log.take())
  end)

  it("stops flowing at once when a listener pauses it", function()
    local rs = readable()
    rs:push "a"
    rs:push "b"
    rs:push(nil)
    rs:on("data", function(chunk)
      log.add(chunk)
      rs:pause()
    end)
    streams.run()
    assert.equal("a r.pause r.resume", log.take())
    rs:resume()
    streams.run()
    assert.equal("r.resume b r.pause r.end r.close", log.take())
  end)

  it("keeps its state to itself when pause() comes before the listener [RD-021]", function()
    local rs = readable()
    rs:pause()
    listen(rs)
    rs:push "a"
    streams.run()
    assert.equal("r.pause", log.take())
    assert.is_false(rs:readable_flowing())
  end)

  it("loses what comes when its only data listener was taken off [RD-019]", function()
    local rs = readable()
    local listener = function() end
    rs:on("data", listener)
    streams.run()
    rs:off("data", listener)
    rs:push "a"
    streams.run()
    assert.is_true(rs:readable_flowing())
    assert.equal(0, rs:readable_length())
  end)

  it("does not start for a listener that is put in front [RD-020]", function()
    local rs = readable()
    rs:prepend_listener("data", function() end)
    streams.run()
    assert.is_nil(rs:readable_flowing())
  end)

  it("leaves the reading to a `readable` listener, also beside `data`", function()
    local rs = readable()
    listen(rs)
    rs:on("readable", function()
      log.add "readable"
      log.add("got:" .. tostring(rs:read()))
    end)
    streams.run()
    log.take()
    rs:push "a"
    streams.run()
    assert.equal("readable data:a got:a", log.take())
    assert.is_false(rs:readable_flowing())
  end)

  it("flows again one tick after the `readable` listener is taken off", function()
    local rs = readable()
    local on_readable = function() log.add "readable" end
    rs:on("readable", on_readable)
    listen(rs)
    rs:push "a"
    streams.run()
    log.take()
    rs:off("readable", on_readable)
    assert.is_false(rs:readable_flowing())
    streams.run()
    assert.equal("r.resume data:a", log.take())
    assert.is_true(rs:readable_flowing())
  end)

  it("announces the end to a `readable` listener, with nothing to read", function()
    local rs = readable()
    rs:on("readable", function() log.add("got:" .. tostring(rs:read())) end)
    rs:push "a"
    streams.run()
    rs:push(nil)
    streams.run()
    assert.equal("got:a got:nil r.end r.close", log.take())
  end)

  it("emits `readable` again and again until more than the mark is there [RD-017]", function()
    local rs, count = readable { high_water_mark = 2 }, 0
    rs:on("readable", function() count = count + 1 end)
    for _ = 1, 4 do
      streams.run()
      rs:push "a"
    end
    streams.run()
    assert.equal(3, count)
  end)

  it("stays open after its end without auto_destroy", function()
    local rs = readable { auto_destroy = false }
    rs:push(nil)
    rs:resume()
    streams.run()
    assert.equal("r.resume r.end", log.take())
    assert.is_false(rs:destroyed())
    rs:destroy()
    streams.run()
    assert.equal("r.close", log.take())
  end)

  it("ends though it is destroyed in the same turn; not if that is with an error", function()
    local rs = readable()
    rs:push(nil)
    rs:read()
    rs:destroy()
    streams.run()
    assert.equal("r.end r.close", log.take())
    assert.is_false(rs:readable_aborted())
    rs = readable()
    rs:push(nil)
    rs:read()
    rs:destroy "E"
    streams.run()
    assert.equal("r.error(E) r.close", log.take())
  end)

  it("delivers the rest of its buffer when destroyed in `data` (C-04)", function()
    local rs = readable()
    for chunk in ("abc"):gmatch "." do rs:push(chunk) end
    rs:on("data", function(chunk)
      log.add(chunk)
      rs:destroy()
    end)
    streams.run()
    assert.equal("r.resume a b c r.close", log.take())
  end)

  it("constructs before it is read", function()
    local rs = readable {
      construct = function(_, done)
        log.add "construct"
        weir.next_tick(done)
      end,
      read = function(self) log.add "read" self:push(nil) end,
    }
    rs:resume()
    streams.run()
    assert.equal("construct r.resume read r.end r.close", log.take())
  end)

  it("fails when it cannot be constructed", function()
    local rs = readable { construct = function(_, done) done "E" end }
    listen(rs)
    streams.run()
    assert.equal("r.resume r.error(E) r.close", log.take())
  end)

  it("is destroyed with what its hook raises, and its destroy hook hears it", function()
    local rs = readable {
      read = function() error("boom", 0) end,
      destroy = function(_, err, done)
        log.add("destroy:" .. err)
        done(err)
      end,
    }
    rs:resume()
    streams.run()
    assert.equal("destroy:boom r.resume r.error(boom) r.close", log.take())
  end)
end)

describe("pause and resume", function()
  before_each(streams.settle)

  it("tell once each, return the stream, and is_paused() says so [RD-023]", function()
    local log = streams.new_log()
    local rs = streams.readable(log, "r")
    assert.equal(rs, rs:pause())
    rs:pause()
    assert.is_true(rs:is_paused())
    assert.equal(rs, rs:resume())
    rs:resume()
    assert.is_false(rs:is_paused())
    streams.run()
    assert.equal("r.pause r.resume", log.take())
  end)
end)
