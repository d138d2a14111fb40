-- On the way to a peer: what a script sees of it, and what becomes of what it wrote meanwhile.
local weir = require "weir"
local support = require "spec.sockets.support"

describe("a socket on its way", function()
  setup(support.open_folder)
  teardown(support.remove_folder)
  after_each(support.settle)

  it("takes writes, and writes them once it is connected", function()
    local peer = support.peer "collect"
    local s, log = support.connect(peer)
    assert.is_true(s:pending())
    assert.is_true(s:connecting())
    assert.is_true(s:write("abc", log.cb "a"))
    assert.is_true(s:write("def", log.cb "b"))
    assert.equal(6, s:writable_length())
    s:end_("ghi", log.cb "c")
    support.close(s)
    assert.equal("connect ready a b prefinish c finish close(false)",
      (log.take():gsub(" end ", " ")))
    assert.equal(support.heard "abcdefghi", peer.said())
    assert.equal(9, s:bytes_written())
    assert.is_false(s:connecting())
  end)

  it("reaches a unix socket", function()
    local path = support.new_path ".sock"
    local peer = support.peer("-u " .. path .. " collect")
    local s = support.connect(peer)
    assert.equal(path, s:path())
    s:end_("abc")
    support.close(s)
    assert.equal(support.heard "abc", peer.said())
  end)

  it("looks a name up, says what it found, and tries what it found in turn", function()
    local lacks = support.lacks_localhost()
    if lacks then pending(lacks) end
    local peer = support.peer "collect"
    local found = {}
    local s = support.connect(peer, { host = "localhost" })
    s:on("lookup", function(err, address, family, host)
      assert.is_nil(err)
      assert.equal("localhost", host)
      found[address] = family
    end)
    s:end_ "abc"
    support.close(s)
    assert.equal(4, found["127.0.0.1"])
    assert.is_nil(s:errored())
    assert.equal(support.heard "abc", peer.said())
  end)

  it("fails all that was written, in order, then says `error` once, then `close`", function()
    local port = support.deserted_port()
    local s, log = support.connect { host = "127.0.0.1", port = port }
    local first
    s:write("abc", function(err)
      first = err
      log.add "a"
    end)
    s:write("def", log.cb "b")
    s:end_(log.cb "c")
    support.close(s)
    assert.equal("a b(ECONNREFUSED) c(ECONNREFUSED) error(ECONNREFUSED) close(true)", log.take())
    assert.equal("connect", first.syscall)
    assert.equal("127.0.0.1", first.address)
    assert.equal(port, first.port)
    assert.equal(("ECONNREFUSED: connection refused, connect 127.0.0.1:%d"):format(port),
      tostring(first))
    assert.equal(first, s:errored())
    assert.equal(0, s:bytes_written())
  end)

  it("fails where there is no such unix socket, with its path", function()
    local path = support.new_path ".sock"
    local s, log = support.connect { path = path }
    s:write("abc", log.cb "a")
    support.close(s)
    assert.equal("a(ENOENT) error(ENOENT) close(true)", log.take())
    assert.equal(path, s:errored().path)
  end)

  it("fails for an unknown host with the resolver's code", function()
    local s, log = support.connect { host = "no-such-host.invalid", port = 80 }
    s:write("abc", log.cb "a")
    local told
    s:on("lookup", function(err) told = err end)
    support.close(s)
    local code = s:errored().code
    assert.is_true(code == "ENOTFOUND" or code == "EAI_AGAIN", code)
    assert.equal(("a(%s) error(%s) close(true)"):format(code, code), log.take())
    assert.equal(told, s:errored())
    assert.equal("getaddrinfo", told.syscall)
    assert.equal("no-such-host.invalid", told.address)
  end)

  it("is not cut short where a path is too long for a unix socket", function()
    local path = "/tmp/" .. ("x"):rep(103) -- 108 bytes, and the system has room for 107
    local s, log = support.connect { path = path }
    support.close(s)
    assert.equal("error(ENAMETOOLONG) close(true)", log.take())
    assert.equal(path, s:errored().path)
    s, log = weir.connect { abstract = path }, support.new_log()
    support.listen(s, log)
    support.close(s)
    assert.equal("error(ENAMETOOLONG) close(true)", log.take())
    assert.equal(path, s:errored().path)
    s, log = support.connect { path = path:sub(1, -2) }
    support.close(s)
    assert.equal("error(ENOENT) close(true)", log.take())
  end)

  it("can be destroyed before it knows where it goes, or gets there", function()
    local peer = support.peer "-n 2 -q collect"
    for _, host in ipairs { "127.0.0.1", "localhost" } do -- known or not: it is not waited for
      local s, log = support.connect(peer, { host = host })
      s:write("abc", log.cb "a")
      s:destroy()
      assert.is_false(s:connecting())
      support.close(s)
      assert.equal("a(DESTROYED) close(false)", log.take())
      s, log = support.connect(peer, { host = host })
      weir.run "nowait"
      s:destroy("why")
      support.close(s)
      assert.truthy(log.take():find "error%(why%) close%(true%)$")
    end
    for _ = 1, 2 do
      local s = support.connect(peer)
      s:end_()
      support.close(s)
    end
    peer.said()
  end)

  it("waits for a unix socket whose backlog is full", function()
    local path = support.new_path ".sock"
    local count = support.slow and 5 or 20
    local peer = support.peer(("-u %s -b 1 -d 100 -n %d -q collect"):format(path, count))
    local streams, done = {}, 0
    for i = 1, count do
      streams[i] = weir.connect { path = path }
      streams[i]:end_("abc", function(err) if not err then done = done + 1 end end)
    end
    support.run_until(function() return done == count end)
    for i = 1, count do support.close(streams[i]) end
    peer.said()
  end)
end)

