-- weir.gzip and weir.gunzip: what comes out, what is told when the input is damaged, and that
-- neither memory nor the loop pays for it.
local weir = require "weir"
local support = require "spec.sinks.support"

local unpack = unpack or table.unpack
local KIB, MIB = 1024, 1024 * 1024

-- Why there is nothing to test here; nil: there is.
local function lacks_zlib()
  if not pcall(require, "weir.zlib") then return "weir.zlib was not built: there is no zlib.h" end
end

local function it_with_zlib(sentence, body)
  it(sentence, function()
    local lacks = lacks_zlib()
    if lacks then pending(lacks) end
    body()
  end)
end

local it_with_faults = support.with_faults(it_with_zlib, pending)

local function listen(stream, log)
  for _, event in ipairs { "prefinish", "finish", "end", "close" } do
    stream:on(event, function() log.add(event) end)
  end
  stream:on("error", function(err) log.add("error(" .. tostring(err) .. ")") end)
end

-- Writes the chunks into the stream and ends it. Returns all that came out, and the log.
local function through(stream, ...)
  local log, pieces = support.new_log(), {}
  listen(stream, log)
  stream:on("data", function(piece) pieces[#pieces + 1] = piece end)
  for _, chunk in ipairs { ... } do stream:write(chunk) end
  stream:end_()
  support.close(stream)
  return table.concat(pieces), log.take(), pieces
end

local function zip(content, options) return (through(weir.gzip(options), content)) end
local function unzip(...) return through(weir.gunzip(), ...) end

local function random_bytes(size)
  local bytes = {}
  for i = 1, size do bytes[i] = string.char(math.random(0, 255)) end
  return table.concat(bytes)
end

-- Half of it repeats, half does not.
local function mixed(size)
  local noise = random_bytes(1000)
  local parts = {}
  for i = 1, math.ceil(size / 2000) do
    local from = i * 7 % 900
    parts[i] = noise:sub(from) .. noise:sub(1, from - 1) .. ("line %d\n"):format(i):rep(100)
  end
  return table.concat(parts):sub(1, size)
end

local GOOD = "prefinish end finish close"

describe("gzip", function()
  setup(support.open_folder)
  teardown(support.remove_folder)

  it_with_zlib("makes what gunzip gives back, at each level", function()
    local content, sizes = mixed(200 * KIB), {}
    for level = 0, 9 do
      local packed = zip(content, { level = level })
      sizes[level] = #packed
      local got, log = unzip(packed)
      assert.is_true(got == content)
      assert.equal(GOOD, log)
    end
    assert.is_true(sizes[0] > #content and sizes[9] <= sizes[1] and sizes[1] < sizes[0])
  end)

  it_with_zlib("makes what gzip accepts, and gunzip reads what gzip makes", function()
    local lacks = support.lacks_command "gzip"
    if lacks then pending(lacks) end
    local content = mixed(3 * MIB)
    local path = support.put(zip(content), support.new_path ".gz")
    local output, code = support.sh("gzip -t " .. path .. " && gunzip " .. path)
    assert.equal("", output)
    assert.equal(0, code)
    assert.is_true(support.read((path:gsub("%.gz$", ""))) == content)
    support.sh(("gzip -9 < %s > %s"):format(path:gsub("%.gz$", ""), path))
    assert.is_true(unzip(support.read(path)) == content)
  end)

  it_with_zlib("makes a whole member of nothing", function()
    local packed = zip("")
    assert.equal(20, #packed)
    local got, log = unzip(packed)
    assert.equal("", got)
    assert.equal(GOOD, log)
  end)

  it_with_zlib("takes chunks of any size and of several pieces, with their callbacks", function()
    local gz, log, out = weir.gzip(), support.new_log(), {}
    gz:on("data", function(piece) out[#out + 1] = piece end)
    gz:write("a", 1, "b", log.cb "one")
    gz:write("", log.cb "two")
    gz:write(("x"):rep(300000), log.cb "three")
    gz:end_("c", log.cb "end")
    support.close(gz)
    assert.equal("one two three end", log.take())
    assert.equal(300004, gz:bytes_written())
    assert.is_true(unzip(table.concat(out)) == "a1b" .. ("x"):rep(300000) .. "c")
  end)

  it_with_zlib("goes between files by pipeline, with memory that does not grow", function()
    local from, to = support.put(mixed(8 * MIB)), support.new_path()
    local before, peak = support.memory(), 0
    local rs, err = weir.create_read_stream(from), "not called"
    local gz, gunzip, ws = weir.gzip { level = 1 }, weir.gunzip(), weir.create_write_stream(to)
    gunzip:on("drain", function() peak = math.max(peak, support.memory() or 0) end)
    weir.pipeline(rs, gz, gunzip, ws, function(e) err = e end)
    support.close(ws)
    assert.is_nil(err)
    assert.is_true(support.read(to) == support.read(from))
    if before and not support.slow then assert.is_true(peak - before < 12 * MIB, peak - before) end
  end)

  it_with_zlib("raises for options that make no sense", function()
    local function refuses(message, name, options)
      local ok, err = pcall(weir[name], options)
      assert.is_false(ok)
      assert.is_true(tostring(err):find(message, 1, true) ~= nil, tostring(err))
    end
    for _, level in ipairs { -1, 10, 1.5, "6" } do
      refuses("bad argument #1 to 'gzip' (option 'level' must be a whole number from 0 to 9, got",
        "gzip", { level = level })
    end
    refuses("unknown option \"level\"", "gunzip", { level = 1 })
    refuses("unknown option \"levle\", did you mean 'level'?", "gzip", { levle = 1 })
    refuses("table expected, got number", "gzip", 6)
  end)
end)

describe("gunzip", function()
  setup(support.open_folder)
  teardown(support.remove_folder)

  it_with_zlib("reads several members as one, wherever they are cut", function()
    local packed = zip "abc" .. zip "" .. zip "def"
    local got, log = unzip(packed)
    assert.equal("abcdef", got)
    assert.equal(GOOD, log)
    local bytes = {}
    for i = 1, #packed do bytes[i] = packed:sub(i, i) end
    got, log = through(weir.gunzip(), unpack(bytes))
    assert.equal("abcdef", got)
    assert.equal(GOOD, log)
  end)

  it_with_zlib("reads members that gzip has put together", function()
    local lacks = support.lacks_command "gzip"
    if lacks then pending(lacks) end
    local packed = support.new_path()
    support.sh("{ printf abc | gzip; printf def | gzip -1; printf ghi | gzip -9; } > " .. packed)
    local got, log = unzip(support.read(packed))
    assert.equal("abcdefghi", got)
    assert.equal(GOOD, log)
  end)

  it_with_zlib("takes zero bytes behind a member for padding", function()
    local got, log = unzip(zip "abc", ("\0"):rep(1000))
    assert.equal("abc", got)
    assert.equal(GOOD, log)
    assert.equal("abcdef", (unzip(zip "abc" .. ("\0"):rep(10) .. zip "def")))
  end)

  -- Node's code and message; nothing says that it went well.
  local function fails_with(expected, ...)
    local _, log = unzip(...)
    assert.equal(expected, log)
  end

  it_with_zlib("fails for input that ends within a member, or has none", function()
    local packed = zip(mixed(100 * KIB))
    for _, size in ipairs { 0, 1, 9, 10, 18, #packed / 2, #packed - 8, #packed - 1 } do
      fails_with("error(Z_BUF_ERROR: unexpected end of file) close",
        packed:sub(1, math.floor(size)))
    end
    fails_with("error(Z_BUF_ERROR: unexpected end of file) close")
  end)

  it_with_zlib("fails for what is no gzip, or damaged, or followed by what is none", function()
    local packed = zip "abc"
    local size = #packed
    local function with_byte(at, byte)
      return packed:sub(1, at - 1) .. byte .. packed:sub(at + 1)
    end
    fails_with("error(Z_DATA_ERROR: incorrect header check) close", "hello world")
    fails_with("error(Z_DATA_ERROR: unknown compression method) close", "\31\139\255\255")
    fails_with("error(Z_DATA_ERROR: incorrect data check) close", with_byte(size - 6, "\255"))
    fails_with("error(Z_DATA_ERROR: incorrect length check) close", with_byte(size, "\255"))
    fails_with("error(Z_DATA_ERROR: incorrect header check) close", packed .. "garbage")
    fails_with("error(Z_DATA_ERROR: incorrect header check) close", packed, "garbage")
  end)

  it_with_zlib("tells its error once, to whoever waits, as one object", function()
    local gunzip, told, log = weir.gunzip(), {}, support.new_log()
    gunzip:on("error", function(err) told[#told + 1] = err end)
    gunzip:resume()
    gunzip:write("no gzip", function(err) told[#told + 1] = err end)
    gunzip:end_("at all", function(err) told[#told + 1] = err end)
    gunzip:on("end", log.cb "end")
    support.close(gunzip)
    assert.equal(3, #told)
    assert.is_true(told[1] == told[2] and told[2] == told[3])
    assert.equal("Z_DATA_ERROR", told[1].code)
    assert.equal("incorrect header check", told[1].message)
    assert.equal(-3, told[1].errno)
    assert.equal("", log.take())
  end)

  it_with_zlib("fails a pipeline with its error, and leaves no stream open", function()
    local packed = zip(mixed(300 * KIB))
    local rs = weir.create_read_stream(support.put(packed:sub(1, -9)))
    local ws, gunzip, err = weir.create_write_stream(support.new_path()), weir.gunzip(), nil
    weir.pipeline(rs, gunzip, ws, function(e) err = e end)
    support.close(rs, gunzip, ws)
    assert.equal("Z_BUF_ERROR", err.code)
  end)

  it_with_zlib("makes much of little in pieces, and only while somebody reads", function()
    local total = 50 * MIB
    local chunk, bomb = ("\0"):rep(MIB), {}
    local gz = weir.gzip { level = 9 }
    gz:on("data", function(piece) bomb[#bomb + 1] = piece end)
    for _ = 1, total / MIB do gz:write(chunk) end
    gz:end_()
    support.close(gz)
    bomb = table.concat(bomb)
    assert.is_true(#bomb < 100 * KIB)

    local gunzip, seen, largest = weir.gunzip(), 0, 0
    gunzip:end_(bomb)
    weir.run()
    assert.is_true(gunzip:readable_length() <= 128 * KIB, gunzip:readable_length())
    assert.is_true(gunzip:writable_length() > 0)
    gunzip:on("data", function(piece)
      seen, largest = seen + #piece, math.max(largest, #piece)
    end)
    support.close(gunzip)
    assert.equal(total, seen)
    assert.is_true(largest <= 64 * KIB)
  end)
end)

describe("a stream through a codec", function()
  setup(support.open_folder)
  teardown(support.remove_folder)

  it_with_zlib("asks to slow down while nobody reads, and goes on when somebody does", function()
    local gz, noise, accepted, out = weir.gzip { level = 0 }, random_bytes(16 * KIB), 0, {}
    local function write_more()
      while accepted < 200 do
        accepted = accepted + 1
        if not gz:write(noise) then return gz:once("drain", write_more) end
      end
      gz:end_()
    end
    write_more()
    weir.run()
    assert.is_true(accepted < 50, accepted)
    gz:on("data", function(piece) out[#out + 1] = piece end)
    support.close(gz)
    assert.equal(200, accepted)
    assert.is_true(unzip(table.concat(out)) == noise:rep(200))
  end)

  it_with_zlib("leaves the loop free", function()
    local gz, ticks = weir.gzip { level = 9 }, 0
    local timer
    local function tick()
      ticks = ticks + 1
      timer = weir.set_timeout(tick, 1)
    end
    tick()
    gz:resume()
    gz:on("close", function() timer:clear() end)
    gz:end_(mixed(4 * MIB))
    support.close(gz)
    assert.is_true(ticks > 3, ticks)
  end)

  it_with_zlib("is the same for small chunks: many share the memory of one piece", function()
    local before = support.memory()
    local gunzip = weir.gunzip { readable_high_water_mark = 100000 }
    local gz, count = weir.gzip(), 0
    gz:on("data", function(piece)
      for i = 1, #piece do gunzip:write(piece:sub(i, i)) end
      count = count + #piece
    end)
    gz:on("end", function() gunzip:end_() end)
    gz:end_(random_bytes(20000))
    support.close(gz)
    weir.run()
    assert.equal(20000, gunzip:readable_length())
    if before and not support.slow then
      assert.is_true(support.memory() - before < 8 * MIB, support.memory() - before)
    end
    gunzip:destroy()
    support.close(gunzip)
  end)

  it_with_zlib("can be destroyed while it works", function()
    local gz, log = weir.gzip { level = 9 }, support.new_log()
    listen(gz, log)
    gz:resume()
    gz:write(mixed(MIB), log.cb "write")
    weir.run "nowait"
    gz:destroy()
    support.close(gz)
    assert.equal("write(DESTROYED) close", log.take())

    gz, log = weir.gzip(), support.new_log()
    listen(gz, log)
    gz:on("data", function() gz:destroy("enough") end)
    gz:write(mixed(MIB), log.cb "write")
    support.close(gz)
    assert.equal("write(enough) error(enough) close", log.take())
  end)

  it_with_zlib("goes on when a listener raises", function()
    local gz, raised, size = weir.gzip { level = 0 }, 0, 0
    gz:on("data", function(piece)
      size = size + #piece
      error("at once", 0)
    end)
    gz:end_(random_bytes(200 * KIB))
    repeat
      local ok, err = pcall(weir.run)
      if not ok then
        raised = raised + 1
        assert.matches("^at once", err)
      end
    until gz:closed()
    assert.is_true(raised > 0)
    assert.is_true(size > 200 * KIB)
  end)

  it_with_zlib("may be collected, idle or at work", function()
    for i = 1, 20 do
      local gz = weir.gzip()
      if i % 2 == 0 then gz:write(("abc"):rep(10000)) end
      if i % 4 == 0 then gz:resume() end
      if i % 5 == 0 then weir.run "nowait" end
      collectgarbage() -- that of the round before
    end
    weir.run()
    collectgarbage()
    collectgarbage()
  end)

  it_with_faults("leaves nothing running at the end of the script", function()
    for _, ending in ipairs { "", "os.exit(0, true)", "gz, gunzip = nil, nil collectgarbage()",
      "weir.next_tick(function() os.exit(0, true) end) weir.run()" } do
      local child = support.child([[
        gz, gunzip = weir.gzip { level = 9 }, weir.gunzip()
        gz:resume()
        for i = 1, 100 do gz:write(("%d,"):format(i):rep(10000)) end
        gunzip:write "\31\139\8"
        local unread = weir.gzip()
        unread:end_(("x"):rep(100000))
        weir.run "nowait"
      ]] .. ending)
      assert.equal(0, child.code, child.output)
      assert.equal("", child.output)
    end
  end)

  it_with_zlib("takes a codec once, and nothing else for one", function()
    local core, zlib = require "weir.core", require "weir.zlib"
    local options = require("weir.options").gunzip()
    local box = zlib.gunzip()
    assert.equal("weir.codec", getmetatable(box))
    local gunzip = core.codec(options, box)
    for _, wrong in ipairs { box, io.stdout, 1, "x", {}, gunzip } do
      assert.is_false((pcall(core.codec, options, wrong)))
    end
    assert.is_false((pcall(core.codec, options)))
    assert.is_false((pcall(zlib.gzip, 10)))
    assert.is_false((pcall(zlib.gzip, {})))
    zlib.gzip() -- nobody takes it
    collectgarbage()
    gunzip:destroy()
    support.close(gunzip)
  end)
end)

describe("without weir.zlib", function()
  setup(support.open_folder)
  teardown(support.remove_folder)

  it("gzip and gunzip say what to install, and all else works", function()
    local output = support.output_of [[
      package.cpath, package.path = "", ""
      for _, name in ipairs { "gzip", "gunzip" } do
        print(pcall(function() return (weir[name]()) end))
      end
      print(pcall(weir.gzip, { level = 11 }))
      weir.create_write_stream(path):end_()
      weir.run()
    ]]
    local where = "false\t[^\n]*:%d+: "
    local what = "weir.%s needs the module weir.zlib: install zlib's headers "
      .. "%%(Debian: zlib1g%%-dev%%) and build weir again, or the rock weir%%-zlib\n"
    assert.matches("^" .. where .. what:format "gzip" .. where .. what:format "gunzip"
      .. "false\t.*bad argument #1 to 'gzip'", output)
  end)

  it("that is there but cannot be loaded, they say why", function()
    local output = support.output_of [[
      package.preload["weir.zlib"] = function() error("libz.so.1: cannot open", 0) end
      print(pcall(weir.gzip))
    ]]
    assert.matches("weir.gzip needs the module weir.zlib, which cannot be loaded: .*"
      .. "libz.so.1: cannot open", output)
  end)
end)
