-- States of threads, and what is left of a module when they are closed: spec/embedding/states.c.
local paths = require "spec.support.paths"
local program = require "spec.embedding.program"
local support = require "spec.sinks.support"

local host

-- Runs a script in so many threads at once, twice. Returns what was printed, the exit code, and
-- what the scripts' paths begin with. `modules`: where to find weir/core.so.
local function states(threads, script, modules)
  local obstacle = program.obstacle()
  if obstacle then pending(obstacle) end
  host = host or program.build "spec/embedding/states.c"
  local prefix = support.new_path()
  local output, code = program.run(host, ("%d %s %s"):format(threads, support.put(script), prefix),
    modules)
  return output, code, prefix
end

local WRITES = [[
  local path, number = ...
  local weir = require "weir"
  local ws = weir.create_write_stream(path, { high_water_mark = 512 })
  local last, full = 0, 0
  local function go_on()
    while last < 2000 do
      last = last + 1
      if not ws:write("state ", number, " line ", last, "\n") then
        full = full + 1
        return ws:once("drain", go_on)
      end
    end
    ws:end_()
  end
]]

local function lines(number)
  local all = {}
  for i = 1, 2000 do all[i] = ("state %d line %d\n"):format(number, i) end
  return table.concat(all)
end

local function check(prefix, first, last)
  for number = first, last do
    assert.is_true(support.read(prefix .. "." .. number) == lines(number), "file " .. number)
  end
end

-- What the scripts raised.
local function raised(output) return (output:gsub("mapped: [^\n]+\n", "")) end

describe("Lua states", function()
  setup(support.open_folder)
  teardown(support.remove_folder)

  describe("on a thread each, four at once,", function()
    it("have a loop each: they write with backpressure, and no line is lost", function()
      local output, code, prefix = states(4, WRITES .. [[
        go_on()
        weir.run()
        assert(weir.loop_info().kind == "own")
        assert(ws:closed() and full > 0)
      ]])
      assert.equal("", raised(output))
      assert.equal(0, code)
      check(prefix, 1, 8)
    end)

    it("may all be closed at once, with writes under way: no line is lost", function()
      local output, code, prefix = states(4, WRITES .. [[
        while last < 2000 do
          last = last + 1
          ws:write("state ", number, " line ", last, "\n")
          if last % 500 == 0 then weir.run "nowait" end
        end
        assert(not ws:writable_finished())
      ]])
      assert.equal("", raised(output))
      assert.equal(0, code)
      check(prefix, 1, 8)
    end)

    it("do not hear of an error that a callback of another raised", function()
      local output, code, prefix = states(4, WRITES .. [[
        if number == 2 then weir.set_timeout(function() error "oops" end, 0) end
        go_on()
        weir.run()
      ]])
      assert.equal(1, code)
      assert.matches("^2: [^\n]*oops\nstack", output)
      assert.is_nil(output:match "\n%d+: ", output)
      check(prefix, 1, 1)
      check(prefix, 3, 8)
    end)
  end)

  describe("leave the module in memory when they are closed:", function()
    local function stays(modules)
      local lacks = support.lacks_file "/proc/self/maps"
      if lacks then pending(lacks) end
      local output, code = states(1, "require 'weir'", modules)
      assert.equal("mapped: weir/core.so\n", output)
      assert.equal(0, code)
    end

    it("a thread of the pool may still have to return into it", function() stays() end)

    -- As LuaRocks links it.
    it("also where it was linked without -z nodelete", function()
      if support.slow then pending "objects of a sanitizer need its flags" end
      local lacks = program.obstacle() or support.lacks_file "/proc/self/maps"
      if lacks then pending(lacks) end
      local modules = support.new_path()
      local all = paths.build:match "^(.*)/[^/]*$"
      local output, code = support.sh(("mkdir -p %s/weir && %s -shared -o %s/weir/core.so "
        .. "%s/obj/core/*.o %s/obj/sinks/*.o %s/obj/binding/*.o $(pkg-config --libs libuv) -ldl")
        :format(modules, program.compiler, modules, all, all, paths.build))
      assert(code == 0, output)
      stays(modules)
    end)
  end)
end)
