-- weir.inspect(), tostring(stream) and weir.debug(): what weir says of its streams.
local weir = require "weir"
local support = require "spec.sinks.support"

-- What inspect() says of one stream, or nil.
local function entry_of(stream)
  for _, entry in ipairs(weir.inspect()) do
    if entry.stream == stream then return entry end
  end
end

-- A stream whose sink answers when `release()` is called.
local function slow_stream(options)
  options = options or {}
  local waiting = {}
  function options.write(_, _, done) waiting[#waiting + 1] = done end
  local ws = weir.writable(options)
  return ws, function() table.remove(waiting, 1)() end
end

describe("inspect", function()
  setup(support.open_folder)
  teardown(support.remove_folder)

  it("lists the open streams, the oldest first, and no closed one", function()
    collectgarbage() collectgarbage()
    local before = #weir.inspect()
    local first, second = weir.writable {}, weir.writable {}
    local list = weir.inspect()
    assert.equal(before + 2, #list)
    assert.equal(first, list[#list - 1].stream)
    assert.equal(second, list[#list].stream)
    first:destroy()
    second:destroy()
    weir.run()
    assert.equal(before, #weir.inspect())
  end)

  it("tells what waits, the marks, and whether a drain is owed", function()
    local ws, release = slow_stream { high_water_mark = 10, low_water_mark = 4 }
    ws:write "123456"
    ws:write "789012"
    local entry = entry_of(ws)
    assert.equal("lua", entry.kind)
    assert.equal("open", entry.state)
    assert.equal(12, entry.buffered)
    assert.equal(10, entry.high_water_mark)
    assert.equal(4, entry.low_water_mark)
    assert.is_true(entry.need_drain)
    assert.equal(2, entry.queued_writes)
    assert.equal(12, entry.accepted)
    assert.equal(0, entry.written)
    assert.equal("write", entry.waits_for)
    release()
    release()
    weir.run()
    entry = entry_of(ws)
    assert.equal(0, entry.buffered)
    assert.equal(12, entry.written)
    assert.is_false(entry.need_drain)
    assert.is_nil(entry.oldest_write_ms)
    assert.is_nil(entry.waits_for)
    ws:destroy()
    weir.run()
  end)

  it("tells how long the oldest write has been waiting for its answer", function()
    local ws, release = slow_stream()
    ws:write "old"
    weir.set_timeout(function() ws:write "young" end, 40)
    weir.set_timeout(function()
      assert.truthy(entry_of(ws).oldest_write_ms >= 60)
      release()
      local age = entry_of(ws).oldest_write_ms
      assert.truthy(age >= 20)
      release()
      assert.is_nil(entry_of(ws).oldest_write_ms)
      ws:destroy()
    end, 80)
    weir.run()
  end)

  it("tells of a file where it is, and of an error what it was", function()
    local path = support.new_path()
    local ws = weir.create_write_stream(path)
    ws:cork()
    ws:write "abc"
    local entry = entry_of(ws)
    assert.equal("file", entry.kind)
    assert.equal(path, entry.path)
    assert.equal("opening", entry.state)
    assert.equal(1, entry.corked)
    ws:end_()
    support.close(ws)
    local kept = weir.writable { auto_destroy = false, write = function(_, _, done) done "no" end }
    kept:on("error", function() end)
    kept:write "abc"
    weir.run()
    assert.equal("errored", entry_of(kept).state)
    assert.equal("no", entry_of(kept).error)
    kept:destroy()
    weir.run()
  end)

  it("tells of both sides of a stream that is read and written", function()
    local through = weir.passthrough()
    through:write "abc"
    local entry = entry_of(through)
    assert.equal("transform", entry.kind)
    assert.equal(3, entry.read_buffered)
    assert.equal(16384, entry.read_high_water_mark)
    assert.equal(0, entry.buffered)
    local reader = weir.readable { read = function() end }
    entry = entry_of(reader)
    assert.equal("readable", entry.kind)
    assert.is_nil(entry.buffered)
    through:destroy()
    reader:destroy()
    weir.run()
  end)

  it("tells of a socket who the peer is", function()
    local server, seen
    server = weir.create_server(function(client)
      seen = entry_of(client)
      client:end_()
      server:close()
    end)
    server:listen({ host = "127.0.0.1", port = 0 }, function()
      local socket = weir.connect { host = "127.0.0.1", port = select(2, server:address()) }
      assert.is_nil(entry_of(socket).address)
      socket:end_ "abc"
      socket:resume()
    end)
    weir.run()
    assert.equal("tcp", seen.kind)
    assert.equal("127.0.0.1", seen.address)
    assert.is_number(seen.port)
  end)

  it("names the hook that has not called its done", function()
    for _, hook in ipairs { "construct", "final", "destroy" } do
      local done
      local ws = weir.writable {
        write = function(_, _, answer) answer() end,
        [hook] = function(_, a, b) done = b or a end,
      }
      if hook == "final" then ws:end_() elseif hook == "destroy" then ws:destroy() end
      weir.run "nowait"
      assert.equal(hook, entry_of(ws).waits_for)
      done()
      ws:destroy()
      weir.run()
    end
  end)

  it("may be called while streams are collected", function()
    for _ = 1, support.slow and 20 or 200 do
      weir.writable {}
      weir.create_write_stream(support.new_path())
      for _, entry in ipairs(weir.inspect()) do assert.is_string(entry.state) end
      if _ % 10 == 0 then collectgarbage() end
    end
    weir.run()
    collectgarbage()
    weir.run()
  end)
end)

describe("tostring of a stream", function()
  it("says what it is, how it is, and what waits", function()
    local ws, release = slow_stream { high_water_mark = 3 }
    local function text() return (tostring(ws):gsub(": 0x%x+$", "")) end
    assert.equal("weir.stream (lua, open)", text())
    ws:write "ab"
    assert.equal("weir.stream (lua, open, 2 bytes wait)", text())
    ws:write "c"
    assert.equal("weir.stream (lua, open, 3 bytes wait, drain is owed)", text())
    release()
    release()
    ws:end_()
    weir.run()
    assert.equal("weir.stream (lua, closed)", text())
    local objects = slow_stream { object_mode = true }
    objects:write(true)
    assert.matches("^weir.stream %(lua, open, 1 values wait%)", tostring(objects))
    objects:destroy()
    weir.run()
  end)
end)

describe("debug", function()
  setup(support.open_folder)
  teardown(function()
    weir.debug(false)
    support.remove_folder()
  end)

  -- Of the streams made here: other specs of this process may have left theirs.
  local warnings
  local function keep(text)
    if text:find("inspect_spec", 1, true) then warnings[#warnings + 1] = text end
  end
  before_each(function()
    warnings = {}
    weir.debug(keep, { done_ms = 20 })
  end)
  after_each(function() weir.debug(false) end)

  it("warns once, with the line, when false is ignored again and again", function()
    local ws = weir.create_write_stream(support.new_path(), { high_water_mark = 10 })
    for _ = 1, 50 do ws:write "0123456789" end -- the line
    support.end_and_close(ws)
    assert.equal(1, #warnings)
    assert.matches("^weir: .*inspect_spec%.lua:%d+: write%(%) returned false", warnings[1])
    assert.matches("made at .*inspect_spec%.lua:%d+%)$", warnings[1])
  end)

  it("does not warn those who wait for drain, cork, or stop in time", function()
    local ws = weir.create_write_stream(support.new_path(), { high_water_mark = 10 })
    local left = 100
    local function go_on()
      while left > 0 do
        left = left - 1
        if not ws:write "0123456789" then return ws:once("drain", go_on) end
      end
      ws:cork()
      for _ = 1, 50 do ws:write "0123456789" end
      ws:end_()
    end
    go_on()
    support.close(ws)
    assert.same({}, warnings)
  end)

  it("warns once when a hook does not call its done for long", function()
    local ws = weir.writable { write = function() end }
    ws:write "abc"
    weir.set_timeout(function() end, support.slow and 1000 or 200)
    weir.run()
    weir.run()
    assert.equal(1, #warnings)
    assert.matches("^weir: the hook 'write' has not called its done%(%) for [%d.]+ s", warnings[1])
    ws:destroy()
    weir.run()
  end)

  it("warns when the loop has nothing left to do and a hook has not called its done", function()
    weir.debug(keep) -- its time is far off
    local ws = weir.writable { write = function() end }
    ws:write "abc"
    weir.run()
    assert.equal(1, #warnings)
    assert.matches("'write' has not called its done%(%), and weir.run%(%) has nothing left",
      warnings[1])
    ws:destroy()
    weir.run()
  end)

  it("warns of a stream that is collected unfinished, not of one that was ended", function()
    local function leave(finish)
      local ws = weir.create_write_stream(support.new_path())
      ws:write "abc"
      if finish then ws:end_() end
    end
    leave(true)
    weir.run()
    for _ = 1, 3 do collectgarbage() end
    assert.same({}, warnings)
    leave(false)
    weir.run()
    for _ = 1, 3 do collectgarbage() end
    weir.run()
    assert.equal(1, #warnings)
    assert.matches("^weir: collected, but never ended", warnings[1])
    assert.matches("made at .*inspect_spec%.lua:%d+%)$", warnings[1])
  end)

  it("changes neither results nor errors", function()
    local ws = weir.create_write_stream(support.new_path(), { high_water_mark = 3 })
    assert.is_true(ws:write "a")
    assert.is_false(ws:write "bcd")
    local line = debug.getinfo(1, "l").currentline + 1
    local ok, message = pcall(function() ws:write({}) end)
    assert.is_false(ok)
    assert.matches("inspect_spec%.lua:" .. line .. ": bad argument #1 to 'write'", message)
    ws:end_()
    local refused, err = ws:write "late"
    assert.is_nil(refused)
    assert.equal("ERR_STREAM_WRITE_AFTER_END", err.code)
    ws:on("error", function() end)
    support.close(ws)
  end)

  it("leaves everything as it was when it is turned off", function()
    local write = weir.writable({}).write
    weir.debug(false)
    local plain = weir.writable({}).write
    assert.are_not.equal(write, plain)
    weir.debug(true)
    weir.debug(true)
    weir.debug(false)
    weir.debug(false)
    assert.equal(plain, weir.writable({}).write)
  end)

  it("checks its arguments", function()
    assert.error_matches(function() weir.debug() end,
      "bad argument #1 to 'debug' %(boolean or function expected, got nil%)")
    assert.error_matches(function() weir.debug(1) end,
      "bad argument #1 to 'debug' %(boolean or function expected, got number%)")
    assert.error_matches(function() weir.debug(true, { done = 1 }) end, "unknown option done")
    assert.error_matches(function() weir.debug(true, { done_ms = -1 }) end, "milliseconds")
  end)

  it("is on from the start, and speaks on stderr, where WEIR_DEBUG is set", function()
    local child = support.child([[
      local ws = weir.create_write_stream(path, { high_water_mark = 1 })
      for i = 1, 20 do ws:write "abc" end
      ws:end_()
      weir.run()
    ]], { around = "export WEIR_DEBUG=1; %s" })
    assert.equal(0, child.code)
    assert.matches("^weir: .*: write%(%) returned false, and 10 more writes[^\n]*\n$",
      child.output)
    local silent = support.child("weir.create_write_stream(path):write 'a' weir.run()",
      { around = "export WEIR_DEBUG=0; %s" })
    assert.equal("", silent.output)
  end)
end)

describe("_VERSION", function()
  it("names the release", function()
    assert.matches("^weir %d+%.%d+%.%d+$", weir._VERSION)
  end)
end)
