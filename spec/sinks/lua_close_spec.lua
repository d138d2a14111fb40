-- What was accepted is in the file when the Lua state is closed, although nobody ran the loop; and
-- closing it takes a bounded time.
local weir = require "weir"
local support = require "spec.sinks.support"

local it_with_faults = support.with_faults(it, pending)

local BOUND_S = support.slow and 20 or 2.5

-- Runs a script; returns what is in the file then. The script must end with this exit code.
local function left_by(script, options)
  options = options or {}
  local child = support.child(script, options)
  assert.equal(options.code or 0, child.code, child.output)
  assert.equal(options.output or "", child.output)
  return support.read(child.path)
end

-- Lua 5.1's os.exit does not close the state.
local function needs_closing_exit()
  if _VERSION == "Lua 5.1" and not jit then pending "os.exit of Lua 5.1 closes no state" end
end

describe("a script that ends without running the loop", function()
  setup(support.open_folder)
  teardown(support.remove_folder)

  it("has its file, whether the stream was ended or not", function()
    assert.equal("abc", left_by [[
      local ws = weir.create_write_stream(path)
      ws:write "abc"
    ]])
    assert.equal("abc", left_by [[
      local ws = weir.create_write_stream(path)
      ws:end_ "abc"
    ]])
    assert.equal("", left_by "weir.create_write_stream(path)")
  end)

  it("has its file when nobody held the stream, or a global did", function()
    assert.equal("abc", left_by [[ weir.create_write_stream(path):write "abc" ]])
    assert.equal("abc", left_by [[ ws = weir.create_write_stream(path) ws:write "abc" ]])
    assert.equal("abc", left_by [[
      weir.create_write_stream(path):write "abc"
      collectgarbage() collectgarbage()
    ]])
  end)

  it("has what was corked", function()
    assert.equal("abcdef", left_by [[
      local ws = weir.create_write_stream(path)
      ws:cork() ws:cork()
      ws:write "abc"
      support.run_until(function() return not ws:pending() end)
      ws:write "def"
    ]])
  end)

  it("has all of megabytes, of pieces lent and copied", function()
    local content = left_by [[
      local ws = weir.create_write_stream(path)
      for i = 1, 200 do
        ws:write(("x"):rep(50000))
        ws:write(i, ",")
        collectgarbage "step"
      end
    ]]
    local expected = {}
    for i = 1, 200 do expected[i] = ("x"):rep(50000) .. i .. "," end
    assert.is_true(table.concat(expected) == content)
  end)

  it("has what was written behind what the loop has seen to", function()
    assert.equal("abcdef", left_by [[
      local ws = weir.create_write_stream(path)
      ws:write "abc"
      weir.run()
      ws:write "def"
    ]])
    assert.equal("abcdef", left_by [[
      local ws = weir.create_write_stream(path)
      ws:write "abc"
      weir.run "nowait"
      ws:write "def"
    ]])
  end)

  it("has the files of a hundred streams", function()
    local path = support.new_path()
    left_by([[
      for i = 1, 100 do
        local ws = weir.create_write_stream(path .. "." .. i)
        for k = 1, 100 do ws:write(k, ",") end
        if i % 2 == 0 then ws:end_() end
      end
    ]], { path = path })
    local expected = {}
    for k = 1, 100 do expected[k] = k .. "," end
    for i = 1, 100 do assert.equal(table.concat(expected), support.read(path .. "." .. i)) end
  end)

  it("hears of nothing any more: no callback, no event", function()
    assert.equal("abc", left_by [[
      local ws = weir.create_write_stream(path)
      for event in ("open ready drain prefinish finish close error"):gmatch "%a+" do
        ws:on(event, function() io.write(event) end)
      end
      ws:write("abc", function() io.write "callback" end)
      ws:end_(function() io.write "end" end)
    ]])
  end)

  it("is not troubled by streams that fail", function()
    local content = left_by [[
      weir.create_write_stream("/no/such/file"):write "abc"
      weir.create_write_stream("/dev/full"):write "abc"
      weir.create_write_stream(path):write "abc"
    ]]
    assert.equal("abc", content)
  end)

  it("is not troubled by streams that are destroyed, closed or finished", function()
    assert.equal("abc", left_by [[
      local a = weir.create_write_stream(path .. ".a")
      a:write "abc"
      a:destroy()
      local b = weir.create_write_stream(path .. ".b")
      support.end_and_close(b)
      local c = weir.create_write_stream(path .. ".c", { auto_close = false })
      c:end_()
      support.finish(c)
      local d = weir.create_write_stream(path)
      d:write "abc"
      weir.set_timeout(function() end, 100000)
      weir.next_tick(function() io.write "tick" end)
    ]])
  end)

  it("has what a stream with auto_close = false, or with a descriptor, was given", function()
    assert.equal("abc", left_by [[
      weir.create_write_stream(path, { auto_close = false }):write "abc"
    ]])
    local path = support.new_path()
    assert.equal("abc", left_by([[
      weir.create_write_stream(nil, { fd = 3 }):write "abc"
    ]], { around = "%s 3>" .. path, path = path }))
  end)

  it("has what was written in a coroutine that is gone", function()
    assert.equal("abcdef", left_by [[
      coroutine.wrap(function()
        ws = weir.create_write_stream(path)
        ws:write("abc", function() io.write "callback" end)
      end)()
      local stuck = coroutine.wrap(function() ws:write "def" coroutine.yield() end)
      stuck()
      stuck = nil
      collectgarbage()
    ]])
  end)

  it("has what a finalizer of its own wrote, or an error there, and no crash", function()
    local content = left_by [[
      local ws = weir.create_write_stream(path)
      ws:write "abc"
      local function last()
        pcall(function() ws:write "def" end)
        pcall(function() ws:end_() end)
        pcall(function() ws:destroy() end)
        pcall(function() weir.run() end)
        pcall(function() weir.create_write_stream(path .. ".late"):write "late" end)
        pcall(weir.set_timeout, print, 1)
        pcall(weir.next_tick, print)
        pcall(tostring, ws)
      end
      if newproxy then
        keep = newproxy(true)
        getmetatable(keep).__gc = last
      else
        keep = setmetatable({}, { __gc = last })
      end
    ]]
    assert.is_true(content == "abc" or content == "abcdef" or content == "", content)
  end)

  it_with_faults("has its data on the medium when the stream was ended with a sync", function()
    local log = support.new_path()
    assert.equal("abc", left_by([[
      weir.create_write_stream(path, { sync = "data" }):end_ "abc"
    ]], { log = log }))
    assert.matches("\nfdatasync %S+ 0\n", support.read(log))
  end)
end)