-- The name is "two.test", which spec/support/preload/resolver.c knows: 127.0.0.2, then 127.0.0.1.
describe("a name of two addresses", function()
  setup(support.open_folder)
  teardown(support.remove_folder)

  local function connect(port)
    if support.sh "uname -s" ~= "Linux\n" then pending "only Linux has more than one loopback" end
    local around, lacks = support.preloading "resolver"
    if not around then pending(lacks) end
    return support.child(([[
      local s = weir.connect { host = "two.test", port = %d }
      s:on("lookup", function(_, address) print(address) end)
      s:on("connect", function() print("connected to " .. s:remote_address()) end)
      s:on("error", function(err) print(err) end)
      s:on("close", function(had_error) print(had_error) end)
      s:end_ "abc"
      weir.run()]]):format(port), { around = around }).output
  end

  it("is tried address by address where one refuses", function()
    local peer = support.peer "collect"
    assert.equal("127.0.0.2\n127.0.0.1\nconnected to 127.0.0.1\nfalse\n", connect(peer.port))
    assert.equal(support.heard "abc", peer.said())
  end)

  it("fails with the last one's error where all refuse", function()
    local port = support.deserted_port()
    local output = connect(port)
    assert.equal(("127.0.0.2\n127.0.0.1\nECONNREFUSED: connection refused, connect 127.0.0.1:%d\n"
      .. "true\n"):format(port), output)
  end)

  it("does not wait for an address that does not answer, if another one does", function()
    local peer = support.peer "collect"
    local silent = support.peer(("-a 127.0.0.2 -p %d -q -b 0 -d 60000 never"):format(peer.port))
    local fillers = {}
    for i = 1, 4 do -- the system answers for the first few only
      fillers[i] = weir.connect { host = "127.0.0.2", port = peer.port }
      fillers[i]:on("error", function() end)
    end
    support.run_until(function() return not fillers[1]:pending() end)
    assert.equal("127.0.0.2\n127.0.0.1\nconnected to 127.0.0.1\nfalse\n", connect(peer.port))
    assert.equal(support.heard "abc", peer.said())
    for i = 1, 4 do fillers[i]:destroy() end
    support.close(fillers[1], fillers[2], fillers[3], fillers[4])
    silent.kill()
  end)
end)

describe("weir.connect", function()
  local function message(given)
    local ok, err = pcall(weir.connect, given)
    assert.is_false(ok)
    return err
  end

  it("refuses arguments that say no peer, or two", function()
    assert.truthy(message(nil):find("bad argument #1 to 'connect'", 1, true))
    assert.truthy(message {}:find("a 'port' or a 'path' is needed", 1, true))
    assert.truthy(message { path = "/x", port = 1 }:find("cannot be had with 'path'", 1, true))
    assert.truthy(message { port = 65536 }:find("from 0 to 65535", 1, true))
    assert.truthy(message { port = "80" }:find("'port'", 1, true))
    assert.truthy(message { port = 80, connectTimeout = 3 }:find("connect_timeout", 1, true))
  end)

  it("refuses NUL bytes in a path or a host, which the system would cut short", function()
    assert.truthy(message { path = "/tmp/a\0b" }:find("NUL", 1, true))
    assert.truthy(message { host = "localhost\0.evil", port = 80 }:find("NUL", 1, true))
  end)
end)

describe("the methods of sockets", function()
  it("are refused by other streams", function()
    local ws = weir.writable { write = function(_, _, done) done() end }
    local ok, err = pcall(ws.set_no_delay, ws)
    assert.is_false(ok)
    assert.truthy(err:find("socket expected", 1, true))
    assert.is_false((pcall(ws.local_address, io.stdout)))
  end)

  it("tell both addresses, and take settings before it is connected", function()
    local peer = support.peer "collect"
    local s = support.connect(peer)
    assert.equal(s, s:set_no_delay())
    assert.equal(s, s:set_keep_alive(true, 1000))
    assert.is_nil(s:remote_address())
    local host, port, family, local_host
    s:on("connect", function()
      host, port, family = s:remote_address()
      local_host = s:local_address()
      s:end_()
    end)
    support.close(s)
    assert.equal("127.0.0.1", host)
    assert.equal(peer.port, port)
    assert.equal(4, family)
    assert.equal("127.0.0.1", local_host)
    assert.is_nil(s:remote_address())
    peer.said()
  end)
end)
