-- Back-pressure, callbacks, cork and the counters of a file stream.
--
-- write() asks how much is in the file by now before it answers false, so exact numbers are those
-- of streams that cannot write yet: not open, or corked.
local weir = require "weir"
local rounds = require "spec.support.rounds"
local support = require "spec.sinks.support"

local it_with_faults = support.with_faults(it, pending)

local MEBIBYTE = 1024 * 1024

-- A stream whose file is open, and the log, which begins then.
local function open_stream(options)
  local ws, log = support.stream(support.new_path(), options)
  support.run_until(function() return not ws:pending() end)
  log.take()
  return ws, log
end

local function corked_stream(options)
  local ws, log = open_stream(options)
  ws:cork()
  return ws, log
end

local function wait_until_written(ws)
  support.run_until(function() return ws:writable_length() == 0 end)
  weir.run "nowait"
end

describe("write", function()
  setup(support.open_folder)
  teardown(support.remove_folder)

  it("answers true below the mark, and false from the mark on", function()
    local ws = corked_stream { high_water_mark = 10 }
    assert.is_true(ws:write "123456789")
    assert.equal(9, ws:writable_length())
    assert.is_false(ws:writable_need_drain())
    assert.is_false(ws:write "0")
    assert.equal(10, ws:writable_length())
    assert.is_true(ws:writable_need_drain())
    support.end_and_close(ws)
  end)

  it("counts a chunk that came before open in the same way", function()
    local ws, log = support.stream(support.new_path(), { high_water_mark = 4 })
    log.add(ws:write "abc")
    log.add(ws:write "d")
    assert.equal(4, ws:writable_length())
    wait_until_written(ws)
    assert.equal("true false open ready drain", log.take())
    support.end_and_close(ws)
  end)

  it("answers false to every chunk that has bytes when the mark is 0", function()
    local ws, log = open_stream { high_water_mark = 0 }
    log.add(ws:write "a")
    wait_until_written(ws)
    assert.equal("false drain", log.take())
    support.end_and_close(ws)
  end)

  it("has a mark of 16384, and a low mark of 0, if none is given", function()
    local ws = corked_stream()
    assert.equal(16384, ws:writable_high_water_mark())
    assert.equal(0, ws:writable_low_water_mark())
    assert.is_true(ws:write(("x"):rep(16383)))
    assert.is_false(ws:write "x")
    support.end_and_close(ws)
  end)

  it_with_faults("counts a byte until it is written, not until it is handed on", function()
    local output = support.output_of([[
      local ws = weir.create_write_stream(path, { high_water_mark = 10 })
      support.run_until(function() return not ws:pending() end)
      io.write(tostring(ws:write(("x"):rep(10))), " ")
      support.run_until_delayed "pwritev"
      io.write(ws:writable_length(), " ", ws:bytes_written(), " ", tostring(ws:write "y"), " ")
      support.run_until(function() return ws:writable_length() == 0 end)
      io.write(ws:bytes_written(), " ", tostring(ws:write "z"))
      support.end_and_close(ws)
    ]], { faults = "pwritev:1:d100", log = support.new_path() })
    assert.equal("false 10 0 false 11 true", output)
  end)

  it("answers true again within the same turn, once the bytes are in the file", function()
    local ws, log = open_stream { high_water_mark = 1000 }
    log.add(ws:write(("x"):rep(1000)))
    local began = weir.hrtime()
    repeat until ws:bytes_written() == 1000 or weir.hrtime() - began > 5e9
    log.add(ws:write "y")
    log.add(ws:writable_length())
    assert.equal("false true 1", log.take())
    support.end_and_close(ws)
    assert.equal(1001, support.size(ws:path()))
  end)
end)

