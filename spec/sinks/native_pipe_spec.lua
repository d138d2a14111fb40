-- Pipes whose ends are both native: the bytes move in C, and all else is as in any pipe.
local weir = require "weir"
local support = require "spec.sinks.support"

-- Bytes that show where they are, so that a chunk lost, doubled or moved is seen.
local function content_of(size)
  local lines = {}
  for i = 1, math.ceil(size / 16) do lines[i] = ("%015d\n"):format(i) end
  return table.concat(lines):sub(1, size)
end

describe("a pipe from file to file", function()
  setup(support.open_folder)
  teardown(support.remove_folder)

  local function copy(from, options, reading)
    local source = weir.create_read_stream(from, reading)
    local target = weir.create_write_stream(support.new_path(), options)
    local result
    weir.pipeline(source, target, function(err) result = err or "well" end)
    return target, function() return result end, source
  end

  it("that fails is over only when both files are closed", function()
    local from = support.put(content_of(1000000))
    for _, path in ipairs { "/dev/full", support.new_path() } do
      local source = weir.create_read_stream(from)
      local target = weir.create_write_stream(path)
      local failure, were_closed
      weir.pipeline(source, target, function(err)
        failure, were_closed = err, source:closed() and target:closed()
      end)
      if path ~= "/dev/full" then target:once("open", function() target:destroy "enough" end) end
      weir.run()
      assert.equal(path == "/dev/full" and "ENOSPC" or "enough",
        type(failure) == "table" and failure.code or failure)
      assert.is_true(were_closed)
    end
  end)

  it("whose source is destroyed with its last bytes still to be read has failed", function()
    local source = weir.create_read_stream(support.put "abc")
    local target = weir.writable { high_water_mark = 1, write = function() end }
    local codes = {}
    target:write "full"
    weir.pipeline(source, target, function(err) codes[#codes + 1] = err and err.code or "none" end)
    source:pause()
    source:read(0)
    support.run_until(function() return source:readable_length() == 3 end)
    weir.set_timeout(function() source:destroy() end, 20)
    weir.run()
    assert.equal("ERR_STREAM_PREMATURE_CLOSE", table.concat(codes, " "))
    assert.is_true(target:closed())
  end)

  it("moves every byte, whatever the sizes", function()
    for _, size in ipairs { 0, 1, 4095, 4096, 65536, 65537, 1000003 } do
      local content = content_of(size)
      local target, result = copy(support.put(content))
      weir.run()
      assert.equal("well", result())
      assert.is_true(support.read(target:path()) == content, size .. " bytes")
      assert.equal(size, target:bytes_written())
    end
  end)

  it("makes no Lua strings of them", function()
    local from = support.put(content_of(16 * 2 ^ 20))
    collectgarbage()
    collectgarbage "stop"
    local before = collectgarbage "count"
    local target, result = copy(from)
    weir.run()
    local grown = collectgarbage "count" - before
    collectgarbage "restart"
    assert.equal("well", result())
    assert.equal(16 * 2 ^ 20, support.size(target:path()))
    assert.is_true(grown < 1024, grown .. " KiB of garbage")
  end)

  it("takes marks of any size on both sides", function()
    local content = content_of(50000)
    local from = support.put(content)
    for _, marks in ipairs { { 1, 1000 }, { 100000, 1 }, { 7000, 5000 } } do
      local target, result = copy(from, { high_water_mark = marks[1] },
        { high_water_mark = marks[2] })
      weir.run()
      assert.equal("well", result())
      assert.is_true(support.read(target:path()) == content)
    end
  end)

  it("keeps what the destination has no room for (max_buffered)", function()
    local content = content_of(500000)
    local target, result = copy(support.put(content),
      { high_water_mark = 10000, max_buffered = 10000 })
    weir.run()
    assert.equal("well", result())
    assert.is_true(support.read(target:path()) == content)
    assert.is_true(target:stats().peak_buffered <= 10000)
  end)

  it("lets listeners, Lua sinks and other files have the same chunks", function()
    local content = content_of(300000)
    local source = weir.create_read_stream(support.put(content), { high_water_mark = 10000 })
    local one = source:pipe(weir.create_write_stream(support.new_path()))
    local heard, taken = {}, {}
    source:on("data", function(chunk) heard[#heard + 1] = chunk end)
    local two = source:pipe(weir.create_write_stream(support.new_path()))
    source:pipe(weir.writable { write = function(_, chunk, done)
      taken[#taken + 1] = chunk
      weir.next_tick(done)
    end })
    weir.run()
    assert.is_true(support.read(one:path()) == content)
    assert.is_true(support.read(two:path()) == content)
    assert.is_true(table.concat(heard) == content)
    assert.is_true(table.concat(taken) == content)
  end)

  it("through a transform gives it strings", function()
    local content = ("abc\n"):rep(30000)
    local target = weir.create_write_stream(support.new_path())
    weir.pipeline(weir.create_read_stream(support.put(content)), weir.transform {
      transform = function(_, chunk, done) done(nil, chunk:upper()) end,
    }, target, function() end)
    weir.run()
    assert.is_true(support.read(target:path()) == content:upper())
  end)

  it("ends with the error of either side, and closes both", function()
    local source = weir.create_read_stream(support.new_path())
    local target = weir.create_write_stream(support.new_path())
    local failure
    weir.pipeline(source, target, function(err) failure = err end)
    weir.run()
    assert.equal("ENOENT", failure.code)
    assert.is_true(source:closed() and target:closed())
    source = weir.create_read_stream(support.put(content_of(100000)))
    target = weir.create_write_stream(support.new_path() .. "/no/such/folder")
    weir.pipeline(source, target, function(err) failure = err end)
    weir.run()
    assert.equal("ENOENT", failure.code)
    assert.is_true(source:closed() and target:closed())
  end)

  it("can be undone and done anew, with nothing lost", function()
    local content = content_of(400000)
    local source = weir.create_read_stream(support.put(content), { high_water_mark = 4096 })
    local target = weir.create_write_stream(support.new_path(), { high_water_mark = 5000 })
    local turns = 0
    source:pipe(target)
    source:on("pause", function() turns = turns + 1 end)
    local function again()
      if source:readable_ended() or turns > 20 then return end
      turns = turns + 1
      source:unpipe(target)
      weir.set_timeout(function()
        source:pipe(target)
        weir.set_timeout(again, 1)
      end, 1)
    end
    weir.set_timeout(again, 1)
    weir.run()
    assert.is_true(support.read(target:path()) == content)
  end)
end)

describe("a stream that nobody holds", function()
  setup(support.open_folder)
  teardown(support.remove_folder)

  local function collected(make)
    local weak = setmetatable({}, { __mode = "v" })
    weak[1] = make()
    weir.run "nowait"
    for _ = 1, 3 do collectgarbage() end
    return weak[1] == nil
  end

  it("is collected when nothing works for it", function()
    assert.is_true(collected(function() return weir.readable { read = function() end } end))
    assert.is_true(collected(function()
      local rs = weir.readable { read = function() end }
      rs:push "unread"
      return rs
    end))
    assert.is_true(collected(weir.passthrough))
    assert.is_true(collected(function()
      local rs, ws = weir.readable { read = function() end }, weir.writable { write = print }
      rs:pipe(ws)
      return rs
    end))
  end)

  it("lives while it copies", function()
    local content = content_of(2 * 2 ^ 20)
    local from, to = support.put(content), support.new_path()
    weir.create_read_stream(from):pipe(weir.create_write_stream(to))
    local turns = 0
    repeat
      collectgarbage()
      turns = turns + 1
    until not weir.run "once" or turns > 100000
    assert.is_true(support.read(to) == content)
  end)
end)

describe("a state that closes", function()
  setup(support.open_folder)
  teardown(support.remove_folder)

  it("lets go of what is only read, and flushes what was written", function()
    local from = support.put(content_of(1000000))
    local child = support.child(([[
      local rs = weir.create_read_stream(%q)
      rs:on("data", function() end)
      weir.run "once"
      local lua = weir.readable { read = function(self) self:push "x" end }
      lua:read()
      lua:unshift "y"
      local ws = weir.create_write_stream(path)
      ws:write "kept"
      local t = weir.passthrough()
      t:write "unread"
      rs:pipe(t)
    ]]):format(from))
    assert.equal("", child.output)
    assert.equal(0, child.code)
    assert.equal("kept", support.read(child.path))
  end)

  it("does so within a callback, in the middle of a pipeline", function()
    if _VERSION == "Lua 5.1" and not jit then pending "os.exit of Lua 5.1 closes no state" end
    local from = support.put(content_of(1000000))
    assert.equal("", (support.output_of(([[
      local rs = weir.create_read_stream(%q)
      local ws = weir.create_write_stream(path)
      weir.pipeline(rs, weir.passthrough(), ws, function() end)
      rs:once("data", function() os.exit(0, true) end)
      weir.run()
    ]]):format(from))))
  end)
end)
