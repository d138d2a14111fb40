-- What can be set and asked of a socket and of a server, at each stage of its life.
local weir = require "weir"
local support = require "spec.sockets.support"

-- The two ends of a connection, over TCP or a unix socket, each with its log; and the server.
local function pair(where, options)
  local ends = {}
  local server = weir.create_server(options or {}, function(s) ends.server = s end)
  server:listen(where)
  support.run_until(function() return server:listening() end)
  local host, port = server:address()
  local to = where.path and { path = where.path } or { host = host, port = port }
  ends.client = support.connect(to)
  support.run_until(function() return ends.server and not ends.client:connecting() end)
  return ends.client, ends.server, server
end

local function close(server, ...)
  for _, s in ipairs { ... } do s:destroy() end
  support.close(...)
  local closed
  server:close(function() closed = true end)
  support.run_until(function() return closed end)
end

-- That a call raises, and in which words.
local function raises(words, fn, ...)
  local ok, err = pcall(fn, ...)
  assert.is_false(ok, words)
  assert.truthy(tostring(err):find(words, 1, true), err)
end

for _, kind in ipairs { "tcp", "unix" } do
  describe("the settings of a socket, " .. kind, function()
    setup(support.open_folder)
    teardown(support.remove_folder)

    local function connect(options)
      local where = kind == "unix" and { path = support.new_path() }
        or { host = "127.0.0.1", port = 0 }
      return pair(where, options)
    end

    it("can be changed while it is connected, and when it is closed", function()
      local client, other, server = connect { no_delay = true, keep_alive = true,
        keep_alive_delay = 2000 }
      for _, s in ipairs { client, other } do
        for _ = 1, 2 do
          assert.equal(s, s:set_no_delay():set_no_delay(false):set_no_delay(true))
          assert.equal(s, s:set_keep_alive():set_keep_alive(false):set_keep_alive(true, 3000))
          assert.equal(s, s:set_keep_alive(true, 1e12):set_timeout(0):set_timeout(1e12))
          assert.equal(s, s:ref():unref():ref())
          assert.is_false(s:connecting())
          assert.equal(s:destroyed() and "nil" or "number", type(s:fd()))
          s:destroy()
          support.close(s)
        end
      end
      close(server, client, other)
    end)

    it("may have a time without a word, told to a listener that can be taken back", function()
      local client, other, server = connect()
      local told, count = 0, client:listener_count "timeout"
      local function listener() told = told + 1 end
      client:set_timeout(0.5, listener)
      support.run_until(function() return told == 1 end)
      client:set_timeout(100000, listener):set_timeout(0, listener)
      assert.equal(count, client:listener_count "timeout")
      close(server, client, other)
      assert.equal(1, told)
    end)
  end)
end

describe("the settings of a socket", function()
  it("take numbers of milliseconds and booleans, and nothing else", function()
    local s = weir.connect { host = "127.0.0.1", port = support.deserted_port(),
      write_timeout = 1e12, connect_timeout = 1e12 }
    s:on("error", function() end)
    raises("bad argument #1 to 'set_no_delay' (boolean expected, got number)",
      s.set_no_delay, s, 1)
    raises("bad argument #1 to 'set_keep_alive' (boolean expected, got string)",
      s.set_keep_alive, s, "on")
    raises("bad argument #2 to 'set_keep_alive' (number expected, got string)",
      s.set_keep_alive, s, true, "1000")
    raises("bad argument #1 to 'set_timeout' (number expected, got no value)", s.set_timeout, s)
    for _, ms in ipairs { -1, 0 / 0, 1 / 0, 2e12 } do
      raises("bad argument #1 to 'set_timeout' (milliseconds, 0 or more, expected)",
        s.set_timeout, s, ms)
    end
    raises("bad argument #2 to 'set_timeout' (function expected, got boolean)",
      s.set_timeout, s, 1000, true)
    support.close(s)
  end)
end)

describe("the addresses", function()
  setup(support.open_folder)
  teardown(support.remove_folder)

  it("of a unix socket are paths, that of a client nameless", function()
    local path = support.new_path()
    local client, other, server = pair { path = path }
    assert.equal(path, (server:address()))
    assert.equal("", (client:local_address()))
    assert.equal(path, (client:remote_address()))
    assert.equal(path, (other:local_address()))
    assert.equal("", (other:remote_address()))
    close(server, client, other)
    assert.is_nil(server:address())
  end)

  it("of IPv6 say so", function()
    local server = weir.create_server()
    local failure
    server:on("error", function(err) failure = err end)
    server:listen { host = "::1", port = 0 }
    support.run_until(function() return server:listening() or failure end)
    if failure then pending "there is no IPv6 here" end
    local host, port, family = server:address()
    assert.equal("::1", host)
    assert.equal(6, family)
    local found
    local s = weir.connect { host = "::1", port = port }
    s:on("lookup", function(_, address, of_family) found = address .. " " .. of_family end)
    s:on("connect", function() s:destroy() end)
    support.close(s)
    assert.is_true(found == nil or found == "::1 6")
    close(server)
  end)
end)

