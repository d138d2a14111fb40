-- What goes through a connected socket, whatever the peer does with it.
local weir = require "weir"
local rounds = require "spec.support.rounds"
local support = require "spec.sockets.support"

local MEBIBYTE = 1024 * 1024

-- Counts callbacks: all are called once, successes before failures.
local function new_tally()
  local tally = { made = 0, good = 0, bad = 0 }
  function tally.callback()
    tally.made = tally.made + 1
    local called = false
    return function(err)
      assert(not called, "called twice")
      assert(err or tally.bad == 0, "a success after a failure")
      called = true
      if err then tally.bad = tally.bad + 1 else tally.good = tally.good + 1 end
    end
  end
  function tally.check() assert.equal(tally.made, tally.good + tally.bad) end
  return tally
end

local function chunk(size, seed)
  local word = ("<%d/%d>"):format(seed or 0, size)
  return word:rep(math.ceil(size / #word)):sub(1, size)
end

describe("through a socket", function()
  setup(support.open_folder)
  teardown(support.remove_folder)
  after_each(support.settle)

  it("goes every byte, in order, whatever the sizes", function()
    local sizes = { 0, 1, 13, 4095, 4096, 32768, 65537, 1, MEBIBYTE, 7 }
    local chunks = {}
    for round = 1, support.slow and 1 or 3 do
      for _, size in ipairs(sizes) do chunks[#chunks + 1] = chunk(size, round) end
    end
    local all = table.concat(chunks)
    for _, way in ipairs { "collect", "-u " .. support.new_path ".sock" .. " collect" } do
      local peer = support.peer(way)
      local s = support.connect(peer)
      support.write_all(s, chunks)
      assert.equal(support.heard(all), peer.said())
      assert.equal(#all, s:bytes_written())
    end
  end)

  it("goes what is written one way and what comes back the other", function()
    local peer = support.peer "echo"
    local s = support.connect(peer)
    local sent, got, i = {}, {}, 0
    local function go()
      while i < 300 do
        i = i + 1
        sent[i] = chunk(i * 17, i)
        if not s:write(sent[i]) then return s:once("drain", go) end
      end
      s:end_()
    end
    s:on("data", function(data) got[#got + 1] = data end)
    s:on("connect", go)
    support.close(s)
    assert.is_true(table.concat(sent) == table.concat(got))
    assert.equal(#table.concat(sent), s:bytes_read())
    peer.said()
  end)

  it("small writes of one turn go together", function()
    local peer = support.peer "collect"
    local s = support.connect(peer)
    s:on("connect", function()
      for _ = 1, 100 do s:write "abc" end
      weir.next_tick(s.end_, s)
    end)
    support.close(s)
    assert.equal(support.heard(("abc"):rep(100)), peer.said())
    assert.is_true(s:stats().flushes <= 2, s:stats().flushes)
  end)

  it("corked writes go when they are let go", function()
    local peer = support.peer "collect"
    local s = support.connect(peer)
    s:on("connect", function()
      s:cork()
      s:write "abc"
      weir.set_timeout(function()
        assert.equal(0, s:bytes_written())
        s:uncork()
        s:end_()
      end, 10)
    end)
    support.close(s)
    assert.equal(support.heard "abc", peer.said())
  end)
end)

describe("a peer that", function()
  setup(support.open_folder)
  teardown(support.remove_folder)
  after_each(support.settle)

  it("never reads makes write say false, and the memory stays bounded", function()
    local peer = support.peer "-q -r 4096 never"
    local s = support.connect(peer, { max_buffered = 65536 })
    local tally, refused, written = new_tally(), nil, 0
    local piece = chunk(rounds(4096, 32768))
    local function go()
      local go_on, err
      repeat
        go_on, err = s:write(piece, tally.callback())
        if go_on ~= nil then written = written + #piece end
      until not go_on
      refused = err
      if err then return s:destroy() end
      weir.set_timeout(go, 1)
    end
    s:on("connect", go)
    support.close(s)
    assert.equal("ENOBUFS", refused.code)
    assert.is_true(s:bytes_written() < written)
    assert.is_true(tally.good * #piece <= s:bytes_written())
    assert.is_true(s:stats().peak_buffered <= 65536)
    tally.check()
    peer.kill()
  end)

  it("reads a byte now and then gets all of it", function()
    local peer = support.peer "-r 4096 slow 100"
    local text = chunk(300000)
    local s = support.connect(peer)
    s:end_(text)
    support.close(s)
    assert.equal(support.heard(text), peer.said())
  end)

  it("resets fails what is on its way, once, with a code that says so", function()
    local peer = support.peer "-q -r 4096 reset 1000"
    local s, log = support.connect(peer)
    local tally = new_tally()
    local function go()
      while s:write(chunk(4096), tally.callback()) do end -- luacheck: ignore 542
    end
    s:on("connect", go)
    s:on("drain", go)
    support.close(s)
    local words = log.take()
    assert.truthy(words:find "error%(E%u+%) close%(true%)$", words)
    local code = s:errored().code
    assert.is_true(code == "ECONNRESET" or code == "EPIPE", code)
    assert.equal(1, select(2, words:gsub("error", "")))
    assert.is_true(tally.bad > 0)
    tally.check()
    assert.is_true(s:bytes_written() < tally.made * 4096)
    peer.said()
  end)

  it("closes while we write costs us an error, not the process", function()
    local peer = support.peer "-q close 5000"
    local s = support.connect(peer)
    local tally = new_tally()
    local function go()
      if s:destroyed() then return end
      s:write(chunk(3000), tally.callback())
      weir.set_timeout(go, 1)
    end
    s:pause() -- so that only the writes can tell
    s:on("connect", go)
    support.close(s)
    local code = s:errored().code
    assert.is_true(code == "ECONNRESET" or code == "EPIPE", code)
    tally.check()
    peer.said()
  end)

  it("is reset by us learns that it was", function()
    local server, told = weir.create_server(), nil
    server:on("connection", function(theirs)
      theirs:on("error", function(err) told = err.code end)
      server:close()
    end)
    server:listen { host = "127.0.0.1", port = 0 }
    local host, port = server:address()
    local s = weir.connect { host = host, port = port }
    s:on("connect", function() weir.set_timeout(function() s:reset_and_destroy() end, 5) end)
    support.run_until(function() return told end)
    assert.equal("ECONNRESET", told)
    assert.is_nil(s:errored())
  end)

  it("ends its side ends ours too, after what was written", function()
    local peer = support.peer "half"
    local s, log = support.connect(peer)
    local text = chunk(200000)
    s:write(text)
    support.close(s)
    assert.equal("connect ready end prefinish finish close(false)",
      (log.take():gsub("drain ", "")))
    assert.equal(support.heard(text), peer.said())
  end)

  it("ends its side leaves ours open, with allow_half_open", function()
    local peer = support.peer "half"
    local s, log = support.connect(peer, { allow_half_open = true })
    s:on("end", function()
      weir.set_timeout(function()
        assert.is_true(s:writable())
        s:end_ "late"
      end, 10)
    end)
    support.close(s)
    assert.equal("connect ready end prefinish finish close(false)", log.take())
    assert.equal(support.heard "late", peer.said())
  end)

  it("had sent what nobody read still receives every byte", function()
    local text = chunk(200000)
    for _, buffer in ipairs { "", "-r 8192 " } do
      local peer = support.peer(buffer .. "chatty 200000")
      local s = support.connect(peer)
      s:end_(text)
      support.close(s)
      assert.is_nil(s:errored())
      assert.equal(support.heard(text), peer.said())
    end
  end)

  it("had sent what nobody read is waited for, though nobody holds the socket", function()
    local text = chunk(200000)
    local peer = support.peer "-r 8192 chatty 400000"
    local child = support.child(([[
      weir.connect({ host = "127.0.0.1", port = %d }):end_(%q)
      for _ = 1, 100 do
        weir.run "nowait"
        collectgarbage()
      end
      weir.run()
      print "over"]]):format(peer.port, text))
    assert.equal("over\n", child.output)
    assert.equal(support.heard(text), peer.said())
  end)

  it("does not end is waited for no longer than linger_timeout, if nobody reads", function()
    local peer = support.peer "linger 3000"
    local s = support.connect(peer, { linger_timeout = 50 })
    local began
    s:on("finish", function() began = weir.hrtime() end)
    s:end_ "abc"
    support.close(s)
    assert.is_true((weir.hrtime() - began) / 1e6 >= 50)
    assert.is_nil(s:errored())
    peer.kill()
  end)

  it("does not end is waited for as long as somebody reads", function()
    local peer = support.peer "linger 400"
    local s, log = support.connect(peer, { linger_timeout = 50 })
    s:resume()
    s:end_ "abc"
    support.close(s)
    assert.equal("connect ready prefinish finish end close(false)", log.take())
    assert.equal(support.heard "abc", peer.said())
  end)

  it("answers to our end is read, also by who listens only then", function()
    local peer = support.peer "echo"
    local s = support.connect(peer)
    local got = {}
    s:on("finish", function()
      weir.set_timeout(function()
        s:on("data", function(data) got[#got + 1] = data end)
      end, 20)
    end)
    s:end_ "question"
    support.close(s)
    assert.equal("question", table.concat(got))
    peer.said()
  end)
end)

describe("the time limit", function()
  after_each(support.settle)

  it("of a write is reached when the peer takes nothing", function()
    local peer = support.peer "-q -r 4096 never"
    local s, log = support.connect(peer, { write_timeout = 100 })
    local tally = new_tally()
    s:on("connect", function() -- more than the system takes
      for _ = 1, 10 do s:write(chunk(MEBIBYTE), tally.callback()) end
    end)
    support.close(s)
    assert.equal("ETIMEDOUT", s:errored().code)
    assert.equal("write", s:errored().syscall)
    assert.truthy(log.take():find "error%(ETIMEDOUT%) close%(true%)$")
    tally.check()
    peer.kill()
  end)

  it("of connecting is reached when nobody answers", function()
    if support.sh "uname -s" ~= "Linux\n" then pending "only Linux ignores who comes too many" end
    local peer = support.peer "-q -b 0 -d 60000 never"
    local fillers = {}
    for i = 1, 4 do -- the system answers for the first few only
      fillers[i] = weir.connect { host = peer.host, port = peer.port }
      fillers[i]:on("error", function() end)
    end
    local late = weir.set_timeout(function() end, 50)
    weir.run "once"
    late:clear()
    local s, log = support.connect(peer, { connect_timeout = 100 })
    s:write("abc", log.cb "a")
    support.close(s)
    assert.equal("a(ETIMEDOUT) error(ETIMEDOUT) close(true)", log.take())
    assert.equal("connect", s:errored().syscall)
    assert.equal("127.0.0.1", s:errored().address)
    assert.equal(peer.port, s:errored().port)
    for i = 1, 4 do fillers[i]:destroy() end
    support.close(fillers[1], fillers[2], fillers[3], fillers[4])
    peer.kill()
  end)

  it("of set_timeout is told when nothing came or went for so long, and nothing else", function()
    local peer = support.peer "echo"
    local s, log = support.connect(peer)
    local times = 0
    s:resume()
    s:on("connect", function() s:set_timeout(30) end)
    s:on("timeout", function()
      times = times + 1
      assert.is_true(s:writable())
      if times == 1 then s:write "abc" else s:end_() end
    end)
    support.close(s)
    assert.equal(2, times)
    assert.equal("connect ready timeout timeout prefinish finish end close(false)", log.take())
    peer.said()
  end)
end)
