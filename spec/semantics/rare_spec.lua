-- What is rarely done, and promised all the same.
local weir = require "weir"
local support = require "spec.sinks.support"
local rounds = require "spec.support.rounds"

local function raises(words, fn, ...)
  local ok, err = pcall(fn, ...)
  assert.is_false(ok, words)
  assert.truthy(tostring(err):find(words, 1, true), tostring(err))
end

describe("before there is a stream", function()
  setup(support.open_folder)
  teardown(support.remove_folder)

  it("the loop can be stopped, run and asked, and settings are taken", function()
    assert.equal("false false true", support.output_of [[
      weir.stop()
      weir.set_sigpipe(false)
      weir.set_sigpipe(true)
      weir.set_close_timeout(0)
      local core = require "weir.core"
      core.bridge_turn()
      local ran, alive = weir.run(), core.is_alive()
      io.write(tostring(ran), " ", tostring(alive), " ", tostring(weir.flush_all()))
    ]])
  end)

  it("what nobody catches waits for weir.run", function()
    local output = support.output_of [[
      local core = require "weir.core"
      core.uncaught("first")
      core.uncaught { text = "second" }
      core.uncaught("third")
      local ok, err = pcall(weir.run)
      io.write(tostring(ok), " ", tostring(err), " ", tostring(weir.run()))
    ]]
    assert.equal("false first false", output)
  end)

  it("SIGPIPE may be left alone", function()
    local words, why = support.default_signals()
    if not words then pending(why) end
    local child = support.child([[
      weir.set_sigpipe(false)
      weir.create_write_stream(path):end_ "abc"
      weir.run()
      io.stdout:setvbuf "no"
      for _ = 1, 1000 do io.write(("x"):rep(1000)) end
      os.exit(3)
    ]], { around = "{ " .. words .. "%s; echo \"code $?\" >&2; } | true" })
    assert.matches("code 141", child.output)
  end)
end)

describe("the time to close", function()
  it("is a number of milliseconds", function()
    for _, value in ipairs { -1, 0 / 0, 1 / 0, 2 ^ 31 } do
      raises("milliseconds expected", weir.set_close_timeout, value)
    end
    raises("number expected", weir.set_close_timeout, "soon")
  end)
end)

