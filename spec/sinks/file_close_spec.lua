-- destroy(), and what becomes of the descriptor.
local weir = require "weir"
local rounds = require "spec.support.rounds"
local support = require "spec.sinks.support"

local it_with_faults = support.with_faults(it, pending)

-- Fails unless as many descriptors are open after `body` as before.
local function keeps_descriptors(body)
  support.close((weir.create_write_stream(support.new_path()):end_())) -- the pool has what it needs
  local before = support.descriptors()
  body()
  collectgarbage()
  assert.equal(before, support.descriptors())
end

describe("destroy", function()
  setup(support.open_folder)
  teardown(support.remove_folder)

  it("before open fails all that waits at once, lets the file open, and closes it", function()
    keeps_descriptors(function()
      local ws, log = support.stream(support.new_path())
      ws:write("a", log.cb "a")
      ws:write("b", log.cb "b")
      ws:end_(log.cb "end")
      ws:destroy()
      log.add "|"
      support.close(ws)
      assert.equal("| a(DESTROYED) b(DESTROYED) end(DESTROYED) open ready close", log.take())
      assert.equal("", support.read(ws:path()))
      assert.is_nil(ws:errored())
    end)
  end)

  it("before open with an error tells it to all who wait, and error once", function()
    local ws, log = support.stream(support.new_path())
    ws:write("a", log.cb "a")
    ws:end_(log.cb "end")
    ws:destroy "X"
    support.close(ws)
    assert.equal("a(X) end(X) open ready error(X) close", log.take())
    assert.equal("X", ws:errored())
  end)

  it("before an open that fails says no more than close", function()
    local ws, log = support.stream "/no/such/file"
    ws:write("a", log.cb "a")
    ws:destroy()
    support.close(ws)
    assert.matches("^a%(DESTROYED%) .*close$", log.take())
  end)

  it("in a listener of open lets ready come, then fails what waits", function()
    local ws, log = support.stream(support.new_path())
    ws:write("a", log.cb "a")
    ws:once("open", function() ws:destroy "X" end)
    support.close(ws)
    assert.equal("open ready a(X) error(X) close", log.take())
    assert.equal("", support.read(ws:path()))
  end)

  it("of an idle stream says close, and keeps what is written", function()
    local ws, log = support.stream(support.new_path())
    ws:write("abc", log.cb "a")
    support.run_until(function() return ws:bytes_written() == 3 end)
    weir.run()
    ws:destroy()
    assert.is_true(ws:destroyed())
    assert.is_false(ws:closed())
    support.close(ws)
    assert.equal("open ready a close", log.take())
    assert.equal("abc", support.read(ws:path()))
  end)

  it("fails what is corked", function()
    local ws, log = support.stream(support.new_path())
    support.run_until(function() return not ws:pending() end)
    ws:cork()
    ws:write("abc", log.cb "a")
    ws:destroy()
    support.close(ws)
    assert.equal("open ready a(DESTROYED) close", log.take())
    assert.equal("", support.read(ws:path()))
  end)

  it("twice is once, and the first error counts", function()
    local ws, log = support.stream(support.new_path())
    ws:destroy "X"
    ws:destroy "Y"
    support.close(ws)
    ws:destroy "Z"
    weir.run()
    assert.equal("open ready error(X) close", log.take())
    assert.equal("X", ws:errored())
  end)

  it("after the end, before it is reached, fails the end", function()
    local ws, log = support.stream(support.new_path())
    support.run_until(function() return not ws:pending() end)
    ws:cork()
    ws:write("a", log.cb "a")
    ws:end_(log.cb "end")
    ws:destroy "X"
    support.close(ws)
    assert.matches("^open ready a.* end%(X%) error%(X%) close$", log.take())
    assert.is_false(ws:writable_finished())
  end)

  it("in finish or prefinish or close changes nothing but that", function()
    for _, event in ipairs { "finish", "close" } do
      local ws, log = support.stream(support.new_path())
      ws:on(event, function() ws:destroy() end)
      ws:end_("abc", log.cb "end")
      support.close(ws)
      weir.run()
      assert.equal("open ready prefinish end finish close", log.take(), event)
      assert.equal("abc", support.read(ws:path()))
    end
    local ws, log = support.stream(support.new_path())
    ws:on("prefinish", function() ws:destroy() end)
    ws:end_("abc", log.cb "end")
    support.close(ws)
    assert.equal("open ready prefinish end(DESTROYED) close", log.take())
    assert.equal("abc", support.read(ws:path()))
  end)

  it("in the listener of error changes nothing", function()
    local ws, log = support.stream "/no/such/file"
    ws:on("error", function() ws:destroy "X" end)
    support.close(ws)
    assert.equal("error(ENOENT) close", log.take())
    assert.equal("ENOENT", ws:errored().code)
  end)

  it("in the callback of a write spares those that are written, and fails the others", function()
    local ws, log = support.stream(support.new_path())
    ws:write("a", function()
      log.add "a"
      ws:write("late", log.cb "late")
      ws:destroy()
    end)
    ws:write("b", log.cb "b")
    support.close(ws)
    assert.equal("open ready a b late(DESTROYED) close", log.take())
    assert.equal("ab", support.read(ws:path()))
  end)

  it("in the listener of drain fails what was written in it", function()
    local ws, log = support.stream(support.new_path(), { high_water_mark = 5 })
    ws:on("drain", function()
      ws:write("late", log.cb "late") -- below the mark: it would leave at the end of the turn
      ws:destroy()
    end)
    ws:write("abcde", log.cb "a")
    support.close(ws)
    assert.equal("open ready drain a late(DESTROYED) close", log.take())
    assert.equal("abcde", support.read(ws:path()))
  end)

  it("at any moment leaves a file of whole prefixes, and a callback for each write", function()
    for round = 0, support.slow and 10 or 40 do
      local ws, log = support.stream(support.new_path(), { high_water_mark = 100000 })
      local good, bad, mixed_up, total = 0, 0, 0, 0
      for _ = 1, rounds(20, 2) do
        ws:write(("x"):rep(30000), function(err)
          if err then
            bad = bad + 1
            if err.code ~= "ERR_STREAM_DESTROYED" then mixed_up = mixed_up + 1 end
          else
            if bad > 0 then mixed_up = mixed_up + 1 end
            good = good + 1
          end
        end)
      end
      ws:end_(function() total = total + 1 end)
      for _ = 1, round do weir.run "nowait" end
      if round % 2 == 0 then
        local began = weir.hrtime()
        while weir.hrtime() - began < round * 20000 do end
      end
      ws:destroy()
      support.close(ws)
      assert.equal(20, good + bad)
      assert.equal(0, mixed_up)
      assert.equal(1, total)
      assert.equal(support.size(ws:path()), ws:bytes_written())
      assert.equal(math.floor(ws:bytes_written() / 30000), good)
      assert.matches("close$", log.take())
    end
  end)

  it_with_faults("while a write is with the system waits for it: written is written", function()
    local output, path = support.output_of([[
      local ws, log = support.stream(path)
      support.run_until(function() return not ws:pending() end)
      ws:write("abc", log.cb "a")
      support.run_until_delayed "pwritev"
      ws:write("def", log.cb "b")
      ws:destroy()
      log.add "|"
      support.close(ws)
      io.write(log.take(), " ", ws:bytes_written())
    ]], { faults = "pwritev:1:d50", log = support.new_path() })
    assert.equal("open ready | a b(DESTROYED) close 3", output)
    assert.equal("abc", support.read(path))
  end)

  it_with_faults("while the system takes a part of a write fails that write", function()
    local output, path = support.output_of([[
      local ws, log = support.stream(path)
      support.run_until(function() return not ws:pending() end)
      ws:write("abc", log.cb "a")
      ws:write("def", log.cb "b")
      support.run_until_delayed "pwritev"
      ws:destroy()
      support.close(ws)
      io.write(log.take(), " ", ws:bytes_written())
    ]], { faults = "pwritev:1:d50,pwritev:1:s4", log = support.new_path() })
    assert.equal("open ready a b(DESTROYED) close 4", output)
    assert.equal("abcd", support.read(path))
  end)

  it_with_faults("while the file is being synced waits for that, and says no finish", function()
    local calls = support.new_path()
    local output, path = support.output_of([[
      local ws, log = support.stream(path, { sync = "full" })
      ws:write("abc", log.cb "a")
      ws:end_(log.cb "end")
      support.run_until_delayed "fsync"
      ws:destroy()
      support.close(ws)
      io.write(log.take())
    ]], { faults = "fsync:1:d50", log = calls })
    assert.equal("open ready a end(DESTROYED) close", output)
    assert.matches("\nfsync %S+ 0\nclose %S+ 0\n$", support.read(calls))
    assert.equal("abc", support.read(path))
  end)

  it_with_faults("hides an error of the write it interrupts: its own reason was first", function()
    local output = support.output_of([[
      local ws, log = support.stream(path)
      support.run_until(function() return not ws:pending() end)
      ws:write("abc", log.cb "a")
      support.run_until_delayed "pwritev"
      ws:destroy "X"
      support.close(ws)
      io.write(log.take())
    ]], { faults = "pwritev:1:d50,pwritev:1:EIO", log = support.new_path() })
    assert.equal("open ready a(X) error(X) close", output)
  end)
end)

