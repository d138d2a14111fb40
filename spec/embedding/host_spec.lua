-- Programs in C: examples/host.c, built as its head says from what `make install` has installed.
local paths = require "spec.support.paths"
local support = require "spec.sinks.support"

local name = jit and "luajit" or "lua" .. _VERSION:match "[%d.]+"
local build = paths.build:match "^(.*)/[^/]*$"

local prefix, why_not

local BUILD = [[
  unset MAKEFLAGS MAKELEVEL MFLAGS; cd %s &&
  make -s install B=%s LUA=%s PREFIX=%s &&
  export PKG_CONFIG_PATH=%s/lib/pkgconfig &&
  flags=$(pkg-config --cflags --libs weir-%s %s) &&
  %s -Wall -Wextra -Werror -o %s/host examples/host.c $flags]]

local function why()
  if support.slow then return "the program is not built with a sanitizer" end
  return support.lacks_command "make" or support.lacks_command "pkg-config"
end

local function install()
  prefix = support.new_path()
  local output, code = support.sh(BUILD:format(support.top(), build, paths.interpreter, prefix,
    prefix, name, name, os.getenv "CC" or "cc", prefix))
  assert(code == 0, output)
end

-- Runs the host with a script, or its own; returns what it printed and its exit code.
local function host(script, before)
  if not prefix then
    why_not = why_not or why()
    if why_not then pending(why_not) end
    install()
  end
  local path = script and support.put(script) or ""
  local version = name == "luajit" and "5.1" or name:match "[%d.]+"
  local lua = ("%s/share/lua/%s/?"):format(prefix, version)
  local line = "export LUA_PATH='%s.lua;%s/init.lua'; timeout 60 %s %s/host %s"
  return support.sh(line:format(lua, lua,
    before or "", prefix, path))
end

-- Once is enough: the C is the same for all.
local function valgrind()
  if support.lacks_command "valgrind" or name ~= "lua5.4" then return nil end
  return "valgrind -q --leak-check=full --errors-for-leak-kinds=all --error-exitcode=9"
end

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
end)
