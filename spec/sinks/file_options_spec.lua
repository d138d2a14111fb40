-- The arguments of weir.create_write_stream: what is refused is refused before anything happens.
local weir = require "weir"
local support = require "spec.sinks.support"

-- Calls with these arguments, which must raise. Returns the text.
local function refused(...)
  local arguments, count = { ... }, select("#", ...)
  local ok, err = pcall(function()
    local ws = weir.create_write_stream((unpack or table.unpack)(arguments, 1, count))
    return ws -- no tail call: the message names this function's line
  end)
  assert.is_false(ok)
  return tostring(err)
end

describe("create_write_stream", function()
  setup(support.open_folder)
  teardown(support.remove_folder)

  -- Each of these values must be refused for the option, in a text that names it.
  local function refuses(option, values)
    for _, value in ipairs(values) do
      local path = support.new_path()
      local text = refused(path, { [option] = value })
      assert.matches("bad argument #2 to 'create_write_stream'", text)
      assert.matches("option '" .. option .. "' must be", text)
      weir.run()
      assert.is_false(support.exists(path))
    end
  end

  it("needs a path, or a descriptor", function()
    assert.matches("bad argument #2 to 'create_write_stream' %(a path is needed", refused())
    assert.matches("a path is needed", refused(nil, {}))
  end)

  it("takes a path that is a string, not empty, and without NUL", function()
    for _, path in ipairs { 1, true, {}, print } do
      assert.matches("bad argument #1 to 'create_write_stream' %(string expected, got",
        refused(path))
    end
    assert.matches("must not be empty", refused "")
    local path = support.new_path()
    assert.matches("NUL", refused(path .. "\0.evil"))
    assert.matches("NUL", refused "\0")
    weir.run()
    assert.is_false(support.exists(path))
  end)

  it("takes a table of options", function()
    for _, options in ipairs { 1, "w", true, print } do
      assert.matches("bad argument #2 to 'create_write_stream' %(table expected, got",
        refused(support.new_path(), options))
    end
  end)

  it("says where the mistake is, in the line that called", function()
    local text = refused(support.new_path(), { flags = "rw" })
    assert.matches("file_options_spec%.lua:%d+: bad argument", text)
  end)

  it("knows no other options, and names the nearest", function()
    local path = support.new_path()
    for given, known in pairs {
      highWaterMark = "high_water_mark", autoClose = "auto_close", flag = "flags", modes = "mode",
      starts = "start", Fd = "fd", fsync = "sync", atomically = "atomic", emitClose = "emit_close",
    } do
      local text = refused(path, { [given] = 1 })
      assert.matches("unknown option \"" .. given .. "\", did you mean '" .. known .. "'%?", text)
    end
    assert.matches("unknown option", refused(path, { "w" }))
    assert.matches("unknown option", refused(path, { object_mode = true }))
    assert.matches("unknown option", refused(path, { write = print }))
    weir.run()
    assert.is_false(support.exists(path))
  end)

  it("refuses a flag string that is none of the nine", function()
    refuses("flags", { "", "r", "rw", "W", "w ", "xw", "wa", "r+x", "rs+", "as", "w++", "w\0", 577,
      true, {} })
  end)

  it("refuses a mode that is none", function()
    refuses("mode", { -1, 4096, 1.5, 2 ^ 53, 0 / 0, 1 / 0, "", "0888", "rw-r--r--", "0x1ff", " 644",
      "-644", "17777", true, {} })
  end)

  it("refuses a start that is no position", function()
    refuses("start", { -1, 1.5, 0 / 0, 1 / 0, -1 / 0, 2 ^ 63, "0", true, {} })
  end)

  it("refuses a descriptor that is none", function()
    for _, fd in ipairs { -1, 1.5, 2 ^ 31, 1e10, 0 / 0, 1 / 0, "1", true, {}, io.stdout } do
      assert.matches("option 'fd' must be", refused(nil, { fd = fd }))
    end
  end)

  it("refuses what is not true or false where that is asked for", function()
    for _, option in ipairs { "auto_close", "atomic", "emit_close", "auto_destroy" } do
      refuses(option, { 0, 1, "true", {}, print })
    end
  end)

  it("refuses a sync that is none of the three", function()
    refuses("sync", { true, 1, "", "Data", "fsync", "all", {} })
  end)

  it("refuses marks that are no numbers of bytes", function()
    for _, option in ipairs { "high_water_mark", "low_water_mark", "max_buffered" } do
      refuses(option, { -1, 1.5, 0 / 0, 1 / 0, "16", true, {} })
    end
    local path = support.new_path()
    assert.matches("low_water_mark", refused(path, { high_water_mark = 10, low_water_mark = 10 }))
    assert.matches("max_buffered", refused(path, { high_water_mark = 10, max_buffered = 9 }))
    assert.matches("max_buffered", refused(path, { max_buffered = 16383 }))
  end)

  it("refuses what cannot be had together, and says why", function()
    local path = support.new_path()
    for _, options in ipairs {
      { start = 1, flags = "a" }, { start = 0, flags = "ax+" },
      { atomic = true, start = 1 }, { atomic = true, flags = "a" }, { atomic = true, flags = "r+" },
      { atomic = true, fd = 3 }, { fd = 3, flags = "w" }, { fd = 3, mode = 420 },
      { auto_close = true, auto_destroy = false }, { auto_close = false, auto_destroy = true },
    } do
      local text = refused(path, options)
      assert.matches("bad argument #2 to 'create_write_stream' %('%l", text)
      assert.matches("contradict", text:gsub("cannot be had with", "contradict"))
    end
    weir.run()
    assert.is_false(support.exists(path))
  end)

  it("allows what looks like a contradiction and is none", function()
    for _, options in ipairs {
      { atomic = false, start = 1 }, { atomic = false, flags = "a" },
      { auto_close = true, auto_destroy = true }, { atomic = true, sync = "none" },
      { start = 0, flags = "wx" }, { mode = 420, flags = "a" },
      { low_water_mark = 0, high_water_mark = 0 }, { high_water_mark = 5, max_buffered = 5 },
    } do
      local ws, log = support.stream(support.new_path(), options)
      support.end_and_close(ws)
      assert.equal("open ready prefinish finish close", log.take())
    end
  end)

  it("reads its options raw, once, and changes nothing in them", function()
    local options = setmetatable({ high_water_mark = 5 }, {
      __index = function() error "read through" end,
      __newindex = function() error "written" end,
      __pairs = function() error "walked" end,
      __len = function() error "counted" end,
    })
    local ws = weir.create_write_stream(support.new_path(), options)
    assert.equal(5, ws:writable_high_water_mark())
    rawset(options, "high_water_mark", 6)
    assert.equal(5, ws:writable_high_water_mark())
    rawset(options, "high_water_mark", nil)
    assert.is_nil(next(options))
    support.end_and_close(ws)
  end)

  it("takes one table of options for many streams", function()
    local options = { flags = "a", high_water_mark = 5 }
    local path = support.new_path()
    for i = 1, 3 do
      local ws = weir.create_write_stream(path, options)
      ws:write(i)
      support.end_and_close(ws)
    end
    assert.equal("123", support.read(path))
    assert.same({ flags = "a", high_water_mark = 5 }, options)
  end)

  it("does nothing in the folder before the loop runs", function()
    local path = support.new_path()
    local ws = weir.create_write_stream(path)
    ws:write "abc"
    assert.is_false(support.exists(path))
    support.end_and_close(ws)
    assert.equal("abc", support.read(path))
  end)

  it("can be asked for ten thousand files that are never opened", function()
    local path = support.new_path()
    for _ = 1, support.slow and 500 or 10000 do
      pcall(weir.create_write_stream, path, { flags = "none" })
      pcall(weir.create_write_stream, path .. "\0")
    end
    collectgarbage()
    assert.is_false(weir.run())
    assert.is_false(support.exists(path))
  end)
end)
