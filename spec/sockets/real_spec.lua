-- Programs that people really write to, and a thousand sockets at once.
local weir = require "weir"
local support = require "spec.sockets.support"

-- A port of the loopback that nobody has.
local function free_port()
  local server = weir.create_server()
  server:listen { host = "127.0.0.1", port = 0 }
  local _, port = server:address()
  local closed = false
  server:close(function() closed = true end)
  support.run_until(function() return closed end)
  return port
end

-- Starts a program in the background; what it prints goes to a file. Returns what ends it.
local function start(command, output)
  local pipe = assert(io.popen(("exec %s > %s 2> /dev/null < /dev/null & echo $!"):format(command,
    output or "/dev/null")))
  local process = pipe:read "*l"
  pipe:close()
  return function() os.execute("kill " .. process .. " 2> /dev/null") end
end

-- Connects as soon as somebody listens.
local function connect(options)
  local connected
  repeat
    local s = weir.connect(options)
    local over = false
    s:once("connect", function() connected = s end)
    s:once("error", function() over = true end)
    support.run_until(function() return connected or over end)
  until connected
  return connected
end

local function lines_of(count)
  local lines = {}
  for i = 1, count do lines[i] = ("Line %d\n"):format(i) end
  return lines
end

-- Calls write(i) for i from 1 to `count`, as the stream lets us, then ends it.
local function feed(s, count, write)
  local i = 0
  local function go()
    while i < count do
      i = i + 1
      if not write(i) then return s:once("drain", go) end
    end
    s:end_()
  end
  go()
end

describe("what is written arrives at", function()
  setup(support.open_folder)
  teardown(support.remove_folder)
  after_each(support.settle)

  local function arrives(command, options)
    local lines = lines_of(support.slow and 1000 or 20000)
    local path = support.new_path()
    local stop = start(command, path)
    local s = connect(options)
    s:resume()
    feed(s, #lines, function(i) return s:write(lines[i]) end)
    support.close(s)
    local expected = table.concat(lines)
    support.run_until(function()
      weir.set_timeout(function() end, 5)
      return #(support.read(path) or "") >= #expected
    end)
    stop()
    assert.is_true(support.read(path) == expected)
  end

  it("nc", function()
    if support.lacks_command "nc" then pending "there is no nc" end
    local port = free_port()
    arrives("nc -l -p " .. port, { host = "127.0.0.1", port = port })
  end)

  it("socat, over TCP and a unix socket", function()
    if support.lacks_command "socat" then pending "there is no socat" end
    local port, path = free_port(), support.new_path ".sock"
    arrives(("socat -u TCP-LISTEN:%d,bind=127.0.0.1 -"):format(port),
      { host = "127.0.0.1", port = port })
    arrives(("socat -u UNIX-LISTEN:%s -"):format(path), { path = path })
  end)

  it("redis, which answers every command", function()
    if support.lacks_command "redis-server" then pending "there is no redis-server" end
    local count = support.slow and 2000 or 200000
    local path = support.new_path ".sock"
    local stop = start(("redis-server --port 0 --unixsocket %s --save '' --dir %s")
      :format(path, path:match "^(.*)/"))
    local s = connect { path = path }
    local replies, last = 0, ""
    s:on("data", function(data)
      replies = replies + select(2, data:gsub("\n", ""))
      last = (last .. data):sub(-40)
    end)
    feed(s, count + 1, function(i)
      if i > count then return s:write "DBSIZE\r\n" end
      return s:write("SET key:", i, " ", i, "\r\n")
    end)
    support.close(s)
    stop()
    assert.is_nil(s:errored())
    assert.equal(count + 1, replies)
    assert.equal((":%d\r\n"):format(count), last:match ":%d+\r\n$")
  end)
end)

-- Reads KiB that each begin with "<socket/number>". Returns what it has seen of it so far.
local function read_numbered(s)
  local seen = { size = 0, strays = 0 }
  s:on("data", function(data)
    for i = (1024 - seen.size % 1024) % 1024 + 1, #data - 15, 1024 do
      local who, which = data:match("^<(%d+)/(%d+)>", i)
      seen.who = seen.who or who
      local expected = (seen.size + i - 1) / 1024 + 1
      if who ~= seen.who or tonumber(which) ~= expected then seen.strays = seen.strays + 1 end
    end
    seen.size = seen.size + #data
  end)
  return seen
end

describe("hundreds of sockets", function()
  after_each(support.settle)

  it("at once carry what is theirs, each in order, in bounded memory", function()
    local many, kib = support.slow and 20 or 200, support.slow and 8 or 64
    local seen, ended = {}, 0
    local server = weir.create_server(function(s)
      seen[#seen + 1] = read_numbered(s)
      s:on("end", function() ended = ended + 1 end)
    end)
    server:listen { host = "127.0.0.1", port = 0, backlog = 4096 }
    local host, port = server:address()
    local all, closed = {}, 0
    for n = 1, many do
      local s = weir.connect { host = host, port = port }
      all[n] = s
      s:on("close", function() closed = closed + 1 end)
      feed(s, kib, function(i)
        local head = ("<%d/%d>"):format(n, i)
        return s:write(head, (" "):rep(1024 - #head))
      end)
    end
    support.run_until(function() return closed == many and ended == many end)
    for n = 1, many do
      assert.is_nil(all[n]:errored())
      assert.equal(kib * 1024, all[n]:bytes_written())
      assert.equal(kib * 1024, seen[n].size)
      assert.equal(0, seen[n].strays)
      assert.is_true(all[n]:stats().peak_buffered <= 16384 + 1024)
    end
    server:close()
    weir.run "nowait"
  end)
end)