describe("drain", function()
  setup(support.open_folder)
  teardown(support.remove_folder)

  it("comes once for each time the stream was full, when all is written", function()
    local ws = open_stream { high_water_mark = 100 }
    local drains, full = 0, 0
    ws:on("drain", function()
      drains = drains + 1
      assert.equal(0, ws:writable_length())
      assert.is_false(ws:writable_need_drain())
    end)
    for _ = 1, 20 do
      repeat until not ws:write(("x"):rep(30))
      full = full + 1
      ws:write "and two" -- the stream is full already: no drain of its own
      ws:write "more"
      wait_until_written(ws)
      assert.equal(full, drains)
    end
    support.end_and_close(ws)
    assert.equal(20, drains)
    assert.equal(20, ws:stats().drains)
  end)

  it("does not come where no write was answered false", function()
    local ws, log = open_stream { high_water_mark = 100 }
    for _ = 1, 20 do
      ws:write(("x"):rep(99))
      wait_until_written(ws)
    end
    support.end_and_close(ws)
    assert.equal("prefinish finish close", log.take())
  end)

  it("comes as soon as no more than the low mark is left", function()
    local count = support.slow and 300 or 3000
    local ws = open_stream { high_water_mark = 64 * 1024, low_water_mark = 48 * 1024 }
    local i, drains, most = 0, 0, 0
    local function go_on()
      while i < count do
        i = i + 1
        if not ws:write(("x"):rep(1000)) then return end
      end
      ws:end_()
    end
    ws:on("drain", function()
      drains = drains + 1
      most = math.max(most, ws:writable_length())
      go_on()
    end)
    go_on()
    support.close(ws)
    assert.is_true(drains > 0)
    assert.is_true(most <= 48 * 1024)
    assert.equal(drains, ws:stats().drains)
    assert.equal(1000 * count, support.size(ws:path()))
  end)

  it_with_faults("waits for the low mark, and for no more", function()
    -- 12 MiB leave in calls of 1 MiB; the stream looks up after 4 of them at the latest, and after
    -- the fifth, which takes its time: so it finds the low mark passed after the ninth, or before.
    local output = support.output_of([[
      local options = { high_water_mark = 10 * 2^20, low_water_mark = 5 * 2^20 }
      local ws, log = support.stream(path, options)
      ws:on("drain", function() log.add(ws:writable_length() / 2^20) end)
      log.add(ws:write(("x"):rep(12 * 2^20)))
      support.run_until(function() return ws:writable_length() == 0 end)
      support.end_and_close(ws)
      io.write(log.take())
    ]], { faults = "pwritev:5:d100,pwritev:9:d100,pwritev:10:d100" })
    assert.matches("^false open ready drain [345]%.?0? prefinish finish close$", output)
  end)

  it("does not come any more once the stream has ended", function()
    local ws, log = open_stream { high_water_mark = 1 }
    log.add(ws:write "ab")
    support.end_and_close(ws)
    assert.equal("false prefinish finish close", log.take())
  end)
end)