describe("a server", function()
  setup(support.open_folder)
  teardown(support.remove_folder)

  it("can be refed and unrefed at any time, and says what it is", function()
    local server = weir.create_server()
    assert.equal(server, server:unref():ref():unref())
    assert.truthy(tostring(server):find("weir.server (idle)", 1, true))
    server:listen { host = "127.0.0.1", port = 0 }
    assert.truthy(tostring(server):find "weir.server %(%a+ing%)")
    weir.run "nowait"
    assert.is_true(server:listening())
    assert.equal(server, server:ref():unref())
    close(server)
  end)

  it("that a finalizer was called on is none any more", function()
    local server = weir.create_server()
    local meta = debug.getmetatable(server)
    meta.__gc(server)
    meta.__gc(server)
    meta.__gc(1)
    assert.equal("weir.server (collected)", tostring(server))
    assert.equal("weir.server (collected)", meta.__tostring "x")
    raises("weir server expected", server.address, server)
    raises("weir server expected", server.address, io.stdout)
    raises("weir server expected", server.address, weir.set_timeout(function() end, 0))
    raises("", server.on, server, "close", function() end)
    weir.run "nowait"
  end)

  it("listens at the first of a name's addresses that can be had", function()
    local around, lacks = support.preloading "resolver"
    if not around then pending(lacks) end
    local script = [[
      local taken = weir.create_server()
      taken:listen { host = "127.0.0.2", port = 0 }
      weir.run "nowait"
      local _, port = taken:address()
      local server = weir.create_server()
      server:on("listening", function()
        print((server:address()))
        server:close() taken:close()
      end)
      server:listen { host = "two.test", port = port }
      weir.run()
    ]]
    local child = support.child(script, { around = around })
    assert.equal("127.0.0.1\n", child.output)
  end)

  it("tells of a name that nobody knows", function()
    local server, err = weir.create_server(), nil
    server:on("error", function(e) err = e end)
    server:listen { host = "no.such.host.invalid", port = 0 }
    support.run_until(function() return err end)
    assert.equal("getaddrinfo", err.syscall)
    assert.truthy(err.code == "ENOTFOUND" or err.code == "EAI_AGAIN", err.code)
  end)

  it("may be told to listen by the listener of what it failed by", function()
    local server, failures = weir.create_server(), 0
    server:on("error", function(err)
      failures = failures + 1
      assert(err.syscall == "listen", err.syscall)
      if failures < 3 then server:listen { path = "/no/such/folder/at/all" } end
    end)
    server:listen { path = "/no/such/folder/at/all" }
    support.run_until(function() return failures == 3 end)
    assert.is_false(server:listening())
  end)

  it("that begins anew when its last connection goes says `close`, and listens", function()
    local lacks = support.lacks_localhost()
    if lacks then pending(lacks) end
    local client, other, server = pair { host = "127.0.0.1", port = 0 }
    local closed
    server:close(function() closed = true end)
    server:listen { host = "localhost", port = 0 } -- which is looked up
    client:destroy()
    other:destroy()
    support.close(client, other)
    support.run_until(function() return server:listening() end)
    close(server)
    assert.is_true(closed)
  end)
end)

describe("a name", function()
  setup(support.open_folder)
  teardown(support.remove_folder)

  it("that does not exist, has no address, or one of IPv6, is told of as in Node", function()
    local around, lacks = support.preloading "resolver"
    if not around then pending(lacks) end
    local script = [[
      for _, name in ipairs { "none", "empty", "six" } do
        local s = weir.connect { host = name .. ".test", port = 1 }
        s:on("lookup", function(err, address, family, host)
          print(host, err and err.code or address, err and err.message or family)
        end)
        s:on("error", function() end)
        weir.run()
      end
    ]]
    local child = support.child(script, { around = around })
    assert.equal("none.test\tENOTFOUND\thost not found\nempty.test\tENOTFOUND\thost not found\n"
      .. "six.test\t::1\t6\n", child.output)
  end)
end)
