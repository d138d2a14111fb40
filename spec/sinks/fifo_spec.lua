-- FIFOs and devices that are opened by path: they may have to be waited for, and nothing else waits
-- meanwhile.
local weir = require "weir"
local support = require "spec.sinks.support"
local paths = require "spec.support.paths"

local unpack = unpack or table.unpack
local MANY = 10 -- more than the pool has threads

local function new_fifo()
  local path = support.new_path()
  local _, code = support.sh("mkfifo " .. support.quote(path))
  if code ~= 0 then pending "there is no mkfifo" end
  return path
end

-- Starts a shell that has these FIFOs open, and when the file `gate` is gone reads them to the end.
-- The function it returns waits for that, and gives their checksums.
local function reader_of(fifos, gate)
  local lines = {}
  for i, path in ipairs(fifos) do
    lines[i] = ("(exec 3<>%s 4<%s 3>&-; echo open; while [ -e %s ]; do sleep 0.02; done; " ..
      "cksum <&4 > %s.sum) &"):format(path, path, gate, path)
  end
  local pipe = assert(io.popen(table.concat(lines, "\n") .. "\nwait"))
  for _ = 1, #fifos do assert.equal("open", pipe:read "*l") end
  return function()
    pipe:read "*a"
    pipe:close()
    local sums = {}
    for i, path in ipairs(fifos) do sums[i] = support.read(path .. ".sum") end
    return sums
  end
end

local function cksum(text)
  return (support.sh("cksum < " .. support.quote(support.put(text))))
end

-- Streams that a spec which fails must not leave behind, waiting.
local kept = {}
local function keep(stream)
  kept[#kept + 1] = stream
  return stream
end

local function destroy_kept()
  for _, stream in ipairs(kept) do stream:destroy() end
  kept = {}
end

-- Options of a script whose path is a FIFO that it has open itself, and does not read.
local function with_fifo()
  local path = new_fifo()
  return { path = path, around = "%s 3<>" .. support.quote(path) }
end

describe("a FIFO", function()
  setup(support.open_folder)
  teardown(support.remove_folder)
  after_each(destroy_kept)

  it("that nobody reads fails at once, with ENXIO and its path", function()
    local path = new_fifo()
    local ws, log = support.stream(path)
    ws:write("abc", log.cb "a")
    support.close(ws)
    assert.equal("a(ENXIO) error(ENXIO) close", log.take())
    assert.matches("^ENXIO: .*, open '" .. path:gsub("%p", "%%%0") .. "'$", tostring(ws:errored()))
  end)

  it("that is stalled, like nine others, holds up no file, and gets all when it is read", function()
    local fifos, streams, gate = {}, {}, support.put ""
    for i = 1, MANY do fifos[i] = new_fifo() end
    local sums, file_path = reader_of(fifos, gate), support.new_path()
    local text = ("0123456789"):rep(20000)
    for i, path in ipairs(fifos) do
      streams[i] = keep(weir.create_write_stream(path, { flags = "a" }))
      streams[i]:write(text)
      streams[i]:end_(i)
    end
    local file = weir.create_write_stream(file_path)
    for _ = 1, 20 do file:write(text) end
    support.end_and_close(file)
    assert.equal(20 * #text, support.size(file_path))
    for i = 1, MANY do assert.is_true(streams[i]:writable_length() > 0) end
    os.remove(gate)
    support.close(unpack(streams))
    for i, sum in ipairs(sums()) do
      assert.is_nil(streams[i]:errored())
      assert.equal(cksum(text .. i), sum)
    end
  end)

  it("that is stalled costs no time of the processor", function()
    local output = support.output_of([[
      local ws = weir.create_write_stream(path)
      ws:write(("x"):rep(1000000))
      local turns, over = 0, false
      weir.set_timeout(function() over = true end, 300)
      while not over do
        weir.run "once"
        turns = turns + 1
      end
      io.write(turns)
      ws:destroy()
    ]], with_fifo())
    assert.is_true(tonumber(output) < 100, output)
  end)

  it("that is stalled can be destroyed at any time, and is closed by then", function()
    local output = support.output_of([[
      local ws, log = support.stream(path)
      ws:write("abc", log.cb "a")
      ws:write(("x"):rep(1000000), log.cb "b")
      ws:once("open", function()
        weir.set_timeout(function() ws:destroy() end, 20)
      end)
      support.close(ws)
      io.write(log.take())
    ]], with_fifo())
    assert.equal("open ready a b(DESTROYED) close", output)
  end)

  it("that is stalled does not keep the process", function()
    local child = support.child([[
      weir.create_write_stream(path):write(("x"):rep(1000000))
      weir.set_timeout(function() os.exit(3, true) end, 20)
      weir.run()
    ]], with_fifo())
    assert.equal(3, child.code)
  end)

  it("that nobody writes, like nine others, holds up no file, and is read when somebody does",
    function()
      local fifos, streams, texts, ends = {}, {}, {}, 0
      for i = 1, MANY do
        fifos[i], texts[i] = new_fifo(), ""
        streams[i] = keep(weir.create_read_stream(fifos[i]))
        streams[i]:on("data", function(piece) texts[i] = texts[i] .. piece end)
        streams[i]:on("end", function() ends = ends + 1 end)
      end
      local file_path = support.new_path()
      local file = weir.create_write_stream(file_path)
      file:write(("x"):rep(100000))
      support.end_and_close(file)
      assert.equal(100000, support.size(file_path))
      assert.equal(0, ends)
      for i, path in ipairs(fifos) do
        support.sh(("{ echo begin; sleep 0.02; echo end %d; } > %s &"):format(i, path))
      end
      support.close(unpack(streams))
      for i = 1, MANY do assert.equal("begin\nend " .. i .. "\n", texts[i]) end
    end)

  it("that nobody writes costs no time of the processor, and can be destroyed", function()
    local rs, turns, over = keep(weir.create_read_stream(new_fifo())), 0, false
    rs:resume()
    weir.set_timeout(function() over = true end, 300)
    support.run_until(function()
      turns = turns + 1
      return over
    end)
    assert.is_true(turns < 100, turns)
    rs:destroy()
    support.close(rs)
  end)
end)

describe("a terminal that is opened by path", function()
  setup(support.open_folder)
  teardown(support.remove_folder)

  it("and stopped does not stop the loop, and gets all when it goes on", function()
    local around = "./" .. paths.build:match "^(.*)/[^/]*$" .. "/around"
    if support.lacks_file "/proc/self/stat" then pending "there is no /proc" end
    local lacks = support.lacks_terminal()
    if lacks then pending(lacks) end
    local gate = support.new_path()
    local output = support.output_of([[
      local turns, ws = 0, weir.create_write_stream "/proc/self/fd/3"
      local function turn()
        turns = turns + 1
        if turns < 10 then return weir.set_timeout(turn, 5) end
        io.write(ws:writable_length() > 0 and "turned" or "written", "\n")
        support.put("", path) -- nothing was read before
      end
      turn()
      ws:end_(("x"):rep(100000))
      support.close(ws)
    ]], { path = gate, around = ("%s -f 3 tty gate %s -- %%s"):format(around, gate) })
    assert.matches("^turned\ncode 0 bytes 100000 ", output)
  end)
end)