describe("a closed stream", function()
  setup(support.open_folder)
  teardown(support.remove_folder)

  it("refuses writes: after end_ as ended, after destroy as destroyed", function()
    local ws, log = support.stream(support.new_path())
    support.end_and_close(ws)
    log.take()
    log.add(ws:write("a", log.cb "a"))
    weir.run()
    assert.equal("refused(WRITE_AFTER_END) a(WRITE_AFTER_END)", log.take())

    ws, log = support.stream(support.new_path())
    ws:destroy()
    support.close(ws)
    log.take()
    log.add(ws:write("a", log.cb "a"))
    ws:end_(log.cb "end")
    weir.run()
    assert.equal("refused(DESTROYED) a(DESTROYED) end(DESTROYED)", log.take())
  end)

  it("still answers all questions", function()
    local path = support.new_path()
    local ws = weir.create_write_stream(path)
    ws:end_ "abc"
    support.close(ws)
    assert.same({ true, true, true, true, false, 0, 3, path }, { ws:closed(), ws:destroyed(),
      ws:writable_ended(), ws:writable_finished(), ws:writable(), ws:writable_length(),
      ws:bytes_written(), ws:path() })
    assert.is_nil(ws:fd())
    assert.equal(3, ws:stats().bytes_written)
  end)

  it("with emit_close = false is closed without saying so", function()
    keeps_descriptors(function()
      local ws, log = support.stream(support.new_path(), { emit_close = false })
      ws:end_ "abc"
      support.close(ws)
      assert.equal("open ready prefinish finish", log.take())
      assert.is_nil(ws:fd())
      ws, log = support.stream(support.new_path(), { emit_close = false })
      ws:destroy "X"
      support.close(ws)
      assert.equal("open ready error(X)", log.take())
    end)
  end)
end)

