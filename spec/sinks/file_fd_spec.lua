-- Streams that get a descriptor instead of a path. The scripts find theirs opened by the shell.
local weir = require "weir"
local support = require "spec.sinks.support"

-- Runs a script with descriptor 3 opened by `redirection`, in which %s is the path of a file of
-- this content. Returns what it printed, and what is in the file then.
local function with_3(redirection, script, content)
  local path = support.put(content or "")
  redirection = redirection:gsub("%%s", support.quote(path))
  local output = support.output_of(script, { around = "%s " .. redirection, path = path })
  return output, support.read(path)
end

local WRITE_AND_END = [[
  local ws, log = support.stream(nil, { fd = 3 })
  ws:write("abc", log.cb "a")
  ws:end_(log.cb "end")
  support.close(ws)
  io.write(log.take())
]]

-- A file that this process holds open, through a stream that left it so: the descriptor, the path,
-- and the stream, which must be kept.
local function left_open()
  local path = support.new_path()
  local ws = weir.create_write_stream(path, { auto_close = false })
  ws:end_ "0123456789"
  support.finish(ws)
  return ws:fd(), path, ws
end

describe("a stream with a descriptor", function()
  setup(support.open_folder)
  teardown(support.remove_folder)

  it("writes into it and closes it, without open and ready", function()
    local log, content = with_3("3>%s", WRITE_AND_END)
    assert.equal("a prefinish end finish close", log)
    assert.equal("abc", content)
  end)

  it("is not pending, has no path, and knows its descriptor from the beginning", function()
    local fd, _, holder = left_open()
    local ws = weir.create_write_stream(nil, { fd = fd, auto_close = false })
    assert.is_nil(ws:path())
    assert.is_false(ws:pending())
    assert.equal(fd, ws:fd())
    ws:end_()
    support.finish(ws)
    assert.is_false(ws:pending())
    assert.equal(fd, ws:fd())
    holder:destroy()
    support.close(holder)
  end)

  it("keeps a path that is given as well, for errors, and does not open it", function()
    local log, content = with_3("3>%s", [[
      local ws, log = support.stream("/no/such/file", { fd = 3 })
      ws:write("abc", log.cb "a")
      ws:end_()
      support.close(ws)
      io.write(log.take(), " ", ws:path())
    ]])
    assert.equal("a prefinish finish close /no/such/file", log)
    assert.equal("abc", content)
  end)

  it("has no descriptor any more once it is closed, and is pending again", function()
    local output = with_3("3>%s", [[
      local ws = weir.create_write_stream(nil, { fd = 3 })
      support.end_and_close(ws)
      io.write(tostring(ws:fd()), tostring(ws:pending()))
    ]])
    assert.equal("niltrue", output)
  end)

  it("goes on where the descriptor stands, and leaves it behind what it wrote", function()
    local path = support.new_path()
    support.output_of([[
      local ws = weir.create_write_stream(nil, { fd = 3, auto_close = false })
      ws:write "BC"
      ws:end_ "D"
      support.finish(ws)
    ]], { around = "{ printf A >&3; %s; printf E >&3; } 3>" .. path })
    assert.equal("ABCDE", support.read(path))
  end)

  it("with start writes there, and does not move the descriptor", function()
    local path = support.put "0123456789"
    support.output_of([[
      local ws = weir.create_write_stream(nil, { fd = 3, start = 5 })
      ws:end_ "AB"
      support.close(ws)
    ]], { around = "{ printf X >&3; %s; printf Y >&3; } 3<>" .. path })
    assert.equal("XY234AB789", support.read(path))
  end)

  it("that appends writes at the end", function()
    local _, content = with_3("3>>%s", WRITE_AND_END, "old")
    assert.equal("oldabc", content)
  end)

  it("ignores no error: one that may not be written to gives EBADF", function()
    local log, content = with_3("3<%s", WRITE_AND_END, "old")
    assert.equal("a(EBADF) end(EBADF) error(EBADF) close", log)
    assert.equal("old", content)
  end)

  it("that nobody has opened gives EBADF to all who wait", function()
    local log = with_3("3>%s", WRITE_AND_END:gsub("fd = 3", "fd = 999"))
    assert.equal("a(EBADF) end(EBADF) error(EBADF) close", log)
  end)

  it("of a folder gives EISDIR", function()
    local log = with_3("3</", WRITE_AND_END)
    assert.equal("a(EISDIR) end(EISDIR) error(EISDIR) close", log)
  end)

  it("gives back one descriptor, and only its own, when it is destroyed", function()
    if not support.descriptors() then pending "the system does not tell" end
    local output = with_3("3>%s 4>/dev/null", [[
      local ws, before = weir.create_write_stream(nil, { fd = 3 }), support.descriptors()
      ws:destroy()
      support.close(ws)
      io.write(before - support.descriptors(), " ", (support.sh "readlink /proc/$PPID/fd/4"))
    ]])
    assert.equal("1 /dev/null\n", output)
  end)

  it("with auto_close = false finishes, leaves it open, and says no close", function()
    local output, content = with_3("3>%s", [[
      local ws, log = support.stream(nil, { fd = 3, auto_close = false })
      ws:write("abc", log.cb "a")
      ws:end_(log.cb "end")
      support.finish(ws)
      weir.run()
      io.write(log.take(), " ", tostring(ws:closed()), " ", tostring(ws:destroyed()), " ", ws:fd())
      local second, log = support.stream(nil, { fd = 3 })
      second:end_("def", log.cb "end")
      support.close(second)
      io.write(" ", log.take())
    ]])
    assert.equal("a prefinish end finish false false 3 prefinish end finish close", output)
    assert.equal("abcdef", content)
  end)

  it("with auto_close = false leaves it open also when the stream is destroyed or collected",
    function()
      local output, content = with_3("3>%s", [[
        local ws = weir.create_write_stream(nil, { fd = 3, auto_close = false })
        ws:write("a", function() ws:destroy() end)
        support.close(ws)
        ws = weir.create_write_stream(nil, { fd = 3, auto_close = false })
        ws:write "b"
        ws = nil
        weir.run()
        collectgarbage() collectgarbage()
        weir.run()
        support.end_and_close(weir.create_write_stream(nil, { fd = 3 }))
        io.write "closed"
      ]])
      assert.equal("closed", output)
      assert.equal("ab", content)
    end)

  it("with auto_close = false leaves it open also when the write fails", function()
    local output = with_3("3>/dev/full", [[
      local ws, log = support.stream(nil, { fd = 3, auto_close = false })
      ws:write("a", log.cb "a")
      support.run_until(function() return ws:errored() end)
      weir.run()
      ws:destroy()
      support.close(ws)
      local second = weir.create_write_stream(nil, { fd = 3 })
      support.end_and_close(second)
      io.write(log.take(), " ", tostring(second:errored()))
    ]])
    assert.equal("a(ENOSPC) error(ENOSPC) close nil", output)
  end)

  it("that another left open writes over the beginning with start = 0", function()
    local fd, path, holder = left_open()
    local ws = weir.create_write_stream(nil, { fd = fd, start = 0, auto_close = false })
    ws:end_ "ab"
    support.finish(ws)
    assert.equal("ab23456789", support.read(path))
    holder:destroy()
    support.close(holder)
  end)

  it("that another left open goes on behind what that one wrote", function()
    local fd, path, holder = left_open()
    local ws = weir.create_write_stream(nil, { fd = fd, auto_close = false })
    ws:end_ "ab"
    support.finish(ws)
    assert.equal("0123456789ab", support.read(path))
    holder:destroy()
    support.close(holder)
  end)

  it("0, 1 or 2 never closes it", function()
    local output = support.output_of [[
      for fd = 0, 2 do
        local ws, log = support.stream(nil, { fd = fd })
        ws:end_(fd == 0 and "" or "stream ")
        support.close(ws)
        io.write(log.take(), " ")
        io.flush()
        weir.create_write_stream(nil, { fd = fd }):destroy()
        weir.run()
      end
      print "print"
      io.stdout:flush()
      io.stderr:write "stderr"
    ]]
    local over = "prefinish finish close "
    assert.equal(over .. "stream " .. over .. "stream " .. over .. "print\nstderr", output)
  end)

  it("is collected with it, when idle and nobody holds it", function()
    local output = with_3("3>%s", [[
      local ws = weir.create_write_stream(nil, { fd = 3 })
      ws:write "abc"
      ws = nil
      weir.run()
      collectgarbage() collectgarbage()
      weir.run()
      local second, log = support.stream(nil, { fd = 3 })
      support.close(second)
      io.write(log.take())
    ]])
    assert.equal("error(EBADF) close", output)
  end)
end)