describe("without the library `debug`", function()
  setup(support.open_folder)
  teardown(support.remove_folder)

  it("errors come without a traceback, and weir works", function()
    for _, lost in ipairs { "debug = nil", "debug = {}" } do
      local output, code = support.sh(([[export LD_PRELOAD="$LD_PRELOAD $SPEC_PRELOAD"
        LUA_PATH='./lua/?.lua;./lua/?/init.lua;;' \
        LUA_CPATH='%s/?.so;;' %s -e '%s
          package.loaded.debug = nil
          local weir = require "weir"
          weir.next_tick(function() error("oops", 0) end)
          io.write(select(2, pcall(weir.run)))
        ' 2>&1]]):format(require("spec.support.paths").build,
        require("spec.support.paths").interpreter, lost))
      assert.equal(0, code, output)
      assert.equal("oops", output)
    end
  end)
end)

describe("weir.flush_all", function()
  setup(support.open_folder)
  teardown(support.remove_folder)

  it("waits for what is being written, and for nothing else", function()
    local stuck = weir.writable { write = function() end }
    stuck:write "for ever"
    local reader = weir.readable { read = function() end }
    local failed = weir.create_write_stream("/no/such/file", { auto_destroy = false })
    failed:on("error", function() end)
    failed:write "x"
    local destroyed = weir.create_write_stream(support.new_path())
    destroyed:write(("x"):rep(1000000))
    destroyed:destroy()
    local path = support.new_path()
    local ws = weir.create_write_stream(path)
    for _ = 1, 10 do ws:write(("x"):rep(10000)) end
    assert.is_true(weir.flush_all(20000))
    assert.equal(100000, support.size(path))
    ws:cork()
    ws:write "y"
    assert.is_false(weir.flush_all(1))
    ws:uncork()
    assert.is_true(weir.flush_all(20000))
    for _, s in ipairs { stuck, reader, failed, destroyed, ws } do s:destroy() end
    support.close(stuck, reader, failed, destroyed, ws)
    raises("bad argument #1 to 'flush_all'", weir.flush_all, "soon")
  end)

  it("sleeps while there is nothing to do but wait", function()
    local core = require "weir.core"
    local turns, run = 0, core.run
    core.run = function(...)
      turns = turns + 1
      return run(...)
    end
    finally(function() core.run = run end)
    local ws = weir.create_write_stream(support.new_path())
    ws:cork()
    ws:write "x"
    assert.is_false(weir.flush_all(250))
    assert.is_true(turns < 20, turns .. " turns")
    ws:uncork()
    ws:destroy()
    support.close(ws)
  end)
end)

describe("a listener", function()
  it("that is not a function is none to take off", function()
    local ws = weir.writable { write = function(_, _, done) done() end }
    raises("bad argument #2 to 'off' (function expected, got no value)", ws.off, ws, "x")
    raises("bad argument #1 to 'off' (string expected, got number)", ws.off, ws, 1, print)
    raises("bad argument #1 to 'listeners' (string expected, got table)", ws.listeners, ws, {})
    raises("bad argument #1 to 'listener_count' (string expected, got nil)",
      ws.listener_count, ws, nil)
    raises("bad argument #1 to 'remove_all_listeners' (string expected, got boolean)",
      ws.remove_all_listeners, ws, true)
  end)

  it("for once is gone when it is called, also for who asks within", function()
    local ws = weir.writable { write = function(_, _, done) done() end }
    local counts = {}
    local function note() counts[#counts + 1] = ws:listener_count "x" + #ws:listeners "x" * 10 end
    ws:once("x", note)
    ws:once("x", function()
      note()
      ws:emit "x" -- what is left
      ws:on("x", note)
      ws:once("x", note)
    end)
    ws:once("x", note)
    ws:emit "x"
    ws:emit "x"
    assert.equal("22 11 0 22 11", table.concat(counts, " ", 1, 5))
  end)

  it("of a server can be taken away, all at once", function()
    local server = weir.create_server()
    server:on("close", print):on("error", print)
    assert.equal(server, server:remove_all_listeners "close")
    assert.equal(1, server:listener_count "error")
    assert.equal(server, server:remove_all_listeners())
    assert.equal(0, server:listener_count "error")
  end)
end)

describe("done", function()
  setup(support.open_folder)
  teardown(support.remove_folder)

  it("of each hook may come when the stream is long gone", function()
    local dones = {}
    local function keep(_, ...) dones[#dones + 1] = select(select("#", ...), ...) end
    for _, options in ipairs {
      { write = keep, construct = keep }, { write = keep }, { write = keep, final = keep },
      { write = keep, destroy = keep },
    } do
      local ws = weir.writable(options)
      ws:write "x"
      ws:end_()
      if options.destroy then ws:destroy() end
      weir.run "nowait"
      debug.getmetatable(ws).__gc(ws)
    end
    local t = weir.transform { transform = keep, readable_high_water_mark = 1 }
    t:write "x"
    debug.getmetatable(t).__gc(t)
    for _, done in ipairs(dones) do
      done()
      done "oops"
      done(nil, "x")
      weir.next_tick(done)
    end
    assert.truthy(#dones >= 4)
    weir.run "nowait"
  end)

  it("on a tick may find its stream collected", function()
    local kept
    local ws = weir.writable { write = function(_, _, done) kept = done end }
    ws:write "x"
    weir.next_tick(kept)
    debug.getmetatable(ws).__gc(ws)
    weir.run "nowait"
    weir.next_tick(kept)
    weir.run "nowait"
  end)

  it("of a transform that has pushed the end, or lost its stream within, is taken", function()
    local out = {}
    local t
    t = weir.transform {
      transform = function(_, chunk, done)
        if chunk == "b" then t:push(nil) end
        done(nil, chunk == "a" and "A" or nil)
      end,
    }
    t:on("data", function(data) out[#out + 1] = data end)
    t:on("error", function() end)
    t:write "a"
    t:write "b"
    t:write "c"
    weir.run "nowait"
    assert.equal("A", table.concat(out))
    local other
    other = weir.transform {
      transform = function(_, chunk, done) done(nil, chunk) end,
    }
    other:on("data", function() debug.getmetatable(other).__gc(other) end)
    other:write "a"
    weir.run "nowait"
  end)
end)

describe("what is inspected", function()
  it("tells of states that last only a moment, too", function()
    local ended = weir.readable { auto_destroy = false, read = function(rs) rs:push(nil) end }
    ended:resume()
    local busy = weir.writable { write = function() end }
    busy:write ""
    busy:write ""
    local half = weir.duplex { writable = false, read = function() end }
    local other = weir.duplex { readable = false, write = function(_, _, done) done() end }
    weir.run "nowait"
    local found = {}
    for _, entry in ipairs(weir.inspect()) do found[entry.stream] = entry end
    assert.equal("ended", found[ended].state)
    assert.equal(0, found[busy].buffered)
    assert.is_number(found[busy].oldest_write_ms)
    assert.is_nil(found[half].buffered)
    assert.is_nil(found[other].read_buffered)
    for _, s in ipairs { ended, busy, half, other } do s:destroy() end
    weir.run "nowait"
  end)
end)

describe("the inner functions", function()
  local core = require "weir.core"

  it("refuse what they are not for", function()
    raises("pipe writer expected", core.block_pipe, print, true)
    raises("", core.pipe_writer, 1, print)
    raises("", core.set_bridge, 1)
    raises("", core.set_watcher, 1)
    raises("", core.state, 1)
    raises("table expected", core.own, 1, 2, "x")
    raises("on bad self", core.own, 1, {}, "x")
    raises("on bad self", core.own, weir.readable { read = function() end }, {}, "x")
  end)

  it("know streams of one side only", function()
    local reader = weir.readable { read = function() end }
    local bounds = { high_water_mark = 10, max_buffered = 100, write = function() end }
    local writer = weir.writable(bounds)
    local free = weir.writable { write = function() end }
    assert.equal(0, core.takes(writer))
    assert.is_false(core.input_ended(writer))
    assert.is_false(core.needs_drain(reader))
    assert.is_false(core.want_drain(reader))
    assert.equal(0, select("#", core.room(reader)))
    assert.equal(0, select("#", core.room(free)))
    assert.equal(100, (core.room(writer)))
    core.fail(writer, nil)
    assert.is_nil(writer:errored())
    for _, half in ipairs { weir.duplex { readable = false, write = function() end },
      weir.duplex { writable = false, read = function() end } } do
      local state = core.state(half)
      assert.is_true(state.has_readable and state.has_writable)
      assert.is_false(state.reads and state.writes)
    end
    for _, s in ipairs { reader, writer, free } do s:destroy() end
    weir.run "nowait"
  end)
end)

describe("a stream of a class", function()
  local core = require "weir.core"

  it("is one only as long as it has its metatable and its memory", function()
    local request = require "weir.http.request"
    local connection = {
      body_wanted = function() end, request_closed = function() end,
      heard = function(_, err) return err end,
    }
    local function new() return request.new({ connection = connection }, { method = "GET" }) end
    local function strip(object)
      finally(function() debug.setmetatable(object, request.class) end) -- or nothing would free it
      debug.setmetatable(object, nil)
    end
    local it = new()
    assert.equal("GET", it.method)
    assert.is_nil(debug.getmetatable(it).__index({}, "method"))
    assert.is_function(debug.getmetatable(it).__index({}, "read"))
    raises("on bad self", debug.getmetatable(it).__newindex, {}, "x", 1)
    it.mine = 1
    assert.equal(1, it.mine)
    strip(it)
    raises("on bad self (weir.http.request expected)", core.own, it, request.class, "read")
    debug.setmetatable(it, request.class)
    request.class.__gc(it)
    raises("the stream was collected", core.own, it, request.class, "read")
    local other = new()
    local on, on_error, push = other.on, function() end, other.push
    on(other, "error", on_error)
    on(other, "data", function() end)
    strip(other)
    push(other, "x")
    weir.run "nowait"
    debug.setmetatable(other, request.class)
    assert.is_true(other:destroyed())
    other:destroy()
    weir.run "nowait"
  end)
end)

describe("data that is told", function()
  it("reaches a coroutine that the listener has begun", function()
    local rs, got = weir.readable { read = function() end }, {}
    local begun
    rs:on("data", function(data)
      got[#got + 1] = data
      if begun then return end
      begun = true
      weir.spawn(function()
        local ok, value = rs:wait "data"
        got[#got + 1] = tostring(ok) .. tostring(value)
        rs:wait "end"
        got[#got + 1] = "end"
      end)
    end)
    weir.run "nowait"
    rs:push "a"
    rs:push "b"
    rs:push(nil)
    repeat weir.run "nowait" until got[#got] == "end"
    assert.matches("^a .*b.* end$", table.concat(got, " "))
  end)
end)

describe("what is written while a finalizer writes", function()
  it("arrives whole, each chunk once", function()
    local count, written, finalizers = 0, 0, 0
    local ws
    local function make(fn)
      if not newproxy then return setmetatable({}, { __gc = fn }) end -- luacheck: ignore
      local proxy = newproxy(true) -- luacheck: ignore
      getmetatable(proxy).__gc = fn
    end
    ws = weir.writable {
      object_mode = true,
      write = function(_, _, done)
        written = written + 1
        done()
      end,
    }
    local function write()
      count = count + 1
      ws:write(count)
    end
    collectgarbage("setpause", 10)
    collectgarbage("setstepmul", 100000)
    for _ = 1, support.slow and rounds(300, 5) or 2000 do
      make(function()
        finalizers = finalizers + 1
        write()
      end)
      write()
    end
    collectgarbage("setpause", 200)
    collectgarbage("setstepmul", 200)
    collectgarbage()
    for _ = 1, 1000 do -- and not for ever: a write may have found no memory
      weir.run "nowait"
      if written == count then break end
    end
    assert.equal(count, written)
    assert.truthy(finalizers > 0)
    ws:destroy()
    weir.run "nowait"
  end)
end)

describe("a timer", function()
  it("is nothing else, and nothing else is one", function()
    local timer = weir.set_timeout(function() end, 100000)
    local strangers = { 1, {}, io.stdout, print, weir.writable { write = print },
      coroutine.create(function() end) }
    if newproxy then strangers[#strangers + 1] = newproxy() end -- luacheck: ignore
    for _, stranger in ipairs(strangers) do
      raises("timer expected", timer.clear, stranger)
      raises("timer expected", timer.ref, stranger)
      debug.getmetatable(timer).__gc(stranger)
    end
    assert.equal(timer, timer:unref():ref())
    timer:clear()
    assert.equal(timer, timer:ref():unref())
    debug.getmetatable(timer).__gc(timer)
    debug.getmetatable(timer).__gc(timer)
    timer:clear()
    weir.run "nowait"
  end)
end)

describe("a write of nothing", function()
  setup(support.open_folder)
  teardown(support.remove_folder)

  it("is one, of whatever pieces; and one to a collected stream is refused", function()
    local ws = weir.create_write_stream(support.new_path())
    for _ = 1, 2 do
      assert.is_true(ws:write "")
      assert.is_true(ws:write("", ""))
      assert.is_true(ws:write("", "", ""))
      assert.is_true(ws:write("", "", "", ""))
      assert.is_true(ws:write("a", "", 1))
      weir.run "nowait"
    end
    support.end_and_close(ws)
    assert.equal("a1a1", support.read(ws:path()))
    local gone = weir.create_write_stream(support.new_path())
    debug.getmetatable(gone).__gc(gone)
    raises("the stream was collected", gone.write, gone, "a")
    raises("the stream was collected", gone.write, gone, "a", "b")
    raises("the stream was collected", gone.write, gone, "a", "b", "c", "d")
    weir.run "nowait"
  end)
end)

describe("an end of the process within a callback", function()
  setup(support.open_folder)
  teardown(support.remove_folder)

  it("finds streams at every stage of their lives", function()
    for _, close in ipairs { "true", "false" } do
      local child = support.child(([[
        local closed = weir.create_write_stream(path)
        closed:end_ "abc"
        weir.run()
        local lua = weir.writable { write = function() end }
        lua:write "x"
        local rs = weir.create_read_stream(path)
        local server = weir.create_server()
        server:listen { host = "127.0.0.1", port = 0 }
        kept = { closed, lua, rs, server, weir.set_timeout(print, 100000) }
        local ws = weir.create_write_stream(path .. ".2")
        ws:write(("x"):rep(100000))
        local bad = weir.create_write_stream "/no/such/file"
        bad:on("error", function()
          kept[#kept + 1] = bad
          ws:write "y"
          os.exit(4, %s)
        end)
        weir.run()
      ]]):format(close))
      assert.equal(4, child.code, child.output)
      assert.equal(100001, support.size(child.path .. ".2"))
    end
  end)
end)