describe("auto_close = false", function()
  setup(support.open_folder)
  teardown(support.remove_folder)

  it("leaves the file open after finish, until the stream is destroyed", function()
    keeps_descriptors(function()
      local ws, log = support.stream(support.new_path(), { auto_close = false })
      ws:end_("abc", log.cb "end")
      support.finish(ws)
      weir.run()
      assert.equal("open ready prefinish end finish", log.take())
      assert.is_false(ws:closed())
      assert.is_false(ws:destroyed())
      assert.is_false(ws:pending())
      assert.is_number(ws:fd())
      ws:destroy()
      support.close(ws)
      assert.equal("close", log.take())
      assert.is_nil(ws:fd())
    end)
  end)

  it("is the same as auto_destroy = false", function()
    local ws, log = support.stream(support.new_path(), { auto_destroy = false })
    ws:end_ "abc"
    support.finish(ws)
    weir.run()
    assert.equal("open ready prefinish finish", log.take())
    ws:destroy()
    support.close(ws)
  end)
end)

describe("a file stream that nobody holds", function()
  setup(support.open_folder)
  teardown(support.remove_folder)

  -- Runs what there is, and collects what nobody holds.
  local function collect()
    for _ = 1, 3 do
      collectgarbage()
      weir.run()
    end
  end

  it("delivers all it was given, and is collected then, and its descriptor closed", function()
    keeps_descriptors(function()
      local path, calls = support.new_path(), 0
      local alive = setmetatable({}, { __mode = "k" })
      do
        local ws = weir.create_write_stream(path)
        alive[ws] = true
        for i = 1, 1000 do ws:write(i, ",", function() calls = calls + 1 end) end
      end
      collectgarbage()
      collectgarbage()
      weir.run()
      assert.equal(1000, calls)
      collect()
      assert.is_nil(next(alive))
      local expected = {}
      for i = 1, 1000 do expected[i] = i .. "," end
      assert.equal(table.concat(expected), support.read(path))
    end)
  end)

  it("finishes, when it has ended, and tells its listeners", function()
    local path = support.new_path()
    local ws, log = support.stream(path, { high_water_mark = 10 })
    ws:write(("x"):rep(100000), log.cb "a")
    ws:end_("y", log.cb "end")
    ws = nil -- luacheck: ignore 311
    collectgarbage()
    weir.run()
    assert.equal("open ready a prefinish end finish close", log.take())
    assert.equal(100001, support.size(path))
    collect()
  end)

  it("tells its listeners of an error, or raises it from run", function()
    local log = select(2, support.stream "/no/such/file")
    collectgarbage()
    weir.run()
    assert.equal("error(ENOENT) close", log.take())
    weir.create_write_stream "/no/such/file"
    collectgarbage()
    local ok, err = pcall(weir.run)
    assert.is_false(ok)
    assert.equal("ENOENT", err.code)
    weir.run()
  end)

  it("is collected when idle, with its descriptor, also when its listeners hold it", function()
    keeps_descriptors(function()
      local alive = setmetatable({}, { __mode = "k" })
      for _ = 1, rounds(20, 2) do
        local ws = weir.create_write_stream(support.new_path())
        ws:on("drain", function() ws:write "more" end)
        ws:write "abc"
        alive[ws] = true
      end
      weir.run()
      collect()
      assert.is_nil(next(alive))
    end)
  end)

  it("is collected when finished with auto_close = false, with its descriptor", function()
    keeps_descriptors(function()
      for _ = 1, rounds(20, 2) do
        weir.create_write_stream(support.new_path(), { auto_close = false }):end_ "abc"
      end
      collect()
    end)
  end)

  it("is not collected while it is corked with something in it, and delivers nothing", function()
    local alive = setmetatable({}, { __mode = "k" })
    do
      local ws = weir.create_write_stream(support.new_path())
      alive[ws] = true
      ws:cork()
      ws:write "abc"
    end
    collect()
    local ws = next(alive)
    assert.is_not_nil(ws)
    assert.equal(3, ws:writable_length())
    support.end_and_close(ws)
    assert.equal("abc", support.read(ws:path()))
  end)

  it("tells nobody anything once it is collected", function()
    local calls = 0
    do
      local ws = weir.create_write_stream(support.new_path())
      ws:on("close", function() calls = calls + 1 end)
    end
    collect()
    assert.equal(0, calls)
  end)

  it("survives collections in all its callbacks", function()
    local path, calls = support.new_path(), 0
    local function collecting()
      calls = calls + 1
      collectgarbage()
    end
    do
      local ws = weir.create_write_stream(path, { high_water_mark = 1000 })
      for _, event in ipairs { "open", "ready", "drain", "prefinish", "finish", "close" } do
        ws:on(event, collecting)
      end
      for i = 1, 50 do ws:write(("x"):rep(100 * i), collecting) end
      ws:end_(collecting)
    end
    weir.run()
    assert.equal(51 + 5, calls)
    assert.equal(127500, support.size(path))
  end)
end)

