-- Streams out of files: what is read, from where, and how far; what is told, and when.
local weir = require "weir"
local rounds = require "spec.support.rounds"
local support = require "spec.sinks.support"

local KIB = 1024

-- Logs the events of a stream by name.
local function listen(rs, log)
  for _, event in ipairs { "open", "ready", "end", "close" } do
    rs:on(event, function() log.add(event) end)
  end
  rs:on("error", log.cb "error")
  return rs, log
end

-- Reads all there is. Returns the content, and the sizes of the pieces.
local function read_all(rs)
  local pieces, sizes = {}, {}
  rs:on("data", function(piece)
    pieces[#pieces + 1], sizes[#sizes + 1] = piece, #piece
  end)
  support.close(rs)
  return table.concat(pieces), table.concat(sizes, " ")
end

local function read_file(path, options)
  return read_all(weir.create_read_stream(path, options))
end

local function pattern(size)
  local lines = {}
  for i = 1, math.ceil(size / 8) do lines[i] = ("%07d\n"):format(i) end
  return table.concat(lines):sub(1, size)
end

describe("a stream out of a file", function()
  setup(support.open_folder)
  teardown(support.remove_folder)

  it("gives all of it, in pieces of 64 KiB", function()
    local content = pattern(200 * KIB + 5)
    local rs = weir.create_read_stream(support.put(content))
    local got, sizes = read_all(rs)
    assert.is_true(got == content)
    assert.equal("65536 65536 65536 8197", sizes)
    assert.equal(#content, rs:bytes_read())
  end)

  it("tells open, ready, end and close, once and in this order", function()
    local path = support.put "abc"
    local rs, log = listen(weir.create_read_stream(path), support.new_log())
    local fd
    rs:on("open", function(it) fd = it end)
    assert.is_true(rs:pending())
    assert.is_nil(rs:fd())
    rs:on("data", function(piece)
      assert.equal(fd, rs:fd())
      assert.is_false(rs:pending())
      log.add(piece)
    end)
    support.close(rs)
    assert.equal("open ready abc end close", log.take())
    assert.equal("number", type(fd))
    assert.equal(path, rs:path())
    assert.is_nil(rs:fd())
    assert.is_true(rs:pending())
    assert.is_true(rs:readable_ended())
    assert.matches("^weir.stream %(file '.*', closed%)", tostring(rs))
  end)

  it("ends at once when the file is empty", function()
    local rs, log = listen(weir.create_read_stream(support.put ""), support.new_log())
    rs:on("data", log.cb "data")
    support.close(rs)
    assert.equal("open ready end close", log.take())
    assert.equal(0, rs:bytes_read())
  end)

  it("reads as much at a time as the mark says", function()
    local path = support.put "0123456789"
    local content, sizes = read_file(path, { high_water_mark = 4 })
    assert.equal("0123456789", content)
    assert.equal("4 4 2", sizes)
    content, sizes = read_file(path, { high_water_mark = 1 })
    assert.equal("0123456789", content)
    assert.equal("1 1 1 1 1 1 1 1 1 1", sizes)
    assert.equal("0123456789", (read_file(path, { high_water_mark = 0 })))
  end)

  it("opens only from the loop, and reads only when somebody wants to have it", function()
    local rs, log = listen(weir.create_read_stream(support.put "abc"), support.new_log())
    assert.equal("", log.take())
    support.run_until(function() return not rs:pending() end)
    weir.run()
    assert.equal("open ready", log.take())
    assert.equal(0, rs:bytes_read())
    rs:resume()
    support.close(rs)
    assert.equal("end close", log.take())
  end)

  it("gives to read() what it has", function()
    local rs = weir.create_read_stream(support.put "0123456789")
    local got = {}
    rs:on("readable", function()
      for piece in function() return rs:read(4) end do got[#got + 1] = piece end
    end)
    support.close(rs)
    assert.equal("0123 4567 89", table.concat(got, " "))
  end)

  it("stands still while it is paused, and keeps no more than it has read ahead", function()
    local path = support.put(pattern(rounds(4000, 400) * KIB))
    local rs, seen = weir.create_read_stream(path), 0
    rs:on("data", function(piece)
      seen = seen + #piece
      rs:pause()
    end)
    weir.run()
    assert.equal(64 * KIB, seen)
    assert.is_true(rs:bytes_read() <= 192 * KIB, rs:bytes_read())
    local got = { "" }
    rs:on("data", function(piece) got[#got + 1] = piece end)
    rs:on("pause", function() weir.next_tick(function() rs:resume() end) end)
    rs:resume()
    support.close(rs)
    assert.is_true(table.concat(got) == support.read(path):sub(64 * KIB + 1))
  end)

  it("copies a file by pipeline in little memory, byte for byte", function()
    local lacks = support.lacks_file "/proc/self/status"
    if lacks then pending(lacks) end
    local output = support.output_of [[
      local from, size = support.new_path ".copied", 0
      local file = assert(io.open(from, "wb"))
      for i = 1, 64 do -- MiB, no two of them the same
        file:write((("%07d\n"):format(i * 9973):rep(131072)))
        size = size + 8 * 131072
      end
      file:close()
      collectgarbage()
      local function memory(field)
        for line in io.lines "/proc/self/status" do
          local kib = line:match("^" .. field .. ":%s*(%d+)")
          if kib then return tonumber(kib) end
        end
      end
      local before, peak = memory "VmRSS", 0
      local reader, writer = weir.create_read_stream(from), weir.create_write_stream(path)
      writer:on("drain", function() peak = math.max(peak, memory "VmRSS") end)
      weir.pipeline(reader, writer, function(err) assert(not err, err) end)
      weir.run()
      local _, code = support.sh("cmp " .. from .. " " .. path)
      assert(code == 0 and reader:bytes_read() == size and writer:bytes_written() == size)
      print(peak - before)
    ]]
    local grown_kib = tonumber(output)
    if not support.slow then assert.is_true(grown_kib < 8 * KIB, grown_kib) end
  end)

  it("does not see what is appended behind the end it has met", function()
    local path = support.put "abc"
    local rs, content = weir.create_read_stream(path), ""
    rs:on("data", function(piece) content = content .. piece end)
    rs:on("end", function() support.append(path, "def") end)
    support.close(rs)
    assert.equal("abc", content)
  end)

  it("is closed when nobody holds it any more", function()
    local path = support.put "abc"
    local before = support.descriptors()
    if not before then pending "this system does not tell the descriptors" end
    for _ = 1, 10 do
      weir.create_read_stream(path)
      weir.run()
    end
    for _ = 1, 3 do collectgarbage() end
    weir.run()
    assert.equal(before, support.descriptors())
  end)

  it("is not passed on to children", function()
    if support.lacks_file "/proc/self/status" then pending "there is no /proc" end
    local path = support.put "abc"
    local rs = weir.create_read_stream(path)
    support.run_until(function() return not rs:pending() end)
    assert.is_nil(support.sh("ls -l /proc/self/fd"):find(path, 1, true))
    rs:destroy()
    support.close(rs)
  end)
end)

describe("a part of a file", function()
  local path
  setup(function()
    support.open_folder()
    path = support.put "0123456789"
  end)
  teardown(support.remove_folder)

  it("begins at `start`, and ends behind `end_`", function()
    assert.equal("3456", (read_file(path, { start = 3, end_ = 6 })))
    assert.equal("3456789", (read_file(path, { start = 3 })))
    assert.equal("0123", (read_file(path, { end_ = 3 })))
    assert.equal("0", (read_file(path, { end_ = 0 })))
    assert.equal("3456789", (read_file(path, { start = 3, end_ = math.huge })))
    assert.equal("7", (read_file(path, { start = 7, end_ = 7 })))
  end)

  it("is read in pieces of the mark, the last one shorter", function()
    local content, sizes = read_file(path, { start = 1, end_ = 7, high_water_mark = 3 })
    assert.equal("1234567", content)
    assert.equal("3 3 1", sizes)
  end)

  it("ends with the file when that is shorter", function()
    local rs = weir.create_read_stream(path, { start = 8, end_ = 100 })
    assert.equal("89", (read_all(rs)))
    assert.equal(2, rs:bytes_read())
    assert.equal("", (read_file(path, { start = 100 })))
    assert.equal("", (read_file(path, { start = 2 ^ 52 })))
  end)
end)

describe("create_read_stream", function()
  setup(support.open_folder)
  teardown(support.remove_folder)

  local function refuses(message, ...)
    local ok, err = pcall(weir.create_read_stream, ...)
    assert.is_false(ok)
    assert.is_true(tostring(err):find(message, 1, true) ~= nil, tostring(err))
  end

  it("raises for arguments that make no sense", function()
    refuses("bad argument #1 to 'create_read_stream' (string expected, got number)", 1)
    refuses("a path must not be empty", "")
    refuses("a path must not hold a NUL byte", "a\0b")
    refuses("a path is needed where no 'fd' is given", nil)
    refuses("bad argument #2 to 'create_read_stream' (table expected, got number)", "f", 1)
    refuses("option 'start' must be at most 'end_' (2), got 3", "f", { start = 3, end_ = 2 })
    refuses("option 'start' must be a whole number", "f", { start = -1 })
    refuses("option 'end_' must be a whole number", "f", { end_ = 1.5 })
    refuses("option 'flags' must be one of", "f", { flags = "w" })
    refuses("option 'fd' must be a descriptor", "f", { fd = -1 })
    refuses("'flags' cannot be had with 'fd'", nil, { fd = 0, flags = "r" })
    refuses("contradict each other", "f", { auto_close = true, auto_destroy = false })
    refuses("unknown option \"highWaterMark\", did you mean 'high_water_mark'?", "f",
      { highWaterMark = 1 })
    refuses("unknown option \"end\", did you mean 'end_'?", "f", { ["end"] = 1 })
    refuses("unknown option \"sync\"", "f", { sync = "full" })
  end)

  it("has no writable side", function()
    local rs = weir.create_read_stream(support.put "abc")
    assert.is_false(rs:writable())
    assert.is_nil(rs:bytes_written())
    rs:destroy()
    support.close(rs)
  end)

  it("makes the file where the flags say so", function()
    local path = support.new_path()
    assert.equal("", (read_file(path, { flags = "a+", mode = "0600" })))
    assert.equal("rw-------", support.mode(path))
    support.append(path, "abc")
    assert.equal("abc", (read_file(path, { flags = "a+" })))
    assert.equal("abc", (read_file(path, { flags = "r+" })))
    assert.equal("", (read_file(path, { flags = "w+" })))
  end)
end)