describe("a script that ends with an error", function()
  setup(support.open_folder)
  teardown(support.remove_folder)

  it("has its file all the same, and its exit code", function()
    local child = support.child [[
      local ws = weir.create_write_stream(path)
      ws:write "abc"
      error "oops"
    ]]
    assert.equal(1, child.code)
    assert.matches("oops", child.output)
    assert.equal("abc", support.read(child.path))
  end)

  it("raised by run has the files of the other streams", function()
    local child = support.child [[
      weir.create_write_stream(path):write(("x"):rep(100000))
      weir.create_write_stream "/no/such/file"
      weir.run()
    ]]
    assert.equal(1, child.code)
    local message = "ENOENT: no such file or directory, open '/no/such/file'"
    if _VERSION == "Lua 5.1" and not jit then message = "error object is not a string" end
    assert.matches(message, child.output)
    assert.equal(100000, support.size(child.path))
  end)

  it("in a listener has its file", function()
    local child = support.child [[
      local ws = weir.create_write_stream(path)
      ws:on("open", function() error "oops" end)
      ws:write "abc"
      weir.run()
    ]]
    assert.equal(1, child.code)
    assert.equal("abc", support.read(child.path))
  end)
end)

describe("os.exit(code, true)", function()
  setup(support.open_folder)
  teardown(support.remove_folder)

  it("keeps the code, and the file is complete", function()
    needs_closing_exit()
    for code = 0, 3, 3 do
      assert.equal(("x"):rep(1000000) .. "y", left_by(([[
        local ws = weir.create_write_stream(path)
        ws:write(("x"):rep(1000000))
        ws:write "y"
        os.exit(%d, true)
      ]]):format(code), { code = code }))
    end
  end)

  it("within a callback of the running loop keeps the code, and the file is complete", function()
    needs_closing_exit()
    for _, where in ipairs {
      "ws:on('open', leave)", "ws:on('prefinish', leave)", "ws:write('', leave)",
      "weir.set_timeout(leave, 1)", "weir.next_tick(leave)",
    } do
      local content = left_by(([[
        local function leave() os.exit(3, true) end
        local ws = weir.create_write_stream(path)
        %s
        ws:write(("x"):rep(100000))
        ws:end_ "y"
        weir.run()
      ]]):format(where), { code = 3 })
      assert.is_true(content == ("x"):rep(100000) .. "y", where)
    end
  end)
end)

