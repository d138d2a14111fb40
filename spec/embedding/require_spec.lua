-- Where weir is loaded from, how often, and in which process: it makes no difference.
local support = require "spec.sinks.support"

describe("weir", function()
  setup(support.open_folder)
  teardown(support.remove_folder)

  it("may be required in a coroutine that is gone afterwards", function()
    local output, path = support.output_of [[
      for name in pairs(package.loaded) do
        if name:find "^weir" or name:find "^spec" then package.loaded[name] = nil end
      end
      local weir = coroutine.wrap(function() return (require "weir") end)()
      collectgarbage() collectgarbage()
      local ws = weir.create_write_stream(path)
      ws:write("abc", function() io.write "callback" end)
      ws:on("finish", function() io.write " finish" end)
      collectgarbage() collectgarbage()
      weir.run(function() assert(ws:finish "def") end)
    ]]
    assert.equal("callback finish", output)
    assert.equal("abcdef", support.read(path))
  end)

  it("may be required twice: what one has made the other can use", function()
    local output, path = support.output_of [[
      local first = weir
      for name in pairs(package.loaded) do
        if name:find "^weir" then package.loaded[name] = nil end
      end
      local second = require "weir"
      assert(first ~= second)
      local ws = first.create_write_stream(path, { high_water_mark = 1 })
      local log = {}
      first.spawn(function() assert(ws:send "a") log[#log + 1] = "first" end)
      second.spawn(function() assert(ws:send "b") assert(ws:finish()) log[#log + 1] = "second" end)
      second.run()
      io.write(table.concat(log, " "))
    ]]
    assert.equal("first second", output)
    assert.equal("ab", support.read(path))
  end)

  it("gives its loop to any other one: a descriptor and a timeout", function()
    local output, path = support.output_of [[
      weir.use(false)
      assert(weir.backend_fd() >= 0)
      local timer = weir.set_timeout(print, 1000)
      weir.run "nowait"
      local timeout = weir.backend_timeout()
      assert(timeout > 0 and timeout <= 1000)
      timer:clear()
      local ws = weir.create_write_stream(path)
      ws:end_ "abc"
      assert(weir.backend_timeout() == 0)
      while weir.run "nowait" do end
      io.write(tostring(ws:closed()))
    ]]
    assert.equal("true", output)
    assert.equal("abc", support.read(path))
  end)

  it("flush_all writes what was accepted, ends nothing, and takes so long and no longer", function()
    local output, path = support.output_of [[
      local ws = weir.create_write_stream(path)
      ws:write(("x"):rep(100000))
      io.write(tostring(weir.flush_all()), " ", ws:bytes_written(), " ", tostring(ws:writable()))
      ws:cork()
      ws:write "y"
      io.write(" ", tostring(weir.flush_all(20)))
      ws:uncork()
      weir.next_tick(function() io.write(" ", tostring((weir.flush_all(100)))) end)
      weir.run()
    ]]
    assert.equal("true 100000 true false nil", output)
    assert.equal(("x"):rep(100000) .. "y", support.read(path))
  end)
end)