describe("a pipe given by its descriptor", function()
  setup(support.open_folder)
  teardown(support.remove_folder)

  local SEND = [[
    local ws, log = support.stream(nil, { fd = 3 })
    local line = ("x"):rep(99) .. "\n"
    for _ = 1, %d do ws:write(line) end
    ws:end_()
    support.close(ws)
    io.stderr:write(log.take())
  ]]

  it("carries everything to a reader that takes its time", function()
    local path = support.new_path()
    local output = support.output_of(SEND:format(5000), {
      around = "{ %s; } 3>&1 >&2 | { sleep 0.1; cat; } > " .. path,
    })
    assert.equal("prefinish finish close", output)
    assert.is_true((("x"):rep(99) .. "\n"):rep(5000) == support.read(path))
  end)

  it("lets the loop turn while its reader takes nothing", function()
    local output = support.output_of([[
      local ws = weir.create_write_stream(nil, { fd = 3 })
      ws:write(("x"):rep(200000))
      local turns, file = 0, weir.create_write_stream(path)
      local function turn()
        turns = turns + 1
        file:write(turns, ",")
        if turns < 5 then return weir.set_timeout(turn, 10) end
        io.write("turned, ", ws:writable_length() > 0 and "waiting" or "written")
        ws:destroy()
        file:end_()
      end
      turn()
      support.close(ws, file)
      io.write(", ", support.read(path))
    ]], { around = "f=$(mktemp -u); mkfifo $f; %s 3<>$f; rm -f $f" })
    assert.equal("turned, waiting, 1,2,3,4,5,", output)
  end)

  it("gives EPIPE when its reader is gone, and the process lives", function()
    local default, lacks = support.default_signals()
    if lacks then pending(lacks) end
    for _, before in ipairs { default, "" } do
      local child = support.child(SEND:format(5000), {
        around = "trap '' PIPE; { sleep 0.05; " .. before .. "%s; } 3>&1 >&2 | true",
      })
      assert.equal("error(EPIPE) close", child.output)
    end
  end)

  it("ends the process when its reader is gone, if that was asked for", function()
    local default, lacks = support.default_signals()
    if lacks then pending(lacks) end
    local child = support.child("weir.set_sigpipe(false)" .. SEND:format(5000), {
      around = "{ sleep 0.05; " .. default .. "%s; echo $? >&2; } 3>&1 >&2 | true",
    })
    assert.not_matches("close", child.output)
    assert.not_matches("^0\n", child.output)
  end)

  it("that is stuck, like seven others, holds up no file", function()
    local output = support.output_of([[
      local stuck = {}
      for fd = 3, 9 do
        stuck[fd] = weir.create_write_stream(nil, { fd = fd })
        stuck[fd]:write(("x"):rep(1000000))
      end
      support.run_until(function() return stuck[9]:bytes_written() > 0 end)
      local began = weir.hrtime()
      for i = 1, 3 do support.end_and_close(weir.create_write_stream(path .. i)) end
      io.write((weir.hrtime() - began) / 1e9 < 2 and "in time" or "late")
      for fd = 3, 9 do stuck[fd]:destroy() end
      weir.run()
    ]], { around = "f=$(mktemp -u); for i in 3 4 5 6 7 8 9; do mkfifo $f.$i; done; "
      .. "%s 3<>$f.3 4<>$f.4 5<>$f.5 6<>$f.6 7<>$f.7 8<>$f.8 9<>$f.9; rm -f $f.*" })
    assert.equal("in time", output)
  end)
end)