describe("an atomic stream, when the state is closed,", function()
  setup(support.open_folder)
  teardown(support.remove_folder)

  local function in_folder(script, content)
    local folder = support.new_path()
    support.sh("mkdir " .. folder)
    local path = folder .. "/file"
    if content then support.put(content, path) end
    local left = left_by(script, { path = path })
    return left, (support.sh("ls -A " .. folder):gsub("\n", " "))
  end

  it("that was not ended is discarded: the target is as it was, alone in its folder", function()
    local scripts = {
      [[ weir.create_write_stream(path, { atomic = true }):write "new" ]],
      [[ ws = weir.create_write_stream(path, { atomic = true }) ws:write "new" weir.run() ]],
      [[ ws = weir.create_write_stream(path, { atomic = true })
         ws:cork()
         ws:write "new"
         weir.run() ]],
      [[ ws = weir.create_write_stream(path, { atomic = true }) weir.run "nowait" ]],
    }
    for _, script in ipairs(scripts) do
      local content, names = in_folder(script, "old")
      assert.equal("old", content)
      assert.equal("file ", names)
      content, names = in_folder(script)
      assert.is_nil(content)
      assert.equal("", names)
    end
  end)

  it("that was ended takes the target's place", function()
    local scripts = {
      [[ weir.create_write_stream(path, { atomic = true }):end_ "new" ]],
      [[ local ws = weir.create_write_stream(path, { atomic = true })
         ws:write "n"
         weir.run()
         ws:end_ "ew" ]],
      [[ local ws = weir.create_write_stream(path, { atomic = true })
         ws:cork()
         ws:end_ "new"
         weir.run "nowait" ]],
    }
    for _, script in ipairs(scripts) do
      local content, names = in_folder(script, "old")
      assert.equal("new", content)
      assert.equal("file ", names)
    end
  end)
end)

describe("a stream that cannot get rid of its data", function()
  setup(support.open_folder)
  teardown(support.remove_folder)

  local function new_fifo()
    local fifo = support.new_path()
    local _, code = support.sh("mkfifo " .. fifo)
    if code ~= 0 then pending "there is no mkfifo" end
    return fifo
  end

  local STUCK = "weir.create_write_stream(nil, { fd = 3 }):write(('x'):rep(1000000))\n"
  local SCRIPTS = {
    good = STUCK .. "weir.create_write_stream(path):write(('y'):rep(1000000))",
    error = STUCK .. "error 'oops'",
    exit = STUCK .. "os.exit(7, true)",
  }

  -- They take their time, so they run at once. Descriptor 3 takes 64 KiB, and no more.
  local codes, seconds, path = {}, nil, nil
  local function run_scripts()
    if seconds then return end
    path = support.new_path()
    local lines = {}
    for name, script in pairs(SCRIPTS) do
      local command = support.command(script, { path = path, around = "%s 3<>" .. new_fifo() })
      lines[#lines + 1] = ("{ %s; echo CODE %s $?; } &"):format(command, name)
    end
    local began = weir.hrtime()
    local output = support.sh(table.concat(lines, "\n") .. "\nwait")
    seconds = (weir.hrtime() - began) / 1e9
    for name, code in output:gmatch "CODE (%l+) (%d+)" do codes[name] = tonumber(code) end
  end

  it("keeps neither the script from ending in time, nor others from being written", function()
    run_scripts()
    assert.equal(0, codes.good)
    assert.equal(1000000, support.size(path))
    assert.is_true(seconds < BOUND_S, seconds .. " s")
  end)

  it("does not change the exit code of an error", function()
    run_scripts()
    assert.equal(1, codes.error)
  end)

  it("does not change the exit code of os.exit", function()
    needs_closing_exit()
    run_scripts()
    assert.equal(7, codes.exit)
  end)

  it("is given some time", function()
    local copy = support.new_path()
    local child = support.child([[
      local ws = weir.create_write_stream(nil, { fd = 3 })
      ws:write(("x"):rep(300000))
    ]], { around = "{ %s; } 3>&1 | { sleep 0.5; cat > " .. copy .. "; }" })
    assert.equal(0, child.code)
    assert.equal(300000, support.size(copy))
  end)

  it("may be destroyed: then nothing is waited for", function()
    local child = support.child([[
      weir.set_close_timeout(200000) -- the child would be ended before
      local ws, log = support.stream(nil, { fd = 3 })
      ws:write(("x"):rep(1000000), log.cb "a")
      support.run_until(function() return ws:bytes_written() > 0 end)
      ws:destroy()
      support.close(ws)
      io.write(log.take())
    ]], { around = "%s 3<>" .. new_fifo() })
    assert.equal("a(DESTROYED) close", child.output)
    assert.equal(0, child.code)
  end)

  it_with_faults("waits for a call that is under way on a file: nothing is freed", function()
    local child = support.child([[
      local ws = weir.create_write_stream(path)
      ws:write(("x"):rep(100000))
      weir.run "nowait"
    ]], { faults = "pwritev:1:d2600" })
    assert.equal(0, child.code, child.output)
    assert.equal(("x"):rep(100000), support.read(child.path))
  end)
end)
