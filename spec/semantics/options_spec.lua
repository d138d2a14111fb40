local weir = require "weir"
local support = require "spec.semantics.support"

local function write(_, _, done) done() end

-- Makes a stream; returns it, or nil and the text of what was raised.
local function try(options)
  local ok, result = pcall(function() return weir.writable(options) end)
  if ok then return result end
  return nil, tostring(result)
end

local HUGE = 2 ^ 53 - 1

describe("the options of weir.writable", function()
  it("may all be left out, an empty table is enough", function()
    local ws = weir.writable {}
    assert.equal(16384, ws:writable_high_water_mark())
    assert.is_false(ws:writable_object_mode())
  end)

  it("must be a table", function()
    for _, options in ipairs { 1, "write", true, write } do
      local ws, err = try(options)
      assert.is_nil(ws)
      assert.matches("bad argument #1 to 'writable'", err)
    end
  end)

  it("that are wrong are said to be so where the constructor was called", function()
    local server = weir.create_server()
    for _, call in ipairs {
      function() return (weir.connect()) end,
      function() return (weir.connect { port = 0 }) end,
      function() return (weir.connect { port = 1, max_buffered = 1 }) end,
      function() return (weir.connect { port = 1, path = "x" }) end,
      function() return (weir.create_server { no_delay = 1 }) end,
      function() return (server:listen()) end,
      function() return (server:listen { port = 0, mode = 6 }) end,
      function() return (weir.create_write_stream("x", { max_buffered = 5 })) end,
      function() return (weir.create_write_stream("x", { flags = "q" })) end,
      function() return (weir.create_read_stream("x", { start = 5, end_ = 3 })) end,
      function() return (weir.writable { low_water_mark = 1, high_water_mark = 1 }) end,
      function() return (weir.duplex { max_buffered = 1 }) end,
      function() return (weir.transform { transform = 5 }) end,
    } do
      local line = debug.getinfo(call, "S").linedefined
      local _, err = pcall(call)
      assert.matches("options_spec.lua:" .. line .. ": bad argument #%d to '", err)
    end
  end)

  it("are a closed list: an unknown one raises and is named", function()
    local ws, err = try { write = write, colour = "red" }
    assert.is_nil(ws)
    assert.matches("colour", err)
  end)

  it("that are misspelt raise and the nearest known name is named", function()
    local misspelt = {
      highWaterMark = "high_water_mark",
      high_watermark = "high_water_mark",
      highwatermark = "high_water_mark",
      lowWaterMark = "low_water_mark",
      objectMode = "object_mode",
      autoDestroy = "auto_destroy",
      emitClose = "emit_close",
      maxBuffered = "max_buffered",
      max_bufferd = "max_buffered",
      wriet = "write",
      write_v = "writev",
      finall = "final",
      contruct = "construct",
      destory = "destroy",
    }
    for given, known in pairs(misspelt) do
      local ws, err = try { [given] = 1 }
      assert.is_nil(ws)
      assert.matches(given, err)
      assert.matches(known, (err:gsub(given, "")))
    end
  end)

  it("that Node has and weir has not raise as well", function()
    for _, name in ipairs { "decodeStrings", "defaultEncoding", "signal", "encoding" } do
      local ws, err = try { [name] = "utf8" }
      assert.is_nil(ws)
      assert.matches(name, err)
    end
  end)

  it("raise for a key that is no name", function()
    assert.is_nil((try { "write" }))
    assert.is_nil((try { [true] = 1 }))
    assert.is_nil((try { [{}] = 1 }))
  end)

  it("must be functions where they are hooks", function()
    for _, hook in ipairs { "write", "writev", "final", "construct", "destroy" } do
      for _, value in ipairs { 1, "text", {}, true } do
        local ws, err = try { [hook] = value }
        assert.is_nil(ws)
        assert.matches(hook, err)
      end
    end
  end)

  it("must be booleans where they are switches", function()
    for _, switch in ipairs { "object_mode", "auto_destroy", "emit_close" } do
      for _, value in ipairs { 1, 0, "true", {} } do
        local ws, err = try { write = write, [switch] = value }
        assert.is_nil(ws)
        assert.matches(switch, err)
      end
    end
  end)

  it("are told apart as Node does: auto_destroy and emit_close are on by default", function()
    local ws, log = support.stream()
    ws:end_()
    support.run()
    assert.equal("prefinish finish close", log.take())
    ws, log = support.stream { auto_destroy = true, emit_close = true, object_mode = false }
    ws:end_()
    support.run()
    assert.equal("prefinish finish close", log.take())
  end)

  it("are read once: a later change of the table changes nothing", function()
    local options = { high_water_mark = 5, write = write }
    local ws = weir.writable(options)
    options.high_water_mark = 1
    options.write = function() error "the new hook" end
    assert.equal(5, ws:writable_high_water_mark())
    assert.is_true(ws:write("a"))
  end)

  it("are read raw: a metatable is not asked", function()
    local options = setmetatable({ write = write }, {
      __index = function() error "asked" end,
      __pairs = function() error "asked" end,
    })
    local ws = weir.writable(options)
    assert.equal(16384, ws:writable_high_water_mark())
    local inherited = weir.writable(setmetatable({}, { __index = { high_water_mark = 3 } }))
    assert.equal(16384, inherited:writable_high_water_mark())
  end)

  it("may serve several streams, which share nothing but their hooks", function()
    local options = { high_water_mark = 2, write = function() end }
    local one, two = weir.writable(options), weir.writable(options)
    assert.is_false(one:write("ab"))
    assert.equal(0, two:writable_length())
    assert.is_true(two:write("a"))
  end)
end)

