-- What is in the file: the bytes that were written, all of them, in order, whatever their sizes.
local weir = require "weir"
local rounds = require "spec.support.rounds"
local support = require "spec.sinks.support"

local it_with_faults = support.with_faults(it, pending)

local SLAB = 32768 - 64 -- small pieces are copied into slabs of this size
local MEBIBYTE = 1024 * 1024

-- A chunk of `size` bytes that looks like no other.
local function chunk(size, seed)
  local word = ("<%d/%d>"):format(seed or size, size)
  return word:rep(math.ceil(size / #word)):sub(1, size)
end

local function chunks_of(sizes)
  local chunks = {}
  for i, size in ipairs(sizes) do chunks[i] = chunk(size, i) end
  return chunks
end

-- Writes the chunks in one go, or as the stream lets us; compares the file.
local function round_trip(chunks, options)
  local expected = table.concat(chunks)
  local path = support.new_path()
  local ws = weir.create_write_stream(path, options)
  for _, piece in ipairs(chunks) do ws:write(piece) end
  support.end_and_close(ws)
  assert.is_true(expected == support.read(path), "written in one go")
  assert.equal(#expected, ws:bytes_written())

  path = support.new_path()
  support.write_all(weir.create_write_stream(path, options), chunks)
  assert.is_true(expected == support.read(path), "written as the stream let us")
end

-- Sizes from 0 to 5 MiB, many of them near the places where something changes.
local function mixed_sizes()
  local edges = { 0, 1, 13, 100, 4095, 4096, 4097, 16384, SLAB - 1, SLAB, SLAB + 1, 65535, 65536,
    65537 }
  local sizes, random = {}, 12345
  for i = 1, rounds(support.slow and 60 or 200, 14) do
    random = (random * 1103515245 + 12345) % 2147483648
    sizes[i] = edges[math.floor(random / 65536) % #edges + 1]
  end
  sizes[#sizes + 1] = rounds(5, 1) * MEBIBYTE
  sizes[#sizes + 1] = 7
  return sizes
end

describe("the file holds", function()
  setup(support.open_folder)
  teardown(support.remove_folder)

  it("a million lines, written as the stream lets us", function()
    local count = rounds(support.slow and 20000 or 1000000, 4000)
    local path = support.new_path()
    local ws = weir.create_write_stream(path)
    local i, full = 0, 0
    local function write_more()
      while i < count do
        i = i + 1
        if not ws:write("Line ", i, "\n") then
          full = full + 1
          return ws:once("drain", write_more)
        end
      end
      ws:end_()
    end
    write_more()
    support.close(ws)

    local line = 0
    for text in io.lines(path) do
      line = line + 1
      if text ~= "Line " .. line then assert.equal("Line " .. line, text) end
    end
    assert.equal(count, line)
    assert.equal(support.size(path), ws:bytes_written())
    assert.is_true(full > 0)
  end)

  it("a hundred thousand lines that nobody waited with", function()
    local count = rounds(support.slow and 5000 or 100000, 400)
    local path, lines = support.new_path(), {}
    local ws = weir.create_write_stream(path)
    for i = 1, count do
      lines[i] = i .. "\n"
      ws:write(lines[i])
    end
    support.end_and_close(ws)
    assert.is_true(table.concat(lines) == support.read(path))
  end)

  for _, size in ipairs { 1, 4095, 4096, 4097, SLAB - 1, SLAB, SLAB + 1, 2 * SLAB, 65535, 65536,
    65537, MEBIBYTE, 5 * MEBIBYTE } do
    it(("chunks of %d bytes"):format(size), function()
      round_trip(chunks_of { size })
      round_trip(chunks_of { size, 1, size, 2 })
    end)
  end

  for _, mark in ipairs { 0, 1, 1024, 16384, MEBIBYTE } do
    it(("chunks of mixed sizes, with a mark of %d"):format(mark), function()
      round_trip(chunks_of(mixed_sizes()), { high_water_mark = mark })
    end)
  end

  it("chunks of mixed sizes in append mode, and behind a start", function()
    local chunks = chunks_of(mixed_sizes())
    local expected = table.concat(chunks)
    local path = support.put "old"
    support.write_all(weir.create_write_stream(path, { flags = "a" }), chunks)
    assert.is_true("old" .. expected == support.read(path))
    support.write_all(weir.create_write_stream(path, { flags = "r+", start = 2 }), chunks)
    assert.is_true("ol" .. expected .. expected:sub(-1) == support.read(path))
  end)

  it("the same when each chunk has a callback", function()
    local chunks, path, calls = chunks_of(mixed_sizes()), support.new_path(), 0
    local ws = weir.create_write_stream(path)
    for _, piece in ipairs(chunks) do ws:write(piece, function() calls = calls + 1 end) end
    support.end_and_close(ws)
    assert.is_true(table.concat(chunks) == support.read(path))
    assert.equal(#chunks, calls)
  end)

  it("the last chunk that comes with end_", function()
    local path = support.new_path()
    local ws = weir.create_write_stream(path)
    ws:write "a"
    ws:end_("b", 1, "c", 2.5)
    support.close(ws)
    assert.equal("ab1c2.5", support.read(path))
  end)

  it("every byte there is, also NUL and line ends", function()
    local bytes = {}
    for i = 0, 255 do bytes[#bytes + 1] = string.char(i) end
    local all = table.concat(bytes)
    round_trip { all, "\r\n", "\n\r", "\0", all:reverse(), "\26", "" }
  end)

  it("numbers as .. writes them", function()
    local numbers = { 0, 1, -1, 42, 1.5, -0.25, 0.1, 1 / 3, 100, 1e15, 1e100, -1e-7, 2 ^ 31, 2 ^ 53,
      -2 ^ 53, 123456789012, math.huge, -math.huge, 3.0, -0.0 }
    local path, expected = support.new_path(), {}
    local ws = weir.create_write_stream(path)
    for i, number in ipairs(numbers) do
      expected[i] = number .. ";"
      ws:write(number, ";")
    end
    support.end_and_close(ws)
    assert.equal(table.concat(expected), support.read(path))
  end)

  it("all pieces of a chunk, however many there are", function()
    local path, expected = support.new_path(), {}
    local ws = weir.create_write_stream(path)
    local unpack = unpack or table.unpack
    for _, count in ipairs { 1, 2, 15, 16, 17, 18, 40, 200 } do
      local pieces = {}
      for i = 1, count do pieces[i] = i % 3 == 0 and i or chunk(i % 7 * 10, i) end
      expected[#expected + 1] = table.concat(pieces)
      ws:write(unpack(pieces))
      pieces[count + 1] = function() end
      expected[#expected + 1] = expected[#expected]
      ws:write(unpack(pieces))
    end
    support.end_and_close(ws)
    assert.is_true(table.concat(expected) == support.read(path))
  end)

  it("long and short pieces of one chunk in their order", function()
    local pieces = {}
    for i = 1, 16 do pieces[i] = i % 2 == 0 and chunk(10000 * i, i) or chunk(i, i) end
    local path = support.new_path()
    local ws = weir.create_write_stream(path)
    ws:write((unpack or table.unpack)(pieces))
    support.end_and_close(ws)
    assert.is_true(table.concat(pieces) == support.read(path))
  end)

  it("what was written although nobody holds the strings any more", function()
    local path, expected = support.new_path(), {}
    local ws = weir.create_write_stream(path)
    for i = 1, 50 do
      ws:write(chunk(4096 + i, i))
      ws:write(chunk(i, i))
      collectgarbage()
    end
    ws:end_()
    for _ = 1, 200 do local _ = ("rubbish"):rep(1000) end
    collectgarbage()
    support.close(ws)
    for i = 1, 50 do expected[i] = chunk(4096 + i, i) .. chunk(i, i) end
    assert.is_true(table.concat(expected) == support.read(path))
  end)

  it("one copy of a string that is written many times for each time", function()
    local text = chunk(5000)
    local path = support.new_path()
    local ws = weir.create_write_stream(path)
    for _ = 1, 300 do ws:write(text, text) end
    support.end_and_close(ws)
    assert.is_true(text:rep(600) == support.read(path))
  end)

  it("what callbacks and listeners write, behind what was written before", function()
    local path = support.new_path()
    local ws = weir.create_write_stream(path, { high_water_mark = 2 })
    local depth, deepest = 0, rounds(1000, 20)
    local function on()
      depth = depth + 1
      if depth <= deepest then ws:write("c", on) end
    end
    ws:once("drain", function() ws:write "d" end)
    ws:write("ab", on)
    support.run_until(function() return depth > deepest end)
    support.end_and_close(ws)
    assert.equal("abd" .. ("c"):rep(deepest), support.read(path))
  end)

  it("its own, when many streams write at the same time", function()
    local streams, lists = {}, {}
    for i = 1, rounds(30, 4) do
      streams[i] = weir.create_write_stream(support.new_path(), { high_water_mark = 100 * i })
      lists[i] = {}
    end
    for round = 1, rounds(100, 10) do
      for i, ws in ipairs(streams) do
        lists[i][round] = chunk((round * 37 * i) % 5000, i)
        ws:write(lists[i][round])
      end
      weir.run "nowait"
    end
    for _, ws in ipairs(streams) do ws:end_() end
    support.close((unpack or table.unpack)(streams))
    for i, ws in ipairs(streams) do
      assert.is_true(table.concat(lists[i]) == support.read(ws:path()))
    end
  end)
end)

describe("a chunk of no bytes", function()
  setup(support.open_folder)
  teardown(support.remove_folder)

  it("is told in its place, and leaves no trace", function()
    local path = support.new_path()
    local ws, log = support.stream(path)
    log.add(ws:write("", log.cb "1"))
    log.add(ws:write("a", log.cb "2"))
    log.add(ws:write("", log.cb "3"))
    log.add(ws:write("", "", log.cb "4"))
    ws:write "b"
    ws:end_("", log.cb "end")
    support.close(ws)
    assert.equal("true true true true open ready 1 2 3 4 prefinish end finish close", log.take())
    assert.equal("ab", support.read(path))
  end)

  it("is told when nothing else is ever written", function()
    local ws, log = support.stream(support.new_path())
    ws:write("", log.cb "1")
    support.run_until(function() return not ws:pending() end)
    weir.run()
    ws:write("", log.cb "2")
    log.add "|"
    weir.run()
    assert.equal("open ready 1 | 2", log.take())
    support.end_and_close(ws)
  end)

  it_with_faults("makes no system call", function()
    local calls = support.new_path()
    local output, path = support.output_of([[
      local ws, log = support.stream(path)
      for i = 1, 10 do ws:write("", log.cb(i)) end
      support.run_until(function() return not ws:pending() end)
      for i = 11, 20 do ws:write("", log.cb(i)) end
      support.end_and_close(ws)
      io.write(log.take())
    ]], { log = calls })
    assert.equal("open ready 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 "
      .. "prefinish finish close", output)
    assert.equal(("open %s N\nopen %s N\nclose %s N\n"):gsub("%%s", path),
      (support.read(calls):gsub("%-?%d+\n", "N\n")))
  end)
end)
