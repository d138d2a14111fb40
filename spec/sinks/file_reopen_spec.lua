-- reopen(): what was accepted before it is in the one file, what is accepted after it in the other.
local weir = require "weir"
local support = require "spec.sinks.support"

local it_with_faults = support.with_faults(it, pending)

-- A stream whose file is open, the log, which begins then, and the path.
local function open_stream(options)
  local path = support.new_path()
  local ws, log = support.stream(path, options)
  support.run_until(function() return not ws:pending() end)
  log.take()
  return ws, log, path
end

local function rotate(path)
  assert(os.rename(path, path .. ".1"))
  return path .. ".1"
end

describe("reopen", function()
  setup(support.open_folder)
  teardown(support.remove_folder)

  it("puts what was accepted before it into the old file, what comes after into the new", function()
    local ws, log, path = open_stream()
    ws:write("before\n", log.cb "a")
    local old = rotate(path)
    assert.equal(ws, ws:reopen(log.cb "reopened"))
    ws:write("after\n", log.cb "b")
    support.end_and_close(ws)
    assert.equal("a open ready reopened b prefinish finish close", log.take())
    assert.equal("before\n", support.read(old))
    assert.equal("after\n", support.read(path))
    assert.equal(#"before\nafter\n", ws:bytes_written())
  end)

  it("goes on at another path, which is the stream's from then on", function()
    local ws, log, path = open_stream()
    local other = support.new_path()
    ws:write "1"
    ws:reopen(other, log.cb "reopened")
    assert.equal(path, ws:path())
    ws:write "2"
    support.end_and_close(ws)
    assert.equal(other, ws:path())
    assert.equal("1", support.read(path))
    assert.equal("2", support.read(other))
  end)

  it("keeps what the file holds, also when nobody has moved it and the flags are w", function()
    for _, flags in ipairs { "w", "w+", "a", "r+" } do
      local ws, _, path = open_stream { flags = flags == "r+" and "w" or flags }
      ws:write "one "
      ws:reopen()
      ws:write "two "
      ws:reopen(path)
      ws:write "three"
      support.end_and_close(ws)
      assert.equal("one two three", support.read(path))
    end
    local path, taken = support.put "kept", support.put "here "
    local ws = support.stream(path, { flags = "r+", start = 2 })
    ws:write "PT"
    ws:reopen(taken)
    ws:write "too"
    support.end_and_close(ws)
    assert.equal("kePT", support.read(path))
    assert.equal("here too", support.read(taken))
  end)

  it("may be asked before the file is open, and again and again", function()
    local paths = {}
    for i = 1, 5 do paths[i] = support.new_path() end
    local ws, log = support.stream(paths[1])
    ws:write "1"
    for i = 2, 5 do
      ws:reopen(paths[i], log.cb(i))
      ws:write(i)
    end
    support.end_and_close(ws)
    local opened = ""
    for i = 2, 5 do opened = opened .. "open ready " .. i .. " " end
    assert.equal("open ready " .. opened .. "prefinish finish close", log.take())
    for i = 1, 5 do assert.equal(tostring(i), support.read(paths[i])) end
  end)

  it("loses and splits no line of a stream that is rotated all the time", function()
    local rounds = support.slow and 200 or 2000
    local folder = support.new_path ".rotated"
    support.sh("mkdir " .. support.quote(folder))
    local ws = support.stream(folder .. "/0", { high_water_mark = 512 })
    local i, files = 0, 0
    local function go_on()
      while i < rounds do
        i = i + 1
        if i % 40 == 0 then
          files = files + 1
          ws:reopen(folder .. "/" .. files)
        end
        if not ws:write("line ", i, " ", ("x"):rep(i % 90), "\n") then
          return ws:once("drain", go_on)
        end
      end
      ws:end_()
    end
    go_on()
    support.close(ws)
    local line = 0
    for file = 0, files do
      local content = support.read(folder .. "/" .. file)
      assert.equal("\n", content:sub(-1))
      for number, rest in content:gmatch "line (%d+) (x*)\n" do
        line = line + 1
        assert.equal(line, tonumber(number))
        assert.equal(line % 90, #rest)
      end
      if file < files then assert.equal((file + 1) * 40 - 1, line) end
    end
    assert.equal(rounds, line)
  end)

  it("goes from one FIFO to the next", function()
    if support.lacks_command "mkfifo" then pending "there is no mkfifo" end
    local first, second = support.new_path(), support.new_path()
    for _, path in ipairs { first, second } do support.sh("mkfifo " .. support.quote(path)) end
    local output = support.output_of(([[
      local first, second = %q, %q
      local function read(path) return io.popen("cat " .. path .. " | wc -c") end
      local one, two = read(first), read(second)
      os.execute "sleep 0.2" -- they are open now
      local ws = weir.create_write_stream(first, { flags = "r+" })
      ws:on("error", print)
      ws:write(("x"):rep(300000))
      ws:reopen(second)
      ws:write(("y"):rep(200000))
      ws:end_()
      weir.run()
      print(one:read "*n", two:read "*n")
    ]]):format(first, second))
    assert.equal("300000\t200000\n", output)
  end)

  it("waits while the stream is corked", function()
    local ws, log, path = open_stream()
    local other = support.new_path()
    ws:cork()
    ws:write "1"
    ws:reopen(other, log.cb "reopened")
    ws:write "2"
    weir.run "nowait"
    assert.equal("", log.take())
    assert.is_false(support.exists(other))
    ws:uncork()
    support.end_and_close(ws)
    assert.equal("1", support.read(path))
    assert.equal("2", support.read(other))
  end)

  it("leaves no descriptor behind", function()
    local before = support.descriptors()
    if not before then pending "the system does not tell" end
    local ws = support.stream(support.new_path())
    for _ = 1, 20 do ws:reopen(support.new_path()) end
    support.end_and_close(ws)
    assert.equal(before, support.descriptors())
  end)

  it("ends an atomic file, which appears whole, and begins another", function()
    local first, second, third = support.new_path(), support.new_path(), support.new_path()
    local ws, reopened = support.stream(first, { atomic = true }), 0
    local function count(err) reopened = err == nil and reopened + 1 end
    ws:write "one"
    ws:reopen(second, count)
    support.run_until(function() return reopened == 1 end)
    assert.equal("one", support.read(first))
    assert.is_false(support.exists(second))
    ws:write "two"
    ws:reopen(third, count)
    support.run_until(function() return reopened == 2 end)
    assert.equal("two", support.read(second))
    ws:write "never"
    ws:destroy()
    support.close(ws)
    assert.is_false(support.exists(third))
    assert.equal("", support.names_like(third))
  end)

  it_with_faults("syncs each file before it is closed, if that was asked for", function()
    local calls = support.new_path()
    support.output_of([[
      local ws = weir.create_write_stream(path, { sync = "data" })
      ws:write "1"
      ws:reopen(path .. ".2")
      ws:write "2"
      ws:end_()
      weir.run()
    ]], { log = calls })
    local syncs = {}
    for path in support.read(calls):gmatch "fdatasync (%S+) 0" do syncs[#syncs + 1] = path end
    assert.equal(2, #syncs)
    assert.equal(syncs[1] .. ".2", syncs[2])
  end)

  it("goes on from a given descriptor to a path, and needs that", function()
    local path, other = support.new_path(), support.new_path()
    local keeper = support.stream(path)
    support.run_until(function() return not keeper:pending() end)
    local ws = support.stream(nil, { fd = keeper:fd(), auto_close = false })
    assert.error_matches(function() ws:reopen() end,
      "bad argument #1 to 'reopen' %(the stream has no path of its own%)")
    ws:write "1"
    ws:reopen(other)
    ws:write "2"
    ws:reopen()
    ws:write "3"
    ws:end_()
    support.finish(ws)
    ws:destroy()
    support.close(ws)
    keeper:write "4"
    support.end_and_close(keeper)
    assert.equal("23", support.read(other))
    assert.equal("4", support.read(path)) -- the descriptor is open, and at its own place
  end)

  it("fails as a write does: the stream's error, told to all that wait, in order", function()
    local ws, log, path = open_stream()
    local wrong = "/no/such/folder/file"
    ws:write("kept", log.cb "a")
    ws:reopen(wrong, log.cb "reopened")
    ws:write("lost", log.cb "b")
    ws:reopen(log.cb "again")
    support.close(ws)
    assert.equal("a reopened(ENOENT) b(ENOENT) again(ENOENT) error(ENOENT) close", log.take())
    assert.equal(wrong, ws:errored().path)
    assert.equal("open", ws:errored().syscall)
    assert.equal("kept", support.read(path))
  end)

  it_with_faults("names the file that could not be synced or closed", function()
    for _, call in ipairs { "fdatasync", "close" } do
      local output, path = support.output_of([[
        local ws = weir.create_write_stream(path, { sync = "data" })
        ws:on("error", function(err) print(err) end)
        ws:write("1", function(err) print("written", err) end)
        ws:reopen(path .. ".2", function(err) print("reopened", err) end)
        weir.run()
      ]], { faults = call .. ":1:EIO" })
      assert.equal(("written\tnil\nreopened\tEIO: i/o error, %s '%s'\nEIO: i/o error, %s '%s'\n")
        :format(call, path, call, path), output)
    end
  end)

  it("of a stream that is destroyed meanwhile is told so", function()
    local ws, log, path = open_stream()
    ws:write "1"
    ws:reopen(support.new_path(), log.cb "reopened")
    ws:destroy()
    support.close(ws)
    assert.equal("reopened(DESTROYED) close", log.take())
    assert.is_true(#support.read(path) <= 1)
    local _, err = ws:reopen(log.cb "late")
    assert.equal("ERR_STREAM_DESTROYED", err.code)
    weir.run()
    assert.equal("late(DESTROYED)", log.take())
  end)

  it("is refused after the end, and the stream ends well", function()
    local ws, log = open_stream()
    ws:end_ "1"
    local refused, err = ws:reopen(log.cb "late")
    assert.is_nil(refused)
    assert.equal("ERR_STREAM_WRITE_AFTER_END", err.code)
    support.close(ws)
    assert.equal("late(WRITE_AFTER_END) prefinish finish close", log.take())
  end)

  it("checks its arguments before anything is taken", function()
    local ws, log = open_stream()
    local function raises(expected, ...)
      local ok, message = pcall(ws.reopen, ws, ...)
      assert.is_false(ok)
      assert.matches(expected, message)
    end
    raises("bad argument #1 to 'reopen' %(string expected, got number%)", 1)
    raises("bad argument #1 to 'reopen' %(a path must not be empty%)", "")
    raises("bad argument #1 to 'reopen' %(a path must not hold a NUL byte%)", "a\0b")
    raises("bad argument #2 to 'reopen' %(function expected, got string%)", "a", "b")
    local ok, message = pcall(ws.reopen, weir.writable {})
    assert.is_false(ok)
    assert.matches("calling 'reopen' on bad self %(file expected, got a stream of 'lua'%)", message)
    local atomic = weir.create_write_stream(support.new_path(), { atomic = true })
    assert.error_matches(function() atomic:reopen() end,
      "bad argument #1 to 'reopen' %(an atomic stream would replace what it has written%)")
    atomic:destroy()
    support.end_and_close(ws)
    assert.equal("prefinish finish close", log.take())
  end)

  it("is done when the script ends without running the loop, from a callback too", function()
    for _, ending in ipairs { "", "weir.next_tick(os.exit, 0, true) weir.run()" } do
      if ending == "" or jit or _VERSION ~= "Lua 5.1" then -- whose os.exit closes no state
        local _, path = support.output_of([[
          local ws = weir.create_write_stream(path)
          ws:write "1"
          ws:reopen(path .. ".2")
          ws:write "2"
          ws:reopen(path .. ".3")
          ws:write "3"
        ]] .. ending)
        assert.equal("1", support.read(path))
        assert.equal("2", support.read(path .. ".2"))
        assert.equal("3", support.read(path .. ".3"))
      end
    end
  end)
end)