describe("high_water_mark", function()
  it("is kept as given, from 0 to 2^53 - 1 [W-014]", function()
    for _, mark in ipairs { 0, 1, 2, 16384, 65536, 2 ^ 31, 2 ^ 32, HUGE } do
      assert.equal(mark, weir.writable { high_water_mark = mark }:writable_high_water_mark())
    end
  end)

  it("may be a float of a whole number", function()
    assert.equal(4, weir.writable { high_water_mark = 8 / 2 }:writable_high_water_mark())
  end)

  it("that is no whole number of at least 0 raises and is named [W-014]", function()
    local wrong = { -1, -5, 1.5, 0.1, 0 / 0, 1 / 0, -1 / 0, "5", true, false, {}, write }
    for _, mark in ipairs(wrong) do
      local ws, err = try { write = write, high_water_mark = mark }
      assert.is_nil(ws)
      assert.matches("high_water_mark", err)
    end
  end)

  it("is 16384 bytes by default, 16 values in object mode", function()
    assert.equal(16384, weir.writable {}:writable_high_water_mark())
    assert.equal(16, weir.writable { object_mode = true }:writable_high_water_mark())
  end)

  it("holds for object mode as given", function()
    local ws = weir.writable { object_mode = true, high_water_mark = 3 }
    assert.equal(3, ws:writable_high_water_mark())
  end)

  it("is not confused with Node's writableHighWaterMark, which is unknown [W-016]", function()
    local ws, err = try { writableHighWaterMark = 10 }
    assert.is_nil(ws)
    assert.matches("writableHighWaterMark", err)
  end)
end)

describe("low_water_mark", function()
  it("is kept as given when it is below the high mark", function()
    local ws = weir.writable { high_water_mark = 4, low_water_mark = 3 }
    assert.equal(3, ws:writable_low_water_mark())
    assert.equal(16383, weir.writable { low_water_mark = 16383 }:writable_low_water_mark())
  end)

  it("raises from the high mark on", function()
    for _, mark in ipairs { 4, 5, HUGE } do
      local ws, err = try { high_water_mark = 4, low_water_mark = mark }
      assert.is_nil(ws)
      assert.matches("low_water_mark", err)
    end
    assert.is_nil((try { low_water_mark = 16384 }))
    assert.is_nil((try { object_mode = true, low_water_mark = 16 }))
  end)

  it("of 0 goes with every high mark, 0 too", function()
    assert.equal(0, weir.writable { low_water_mark = 0 }:writable_low_water_mark())
    assert.equal(0, weir.writable { high_water_mark = 0 }:writable_low_water_mark())
  end)

  it("that is no whole number of at least 0 raises and is named", function()
    for _, mark in ipairs { -1, 1.5, 0 / 0, 1 / 0, "1", true, {} } do
      local ws, err = try { low_water_mark = mark }
      assert.is_nil(ws)
      assert.matches("low_water_mark", err)
    end
  end)
end)

describe("max_buffered", function()
  it("may be the high mark or more", function()
    for _, most in ipairs { 4, 5, HUGE } do
      local ws = weir.writable { high_water_mark = 4, max_buffered = most, write = write }
      assert.is_true(ws:write("abc"))
    end
  end)

  it("below the high mark raises", function()
    for _, options in ipairs {
      { high_water_mark = 4, max_buffered = 3 },
      { max_buffered = 16383 },
      { object_mode = true, max_buffered = 15 },
    } do
      local ws, err = try(options)
      assert.is_nil(ws)
      assert.matches("max_buffered", err)
    end
  end)

  it("that is no whole number of at least 0 raises and is named", function()
    for _, most in ipairs { -1, 16384.5, 0 / 0, 1 / 0, "20000", true, {} } do
      local ws, err = try { max_buffered = most }
      assert.is_nil(ws)
      assert.matches("max_buffered", err)
    end
  end)
end)
