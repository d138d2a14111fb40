-- weir.stdout and weir.stderr, and streams with the descriptor of a terminal, a pipe, a socket; at
-- the other end spec/peers/around.c behaves as it is told.
local weir = require "weir"
local support = require "spec.sinks.support"
local paths = require "spec.support.paths"

local around = "./" .. paths.build:match "^(.*)/[^/]*$" .. "/around"

local KINDS = support.kinds()

-- Runs a script with its descriptor 1, or what `how` says, as spec/peers/around.c has it. Returns
-- what that said first, what the script printed elsewhere, and how long it took.
local function run(how, script, options)
  options = options or {}
  options.around = around .. " " .. how .. " -- %s"
  local child = support.child(script, options)
  local said = child.output:match "code %d+ bytes %d+ sum %d+ %a+" or "around said nothing"
  local rest = child.output:gsub("code %d+ bytes %d+ sum %d+ %a+\n", "", 1)
  return said, rest, child.seconds
end

-- What around.c says when it was sent this text.
local function sent(text, code)
  local a, b = 1, 0
  for i = 1, #text do
    a = (a + text:byte(i)) % 65521
    b = (b + a) % 65521
  end
  return ("code %d bytes %d sum %.0f blocks"):format(code or 0, #text, b * 65536 + a)
end

-- Writes so many lines to `out`, as it lets us.
local LINES = [[
  local function write_lines(out, count, at_end)
    local i = 0
    local function go_on()
      while i < count do
        i = i + 1
        if not out:write("line ", i, "\n") then return out:once("drain", go_on) end
      end
      if at_end then at_end() end
    end
    go_on()
  end
]]

local function lines(count)
  local all = {}
  for i = 1, count do all[i] = "line " .. i .. "\n" end
  return table.concat(all)
end

local MANY = support.slow and 5000 or 40000
local STALLING = 30000 -- more than fits anywhere

describe("weir.stdout", function()
  setup(support.open_folder)
  teardown(support.remove_folder)

  it("is tried with a terminal, beside the rest", function()
    local lacks = support.lacks_terminal()
    if lacks then pending(lacks) end
    assert.equal("tty", KINDS[1])
  end)

  it("is made when it is first asked for, once, and knows itself", function()
    assert.equal("true true true 1 false nil", support.output_of [[
      local lazy = rawget(weir, "stdout") == nil
      local out = weir.stdout
      io.stderr:write(tostring(lazy), " ", tostring(out == weir.stdout), " ",
        tostring(tostring(out):find "%(stdout, open%)" ~= nil), " ", out:fd(), " ",
        tostring(out:pending()), " ", tostring(out:path()))
    ]])
  end)

  it("is the same in a module that is required anew", function()
    assert.equal("true", support.output_of [[
      local out = weir.stdout
      package.loaded.weir = nil
      io.stderr:write(tostring(require "weir".stdout == out))
    ]])
  end)

  it("writes behind what print and io.write had written before", function()
    for _, kind in ipairs(KINDS) do
      local said = run(kind .. " read", [[
        io.write "abc"
        weir.stdout:write "def"
        weir.run()
      ]])
      assert.equal(sent "abcdef", said)
    end
  end)

  it("delivers all to a terminal, a pipe, a socket, and does not set O_NONBLOCK for others",
    function()
      for _, kind in ipairs(KINDS) do
        local said, rest = run(kind .. " read", LINES .. ("write_lines(weir.stdout, %d)\n" ..
          "weir.run()"):format(MANY))
        assert.equal(sent(lines(MANY)), said)
        assert.equal("", rest)
      end
    end)

  it("keeps the loop turning while a terminal is stopped, a pipe or socket not read", function()
    for _, kind in ipairs(KINDS) do
      local gate = support.new_path()
      -- Nothing is read before the loop has turned ten times.
      local said, rest = run(kind .. " gate " .. gate, LINES .. ([[
        local turns = 0
        local function turn()
          turns = turns + 1
          if turns < 10 then return weir.set_timeout(turn, 5) end
          io.stderr:write(tostring(weir.stdout:writable_need_drain()))
          support.put("", path)
        end
        turn()
        write_lines(weir.stdout, %d)
        weir.run()
      ]]):format(STALLING), { path = gate })
      assert.equal("true", rest)
      assert.equal(sent(lines(STALLING)), said)
    end
  end)

  it("does not spin while nothing is taken", function()
    for _, kind in ipairs(KINDS) do
      local _, rest = run(kind .. " never", [[
        weir.stdout:write(("\n"):rep(1000000))
        local turns, over = 0, false
        weir.set_timeout(function() over = true end, 300)
        while not over do
          weir.run "once"
          turns = turns + 1
        end
        io.stderr:write(turns)
        weir.stdout:destroy()
      ]])
      assert.is_true(tonumber(rest) < 100, rest)
    end
  end)

  it("lets the process end in time when nothing is taken, and nobody sees a change", function()
    -- They take their two seconds, so they run at once.
    local all = {}
    for _, kind in ipairs(KINDS) do
      all[#all + 1] = support.command("weir.stdout:write(('x'):rep(1000000))", {
        around = around .. " " .. kind .. " never -- %s &" })
    end
    local began = weir.hrtime()
    local output = support.sh(table.concat(all, "\n") .. "\nwait")
    assert.equal(("code 0 bytes 0 sum 1 blocks\n"):rep(#KINDS), output)
    assert.is_true((weir.hrtime() - began) / 1e9 < (support.slow and 60 or 15))
  end)

  it("is flushed when the script ends without weir.run, or by os.exit", function()
    local text = ("x"):rep(300000)
    for _, ending in ipairs { "", "os.exit(0, true)", "os.exit(0)" } do
      for _, kind in ipairs(KINDS) do
        local said = run(kind .. " read", "weir.stdout:write(('x'):rep(300000))\n" .. ending)
        assert.equal(sent(text), said)
      end
    end
  end)

  it("fails with an error when the reader has gone, and the process lives", function()
    for kind, code in pairs { pipe = "EPIPE", socket = "EPIPE" } do
      for _, bytes in ipairs { 0, 10 } do
        local said, rest = run(kind .. " close " .. bytes, LINES .. [[
          weir.stdout:on("error", function(err) io.stderr:write(tostring(err), ", ") end)
          weir.stdout:on("close", function() io.stderr:write "close" end)
          write_lines(weir.stdout, 100000)
          weir.run()
        ]])
        assert.matches("^code 0 bytes " .. bytes, said)
        assert.equal(code .. ": broken pipe, write, close", rest)
      end
    end
  end)

  it("is an error of weir.run when the reader has gone and nobody listens", function()
    local said, rest = run("pipe close 10", LINES .. [[
      write_lines(weir.stdout, 100000)
      io.stderr:write(tostring(select(2, pcall(weir.run))), " ", tostring(weir.run()))
    ]])
    assert.matches("^code 0 bytes 10", said)
    assert.equal("EPIPE: broken pipe, write false", rest)
  end)

  it("does not keep the loop going when it is idle, nor while it is only made", function()
    for _, kind in ipairs(KINDS) do
      local _, rest = run(kind .. " never", [[
        weir.stdout:write "abc"
        io.stderr:write(tostring(weir.run()), " ", weir.stdout:bytes_written())
      ]])
      assert.equal("false 3", rest)
    end
  end)

  it("is ended like any stream, and descriptor 1 stays open", function()
    for _, kind in ipairs(KINDS) do
      local said, rest = run(kind .. " read", [[
        local log = support.new_log()
        support.listen(weir.stdout, log)
        weir.stdout:write("abc", log.cb "a")
        weir.stdout:end_("def", log.cb "end")
        weir.run()
        print "ghi"
        io.stderr:write(log.take(), " ", tostring(weir.stdout:fd()), " ",
          select(2, weir.stdout:write "x").code)
      ]])
      assert.equal(sent "abcdefghi\n", said)
      assert.equal("a prefinish end finish close nil ERR_STREAM_WRITE_AFTER_END", rest)
    end
  end)

  it("is not ended by a pipe, which leaves no listener behind", function()
    for _, ends in ipairs { "", ", { end_ = true }" } do
      local said, rest = run("pipe read", ([[
        local source = weir.create_read_stream(support.put "abc")
        source:pipe(weir.stdout%s)
        weir.run()
        weir.stdout:write "def"
        weir.run()
        io.stderr:write(tostring(source:closed()))
        for _, event in ipairs { "drain", "error", "close", "finish", "unpipe" } do
          io.stderr:write(weir.stdout:listener_count(event))
        end
      ]]):format(ends))
      assert.equal(sent "abcdef", said)
      assert.equal("true00000", rest)
    end
  end)

  it("is not ended by a pipeline, which calls back when it has written all", function()
    local text = ("x"):rep(300000)
    local said, rest = run("pipe pause 50", [[
      local source = weir.create_read_stream(support.put(("x"):rep(300000)))
      weir.pipeline(source, weir.passthrough(), weir.stdout, function(err)
        io.stderr:write(tostring(err), " ", weir.stdout:bytes_written(), " ")
        for _, event in ipairs { "drain", "error", "close", "finish", "unpipe" } do
          io.stderr:write(weir.stdout:listener_count(event))
        end
        weir.stdout:write "def"
      end)
      weir.run()
    ]])
    assert.equal(sent(text .. "def"), said)
    assert.equal("nil 300000 00000", rest)
  end)

  it("lives on when a pipeline to it fails, and makes one fail that it cannot serve", function()
    local said, rest = run("pipe read", [[
      local source = weir.readable { read = function(self) self:destroy "broken" end }
      weir.pipeline(source, weir.stdout, function(err)
        io.stderr:write(tostring(err))
        weir.stdout:write "abc"
      end)
      weir.run()
    ]])
    assert.equal(sent "abc", said)
    assert.equal("broken", rest)
    said, rest = run("pipe close 10", [[
      local source = weir.create_read_stream(support.put(("x"):rep(300000)))
      weir.pipeline(source, weir.stdout, function(err)
        io.stderr:write(err.code, " ", tostring(source:destroyed()))
      end)
      weir.run()
    ]])
    assert.matches("^code 0 bytes 10 ", said)
    assert.equal("EPIPE true", rest)
  end)

  it("works in a child that was forked, which does not write again what the parent has queued",
    function()
      if not jit then pending "only LuaJIT can fork here" end
      local FORK = [[
        local ffi = require "ffi"
        ffi.cdef "int fork(void); int waitpid(int pid, int *status, int options);"
      ]]
      for _, kind in ipairs(KINDS) do
        local said = run(kind .. " read", FORK .. [[
          local pid = ffi.C.fork()
          weir.stdout:write(pid == 0 and "child " or "parent")
          if pid > 0 then ffi.C.waitpid(pid, nil, 0) end
          weir.run()
        ]])
        assert.equal(sent "child parent", said)
        said = run(kind .. " read", FORK .. [[
          weir.stdout:write "parent"
          local pid = ffi.C.fork()
          if pid == 0 then os.exit(0, true) end
          ffi.C.waitpid(pid, nil, 0)
        ]])
        assert.equal(sent "parent", said)
      end
    end)

  it("writes what is taken at once before it is destroyed, and descriptor 1 stays open", function()
    local SCRIPT = [[
      local log = support.new_log()
      weir.stdout:write("abc", log.cb "a")
      weir.stdout:destroy()
      support.close(weir.stdout)
      print "def"
      io.stderr:write(log.take())
    ]]
    for _, kind in ipairs(KINDS) do
      local said, rest = run(kind .. " read", SCRIPT)
      assert.equal(sent "abcdef\n", said)
      assert.equal("a", rest)
    end
    local path = support.new_path()
    local told = support.output_of("weir.stdout:on('x', print) weir.run()\n" .. SCRIPT, {
      around = "%s > " .. support.quote(path) })
    assert.equal("a", told)
    assert.equal("abcdef\n", support.read(path))
  end)

  it("and weir.stderr may lead to the same place", function()
    local path = support.new_path()
    local _, code = support.sh(support.command([[
      weir.stdout:write "1"
      weir.run()
      weir.stderr:write "2"
      weir.run()
      weir.stdout:end_ "3"
      weir.stderr:end_ "4"
    ]], { around = "%s >> " .. support.quote(support.put("0", path)) .. " 2>&1" }))
    assert.equal(0, code)
    assert.matches("^012[34][34]$", support.read(path))
  end)
end)

-- What a shell redirects to.
describe("weir.stdout", function()
  setup(support.open_folder)
  teardown(support.remove_folder)

  it("goes into a file, from the beginning or behind what is there", function()
    for redirection, before in pairs { [">"] = "", [">>"] = "before" } do
      local path = support.put "before"
      support.output_of(LINES .. "print 'first'; write_lines(weir.stdout, 10000)\nweir.run()\n" ..
        "weir.stdout:end_()\nweir.run()\nprint 'last'", {
          around = ("%%s %s %s"):format(redirection, support.quote(path)) })
      assert.equal(before .. "first\n" .. lines(10000) .. "last\n", support.read(path))
    end
  end)

  it("shares its place in the file with the commands around it", function()
    local path = support.new_path()
    support.output_of("weir.stdout:write 'two '", {
      around = ("{ printf 'one '; %%s; printf three; } > %s"):format(support.quote(path)) })
    assert.equal("one two three", support.read(path))
  end)

  it("goes to /dev/null, and fails on /dev/full with ENOSPC", function()
    local lacks = support.lacks_file "/dev/full"
    if lacks then pending(lacks) end
    local SCRIPT = [[
      local log = support.new_log()
      support.listen(weir.stdout, log)
      weir.stdout:write(("x"):rep(100000), log.cb "a")
      weir.run()
      io.stderr:write(log.take(), weir.stdout:bytes_written())
    ]]
    local output = support.output_of(SCRIPT, { around = "%s > /dev/null" })
    assert.equal("a100000", (output:gsub("drain ", "")))
    assert.equal("a(ENOSPC) error(ENOSPC) close0",
      support.output_of(SCRIPT, { around = "%s > /dev/full" }))
  end)

  it("fails with EBADF when it is closed, and nothing else takes its place", function()
    local output, path = support.output_of([[
      local log = support.new_log()
      local file = weir.create_write_stream(path) -- would be descriptor 1
      file:write "abc"
      support.listen(weir.stdout, log)
      weir.stdout:write("def", log.cb "a")
      weir.run()
      file:end_()
      weir.run()
      io.stderr:write(log.take())
    ]], { around = "%s >&-" })
    assert.equal("a(EBADF) error(EBADF) close", output)
    assert.equal("abc", support.read(path))
  end)

  it("ends well in front of head, and wc gets every byte", function()
    local SCRIPT = LINES .. "weir.stdout:on('error', function() end)\n" ..
      "write_lines(weir.stdout, 100000)\nweir.run()\n"
    assert.equal("line 1\nlin", support.output_of(SCRIPT, { around = "%s | head -c 10" }))
    local count = support.output_of(SCRIPT .. "os.exit(0, true)", { around = "%s | wc -c" })
    assert.equal(#lines(100000), tonumber(count))
  end)
end)

describe("a stream with the descriptor of a pipe, a socket, a terminal", function()
  setup(support.open_folder)
  teardown(support.remove_folder)

  it("delivers all, and closes it unless auto_close is false", function()
    for _, kind in ipairs(KINDS) do
      for _, closes in ipairs { true, false } do
        local said, rest = run("-f 3 " .. kind .. " read", LINES .. ([[
          local ws = weir.create_write_stream(nil, { fd = 3, auto_close = %s })
          write_lines(ws, 3000, function() ws:end_() end)
          weir.run()
          ws:destroy()
          support.close(ws)
          local again, log = support.stream(nil, { fd = 3 })
          support.end_and_close(again)
          io.stderr:write(log.take())
        ]]):format(tostring(closes)))
        assert.equal(sent(lines(3000)), said)
        assert.equal(closes and "error(EBADF) close" or "prefinish finish close", rest)
      end
    end
  end)

  it("does not close the standard ones", function()
    local said = run("-f 2 pipe read", [[
      local ws = weir.create_write_stream(nil, { fd = 2 })
      ws:end_ "abc"
      support.close(ws)
      io.stderr:write "def"
    ]])
    assert.equal(sent "abcdef", said)
  end)

  it("tells how much the kernel took when the reader went", function()
    local _, rest = run("-f 3 pipe close 70000", [[
      local ws, log = support.stream(nil, { fd = 3 })
      ws:cork()
      ws:write(("x"):rep(60000), log.cb "a")
      ws:write(("x"):rep(1000000), log.cb "b")
      ws:write("c", log.cb "c")
      ws:uncork()
      support.close(ws)
      local written = ws:bytes_written()
      io.stderr:write(log.take(), " ", tostring(written >= 70000 and written < 1060000))
    ]])
    assert.equal("a b(EPIPE) c(EPIPE) error(EPIPE) close true", rest)
  end)

  it("works where it cannot be opened anew, as for another user", function()
    local lacks = support.lacks_command "setpriv" or support.sh "id -u" ~= "0\n" and "not root"
    if lacks then pending(lacks) end
    support.sh("chmod 755 " .. support.quote(support.new_path():match "^(.*)/"))
    local said = run("pipe pause 100", LINES .. "write_lines(weir.stdout, 30000)\nweir.run()", {
      path = "/dev/null",
      around = around .. " pipe pause 100 -- setpriv --reuid=65534 --regid=65534 --clear-groups %s",
    })
    assert.equal(sent(lines(30000)), said)
  end)
end)