describe("ten thousand files, one after the other", function()
  setup(support.open_folder)
  teardown(support.remove_folder)

  -- In a process of its own: what other specs have left of the heap would blur the figures.
  local SCRIPT = [[
    local rounds, at_once = %d, 50
    local paths, finished, closed = {}, 0, 0
    for i = 1, at_once do paths[i] = support.new_path() end
    local function on_finish() finished = finished + 1 end
    local function on_close() closed = closed + 1 end

    local function round()
      for i = 1, at_once do
        local ws = weir.create_write_stream(paths[i])
        ws:on("finish", on_finish)
        ws:on("close", on_close)
        ws:write(i, "\n")
        ws:end_()
      end
      weir.run()
    end

    local function in_use()
      collectgarbage()
      weir.run()
      collectgarbage()
      return collectgarbage "count" * 1024, support.memory() or 0
    end

    for _ = 1, rounds / 2 do round() end
    local descriptors = support.descriptors()
    local lua_before, all_before = in_use()
    for _ = 1, rounds / 2 do round() end
    local lua_after, all_after = in_use()
    assert(finished == rounds * at_once and closed == finished, "not all were finished and closed")
    assert(support.descriptors() == descriptors, "descriptors were left behind")
    -- A leak would be some hundred bytes for each file.
    assert(lua_after - lua_before < 200000, lua_after - lua_before .. " bytes of Lua's")
    assert(support.slow or all_after - all_before < 1e6, all_after - all_before .. " bytes in all")
    io.write "flat"
  ]]

  it("leave no descriptor behind, and no memory", function()
    assert.equal("flat", support.output_of(SCRIPT:format(support.slow and 20 or 200)))
  end)
end)
