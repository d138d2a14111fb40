-- Programs in C: examples/host.c, and spec/embedding/sinks.c, whose sinks answer as a script says;
-- built as the head of the former says, from what `make install` has installed.
local paths = require "spec.support.paths"
local support = require "spec.sinks.support"

local name = jit and "luajit" or "lua" .. _VERSION:match "[%d.]+"
local build = paths.build:match "^(.*)/[^/]*$"

local prefix, why_not

local BUILD = [[
  unset MAKEFLAGS MAKELEVEL MFLAGS; cd %s &&
  make -s install B=%s LUA=%s PREFIX=%s %s &&
  export PKG_CONFIG_PATH=%s/lib/pkgconfig &&
  flags=$(pkg-config --cflags --libs weir-%s %s) &&
  for program in examples/host spec/embedding/sinks; do
    %s -Wall -Wextra -Werror %s -o %s/${program##*/} $program.c $flags || exit 1
  done]]

-- Where the code counts itself, the objects of the library are those of the module.
local install_flags, link_flags = "", ""
if support.counts then install_flags, link_flags = "HARDEN=", "--coverage" end

local function why()
  if support.watches then return "the program is not built with a sanitizer" end
  return support.lacks_command "make" or support.lacks_command "pkg-config"
end

local function install()
  prefix = support.new_path()
  local output, code = support.sh(BUILD:format(support.top(), build, paths.interpreter, prefix,
    install_flags, prefix, name, name, os.getenv "CC" or "cc", link_flags, prefix))
  assert(code == 0, output)
end

-- Runs a program with a script, or its own; returns what it printed and its exit code.
local function run(program, script, before)
  if not prefix then
    why_not = why_not or why()
    if why_not then pending(why_not) end
    install()
  end
  local path = script and support.put(script) or ""
  local version = name == "luajit" and "5.1" or name:match "[%d.]+"
  local lua = ("%s/share/lua/%s/?"):format(prefix, version)
  local line = "export LUA_PATH='%s.lua;%s/init.lua'; timeout 60 %s %s/%s %s"
  return support.sh(line:format(lua, lua, before or "", prefix, program, path))
end

local function host(script, before) return run("host", script, before) end

-- Once is enough: the C is the same for all.
local function valgrind()
  if support.lacks_command "valgrind" or name ~= "lua5.4" then return nil end
  return "valgrind -q --leak-check=full --errors-for-leak-kinds=all --error-exitcode=9"
end

-- What a script of sinks.c prints, which must end well, with its loop closed.
local function sinks(script, before)
  local output, code = run("sinks", script, before)
  assert(code == 0, output)
  return assert(output:match "^(.*)uv_loop_close: 0\n$", output)
end

-- Tells of a stream's end: "finish close", "error(EPIPE write) close".
local TELL = [[
  local function tell(s)
    s:on("finish", function() io.write "finish " end)
    s:on("error", function(err) io.write("error(", err.code, " ", err.syscall, ") ") end)
    s:on("close", function() print("close: " .. said()) end)
    return s
  end
  -- When what waits for a tick is done.
  local function later(act) weir.set_timeout(function() weir.set_timeout(act, 1) end, 1) end
]]

describe("a program in C", function()
  setup(support.open_folder)
  teardown(support.remove_folder)

  it("has its own loop, a sink of its own, and closes all of it, without a leak", function()
    local output, code = host(nil, valgrind())
    assert.equal(table.concat({
      "the loop is the host's",
      "[from C ][line 1 lin][e 2 line 3][ line 4 li][ne 5 line ][6 ][line 7 lin][e 8 line 9]"
        .. "[ line 10 ]",
      "the sink took 78 bytes",
      "finished",
      "uv_loop_close: 0\n",
    }, "\n"), output)
    assert.equal(0, code)
  end)

  it("runs the loop: weir.run and what cannot wait say so", function()
    local output = host [[
      local weir = require "weir"
      io.write(select(2, weir.run()).code, " ", select(2, sink:send "x").code, "\n")
    ]]
    assert.matches("^ERR_LOOP_RUNNING ERR_CANNOT_WAIT\n", output)
  end)

  it("gets what no script has caught, else weir.on_uncaught does", function()
    local output, code = host [[
      require("weir").set_timeout(function() error "oops" end, 1)
    ]]
    assert.matches("uncaught: .-oops\nstack traceback", output)
    assert.equal(0, code)
    output = host [[
      local weir = require "weir"
      weir.on_uncaught(function(err) print("caught " .. err:match "oops") end)
      weir.set_timeout(function() error "oops" end, 1)
    ]]
    assert.matches("caught oops\n", output)
  end)

  it("may leave an error to weir.run, where it takes none", function()
    assert.matches("^oops\n.*true\tERR_LOOP_RUNNING\n$", sinks [[
      weir.next_tick(function() error("oops", 0) end)
      weir.set_timeout(function() end, 1)
      weir.set_timeout(function()
        local ok, err = pcall(weir.run)
        assert(not ok)
        print(tostring(err) .. "\n" .. tostring(pcall(weir.run)), select(2, weir.run()).code)
      end, 2)
    ]])
  end)

  it("closes its loop although streams are open, and has what they accepted", function()
    local path = support.new_path()
    for _, last in ipairs { "", "error 'oops'", "sink:destroy()", "ws:end_()" } do
      local output = host(([[
        local weir = require "weir"
        ws = weir.create_write_stream %q
        for i = 1, 10000 do ws:write("line ", i, "\n") end
        sink:write "left over"
        weir.set_timeout(print, 100000):unref()
        %s
      ]]):format(path, last), last == "" and valgrind() or nil)
      assert.matches("uv_loop_close: 0\n$", output)
      assert.matches("^line 1\n.*line 10000\n$", support.read(path))
    end
  end)

  it("may be left by os.exit anywhere, and loses nothing", function()
    local path = support.new_path()
    for _, close in ipairs { "true", "false" } do
      local _, code = host(([[
        local weir = require "weir"
        local ws = weir.create_write_stream %q
        ws:write(("x"):rep(100000))
        weir.set_timeout(function()
          ws:write "y"
          os.exit(5, %s)
        end, 1)
      ]]):format(path, close))
      assert.equal(5, code)
      assert.equal(100001, support.size(path))
    end
  end)

  describe("a sink in C", function()
    it("is opened, written to, finished, closed and freed, each once", function()
      assert.equal("finish close: open write:5 finish close\nfree\n", sinks(TELL .. [[
        local s = tell(make { open = 0, finish = 0, close = 0 })
        s:write "hello"
        s:end_()
      ]]))
    end)

    it("needs no function but that which writes", function()
      assert.equal("finish close: write:5\n", sinks(TELL .. [[
        local s = tell(make { free = false })
        s:end_ "hello"
      ]]))
    end)

    it("may answer later, and is waited for", function()
      assert.equal("finish close: open write:5 finish close\nfree\n", sinks(TELL .. [[
        local s = tell(make { open = LATER, finish = LATER, close = LATER })
        s:end_ "hello"
        local answers = { opened, finished, closed }
        local function go_on()
          local answer = table.remove(answers, 1)
          if answer then later(go_on) answer(s) end
        end
        later(go_on)
      ]]))
    end)

    it("may fail at each step, now or later, by an errno", function()
      for step, answer in pairs { open = "opened", finish = "finished", close = "closed" } do
        local expected = ("error%%(EIO %s%%) close: .*close\nfree\n$"):format(step)
        for _, how in ipairs { "5", "LATER" } do
          local script = (TELL .. [[
            local s = tell(make { open = 0, finish = 0, close = 0, %s = %s })
            s:end_ "hello"
            later(function() %s(s, 5) end)
          ]]):format(step, how, answer)
          assert.matches(expected, sinks(script))
        end
      end
      assert.equal("error(EPIPE write) close: write:-32 close\nfree\n", sinks(TELL .. [[
        local s = tell(make { fail = 32, close = 0 })
        s:end_ "hello"
      ]]))
    end)

    it("is asked again for what it did not take, when it is ready and not before", function()
      assert.equal("write:3\nfinish close: write:3 write:1 finish close\nfree\n", sinks(TELL .. [[
        local s = tell(make { take = 3, finish = 0, close = 0 })
        s:write "1234567"
        s:end_()
        later(function()
          print(said())
          ready(s)
          later(function() ready(s) end)
        end)
      ]]))
      assert.equal("finish close: write:3 write:3 write:1 finish close\nfree\n", sinks(TELL .. [[
        local s = tell(make { take = 3, hasty = 1, finish = 0, close = 0 })
        s:end_ "1234567"
      ]]))
      assert.equal("write:0\t5\nclose: close\nfree\n", sinks(TELL .. [[
        local s = tell(make { take = 0, close = 0 })
        s:write "12345"
        later(function()
          print(said(), s:writable_length())
          s:destroy()
        end)
      ]]))
    end)

    it("may say what nobody asked", function()
      assert.equal("finish close: open write:5 finish close\nfree\n", sinks(TELL .. [[
        local s = tell(make { open = 0, finish = 0, close = 0 })
        local function say_all(errno)
          opened(s, errno) finished(s, errno) ready(s) closed(s, errno)
        end
        s:write "hello"
        later(function()
          say_all(5)
          s:end_()
          later(function() say_all(5) say_all() end)
        end)
      ]]))
    end)

    it("is closed when its stream is destroyed, at whatever it is", function()
      for at, expected in pairs {
        ["open = LATER"] = "close: open close\nfree\n",
        ["take = 2"] = "close: write:2 close\nfree\n",
        ["finish = LATER"] = "close: write:5 finish close\nfree\n",
      } do
        local script = (TELL .. [[
          local s = tell(make { close = LATER, %s })
          s:end_ "hello"
          later(function()
            s:destroy()
            later(function()
              closed(s) opened(s) finished(s) ready(s)
              later(function() closed(s) end)
            end)
          end)
        ]]):format(at)
        assert.equal(expected, sinks(script, at:find "open" and valgrind() or nil), at)
      end
    end)

    it("gets what is big, and what are many pieces, whole and in order", function()
      assert.equal("7000000 close\nfree\n", sinks [[
        local s, size = make { close = 0, high_water_mark = 10 }, 0
        s:on("close", function()
          for taken in said():gmatch "write:(%d+)" do size = size + tonumber(taken) end
          print(size .. " close")
        end)
        s:cork()
        for i = 1, 1000 do s:write(("x"):rep(7000)) end
        s:uncork()
        s:end_()
      ]])
    end)

    it("that never answers does not hold the end of its state", function()
      assert.equal("write:5 close\n", sinks [[
        weir.set_close_timeout(20)
        kept = make { close = LATER }
        kept:write "hello"
      ]])
    end)

    it("is flushed and closed with its state, and can write no more then", function()
      assert.equal("refused\nwrite:5 close free\n", sinks [[
        local s = make { finish = 0, close = 0, pokes = 1 }
        s:write "hello"
        kept = s
      ]])
    end)
  end)

  describe("a stream that C writes to", function()
    it("says whether to go on, to slow down, or that it has not taken it", function()
      assert.equal("go on go on slow down refused\nfree\n", sinks [[
        local s = make { take = 1, high_water_mark = 8, close = 0 }
        print(table.concat({ write(s, "1234"), write(s, "5678"), write(s, "9"),
          s:destroy() and write(s, "10") }, " "))
        said()
      ]])
    end)

    it("may be one of a script's", function()
      assert.equal("go on\trefused\tabc\nrefused\n", sinks [[
        local parts = {}
        local s = weir.writable {
          write = function(_, chunk, done) parts[#parts + 1] = chunk done() end,
        }
        s:on("error", function() end)
        local first = write(s, "abc")
        end_(s)
        end_(s) -- once more says nothing
        print(first, write(s, "def"), table.concat(parts))
        print(write(weir.readable { read = function() end }, "x"))
      ]])
    end)

    it("is refused without memory, and goes on with it", function()
      local path = support.new_path()
      assert.equal("refused\tgo on\n", sinks(([[
        local ws = weir.create_write_stream(%q)
        local big = ("x"):rep(100000)
        weir.run "nowait"
        starve(true)
        local without = write(ws, big)
        starve(false)
        if without ~= "refused" then print "accepted" end
        print(without, write(ws, "hello"))
        end_(ws)
      ]]):format(path)))
      assert.equal("hello", support.read(path))
    end)

    it("must be a stream", function()
      assert.equal("", sinks [[
        for _, value in ipairs { 1, "x", {}, io.stdout } do
          local ok, err = pcall(write, value, "x")
          assert(not ok and err:find("bad argument #1 to '.-' %(weir stream expected%)"), err)
        end
      ]])
    end)
  end)
end)
