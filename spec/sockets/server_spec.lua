-- A server: where it listens, whom it takes, and how it ends.
local weir = require "weir"
local support = require "spec.sockets.support"

-- Runs until the server listens. Returns its address.
local function listen(server, where)
  server:listen(where)
  support.run_until(function() return server:listening() end)
  return server:address()
end

local function close(server)
  local closed = false
  server:close(function() closed = true end)
  support.run_until(function() return closed end)
end

-- What a client gets back for `text`.
local function ask(text, options)
  local s, got = weir.connect(options), {}
  s:on("data", function(data) got[#got + 1] = data end)
  s:end_(text)
  support.close(s)
  return table.concat(got), s
end

local function echo(s)
  s:on("data", function(data) s:write(data) end)
end

local LOOPBACK = { host = "127.0.0.1", port = 0 }

describe("a server", function()
  setup(support.open_folder)
  teardown(support.remove_folder)
  after_each(support.settle)

  it("says where it listens, takes connections, and closes", function()
    local log = support.new_log()
    local server = weir.create_server(function(s)
      log.add "connection"
      echo(s)
    end)
    server:on("listening", function() log.add "listening" end)
    server:on("close", function() log.add "close" end)
    assert.is_nil(server:address())
    local host, port, family = listen(server, LOOPBACK)
    assert.equal("127.0.0.1", host)
    assert.is_true(port > 0)
    assert.equal(4, family)
    assert.equal("abc", (ask("abc", { host = host, port = port })))
    close(server)
    assert.is_false(server:listening())
    assert.equal("listening connection close", log.take())
    local s, told = weir.connect { host = host, port = port }, nil
    s:on("error", function(err) told = err.code end)
    support.close(s)
    assert.equal("ECONNREFUSED", told)
  end)

  it("listens at a name, and anywhere", function()
    local lacks = support.lacks_localhost()
    if lacks then pending(lacks) end
    local server = weir.create_server(echo)
    local _, port = listen(server, { host = "localhost", port = 0 })
    assert.equal("abc", (ask("abc", { host = "localhost", port = port })))
    close(server)
    _, port = listen(server, 0)
    assert.equal("def", (ask("def", { host = "127.0.0.1", port = port })))
    close(server)
  end)

  it("tells that the port is taken, and can listen elsewhere", function()
    local first, second = weir.create_server(), weir.create_server()
    local _, port = listen(first, LOOPBACK)
    local told
    second:on("error", function(err) told = err end)
    second:listen { host = "127.0.0.1", port = port }
    support.run_until(function() return told end)
    assert.equal("EADDRINUSE", told.code)
    assert.equal("listen", told.syscall)
    assert.equal("127.0.0.1", told.address)
    assert.equal(port, told.port)
    listen(second, LOOPBACK)
    close(first)
    close(second)
  end)

  it("refuses to listen twice, and tells who closes it twice", function()
    local server = weir.create_server()
    listen(server, LOOPBACK)
    local ok, err = pcall(server.listen, server, LOOPBACK)
    assert.is_false(ok)
    assert.equal("ERR_SERVER_ALREADY_LISTEN", err.code)
    close(server)
    local told
    server:close(function(err2) told = err2 end)
    support.run_until(function() return told end)
    assert.equal("ERR_SERVER_NOT_RUNNING", told.code)
  end)

  it("refuses to listen anew before it has told why it could not: no error is lost", function()
    local server, errors = weir.create_server(), {}
    server:on("error", function(err)
      errors[#errors + 1] = err
      if #errors == 1 then server:listen { path = "/no/such/folder/2" } end
    end)
    server:listen { path = "/no/such/folder/1" }
    local ok, err = pcall(server.listen, server, LOOPBACK)
    assert.is_false(ok)
    assert.equal("ERR_SERVER_ALREADY_LISTEN", err.code)
    support.run_until(function() return #errors == 2 end)
    assert.equal("/no/such/folder/1", errors[1].path)
    assert.equal("/no/such/folder/2", errors[2].path)
    listen(server, LOOPBACK)
    close(server)
  end)

  it("may listen anew right after close, also while connections linger", function()
    local closes, listens, theirs = 0, 0, {}
    local server = weir.create_server(function(s)
      theirs[#theirs + 1] = s
      s:resume()
    end)
    server:on("close", function() closes = closes + 1 end)
    server:on("listening", function() listens = listens + 1 end)
    local host, port = listen(server, LOOPBACK)
    local one = weir.connect { host = host, port = port }
    support.run_until(function() return #theirs == 1 end)
    server:close()
    assert.is_nil(server:address())
    server:listen { host = host, port = port }
    local two = weir.connect { host = host, port = port }
    support.run_until(function() return #theirs == 2 end)
    assert.equal(2, server:connections())
    assert.equal("0 2", closes .. " " .. listens)
    one:end_()
    two:end_()
    support.close(one, two, theirs[1], theirs[2])
    assert.equal(0, closes) -- it listens
    close(server)
    assert.equal(1, closes)
  end)

  it("closed and listening in one turn says the one, then the other", function()
    local log = support.new_log()
    local server = weir.create_server()
    local host, port = listen(server, LOOPBACK)
    server:on("listening", function() log.add "listening" end)
    server:on("close", function() log.add "close" end)
    server:close()
    server:listen { host = host, port = port }
    support.run_until(function() return server:listening() end)
    weir.run "nowait"
    assert.equal("close listening", log.take())
    close(server)
  end)

  it("that cannot listen anew still says when its last connection has gone", function()
    local theirs, told
    local other, server = weir.create_server(), weir.create_server(function(s)
      theirs = s
      s:resume()
    end)
    local _, taken = listen(other, LOOPBACK)
    local host, port = listen(server, LOOPBACK)
    local s = weir.connect { host = host, port = port }
    support.run_until(function() return theirs end)
    local closed = false
    server:close(function() closed = true end)
    server:on("error", function(err) told = err.code end)
    server:listen { host = host, port = taken }
    support.run_until(function() return told end)
    assert.equal("EADDRINUSE", told)
    assert.is_false(closed)
    s:end_()
    support.run_until(function() return closed end)
    support.close(s)
    close(other)
  end)

  it("says `close` as often as it was closed, also within one turn", function()
    local log = support.new_log()
    local server = weir.create_server(function() end)
    server:on("listening", function() log.add "listening" end)
    server:on("close", function() log.add "close" end)
    for _ = 1, 3 do
      server:listen { host = "127.0.0.1", port = 0 }
      server:close()
    end
    support.settle()
    assert.equal("close close close", log.take())
    server:listen { host = "127.0.0.1", port = 0 }
    weir.run "nowait"
    close(server)
    assert.equal("listening close", log.take())
  end)

  it("emits `close` only when its last connection has gone", function()
    local theirs
    local server = weir.create_server(function(s) theirs = s end)
    local host, port = listen(server, LOOPBACK)
    local s = weir.connect { host = host, port = port }
    support.run_until(function() return theirs end)
    local closed = false
    server:close(function() closed = true end)
    for _ = 1, 3 do weir.run "nowait" end
    assert.is_false(closed)
    assert.equal(1, server:connections())
    theirs:resume()
    s:end_()
    support.run_until(function() return closed end)
    assert.equal(0, server:connections())
    support.close(s)
  end)

  it("turns away those beyond max_connections", function()
    local taken, dropped = 0, 0
    local server = weir.create_server({ max_connections = 2 }, function(s)
      taken = taken + 1
      s:resume()
    end)
    server:on("drop", function(address, port)
      assert.equal("127.0.0.1", address)
      assert.is_true(port > 0)
      dropped = dropped + 1
    end)
    local host, port = listen(server, LOOPBACK)
    local all = {}
    for i = 1, 4 do
      all[i] = weir.connect { host = host, port = port }
      all[i]:on("error", function() end)
    end
    support.run_until(function() return dropped == 2 end)
    assert.equal(2, taken)
    for i = 1, 4 do all[i]:destroy() end
    support.close(all[1], all[2], all[3], all[4])
    close(server)
  end)

  it("gives its options to its connections", function()
    local theirs
    local options = { high_water_mark = 77, allow_half_open = true, no_delay = true }
    local server = weir.create_server(options, function(s) theirs = s end)
    local host, port = listen(server, LOOPBACK)
    local s = weir.connect { host = host, port = port }
    support.run_until(function() return theirs end)
    assert.equal(77, theirs:writable_high_water_mark())
    s:end_()
    theirs:resume()
    support.run_until(function() return theirs:readable_ended() end)
    assert.is_true(theirs:writable())
    theirs:end_()
    s:resume()
    support.close(s, theirs)
    close(server)
  end)

  it("emits what a script tells it to", function()
    local server, got = weir.create_server(), {}
    assert.is_false(server:emit("news", 1))
    server:on("news", function(...) got = { ... } end)
    assert.is_true(server:emit("news", 1, 2))
    assert.same({ 1, 2 }, got)
  end)

  it("is nothing that a stream's method, or a hand-called finalizer, can harm", function()
    local server = weir.create_server()
    assert.is_false((pcall(weir.writable().write, server, "abc")))
    assert.is_false((pcall(server.listen, io.stdout, LOOPBACK)))
    assert.is_false((pcall(server.address, weir.writable())))
    assert.truthy(tostring(server):find "^weir.server %(idle%)")
  end)

  it("is collected when nobody holds it and it does not listen; else it goes on", function()
    local gone = setmetatable({}, { __mode = "k" })
    local host, port
    do
      local idle, busy = weir.create_server(), weir.create_server(echo)
      host, port = listen(busy, LOOPBACK)
      gone[idle], gone[busy] = "idle", "busy"
      busy:on("connection", function() busy:close() end)
    end
    for _ = 1, 3 do collectgarbage() end
    local left = {}
    for _, name in pairs(gone) do left[#left + 1] = name end
    assert.equal("busy", table.concat(left, " "))
    assert.equal("abc", (ask("abc", { host = host, port = port })))
    for _ = 1, 3 do weir.run "nowait" end
    for _ = 1, 3 do collectgarbage() end
    assert.is_nil(next(gone))
  end)
end)

describe("a server at a path", function()
  setup(support.open_folder)
  teardown(support.remove_folder)
  after_each(support.settle)

  it("removes it in the end, unless it is another one by then", function()
    local path = support.new_path ".sock"
    local server = weir.create_server(echo)
    assert.equal(path, (listen(server, { path = path })))
    assert.equal("abc", (ask("abc", { path = path })))
    close(server)
    assert.is_nil(support.mode(path))
    listen(server, { path = path })
    os.remove(path)
    support.put("mine", path)
    close(server)
    assert.equal("mine", support.read(path))
  end)

  it("has the mode that was asked for, from the beginning", function()
    for mode, shown in pairs { ["0600"] = "rw-------", ["0777"] = "rwxrwxrwx" } do
      local path = support.new_path ".sock"
      local server = weir.create_server()
      listen(server, { path = path, mode = mode })
      assert.equal(shown, support.mode(path))
      close(server)
    end
  end)

  local function fails(path)
    local server, told = weir.create_server(), nil
    server:on("error", function(err) told = err end)
    server:listen { path = path }
    support.run_until(function() return told end)
    return told
  end

  it("takes the place of a socket that was left behind, and of no other", function()
    local path = support.new_path ".sock"
    local child = support.child([[
      weir.create_server():listen({ path = path }, function() os.exit(0) end)
      weir.run()]], { path = path })
    assert.equal(0, child.code, child.output)
    assert.truthy(support.mode(path), "the child was to leave it behind")
    local server = weir.create_server(echo)
    listen(server, { path = path })
    assert.equal("abc", (ask("abc", { path = path })))
    local err = fails(path)
    assert.equal("EADDRINUSE", err.code)
    assert.equal(path, err.path)
    assert.equal("abc", (ask("abc", { path = path })))
    close(server)
  end)

  it("leaves alone what is no socket", function()
    local path = support.put "precious"
    assert.equal("EADDRINUSE", fails(path).code)
    assert.equal("precious", support.read(path))
  end)

  it("that is too long, or in no folder, fails", function()
    assert.equal("ENAMETOOLONG", fails("/tmp/" .. ("x"):rep(103)).code)
    assert.equal("ENOENT", fails(support.new_path "/x.sock").code)
  end)

  it("can have a name of Linux's that is no file", function()
    if support.sh "uname -s" ~= "Linux\n" then pending "only Linux has abstract sockets" end
    local name = ("weir %s"):format(support.new_path())
    local server = weir.create_server(echo)
    listen(server, { abstract = name })
    assert.equal("abc", (ask("abc", { path = name, abstract = true })))
    assert.equal("def", (ask("def", { abstract = name })))
    close(server)
  end)
end)

describe("the process", function()
  setup(support.open_folder)
  teardown(support.remove_folder)

  it("goes on, and does not spin, when it has no descriptor left for a connection", function()
    local child = support.child([[
      local taken, all = 0, {}
      local server = weir.create_server(function(s)
        taken = taken + 1
        s:resume()
      end)
      server:listen({ host = "127.0.0.1", port = 0 }, function()
        local _, port = server:address()
        for i = 1, 40 do
          all[i] = weir.connect { host = "127.0.0.1", port = port }
          all[i]:on("error", function() end)
        end
      end)
      weir.set_timeout(function()
        print(taken < 40 and "some wait" or "none waits")
        print(os.clock() < 5 and "idle" or "spins")
        for i = 1, 30 do all[i]:destroy() end
        weir.set_timeout(function()
          for i = 31, 40 do all[i]:destroy() end
          server:close()
        end, 300)
      end, 300)
      weir.run()
      print(taken > 20)
    ]], { around = "ulimit -n 64; %s" })
    assert.equal("some wait\nidle\ntrue\n", child.output)
  end)

  it("gives its sockets to no program that it starts", function()
    if not io.open "/proc/self/fd" then pending "there is no /proc" end
    local server = weir.create_server()
    local host, port = listen(server, LOOPBACK)
    local s = weir.connect { host = host, port = port }
    support.run_until(function() return not s:pending() end)
    local links = support.sh "ls -l /proc/self/fd"
    assert.is_nil(links:find "socket:")
    s:destroy()
    support.close(s)
    close(server)
  end)

  it("ends in bounded time with peers that never read, and tells nobody any more", function()
    local peer = support.peer "-q -r 4096 never"
    local child = support.child(([[
      local server = weir.create_server()
      server:listen { path = path }
      local s = weir.connect { host = "127.0.0.1", port = %d }
      s:on("connect", function()
        for _ = 1, 10 do s:write(("x"):rep(1024 * 1024)) end
        weir.stop()
      end)
      weir.run()
    ]]):format(peer.port))
    assert.equal("", child.output)
    assert.equal(0, child.code)
    assert.is_nil(support.mode(child.path))
    peer.kill()
  end)

  it("takes no longer to end than weir.set_close_timeout says", function()
    local peer = support.peer "-q -r 4096 never"
    local child = support.child(([[
      for _, wrong in ipairs { -1, "soon", 0 / 0, math.huge } do
        assert(not pcall(weir.set_close_timeout, wrong))
      end
      weir.set_close_timeout(50)
      local s = weir.connect { host = "127.0.0.1", port = %d }
      s:on("connect", function()
        s:write(("x"):rep(10 * 1024 * 1024))
        weir.stop()
      end)
      weir.run()
    ]]):format(peer.port))
    assert.equal("", child.output)
    assert.equal(0, child.code)
    if not support.slow then assert.is_true(child.seconds < 2, child.seconds) end
    peer.kill()
  end)

  it("ends only when peers that are still sending have heard all of it", function()
    local ways = {
      'weir.stop()', -- the state closes with all of it still to be written
      's:pause() weir.set_timeout(weir.stop, 30)',
      's:end_() s:on("finish", weir.stop)',
      'os.exit(0, true)',
      'os.exit(0)',
      's:unref() weir.stop()',
    }
    for _, way in ipairs(ways) do
      local peer = support.peer "-r 8192 chatty 4000000"
      local child = support.child(([[
        local s = weir.connect { host = "127.0.0.1", port = %d }
        local function when_it_sends() -- a peer that has sent nothing yet is not waited for
          if s:bytes_read() == 0 then return weir.set_timeout(when_it_sends, 1) end
          s:write(("x"):rep(200000))
          %s
        end
        s:on("connect", when_it_sends)
        weir.run()
      ]]):format(peer.port, way))
      assert.equal("", child.output)
      assert.equal(0, child.code)
      assert.equal("200000", peer.said():match "^%d+", way)
    end
  end)

  it("flushes what was written when it ends without running the loop to its end", function()
    local peer = support.peer "collect"
    local child = support.child(([[
      local s = weir.connect { host = "127.0.0.1", port = %d }
      s:write(("x"):rep(300000))
    ]]):format(peer.port))
    assert.equal("", child.output)
    assert.equal("300000", peer.said():match "^%d+")
    peer = support.peer "collect"
    child = support.child(([[
      local s = weir.connect { host = "127.0.0.1", port = %d }
      s:on("connect", function()
        s:write(("x"):rep(300000))
        os.exit(0, true)
      end)
      weir.run()
    ]]):format(peer.port))
    assert.equal("", child.output)
    if child.code == 0 then assert.equal("300000", peer.said():match "^%d+") end
  end)
end)