describe("a FIFO", function()
  setup(support.open_folder)
  teardown(support.remove_folder)

  local function fifo()
    local path = support.new_path()
    local _, code = support.sh("mkfifo " .. path)
    if code ~= 0 then return nil end
    return path
  end

  it("without a reader answers ENXIO at once, and holds up nobody", function()
    local path = fifo()
    if not path then pending "there is no mkfifo" end
    local began, streams, logs = weir.hrtime(), {}, {}
    for i = 1, 8 do streams[i], logs[i] = support.stream(path) end
    local file = weir.create_write_stream(support.new_path())
    support.end_and_close(file)
    for i = 1, 8 do
      support.close(streams[i])
      assert.equal("error(ENXIO) close", logs[i].take())
    end
    assert.is_true((weir.hrtime() - began) / 1e9 < 2)
  end)

  it("with a reader carries everything", function()
    local path, copy = fifo(), support.new_path()
    if not path then pending "there is no mkfifo" end
    local output = support.output_of([[
      local ws, log = support.stream(path)
      for i = 1, 20000 do ws:write(i, "\n") end
      ws:end_()
      support.close(ws)
      io.write(log.take())
    ]], { around = ("cat %s > %s & sleep 0.1; %%s; wait"):format(path, copy), path = path })
    assert.equal("open ready prefinish finish close", output)
    local lines = {}
    for i = 1, 20000 do lines[i] = i .. "\n" end
    assert.is_true(table.concat(lines) == support.read(copy))
  end)
end)

describe("a device", function()
  it("like /dev/null takes all there is", function()
    local ws, log = support.stream "/dev/null"
    for _ = 1, 100 do ws:write(("x"):rep(10000)) end
    support.end_and_close(ws)
    assert.equal("open ready prefinish finish close", log.take())
    assert.equal(1000000, ws:bytes_written())
  end)
end)
