-- What a file stream does when the system says no.
local weir = require "weir"
local support = require "spec.sinks.support"

local it_with_faults = support.with_faults(it, pending)

-- Writes "abc", "def" and an empty chunk, with callbacks, and ends. Prints the log.
local WRITE_TWO = [[
  local ws, log = support.stream(path, %s)
  ws:write("abc", log.cb "a")
  ws:write("def", log.cb "b")
  ws:end_(log.cb "end")
  support.close(ws)
  io.write(log.take())
]]

-- The log of WRITE_TWO with these faults, and what is in the file then.
local function log_with(faults, options)
  local output, path = support.output_of(WRITE_TWO:format(options or "{}"), { faults = faults })
  return output, support.read(path)
end

local GOOD = "open ready a b prefinish end finish close"

describe("a file that cannot be opened", function()
  setup(support.open_folder)
  teardown(support.remove_folder)

  -- Everybody who waits hears of it, then `error` once, then `close`.
  local function fails_with(code, path, options)
    local ws, log = support.stream(path, options)
    ws:write("abc", log.cb "a")
    ws:write("", log.cb "b")
    ws:end_("def", log.cb "end")
    support.close(ws)
    local each = ("a(%s) b(%s) end(%s) error(%s) close"):gsub("%%s", code)
    assert.equal(each, log.take())
    assert.equal(code, ws:errored().code)
    assert.equal("open", ws:errored().syscall)
    assert.equal(path, ws:errored().path)
    assert.is_true(ws:pending())
    assert.is_nil(ws:fd())
    assert.equal(0, ws:bytes_written())
  end

  it("in a folder that is not there: ENOENT", function()
    fails_with("ENOENT", support.new_path() .. "/file")
  end)

  it("because it is a folder: EISDIR", function()
    local folder = support.new_path()
    support.sh("mkdir " .. folder)
    for _, flags in ipairs { "w", "w+", "a", "a+", "r+" } do
      fails_with("EISDIR", folder, { flags = flags })
    end
    fails_with("EISDIR", "/")
    fails_with("EEXIST", folder, { flags = "wx" })
  end)

  it("because a part of its path is a file: ENOTDIR", function()
    fails_with("ENOTDIR", support.put "" .. "/file")
  end)

  it("because its symlinks lead in a circle: ELOOP", function()
    local one, two = support.new_path(), support.new_path()
    support.sh(("ln -s %s %s; ln -s %s %s"):format(one, two, two, one))
    fails_with("ELOOP", one)
  end)

  it("because its name is too long: ENAMETOOLONG", function()
    fails_with("ENAMETOOLONG", support.new_path(("x"):rep(300)))
  end)

  it("because it may not be written to: EACCES", function()
    local path = support.put "old"
    support.sh("chmod 444 " .. path)
    local around = "%s"
    if support.sh "id -u" == "0\n" then -- root may do all
      local lacks = support.lacks_command "setpriv"
      if lacks then pending(lacks) end
      around = "setpriv --reuid=65534 --regid=65534 --clear-groups %s"
    end
    local child = support.child(WRITE_TWO:format "{}", { path = path, around = around })
    if child.code ~= 0 then pending "another user cannot read this checkout" end
    assert.equal("a(EACCES) b(EACCES) end(EACCES) error(EACCES) close", child.output)
    assert.equal("old", support.read(path))
  end)

  it("because the process has no descriptor left: EMFILE, and later files can be opened", function()
    local output = support.output_of([[
      local first = weir.create_write_stream(path)
      support.end_and_close(first) -- the pool is at work, so all it needs is there
      local files = {}
      while true do
        local file = io.open "/dev/null"
        if not file then break end
        files[#files + 1] = file
      end
      local ws, log = support.stream(path)
      ws:write("abc", log.cb "a")
      support.close(ws)
      io.write(log.take(), " ", tostring(ws:errored()):match "^[^,]*")
      files[#files]:close()
      ws, log = support.stream(path)
      ws:end_("abc", log.cb "end")
      support.close(ws)
      io.write(" ", log.take())
    ]], { around = "ulimit -n 40; %s" })
    assert.equal("a(EMFILE) error(EMFILE) close EMFILE: too many open files "
      .. "open ready prefinish end finish close", output)
  end)

  it_with_faults("for any other reason of the system", function()
    for _, code in ipairs { "ENFILE", "EROFS", "ENOMEM", "EIO", "ENOSPC" } do
      local log, content = log_with("open:*:" .. code)
      assert.equal(("a(%s) b(%s) end(%s) error(%s) close"):gsub("%%s", code), log)
      assert.is_nil(content)
    end
  end)

  it("with auto_close = false tells the same, but no close until it is destroyed", function()
    local ws, log = support.stream("/no/such/file", { auto_close = false })
    ws:write("abc", log.cb "a")
    ws:end_(log.cb "end")
    support.run_until(function() return ws:errored() end)
    weir.run()
    assert.equal("a(ENOENT) end(ENOENT) error(ENOENT)", log.take())
    assert.is_false(ws:destroyed())
    ws:destroy()
    support.close(ws)
    assert.equal("close", log.take())
  end)
end)

describe("a full device", function()
  setup(support.open_folder)
  teardown(support.remove_folder)

  local function full()
    local lacks = support.lacks_file "/dev/full"
    if lacks then pending(lacks) end
    return support.stream "/dev/full"
  end

  it("tells the write, those behind it, the end; then error, then close; no finish", function()
    local ws, log = full()
    ws:write("a", log.cb "a")
    ws:write(("b"):rep(50000), log.cb "b")
    ws:write("", log.cb "c")
    ws:end_("d", log.cb "end")
    support.close(ws)
    assert.equal("open ready a(ENOSPC) b(ENOSPC) c(ENOSPC) end(ENOSPC) error(ENOSPC) close",
      log.take())
    assert.equal(0, ws:bytes_written())
    assert.is_false(ws:writable_finished())
    assert.is_true(ws:writable_aborted())
  end)

  it("gives an error object that says what happened", function()
    local ws = full()
    local told
    ws:on("error", function(err) told = err end)
    ws:end_ "x"
    support.close(ws)
    assert.equal("ENOSPC", told.code)
    assert.equal("no space left on device", told.message)
    assert.equal(28, told.errno)
    assert.equal("write", told.syscall)
    assert.equal("/dev/full", told.path)
    assert.equal("ENOSPC: no space left on device, write '/dev/full'", tostring(told))
  end)

  it("gives everybody the same object", function()
    local ws = full()
    local told = {}
    local function note(err) told[#told + 1] = err end
    ws:on("error", note)
    ws:write("a", note)
    ws:write("b", note)
    ws:end_(note)
    support.close(ws)
    assert.equal(4, #told)
    for i = 1, 4 do assert.is_true(rawequal(ws:errored(), told[i])) end
  end)

  it("is told in the middle of the work as at its beginning", function()
    local ws, log = full()
    support.run_until(function() return not ws:pending() end)
    ws:write("a", log.cb "a")
    support.close(ws)
    assert.equal("open ready a(ENOSPC) error(ENOSPC) close", log.take())
  end)

  it("refuses writes from then on, with the reason", function()
    local ws, log = full()
    ws:on("error", function() log.add(ws:write("b", log.cb "b")) end)
    ws:write("a", function() log.add(ws:write("c", log.cb "c")) end)
    support.close(ws)
    local line = log.take()
    assert.matches("close", line)
    assert.matches("b%(DESTROYED%)", line)
    assert.matches("c%(%u+%)", line)
    local ok, refusal = ws:write "d"
    assert.is_nil(ok)
    assert.equal("ERR_STREAM_DESTROYED", refusal.code)
  end)

  it("makes run raise the error when nobody listens, and close still follows", function()
    local lacks = support.lacks_file "/dev/full"
    if lacks then pending(lacks) end
    local ws = weir.create_write_stream "/dev/full"
    local closed, told = 0, nil
    ws:on("close", function() closed = closed + 1 end)
    ws:write("a", function(err) told = err end)
    local ok, err = pcall(weir.run)
    assert.is_false(ok)
    assert.is_true(rawequal(told, err))
    assert.equal("ENOSPC", err.code)
    weir.run()
    assert.equal(1, closed)
    assert.is_false(weir.run())
  end)

  it("does no harm to other files", function()
    local bad, bad_log = full()
    local path = support.new_path()
    local good, good_log = support.stream(path)
    for i = 1, 100 do
      bad:write(i)
      good:write(i)
    end
    bad:end_()
    good:end_()
    support.close(bad, good)
    assert.equal("open ready error(ENOSPC) close", bad_log.take())
    assert.equal("open ready prefinish finish close", good_log.take())
    assert.equal(192, support.size(path))
  end)

  it("with auto_close = false keeps the descriptor until the stream is destroyed", function()
    local lacks = support.lacks_file "/dev/full"
    if lacks then pending(lacks) end
    local ws, log = support.stream("/dev/full", { auto_close = false })
    ws:write("a", log.cb "a")
    ws:write("b", log.cb "b")
    ws:end_(log.cb "end")
    support.run_until(function() return ws:errored() end)
    weir.run()
    assert.equal("open ready a(ENOSPC) b(ENOSPC) end(ENOSPC) error(ENOSPC)", log.take())
    assert.is_false(ws:destroyed())
    assert.is_true(ws:fd() ~= nil)
    ws:destroy()
    support.close(ws)
    assert.is_nil(ws:fd())
    assert.equal("close", log.take())
  end)

  it("with auto_close = false refuses what is written after the error, with that error", function()
    local lacks = support.lacks_file "/dev/full"
    if lacks then pending(lacks) end
    local ws, log = support.stream("/dev/full", { auto_close = false })
    ws:write("a", log.cb "a")
    support.run_until(function() return ws:errored() end)
    weir.run()
    log.take()
    log.add(ws:write("b", log.cb "b"))
    ws:end_(log.cb "end")
    weir.run()
    assert.equal("refused(ENOSPC) b(ENOSPC) end(ENOSPC)", log.take())
    ws:destroy()
    support.close(ws)
  end)
end)

describe("a write", function()
  setup(support.open_folder)
  teardown(support.remove_folder)

  it_with_faults("that is cut short is resumed at the exact byte, wherever it was cut", function()
    -- Stream k gets its first k bytes written, then the rest.
    local rules = {}
    for k = 1, 39 do rules[k] = ("pwritev:%d:s%d"):format(2 * k - 1, k) end
    local output = support.output_of([[
      for k = 1, 39 do
        local name = path .. "." .. k
        local ws, log = support.stream(name)
        ws:write("0123456789", log.cb "a")
        ws:write("", log.cb "b")
        ws:write("abcdefghijklmnopqrst", log.cb "c")
        ws:end_("ABCDEFGHIJ", log.cb "end")
        support.close(ws)
        if log.take() ~= "open ready a b c prefinish end finish close"
          or support.read(name) ~= "0123456789abcdefghijklmnopqrstABCDEFGHIJ"
          or ws:bytes_written() ~= 40 then io.write(k, " ") end
      end
    ]], { faults = table.concat(rules, ",") })
    assert.equal("", output)
  end)

  for _, way in ipairs {
    { "in its own place", "{}", "pwritev", "%s" },
    { "at the end of a file", "{ flags = 'a' }", "writev", "%s" },
    { "through a descriptor", "{ fd = 3 }", "writev", "%s 3>>$f" },
  } do
    it_with_faults("that is always cut short is complete all the same, " .. way[1], function()
      local path = support.new_path()
      local chunk = ("0123456789"):rep(50)
      for _, limit in ipairs { 1, 7, 499 } do
        os.remove(path)
        local output = support.output_of(([[
          local ws, log = support.stream(path, %s)
          ws:write(("0123456789"):rep(50), log.cb "a")
          ws:write("x", log.cb "b")
          ws:end_(("0123456789"):rep(50), log.cb "end")
          support.close(ws)
          io.write(log.take():match "a b.*")
        ]]):format(way[2]), {
          faults = ("%s:*:s%d"):format(way[3], limit), path = path,
          around = "f=" .. path .. "; " .. way[4],
        })
        assert.equal("a b prefinish end finish close", output)
        assert.equal(chunk .. "x" .. chunk, support.read(path))
      end
    end)
  end

  it_with_faults("that is cut short, and then has no space, fails at the exact byte", function()
    for _, cut in ipairs { 1, 2, 3, 4, 5 } do
      local output, path = support.output_of([[
        local ws, log = support.stream(path)
        ws:write("abc", log.cb "a")
        ws:write("def", log.cb "b")
        ws:end_("ghi", log.cb "end")
        support.close(ws)
        io.write(log.take(), " ", ws:bytes_written())
      ]], { faults = ("pwritev:1:s%d,pwritev:2+:ENOSPC"):format(cut) })
      local first = cut < 3 and "a(ENOSPC)" or "a"
      local rest = "b(ENOSPC) end(ENOSPC) error(ENOSPC) close " .. cut
      assert.equal("open ready " .. first .. " " .. rest, output)
      assert.equal(("abcdef"):sub(1, cut), support.read(path))
    end
  end)

  it_with_faults("that fails tells those who came before that all is well", function()
    local output, path = support.output_of([[
      local ws, log = support.stream(path)
      ws:write("abc", log.cb "a")
      support.run_until(function() return ws:bytes_written() == 3 end)
      ws:write("def", log.cb "b")
      ws:write("ghi", log.cb "c")
      support.close(ws)
      io.write(log.take(), " ", ws:bytes_written(), " ", tostring(ws:errored()))
    ]], { faults = "pwritev:2:EIO" })
    assert.equal(("open ready a b(EIO) c(EIO) error(EIO) close 3 EIO: i/o error, write '%s'")
      :format(path), output)
    assert.equal("abc", support.read(path))
  end)

  it_with_faults("that a signal interrupts goes on, and nobody notices", function()
    for _, faults in ipairs { "pwritev:1:EINTR", "open:1:EINTR", "open:2:EINTR", "close:1:EINTR",
      "pwritev:1:s2,pwritev:2:EINTR", "pwritev:1:EINTR,pwritev:2:EINTR,pwritev:3:EINTR" } do
      local log, content = log_with(faults)
      assert.equal(GOOD, log, faults)
      assert.equal("abcdef", content)
    end
  end)

  it_with_faults("that the system does not want now is tried again, and not for ever", function()
    local log, content = log_with "pwritev:1:EAGAIN,pwritev:2:EAGAIN"
    assert.equal(GOOD, log)
    assert.equal("abcdef", content)
    log, content = log_with "pwritev:*:EAGAIN"
    assert.equal("open ready a(EAGAIN) b(EAGAIN) end(EAGAIN) error(EAGAIN) close", log)
    assert.equal("", content)
  end)

  it_with_faults("of which the system takes nothing is tried once more, then an error", function()
    local log, content = log_with "pwritev:1:s0"
    assert.equal(GOOD, log)
    assert.equal("abcdef", content)
    log, content = log_with "pwritev:1:s2,pwritev:2:s0,pwritev:3:s1,pwritev:4:s0"
    assert.equal(GOOD, log)
    assert.equal("abcdef", content)
    log, content = log_with "pwritev:1:s4,pwritev:2+:s0"
    assert.equal("open ready a b(EIO) end(EIO) error(EIO) close", log)
    assert.equal("abcd", content)
  end)

  it_with_faults("beyond the user's quota fails with EDQUOT, by its name", function()
    local output = support.output_of([[
      local ws = weir.create_write_stream(path)
      ws:on("error", function(err) io.write(err.code, " ", err.errno, " ", err.message) end)
      ws:write "abc"
      support.close(ws)
    ]], { faults = "pwritev:1:EDQUOT" })
    assert.matches("^EDQUOT %d+ ", output)
    assert.not_matches("[Uu]nknown", output)
  end)

  it_with_faults("that failed is never asked for again", function()
    local calls = support.new_path()
    support.output_of(WRITE_TWO:format "{}", { faults = "pwritev:*:EIO", log = calls })
    assert.equal(1, select(2, support.read(calls):gsub("pwritev", "")))
  end)

  local FILE_SIZE = 65536

  -- Runs a script that ignores SIGXFSZ, unless `before` says otherwise, under this limit.
  local function limited(script, before)
    local lacks = support.lacks_command "prlimit"
    if lacks then pending(lacks) end
    return support.child(script, {
      around = ("trap '' XFSZ; %sprlimit --fsize=%d %%s"):format(before, FILE_SIZE),
    })
  end

  it("beyond the size that files may have fails with EFBIG; what fits is there", function()
    local default, lacks = support.default_signals()
    if lacks then pending(lacks) end
    for _, before in ipairs { default, "" } do
      local child = limited([[
        local ws, log = support.stream(path)
        ws:write(("x"):rep(50000), log.cb "a")
        ws:write(("y"):rep(50000), log.cb "b")
        ws:end_("z", log.cb "end")
        support.close(ws)
        io.write(log.take(), " ", ws:bytes_written())
      ]], before)
      assert.equal("open ready a b(EFBIG) end(EFBIG) error(EFBIG) close 65536", child.output)
      assert.equal(0, child.code)
      assert.equal(("x"):rep(50000) .. ("y"):rep(15536), support.read(child.path))
    end
  end)

  it("beyond that size ends the process, if that was asked for", function()
    local default, lacks = support.default_signals()
    if lacks then pending(lacks) end
    local child = limited([[
      weir.set_sigpipe(false)
      local ws, log = support.stream(path)
      ws:write(("x"):rep(70000))
      support.close(ws)
      io.write(log.take())
    ]], default)
    assert.not_equal(0, child.code)
    assert.not_matches("EFBIG", child.output)
  end)
end)

describe("close", function()
  setup(support.open_folder)
  teardown(support.remove_folder)

  it_with_faults("that fails after finish is an error, then close; nobody is told twice", function()
    local log, content = log_with "close:1:EIO"
    assert.equal("open ready a b prefinish end finish error(EIO) close", log)
    assert.equal("abcdef", content)
  end)

  it_with_faults("that fails names itself", function()
    local output, path = support.output_of([[
      local ws = weir.create_write_stream(path)
      ws:on("error", function(err) io.write(tostring(err)) end)
      support.end_and_close(ws)
    ]], { faults = "close:1:EIO" })
    assert.equal(("EIO: i/o error, close '%s'"):format(path), output)
  end)

  it_with_faults("that fails as well does not hide why the stream was closed", function()
    local log = log_with "pwritev:1:ENOSPC,close:1:EIO"
    assert.equal("open ready a(ENOSPC) b(ENOSPC) end(ENOSPC) error(ENOSPC) close", log)
  end)

  it_with_faults("is called once for a file, however it ended", function()
    for _, faults in ipairs { "pwritev:9:EIO", "pwritev:1:EIO", "close:1:EIO", "close:1:EINTR" } do
      local calls = support.new_path()
      support.output_of(WRITE_TWO:format "{}", { faults = faults, log = calls })
      assert.equal(1, select(2, support.read(calls):gsub("close ", "")), faults)
    end
  end)
end)