describe("the callbacks of writes", function()
  setup(support.open_folder)
  teardown(support.remove_folder)

  it("come once each, in order, without an error, and when their bytes are in the file", function()
    local path, order, ends, early = support.new_path(), {}, {}, 0
    local ws = weir.create_write_stream(path, { high_water_mark = 1024 })
    local total, count = 0, support.slow and 100 or 600
    for i = 1, count do
      local size = (i * 211) % 6000
      total = total + size
      ends[i] = total
      ws:write(("x"):rep(size), function(...)
        order[#order + 1] = i
        if select("#", ...) ~= 0 and (...) ~= nil then early = early + 1000 end
        if support.size(path) < ends[i] or ws:bytes_written() < ends[i] then early = early + 1 end
      end)
      if i % 50 == 0 then weir.run "nowait" end
    end
    support.end_and_close(ws)
    assert.equal(0, early)
    assert.equal(count, #order)
    for i = 1, count do assert.equal(i, order[i]) end
  end)

  it("are called as often as they were given", function()
    local calls, count = 0, rounds(2500, 20)
    local function callback() calls = calls + 1 end
    local ws = open_stream()
    for _ = 1, count do ws:write("x", callback) end
    ws:end_("y", callback)
    support.close(ws)
    assert.equal(count + 1, calls)
  end)

  it("never come while the write is still on the stack", function()
    local ws = open_stream { high_water_mark = 1 }
    local log = support.new_log()
    for _ = 1, 200 do
      log.add "write"
      ws:write("abc", log.cb "called")
      log.add "written"
    end
    support.end_and_close(ws)
    local words = log.take()
    assert.not_matches("write called", words)
    assert.equal(200, select(2, words:gsub("called", "")))
  end)

  it("come after the drain they made possible, and before prefinish", function()
    local ws, log = corked_stream { high_water_mark = 2 }
    ws:write("a", log.cb "a")
    ws:write("b", log.cb "b")
    ws:uncork()
    wait_until_written(ws)
    ws:write("c", log.cb "c")
    ws:end_("d", log.cb "end")
    support.close(ws)
    assert.equal("drain a b c prefinish end finish close", log.take())
  end)

  it("may raise: run raises it, the others come, and the data is complete", function()
    local ws, log = open_stream()
    ws:write("a", log.cb "a")
    ws:write("b", function() error("oops", 0) end)
    ws:write("c", log.cb "c")
    ws:end_(log.cb "end")
    local ok, err = pcall(support.close, ws)
    assert.is_false(ok)
    assert.matches("^oops", err)
    support.close(ws)
    assert.equal("a c prefinish end finish close", log.take())
    assert.equal("abc", support.read(ws:path()))
  end)
end)

describe("the callback of end_", function()
  setup(support.open_folder)
  teardown(support.remove_folder)

  it("comes once, right before finish, with nothing", function()
    local ws, log = open_stream()
    ws:write("a", log.cb "a")
    ws:end_("b", function(...) log.add("end" .. select("#", ...) .. tostring((...))) end)
    support.close(ws)
    assert.matches("^a prefinish end%dnil finish close$", log.take())
  end)

  it("sees the whole file", function()
    local path, size = support.new_path(), nil
    local ws = weir.create_write_stream(path)
    ws:write(("x"):rep(3 * MEBIBYTE))
    ws:end_("y", function() size = support.size(path) end)
    support.close(ws)
    assert.equal(3 * MEBIBYTE + 1, size)
  end)
end)

describe("cork", function()
  setup(support.open_folder)
  teardown(support.remove_folder)

  it("keeps everything back until uncork, although the loop turns", function()
    local ws, log = open_stream { high_water_mark = 3 }
    ws:cork()
    for i = 1, 10 do log.add(ws:write(i, ",", log.cb(i))) end
    for _ = 1, 5 do weir.run "nowait" end
    assert.equal(0, support.size(ws:path()))
    assert.equal(21, ws:writable_length())
    assert.equal("true false false false false false false false false false", log.take())
    ws:uncork()
    wait_until_written(ws)
    assert.equal("1,2,3,4,5,6,7,8,9,10,", support.read(ws:path()))
    assert.equal("drain 1 2 3 4 5 6 7 8 9 10", log.take())
    support.end_and_close(ws)
  end)

  it("nests: as many uncorks as corks", function()
    local ws = open_stream()
    ws:cork()
    ws:cork()
    ws:write "a"
    ws:uncork()
    assert.equal(1, ws:writable_corked())
    weir.run "nowait"
    weir.run()
    assert.equal(1, ws:writable_length())
    ws:uncork()
    wait_until_written(ws)
    assert.equal("a", support.read(ws:path()))
    ws:uncork() -- one too many is nothing
    support.end_and_close(ws)
  end)

  it("before open holds, and end_ lets go of it", function()
    local path = support.new_path()
    local ws, log = support.stream(path)
    ws:cork()
    ws:cork()
    ws:write("a", log.cb "a")
    support.run_until(function() return not ws:pending() end)
    weir.run()
    assert.equal("", support.read(path))
    ws:end_("b", log.cb "end")
    support.close(ws)
    assert.equal("ab", support.read(path))
    assert.equal("open ready a prefinish end finish close", log.take())
  end)

  it_with_faults("makes few system calls of many writes", function()
    local log = support.new_path()
    local _, path = support.output_of([[
      local ws = weir.create_write_stream(path)
      support.run_until(function() return not ws:pending() end)
      ws:cork()
      for i = 1, 3000 do ws:write "0123456789" end
      ws:uncork()
      support.end_and_close(ws)
    ]], { log = log })
    assert.equal(1, select(2, support.read(log):gsub("pwritev", "")))
    assert.equal(30000, support.size(path))
  end)

  it_with_faults("is not needed for that: what is written in one turn leaves together", function()
    local log = support.new_path()
    support.output_of([[
      local ws = weir.create_write_stream(path)
      support.run_until(function() return not ws:pending() end)
      for i = 1, 1600 do ws:write "0123456789" end
      support.end_and_close(ws)
    ]], { log = log })
    assert.equal(1, select(2, support.read(log):gsub("pwritev", "")))
  end)
end)

describe("max_buffered", function()
  setup(support.open_folder)
  teardown(support.remove_folder)

  local function bounded() return corked_stream { high_water_mark = 4, max_buffered = 10 } end

  it("refuses a chunk that would exceed it, and takes one that just fits", function()
    local ws, log = bounded()
    log.add(ws:write "12345678")
    log.add(ws:write "90!")
    log.add(ws:write "90")
    log.add(ws:write "x")
    log.add(ws:write "")
    assert.equal("false refused(ENOBUFS) false refused(ENOBUFS) false", log.take())
    assert.equal(10, ws:writable_length())
    support.end_and_close(ws)
    assert.equal("1234567890", support.read(ws:path()))
  end)

  it("tells the callback the same object on a tick, and nobody else", function()
    local ws, log = bounded()
    ws:write "1234567890"
    local told
    local ok, refusal = ws:write("x", function(err) told = err end)
    assert.is_nil(ok)
    assert.is_nil(told)
    assert.equal("ENOBUFS", refusal.code)
    support.end_and_close(ws)
    assert.is_true(rawequal(told, refusal))
    assert.is_nil(ws:errored())
    assert.equal("prefinish finish close", log.take())
  end)

  it("leaves the stream usable: there is room again when something was written", function()
    local ws, log = bounded()
    for _ = 1, 5 do
      log.add(ws:write "1234567890")
      log.add(ws:write "x")
      ws:uncork()
      wait_until_written(ws)
      ws:cork()
    end
    assert.equal(("false refused(ENOBUFS) drain "):rep(5), log.take() .. " ")
    support.end_and_close(ws)
    assert.equal(("1234567890"):rep(5), support.read(ws:path()))
  end)

  it("makes end_ with a chunk that is too big return nil and the error, and not end", function()
    local ws, log = bounded()
    ws:write "123456789"
    local ok, refusal = ws:end_("xy", log.cb "end")
    assert.is_nil(ok)
    assert.equal("ENOBUFS", refusal.code)
    assert.is_false(ws:writable_ended())
    assert.is_true(ws:writable())
    ws:uncork()
    wait_until_written(ws)
    assert.is_true(ws == ws:end_("xy", log.cb "end again"))
    support.close(ws)
    assert.equal("end(ENOBUFS) drain prefinish end again finish close", log.take())
    assert.equal("123456789xy", support.read(ws:path()))
  end)

  it("refuses what could never fit", function()
    local ws = bounded()
    local ok, refusal = ws:write "12345678901"
    assert.is_nil(ok)
    assert.equal("ENOBUFS", refusal.code)
    support.end_and_close(ws)
  end)
end)

describe("a script that does not go back to the loop", function()
  setup(support.open_folder)
  teardown(support.remove_folder)

  it("is answered false once more than 1,024 callbacks wait to be called", function()
    local ws = open_stream { high_water_mark = 2 ^ 40 }
    local calls, written = 0, 0
    repeat
      written = written + 1
      local go_on = ws:write("", function() calls = calls + 1 end)
    until not go_on or written == 5000
    assert.is_true(written <= 1026, written .. " were taken")
    support.end_and_close(ws)
    assert.equal(written, calls)
  end)

  it("is answered false once more than 1,024 callbacks wait to be called, before open too",
    function()
      local ws = weir.create_write_stream(support.new_path(), { high_water_mark = 2 ^ 40 })
      local calls, written = 0, 0
      repeat
        written = written + 1
        local go_on = ws:write("", function() calls = calls + 1 end)
      until not go_on or written == 5000
      assert.is_true(written <= 1026, written .. " were taken")
      support.end_and_close(ws)
      assert.equal(written, calls)
    end)

  it("is answered false once it has written 1 MiB in a turn, and gets its drain", function()
    local ws, log = open_stream { high_water_mark = 2 ^ 40 }
    local chunk, taken = ("x"):rep(65536), 0
    repeat taken = taken + 1 until not ws:write(chunk) or taken == 100
    assert.equal(16, taken)
    wait_until_written(ws)
    assert.equal("drain", log.take())
    log.add(ws:write "x")
    assert.equal("true", log.take())
    support.end_and_close(ws)
  end)
end)

describe("the counters of a file stream", function()
  setup(support.open_folder)
  teardown(support.remove_folder)

  it("tell what was accepted, what is written, and what waits", function()
    local ws = corked_stream { high_water_mark = 10 }
    local before = ws:stats()
    for name, value in pairs(before) do assert.equal(0, value, name) end
    ws:write "abc"
    ws:write("defg", function() end)
    ws:write ""
    local waiting = ws:stats()
    assert.same({ 3, 7, 0, 7 }, { waiting.writes, waiting.bytes_accepted, waiting.bytes_written,
      waiting.peak_buffered })
    assert.is_true(waiting.queued_writes >= 2 and waiting.queued_writes <= 3)
    ws:write(("x"):rep(20))
    ws:uncork()
    wait_until_written(ws)
    local written = ws:stats()
    assert.same({ 4, 27, 27, 27, 0, 1 }, { written.writes, written.bytes_accepted,
      written.bytes_written, written.peak_buffered, written.queued_writes, written.drains })
    assert.is_true(written.flushes >= 1)
    assert.is_true(written.blocked_ns > 0)
    assert.equal(written.blocked_ns, written.longest_blocked_ns)
    support.end_and_close(ws)
    assert.equal(27, ws:stats().bytes_written)
  end)

  it("count bytes_written while they are written, never more than accepted, never less than before",
    function()
      local wrong, seen = 0, 0
      local function write_and_look()
        local ws, last = open_stream(), 0
        local function look()
          local now = ws:bytes_written()
          if now < last or now > ws:stats().bytes_accepted then wrong = wrong + 1 end
          if now > last then seen = seen + 1 end
          last = now
          if not ws:closed() then weir.next_tick(weir.set_timeout, look, 0) end
        end
        look()
        ws:write(("x"):rep(8 * MEBIBYTE))
        support.end_and_close(ws)
        assert.equal(8 * MEBIBYTE, ws:bytes_written())
      end
      local tries = 0
      repeat -- on a busy machine all may be written between two looks
        write_and_look()
        tries = tries + 1
      until seen > 0 or tries == 30
      assert.equal(0, wrong)
      assert.is_true(seen > 0)
    end)

  it("add up the times it was full", function()
    local ws = open_stream { high_water_mark = 1 }
    for _ = 1, 3 do
      ws:write "x"
      wait_until_written(ws)
    end
    local stats = ws:stats()
    assert.equal(3, stats.drains)
    assert.is_true(stats.longest_blocked_ns > 0)
    assert.is_true(stats.longest_blocked_ns < stats.blocked_ns)
    support.end_and_close(ws)
  end)
end)
