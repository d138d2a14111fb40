-- Streams out of files that cannot be read, descriptors that were given, files that are no regular
-- ones, and streams that are stopped midway.
local weir = require "weir"
local support = require "spec.sinks.support"

local it_with_faults = support.with_faults(it, pending)

-- Reads until it is over. Prints the log: events, and pieces by their size.
local READ_ALL = [[
  local function read_all(rs)
    local log = support.new_log()
    for _, event in ipairs { "open", "ready", "end", "close" } do
      rs:on(event, function() log.add(event) end)
    end
    rs:on("error", function(err) log.add("error(" .. tostring(err) .. ")") end)
    rs:on("data", function(piece) log.add(#piece) end)
    support.close(rs)
    return log.take()
  end
]]

local read_all = (loadstring or load)("local support = ...\n" .. READ_ALL .. " return read_all")(
  support)

-- The log of a script of its own that reads a file of `size` bytes with these faults.
local function log_with(faults, size, options)
  local path = support.put(("x"):rep(size))
  return (support.output_of(READ_ALL .. ([[
    local rs = weir.create_read_stream(path, %s)
    io.write((read_all(rs):gsub(path:gsub("%%p", "%%%%%%0"), "FILE")), " ", rs:bytes_read())
  ]]):format(options or "{}"), { faults = faults, path = path }))
end

describe("a file that cannot be read", function()
  setup(support.open_folder)
  teardown(support.remove_folder)

  local function fails_with(expected, path, options)
    local rs = weir.create_read_stream(path, options)
    assert.equal(expected, (read_all(rs):gsub(path:gsub("%p", "%%%0"), "FILE")))
    assert.equal(0, rs:bytes_read())
    assert.is_true(rs:readable_aborted())
  end

  it("because it is not there: error, then close", function()
    fails_with("error(ENOENT: no such file or directory, open 'FILE') close", support.new_path())
    fails_with("error(ENOTDIR: not a directory, open 'FILE') close", support.put "" .. "/file")
  end)

  it("because it is a folder: as Node says, when it is read", function()
    local path = support.new_path()
    support.sh("mkdir " .. path)
    fails_with("open ready error(EISDIR: illegal operation on a directory, read 'FILE') close",
      path)
  end)

  it("because its descriptor is open for writing only, or not at all: EBADF", function()
    local output = support.output_of(READ_ALL .. [[
      io.write(read_all(weir.create_read_stream("FILE", { fd = 3 })))
    ]], { around = "%s 3> /dev/null" })
    assert.equal("error(EBADF: bad file descriptor, read 'FILE') close", output)
    local path = support.new_path()
    fails_with("error(EBADF: bad file descriptor, fstat 'FILE') close", path, { fd = 999 })
  end)

  it_with_faults("gives what it has read before the error", function()
    assert.equal("open ready 65536 65536 error(EIO: i/o error, read 'FILE') close 131072",
      log_with("pread:3:EIO", 300000))
  end)

  it_with_faults("is asked again after EINTR and EAGAIN", function()
    assert.equal("open ready 65536 34464 end close 100000",
      log_with("pread:1:EINTR,pread:2:EAGAIN,pread:4:EINTR", 100000))
  end)

  it_with_faults("is given up when EAGAIN is all it says", function()
    assert.equal("open ready 65536 "
      .. "error(EAGAIN: resource temporarily unavailable, read 'FILE') close 65536",
      log_with("pread:2+:EAGAIN", 300000))
  end)

  it_with_faults("gives short pieces as they come", function()
    assert.equal("open ready 7 7 7 7 2 end close 30", log_with("pread:*:s7", 30))
  end)

  it_with_faults("says when it cannot be closed", function()
    assert.equal("open ready 3 end error(EIO: i/o error, close 'FILE') close 3",
      log_with("close:1:EIO", 3))
  end)

  it_with_faults("is open once `open` was told, however long that takes", function()
    assert.equal("open ready 3 end close 3", log_with("open:1:d50", 3))
  end)
end)

describe("a stream out of a descriptor", function()
  setup(support.open_folder)
  teardown(support.remove_folder)

  -- Runs a script with descriptor 3 open on a file of ten digits.
  local function with_3(script, redirection)
    local path = support.put "0123456789"
    redirection = (redirection or "3<%s"):gsub("%%s", support.quote(path))
    return (support.output_of(script, { around = "%s " .. redirection, path = path }))
  end

  it("reads from where that stands, closes it, and tells neither open nor ready", function()
    assert.equal("10 end close nil", with_3(READ_ALL .. [[
      local rs = weir.create_read_stream(nil, { fd = 3 })
      io.write(read_all(rs), " ", tostring(rs:fd()))
    ]]))
  end)

  it("moves its position by what it gives, and no further", function()
    assert.equal("01 2345 6789", with_3 [[
      local function read(count)
        local rs = weir.create_read_stream(nil, { fd = 3, auto_close = false, end_ = count - 1 })
        local content = ""
        rs:on("data", function(piece) content = content .. piece end)
        weir.run()
        return content
      end
      io.write(read(2), " ", read(4), " ", read(9))
    ]])
  end)

  it("reads from `start` without moving it", function()
    assert.equal("5678 0123456789", with_3 [[
      local content = ""
      local function read(options)
        local rs = weir.create_read_stream(nil, options)
        rs:on("data", function(piece) content = content .. piece end)
        weir.run()
      end
      read { fd = 3, start = 5, end_ = 8, auto_close = false }
      content = content .. " "
      read { fd = 3 }
      io.write(content)
    ]])
  end)

  it("leaves it open without auto_close, after the end and after an error", function()
    assert.equal("10 end true 0123 true", with_3(READ_ALL .. [[
      local log = support.new_log()
      local rs = weir.create_read_stream(nil, { fd = 3, auto_close = false })
      rs:on("data", function(piece) log.add(#piece) end)
      rs:on("end", function() log.add "end" end)
      weir.run()
      io.write(log.take(), " ", tostring(rs:fd() == 3), " ")
      rs:destroy()
      weir.run()
      local again = weir.create_read_stream(nil, { fd = 3, start = 0, end_ = 3 })
      again:on("data", io.write)
      support.close(again)
      io.write(" ", tostring(rs:closed()))
    ]]))
  end)

  it("never closes 0, 1 and 2", function()
    assert.equal("10 end close still open", with_3(READ_ALL .. [[
      io.write(read_all(weir.create_read_stream(nil, { fd = 0 })))
      local again = weir.create_read_stream(nil, { fd = 0, start = 0 })
      again:on("data", function() io.write " still open" end)
      support.close(again)
    ]], "<%s"))
  end)

  it("reads a pipe as it comes, until nobody writes any more", function()
    local output = support.output_of([[
      local rs = weir.create_read_stream(nil, { fd = 0 })
      rs:on("data", function(piece) io.write(piece, "|") end)
      rs:on("end", function() io.write "end" end)
      weir.run()
    ]], { around = "{ printf abc; sleep 0.2; printf def; } | %s" })
    assert.equal("abc|def|end", output)
  end)
end)

describe("a stream out of a FIFO", function()
  setup(support.open_folder)
  teardown(support.remove_folder)

  local function new_fifo()
    local path = support.new_path()
    support.sh("mkfifo " .. path)
    return path
  end

  it("waits for somebody to write, and the loop goes on meanwhile", function()
    local path, log = new_fifo(), support.new_log()
    local rs, ticks = weir.create_read_stream(path), 0
    rs:on("data", log.add)
    rs:on("end", function() log.add "end" end)
    local function tick()
      ticks = ticks + 1
      if ticks == 10 then
        support.sh(("(printf abc; sleep 0.1; printf def) > %s 2> /dev/null &"):format(path))
      end
      if ticks < 10 then weir.set_timeout(tick, 10) end
    end
    tick()
    support.close(rs)
    assert.equal("abc def end", log.take())
    assert.equal(10, ticks)
  end)

  it("is destroyed while it waits, and leaves the pool to others", function()
    local streams = {}
    for i = 1, 6 do -- more than the pool has threads
      streams[i] = weir.create_read_stream(new_fifo())
      streams[i]:resume()
    end
    local rs, content = weir.create_read_stream(support.put "abc"), nil
    rs:on("data", function(piece) content = piece end)
    support.close(rs)
    assert.equal("abc", content)
    for i = 1, 6 do streams[i]:destroy() end
    for i = 1, 6 do support.close(streams[i]) end
  end)

  it("does not hold up the end of the script", function()
    local child = support.child([[
      os.execute("mkfifo " .. path)
      local rs = weir.create_read_stream(path)
      rs:resume()
      weir.set_timeout(function() weir.stop() end, 50)
      weir.run()
    ]])
    assert.equal(0, child.code, child.output)
    assert.equal("", child.output)
    if not support.slow then assert.is_true(child.seconds < 2.5, child.seconds) end
  end)
end)

describe("a stream out of a device", function()
  setup(support.open_folder)
  teardown(support.remove_folder)

  it("gives as much as was asked for", function()
    local lacks = support.lacks_file "/dev/zero"
    if lacks then pending(lacks) end
    local rs, size = weir.create_read_stream("/dev/zero", { end_ = 99999 }), 0
    rs:on("data", function(piece) size = size + #piece end)
    support.close(rs)
    assert.equal(100000, size)
    assert.is_nil(rs:errored())
  end)

  it("that is always empty ends", function()
    assert.equal("open ready end close", read_all(weir.create_read_stream "/dev/null"))
  end)
end)

describe("a stream that is stopped midway", function()
  setup(support.open_folder)
  teardown(support.remove_folder)

  it("gives nothing more, and closes without an error", function()
    local rs, log = weir.create_read_stream(support.put(("x"):rep(300000))), support.new_log()
    rs:on("data", function(piece)
      log.add(#piece)
      rs:destroy()
    end)
    rs:on("end", function() log.add "end" end)
    rs:on("close", function() log.add "close" end)
    support.close(rs)
    assert.equal("65536 close", log.take())
  end)

  it("reports the error that it was destroyed with", function()
    local rs, log = weir.create_read_stream(support.put "abc"), support.new_log()
    rs:on("error", log.cb "error")
    rs:on("close", function() log.add "close" end)
    rs:destroy("enough")
    support.close(rs)
    assert.equal("error(enough) close", log.take())
  end)

  it_with_faults("waits for the read in flight", function()
    assert.equal("true", (support.output_of([[
      support.put("abc", path)
      local rs, closed = weir.create_read_stream(path), false
      rs:on("data", function() io.write "data" end)
      rs:on("close", function() closed = true end)
      support.run_until_delayed "pread"
      rs:destroy()
      weir.run "nowait"
      assert(not closed)
      support.close(rs)
      io.write(tostring(closed))
    ]], { faults = "pread:1:d300", log = support.new_path() })))
  end)

  it_with_faults("by the end of the script leaves nothing running", function()
    for _, ending in ipairs { "", "os.exit(0, true)", "rs = nil collectgarbage()" } do
      local child = support.child([[
        support.put(("x"):rep(300000), path)
        rs = weir.create_read_stream(path)
        rs:resume()
        support.run_until_delayed "pread"
      ]] .. ending, { faults = "pread:1:d100", log = support.new_path() })
      assert.equal(0, child.code, child.output)
      assert.equal("", child.output)
    end
  end)

  it_with_faults("by os.exit within a callback leaves nothing running", function()
    local child = support.child([[
      support.put(("x"):rep(300000), path)
      rs = weir.create_read_stream(path)
      rs:resume()
      weir.set_timeout(function() os.exit(3, true) end, 20)
      weir.run()
    ]], { faults = "pread:1:d200", log = support.new_path() })
    assert.equal(3, child.code, child.output)
    assert.equal("", child.output)
  end)
end)
