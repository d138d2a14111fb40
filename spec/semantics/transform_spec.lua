local weir = require "weir"
local streams = require "spec.semantics.stream_support"
local rounds = require "spec.support.rounds"

describe("a transform", function()
  before_each(streams.settle)

  local log
  local function upper(options)
    log = streams.new_log()
    return streams.upper(log, "t", options)
  end
  local function listen(stream)
    return stream:on("data", function(chunk) log.add("data:" .. tostring(chunk)) end)
  end

  it("hands its first chunk to a listener inside write() [RD-026]", function()
    local t = listen(upper())
    log.add(t:write "a")
    assert.equal("data:A true", log.take())
  end)

  it("flushes, ends and finishes in Node's order", function()
    local t = listen(upper { flush = function(_, done)
      log.add "flush"
      done(nil, "f")
    end })
    t:write("a", log.cb "cb")
    t:end_("b", log.cb "endcb")
    log.add "|"
    streams.run()
    assert.equal("data:A data:B flush data:f t.prefinish | "
      .. "t.resume cb t.end endcb t.finish t.close", log.take())
  end)

  it("waits with `finish` for an asynchronous flush", function()
    local t = listen(upper { flush = function(_, done) weir.next_tick(done, nil, "f") end })
    t:end_ "a"
    streams.run()
    assert.equal("data:A t.resume data:f t.prefinish t.end t.finish t.close", log.take())
  end)

  it("holds a write back while nobody reads, and lets one go with each read", function()
    local t = upper { high_water_mark = 1 }
    for chunk in ("abcd"):gmatch "." do log.add(t:write(chunk, log.cb(chunk))) end
    streams.run()
    assert.equal("false false false false", log.take())
    assert.equal(1, t:readable_length())
    assert.equal(4, t:writable_length())
    assert.equal("A", t:read(1))
    streams.run()
    assert.equal("a", log.take())
    assert.equal(1, t:readable_length())
    assert.equal(3, t:writable_length())
  end)

  it("takes nil for nothing; false, 0 and \"\" are values in object mode [TR-001]", function()
    local values = { false, 0, "", "end" }
    local i = 0
    local t = listen(upper { object_mode = true, transform = function(_, _, done)
      i = i + 1
      done(nil, values[i])
    end })
    for _ = 1, 5 do t:write {} end
    streams.run()
    assert.equal("data:false data:0 data: data:end t.resume", log.take())
  end)

  it("may push more than one chunk for each, or none", function()
    local t = listen(upper { transform = function(self, chunk, done)
      for _ = 1, tonumber(chunk) do self:push "x" end
      done()
    end })
    for _, n in ipairs { 2, 0, 1 } do t:write(n) end
    assert.equal("data:x data:x data:x", log.take())
  end)

  it("fails with what transform reports, and with what it raises", function()
    for _, how in ipairs { "done", "raise" } do
      local t = upper { transform = function(_, _, done)
        if how == "raise" then error("E", 0) end
        done "E"
      end }
      t:write("a", log.cb "cb")
      streams.run()
      assert.equal("cb(E) t.error(E) t.close", log.take())
      assert.is_true(t:destroyed())
    end
  end)

  it("fails with what flush reports, and does not finish", function()
    local t = upper { flush = function(_, done) done "E" end }
    t:end_(log.cb "cb")
    streams.run()
    assert.equal("t.error(E) t.close cb(E)", log.take())
  end)

  it("says ERR_MULTIPLE_CALLBACK to a second done [T-001]", function()
    local t = upper { transform = function(_, chunk, done)
      done(nil, chunk)
      done(nil, chunk)
    end }
    t:write "a"
    streams.run()
    assert.equal("t.error(MULTIPLE_CALLBACK) t.close", log.take())
  end)

  it("may be answered after it was destroyed, collected by hand, or from another thread", function()
    local dones = {}
    local function keeping()
      return listen(upper { transform = function(_, _, done) dones[#dones + 1] = done end })
    end
    local destroyed, collected, answered = keeping(), keeping(), keeping()
    for _, t in ipairs { destroyed, collected, answered } do t:write "x" end
    destroyed:destroy()
    debug.getmetatable(collected).__gc(collected)
    dones[1](nil, "lost")
    dones[2](nil, "lost")
    coroutine.wrap(function() dones[3](nil, "there") end)()
    streams.run()
    assert.equal("data:there t.resume", log.take())
  end)

  it("fails with a value of the wrong type", function()
    for _, wrong in ipairs { 1, true, {} } do
      local t = listen(upper { transform = function(_, _, done) done(nil, wrong) end })
      t:write "x"
      streams.run()
      assert.equal("ERR_INVALID_ARG_TYPE", t:errored().code)
    end
  end)

  it("keeps its order where a listener writes to it from within", function()
    local t = upper()
    local left = 3
    t:on("data", function(chunk)
      log.add(chunk)
      left = left - 1
      if left > 0 then t:write("again" .. left) end
    end)
    t:write "first"
    streams.run()
    assert.equal("FIRST AGAIN2 AGAIN1 t.resume", log.take())
  end)

  it("goes on where a listener of `data` raises", function()
    local t = upper()
    t:on("data", function(chunk)
      log.add(chunk)
      if chunk == "A" then error "oh" end
    end)
    t:write "a"
    t:write "b"
    assert.has_error(weir.run)
    streams.run()
    assert.equal("A B t.resume", log.take())
  end)

  it("without a function raises when it is written to [T-002]", function()
    local t = weir.transform()
    local ok, err = pcall(t.write, t, "a")
    assert.is_false(ok)
    assert.equal("ERR_METHOD_NOT_IMPLEMENTED", err.code)
    assert.matches("_transform%(%)", err.message)
  end)

  it("runs its own final as final, and flush beside it", function()
    local t = listen(upper {
      final = function(_, done)
        log.add "final"
        done()
      end,
      flush = function(_, done)
        log.add "flush"
        done(nil, "f")
      end,
    })
    t:end_ "a"
    streams.run()
    assert.equal("data:A final flush data:f t.prefinish t.resume t.end t.finish t.close",
      log.take())
  end)

  it("may push the end in transform, and is written to all the same", function()
    local t = listen(upper { transform = function(self, chunk, done)
      log.add("T(" .. chunk .. ")")
      if chunk == "a" then self:push(nil) end
      done()
    end })
    t:write "a"
    t:write "b"
    streams.run()
    assert.equal("T(a) t.resume t.end T(b)", log.take())
    t:end_()
    streams.run()
    assert.matches("t.finish t.close$", log.take())
  end)

  it("closes only when it has been read to its end (C-16)", function()
    local t = upper()
    t:end_ "a"
    streams.run()
    assert.equal("t.prefinish t.finish", log.take())
    t:resume()
    streams.run()
    assert.equal("t.resume t.end t.close", log.take())
  end)

  it("has the marks that Node gives it [TR-002]", function()
    local function marks(options)
      local t = weir.transform(options)
      return t:readable_high_water_mark() .. "/" .. t:writable_high_water_mark()
    end
    assert.equal("0/0", marks { readable_high_water_mark = 0 })
    assert.equal("0/9", marks { high_water_mark = 0, writable_high_water_mark = 9 })
    assert.equal("6/6", marks { high_water_mark = 6, readable_high_water_mark = 0 })
    assert.equal("16/16384", marks { readable_object_mode = true })
    assert.equal("16384/16", marks { writable_object_mode = true })
    assert.equal("16/16", marks { object_mode = true })
  end)
end)

describe("a passthrough", function()
  before_each(streams.settle)

  it("passes on what comes, and drains with a mark of 0 [T-014]", function()
    local log = streams.new_log()
    local t = streams.watch(log, "t", weir.passthrough { high_water_mark = 0 })
    log.add(t:write "a")
    log.add(t:read())
    log.add(tostring(t:read()))
    streams.run()
    assert.equal("false a t.drain nil", log.take())
  end)

  it("moves a million bytes through ten of its kind", function()
    local size, all, count = 0, {}, rounds(100, 8)
    local stages = { weir.readable_from(function()
      size = size + 1
      return size <= count and ("x"):rep(10000) or nil
    end, { object_mode = false }) }
    for i = 2, 11 do stages[i] = weir.passthrough() end
    stages[12] = weir.writable { write = function(_, chunk, done)
      all[#all + 1] = chunk
      done()
    end }
    local result
    weir.pipeline(stages, function(err) result = err or "well" end)
    weir.run()
    assert.equal("well", result)
    assert.equal(10000 * count, #table.concat(all))
  end)
end)

describe("a duplex", function()
  before_each(streams.settle)

  local log
  local function duplex(options)
    log = streams.new_log()
    local given = {
      read = function() end,
      write = function(_, chunk, done)
        log.add("W(" .. chunk .. ")")
        done()
      end,
    }
    for name, value in pairs(options or {}) do given[name] = value end
    return streams.watch(log, "d", weir.duplex(given))
  end

  it("closes when both sides are over", function()
    local d = duplex()
    d:end_ "a"
    streams.run()
    assert.equal("W(a) d.prefinish d.finish", log.take())
    d:push(nil)
    d:resume()
    streams.run()
    assert.equal("d.resume d.end d.close", log.take())
  end)

  it("with allow_half_open = false ends itself one tick after `end` [T-021]", function()
    local d = duplex { allow_half_open = false }
    d:push(nil)
    d:resume()
    streams.run()
    assert.equal("d.resume d.end d.prefinish d.finish d.close", log.take())
  end)

  it("has one life: an error of one side ends both", function()
    local d = duplex { write = function(_, _, done) done "E" end }
    d:push "x"
    d:write("a", log.cb "cb")
    streams.run()
    assert.equal("cb(E) d.error(E) d.close", log.take())
    assert.is_false(d:readable())
    assert.equal("x", d:read())
  end)

  it("with readable = false or writable = false lacks that side [T-020]", function()
    local d = duplex { readable = false }
    assert.is_false(d:readable())
    assert.is_true(d:readable_ended())
    d:end_()
    streams.run()
    assert.equal("d.prefinish d.finish d.close", log.take())
    d = duplex { writable = false }
    assert.is_false(d:writable())
    assert.is_true(d:writable_ended())
    assert.is_true(d:writable_finished())
    d:push(nil)
    d:resume()
    streams.run()
    assert.equal("d.resume d.end d.close", log.take())
  end)

  it("takes marks and modes for each side [T-023]", function()
    local d = duplex { high_water_mark = 7, readable_high_water_mark = 3 }
    assert.equal("7 7", d:readable_high_water_mark() .. " " .. d:writable_high_water_mark())
    d = duplex { readable_object_mode = true, writable_high_water_mark = 5 }
    assert.is_true(d:readable_object_mode())
    assert.is_false(d:writable_object_mode())
    assert.equal("16 5", d:readable_high_water_mark() .. " " .. d:writable_high_water_mark())
  end)
end)
