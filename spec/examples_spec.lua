-- The examples, each run as a user runs it: in a Lua of its own, from another directory. What it
-- prints is compared; it may write nothing to stderr, set no global and leave no file behind.
local examples = require "spec.support.examples"
local quote, read_file, output_of = examples.quote, examples.read_file, examples.output_of
local run, run_command = examples.run, examples.run_command
local command_for, files_left = examples.command_for, examples.files_left

describe("the example", function()
  local directory

  before_each(function()
    examples.begin()
    directory = examples.directory()
  end)
  after_each(examples.done)

  local covered = {}

  -- An example that prints `expected`. What differs from run to run is made equal by `normalize`.
  local function prints(name, sentence, expected, normalize)
    covered[name] = true
    it(name .. " " .. sentence, function()
      local out = run(name)
      if normalize then out = normalize(out) end
      assert.equal(expected, out)
      assert.equal("", files_left())
    end)
  end

  -- An example that writes into a file it is given, and leaves it there.
  local function writes(name, expected)
    it(name .. " keeps the file that it is told to write", function()
      run(name, "kept.txt")
      assert.equal("kept.txt", files_left())
      local content = read_file(directory .. "/kept.txt")
      assert.is_true(content == expected, #content .. " bytes: " .. content:sub(1, 80))
    end)
  end

  describe("million_lines.lua", function()
    covered["million_lines.lua"] = true

    -- Numbers that differ from run to run become N.
    local function normalize(out)
      return (out:gsub("(lines per second  )%d+\n", "%1N\n"):gsub("(drains +)%d+\n", "%1N\n")
        :gsub("(MB per second +)%d+%.%d\n", "%1N\n"):gsub("(peak buffered +)%d+ ", "%1N ")
        :gsub("peak memory +%d+%.%d MiB\n", "memory N MiB\n") -- where the peak is known
        :gsub("memory now +%d+%.%d MiB\n", "memory N MiB\n"))
    end

    local PROGRESS = [[
 10 %  2000 lines
 20 %  4000 lines
 30 %  6000 lines
 40 %  8000 lines
 50 %  10000 lines
 60 %  12000 lines
 70 %  14000 lines
 80 %  16000 lines
 90 %  18000 lines
100 %  20000 lines
]]
    local REPORT = [[
lines per second  N
MB per second     N
drains            N
peak buffered     N bytes (mark: 16384)
memory N MiB
file checked: 20000 lines, 208894 bytes, ok
]]

    it("writes, measures and checks as many lines as it is told, and keeps the file", function()
      local out = run("million_lines.lua", "kept.txt", "20000")
      assert.equal(PROGRESS .. REPORT, normalize(out))
      local lines = {}
      for i = 1, 20000 do lines[i] = "Line " .. i .. "\n" end
      assert.is_true(read_file(directory .. "/kept.txt") == table.concat(lines))
    end)

    it("honours the mark: it slows down, and holds no more than the mark and one line", function()
      local out = run("million_lines.lua", "kept.txt", "20000")
      assert.is_true(tonumber(out:match "drains +(%d+)") > 0)
      assert.is_true(tonumber(out:match "peak buffered +(%d+)") < 16384 + #"Line 20000\n")
    end)

    it("removes the file that it was not told to write", function()
      run "million_lines.lua" -- a million, once: it is the main example
      assert.equal("", files_left())
    end)

    it("prints plain lines into a pipe", function()
      local command = command_for("million_lines.lua", "kept.txt", "20000")
      local out, _, err = run_command(command .. " | cat")
      assert.equal("", err)
      assert.equal(PROGRESS .. REPORT, normalize(out))
    end)

    it("draws a bar on a terminal, in place", function()
      if os.getenv "SPEC_TOOL" then pending "tools follow into `script`" end
      if not output_of("script --version 2> /dev/null"):find "util%-linux" then
        pending "there is no `script` that makes a terminal"
      end
      local _, refused = run_command "script -q -e -c true /dev/null"
      if refused ~= 0 then pending "this system gives out no terminals" end
      local command = command_for("million_lines.lua", "kept.txt", "20000")
      local out, code = run_command("script -q -e -c " .. quote(command) .. " /dev/null")
      assert.equal(0, code, out)
      local bar, rest = out:match "^(.-100 %%)\r?\n(.*)$"
      assert.is_string(bar, out)
      assert.is_nil(bar:find("\n", 1, true))
      local drawn = 0
      for done, left, percent in bar:gmatch "\r%[(#*)(%-*)%] +(%d+) %%" do
        drawn = drawn + 1
        assert.equal(drawn, tonumber(percent))
        assert.equal(40, #done + #left)
        assert.equal(math.floor(drawn * 40 / 100), #done)
      end
      assert.equal(100, drawn)
      assert.equal(REPORT, normalize((rest:gsub("\r\n", "\n"))))
    end)

    -- What it says, and its exit code, when it cannot do what it should.
    local function fails(sentence, expected, expected_code, ...)
      local arguments = { ... }
      it(sentence, function()
        local command = command_for("million_lines.lua", arguments[1], arguments[2])
        local _, code, err = run_command(command)
        assert.equal(expected, err)
        assert.equal(expected_code, code)
      end)
    end

    fails("says why the file could not be written",
      "failed: ENOENT: no such file or directory, open '/no/such/directory/f'\n", 1,
      "/no/such/directory/f", "20000")
    fails("finds out that the file does not hold what was written",
      "failed: 0 lines instead of 20000\n", 1, "/dev/null", "20000")
    fails("says how it is used", "usage: lua million_lines.lua [path [lines]]\n", 2, "f", "many")
  end)

  prints("write_and_end.lua", "is told of everything in Node's order", [[
the loop begins
event open
event ready
callback of the first write
callback of the second write
callback of end_
event finish
event close
the loop has ended
bytes written: 33
  Hello, world!
  2 + 2 = 4
  Goodbye.
]])
  writes("write_and_end.lua", "Hello, world!\n2 + 2 = 4\nGoodbye.\n")

  describe("small_mark.lua", function()
    covered["small_mark.lua"] = true

    it("is told false at the mark, true below it, and drain after each false", function()
      local out = run "small_mark.lua"
      local count, owed = 0, false
      assert.matches("^write 1: true, 512 bytes wait\nwrite 2: false, 1024 bytes wait\n", out)
      for line in out:gmatch "[^\n]+" do
        local number, answer, length = line:match "^write (%d+): (%a+), (%d+) bytes wait$"
        if number then
          count = count + 1
          assert.is_false(owed)
          assert.equal(count, tonumber(number))
          assert.equal(tonumber(length) < 1024, answer == "true")
          owed = answer == "false"
        elseif line == "drain: 0 bytes wait" then
          assert.is_true(owed)
          owed = false
        else
          assert.equal("finish: 5120 bytes written", line)
        end
      end
      assert.equal(10, count)
      assert.matches("\nfinish: 5120 bytes written\n$", out)
      assert.equal("", files_left())
    end)
  end)
  writes("small_mark.lua", (("x"):rep(511) .. "\n"):rep(10))

  prints("mark_of_one.lua", "is asked to slow down by every write", [[
write "one": false, 4 bytes wait
write "two": false, 4 bytes wait
write "three": false, 6 bytes wait
write "four": false, 5 bytes wait
write "five": false, 5 bytes wait
finish, after 5 drains
]])
  writes("mark_of_one.lua", "one\ntwo\nthree\nfour\nfive\n")

  prints("ignore_backpressure.lua", "loses nothing, but holds everything in memory", [[
false is honoured: 33554432 bytes written, 2048 drains
  at most 16384 bytes waited
  the process grew by N MiB
false is ignored: 33554432 bytes written, 0 drains
  at most 33554432 bytes waited
  the process grew by N MiB
max_buffered: 64 chunks taken, then ENOBUFS: the write would exceed max_buffered
  after drain, write says true
]], function(out) return (out:gsub("%-?%d+%.%d MiB", "N MiB")) end)

  it("ignore_backpressure.lua grows by all that it writes only where it ignores false", function()
    if os.getenv "SPEC_TOOL" then pending "tools keep memory that was freed" end
    if not io.open "/proc/self/status" then pending "the peak is not known here" end
    local out = run "ignore_backpressure.lua"
    local honoured, ignored = out:match "by ([%d.]+) MiB.*by ([%d.]+) MiB"
    assert.is_true(tonumber(honoured) < 16, honoured)
    assert.is_true(tonumber(ignored) > 24, ignored)
  end)

  local log = {}
  for i = 1, 50 do
    if i % 8 == 1 and i < 49 then log[#log + 1] = "-- pause, 8 entries wait" end
    log[#log + 1] = ("[%s] request %d"):format(i % 10 == 0 and "warn" or "info", i)
  end
  log[#log + 1] = "-- 50 entries logged, the producer paused 6 times"
  log[#log + 1] = "-- never more than 8 entries in memory\n"
  prints("slow_logger.lua", "pauses when eight entries wait", table.concat(log, "\n"))

  covered["slow_sink.lua"] = true
  it("slow_sink.lua goes at the sink's pace: a second for each chunk", function()
    local seconds = {}
    local out = run("slow_sink.lua"):gsub("([%d.]+) s  ([^\n]+)", function(time, text)
      seconds[text] = tonumber(time)
      return text
    end)
    assert.equal([[
the sink gets one
write one says true, 3 bytes wait
write two says false, 6 bytes wait
the sink answers for one
the sink gets two
callback of one
the sink answers for two
event drain
callback of two
event finish
event close
]], out)
    assert.is_true(seconds["write two says false, 6 bytes wait"] < 0.9)
    assert.is_true(seconds["the sink answers for one"] >= 0.9)
    assert.is_true(seconds["event drain"] >= 1.9)
  end)

  prints("silent_sink.lua", "sees that it is stuck, and gets out by destroy", [[
write first says true
write second says false
run says that work is left: false
  weir.stream (lua, open, 11 bytes wait, drain is owed)
  11 bytes in 2 writes wait
  0 drains; one is owed: true
destroy
callback of first: no answer for too long
callback of second: no answer for too long
event error: no answer for too long
event close
  weir.stream (lua, closed)
  0 bytes in 0 writes wait
  0 drains; one is owed: false
]])

  prints("cork_next_tick.lua", "makes one call of the sink out of several", [[
as it comes:
  write  GET /
  write  Host: example.org
  write  Accept: */*
corked:
  (the turn ends)
  writev GET /, Host: example.org, Accept: */*
corked twice:
  (corks left: 1)
  writev GET /, Host: example.org, Accept: */*, GET /, Host: example.org, Accept: */*
  (corks left: 0)
12 writes, 5 calls of the sink
]])

  local has_full_disk = io.open "/dev/full"
  if has_full_disk then has_full_disk:close() end
  prints("errors.lua", "tells callbacks, then error, then close", [[
a disk that is full:
]] .. (has_full_disk and [[
  event open
  callback of write one: ENOSPC: no space left on device, write '/dev/full'
  callback of write two: ENOSPC: no space left on device, write '/dev/full'
  callback of end_: ENOSPC: no space left on device, write '/dev/full'
  event error: ENOSPC: no space left on device, write '/dev/full'
    code     ENOSPC
    message  no space left on device
    errno    28
    syscall  write
    path     /dev/full
  event close
]] or [[
  (there is no /dev/full here)
]]) .. [[
a directory that is not there:
  callback of write one: ENOENT: no such file or directory, open '/no/such/directory/out.txt'
  callback of end_: ENOENT: no such file or directory, open '/no/such/directory/out.txt'
  event error: ENOENT: no such file or directory, open '/no/such/directory/out.txt'
    code     ENOENT
    message  no such file or directory
    errno    2
    syscall  open
    path     /no/such/directory/out.txt
  event close
a write after the end:
  write returns: nil, ERR_STREAM_WRITE_AFTER_END: write after end
  callback of the late write: ERR_STREAM_WRITE_AFTER_END: write after end
  callback of end_: ERR_STREAM_WRITE_AFTER_END: write after end
  event open
  event error: ERR_STREAM_WRITE_AFTER_END: write after end
    code     ERR_STREAM_WRITE_AFTER_END
    message  write after end
    errno    nil
    syscall  nil
    path     nil
  event close
an error that nobody listens to:
  run: raises ENOENT
]])

  prints("append_log.lua", "adds to what is there", [[
31 bytes are safe
17 bytes are safe
  the program begins
  all is well
  the program ends
]])

  it("append_log.lua adds to what an earlier run has left", function()
    run("append_log.lua", "kept.txt")
    run("append_log.lua", "kept.txt")
    local once = "the program begins\nall is well\nthe program ends\n"
    assert.equal(once .. once, read_file(directory .. "/kept.txt"))
  end)

  prints("rotating_logger.lua", "keeps the last files of a log, and every line in one of them", [[
200 lines went into 5 files, the last 3 are kept
file 3:  984 bytes, lines 0083 to 0123
file 4:  984 bytes, lines 0124 to 0164
file 5:  864 bytes, lines 0165 to 0200
]])

  prints("atomic_config.lua", "replaces a file as a whole or not at all", [[
finish: colour = red, size = 1
halfway: colour = red, size = 1
error: the rest of the settings cannot be found
after the failure: colour = red, size = 1
finish: colour = blue, size = 2
]])
  writes("atomic_config.lua", "colour = blue\nsize = 2\n")

  describe("copy_file.lua", function()
    -- How far it is by when differs from run to run.
    local function without_progress(out) return (out:gsub(" *%d+ %%\n", "")) end

    prints("copy_file.lua", "copies a file by pipeline and by hand", [[
by pipeline
the copy is the same
by hand
the copy is the same
]], without_progress)

    it("copies the files that it is told, by pipeline and by hand", function()
      local content = ("0123456789"):rep(30000)
      local source = assert(io.open(directory .. "/from", "wb"))
      source:write(content)
      source:close()
      assert.matches("100 %%\n$", run("copy_file.lua", "from", "to"))
      assert.is_true(read_file(directory .. "/to") == content)
      assert.equal("", without_progress(run("copy_file.lua", "--by-hand", "from", "to2")))
      assert.is_true(read_file(directory .. "/to2") == content)
    end)

    it("says what failed, and how it is used", function()
      local function fails(expected, expected_code, ...)
        local out, code, err = run_command(command_for("copy_file.lua", ...))
        assert.equal(expected, err)
        assert.equal(expected_code, code, out)
      end
      local missing = "failed: ENOENT: no such file or directory, open 'missing'\n"
      fails(missing, 1, "missing", "to")
      fails(missing, 1, "--by-hand", "missing", "to")
      fails("usage: lua copy_file.lua [--by-hand] from to\n", 2, "one")
    end)
  end)

  prints("echo_server.lua", "sends back what it is sent", [[
echo: hello
and goodbye
closed
]], function(out) return (out:gsub("\necho: and", "\nand")) end) -- it may come in two parts

  prints("tcp_client.lua", "gets an answer, and tells what goes wrong", [[
connected to 127.0.0.1
HTTP/1.0 200 OK
Content-Type: text/plain

Hello.
35 bytes sent, 52 received
failed: ECONNREFUSED: connection refused, connect 127.0.0.1:N
0 bytes sent, 0 received
]], function(out) return (out:gsub("127%.0%.0%.1:%d+", "127.0.0.1:N"):gsub("\r", "")) end)

  prints("log_to_unix_socket.lua", "logs what the daemon takes, and counts the rest", [[
the daemon got some thousand lines
none is unaccounted for
]])

  describe("gzip_file.lua", function()
    covered["gzip_file.lua"] = true
    local function needs_zlib()
      if not pcall(require, "weir.zlib") then pending "weir.zlib was not built" end
    end

    it("compresses, decompresses, and notices what is missing", function()
      needs_zlib()
      local out = run "gzip_file.lua"
      assert.equal([[
1088895 bytes in, N bytes out
N bytes in, 1088895 bytes out
failed: Z_BUF_ERROR: unexpected end of file
]], (out:gsub("%f[%d]2%d%d%d%d%d%f[%D]", "N")))
      assert.equal("", files_left())
    end)

    it("makes the file that it is told, and takes it apart again", function()
      needs_zlib()
      local content = ("0123456789"):rep(30000)
      local source = assert(io.open(directory .. "/from", "wb"))
      source:write(content)
      source:close()
      run("gzip_file.lua", "from", "from.gz")
      local out = run("gzip_file.lua", "-d", "from.gz", "to")
      assert.matches("^%d+ bytes in, 300000 bytes out\n$", out)
      assert.is_true(read_file(directory .. "/to") == content)
    end)
  end)

  covered["cqueues_loop.lua"] = true
  it("cqueues_loop.lua writes while cqueues does other things", function()
    if not pcall(require, "cqueues") then pending "there is no cqueues" end
    assert.equal("wrote 1088895 bytes while others had their turns\n", run "cqueues_loop.lua")
    assert.equal("", files_left())
  end)

  covered["tail_to_socket.lua"] = true
  it("tail_to_socket.lua sends what is added to a file, from now on", function()
    local peers = require "spec.sockets.support"
    local lacks = peers.lacks_localhost()
    if lacks then pending(lacks) end
    local expected = "line 1\nline 2\nline 3\n"
    local peer = peers.peer("close " .. #expected)
    local path = directory .. "/log"
    local file = assert(io.open(path, "w"))
    file:write "old\n"
    file:close()
    local add = ([[until grep -q connected %s; do sleep 0.05; done
      for i in 1 2 3; do echo line $i >> %s; sleep 0.1; done]]):format(examples.output_file(), path)
    local follow = command_for("tail_to_socket.lua", path, tostring(peer.port))
    local command = ("{ %s; } & %s"):format(add, follow)
    local out, code, err = run_command(command)
    assert.equal("", err)
    assert.equal(0, code, out)
    assert.equal("connected\n21 bytes sent\n", out)
    assert.equal(peers.heard(expected), peer.said())
  end)

  covered["stdout_pipe.lua"] = true
  it("stdout_pipe.lua numbers lines, and ends quietly when head has gone", function()
    local command = command_for "stdout_pipe.lua"
    local out, code, err = run_command("seq 5 7 | " .. command)
    assert.equal("     1  5\n     2  6\n     3  7\n", out)
    assert.equal("0", code .. err)
    out, code, err = run_command("{ seq 100000 | " .. command .. "; echo $? >&2; } | head -2")
    assert.equal("     1  1\n     2  2\n", out)
    assert.equal("00\n", code .. err)
  end)

  prints("tee.lua", "writes one source into several files", [[
tee.one: 208894 bytes
tee.two: 208894 bytes
]])

  it("tee.lua writes the files that it is told, or says what failed", function()
    local source = assert(io.open(directory .. "/from", "wb"))
    source:write(("0123456789"):rep(30000))
    source:close()
    assert.equal("a: 300000 bytes\nb: 300000 bytes\n", run("tee.lua", "from", "a", "b"))
    assert.equal(read_file(directory .. "/from"), read_file(directory .. "/b"))
    local missing = "failed: ENOENT: no such file or directory, open 'missing'\n"
    assert.equal("a: " .. missing, run("tee.lua", "missing", "a"))
  end)

  prints("upper_transform.lua", "changes what passes through, in three ways", [[
SLOW AND STEADY
WINS THE RACE
(30 bytes)
transforms: done
SLOWANDSTEADY
WINSTHERACE
a function: done
slow and steady
an error: no winners here
]])

  it("that is in examples/ is run here, or in a spec of its kind", function()
    local others = read_file "spec/programs_spec.lua" .. read_file "spec/http/examples_spec.lua"
    for name in output_of("ls examples"):gmatch "[^\n]+" do
      local is_run = covered[name] or others:find('"' .. name .. '"', 1, true) ~= nil
      if name:find "%.lua$" then assert.is_true(is_run, name) end
    end
  end)
end)
