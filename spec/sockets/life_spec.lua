-- What keeps a socket, and what a forgotten one costs.
local weir = require "weir"
local rounds = require "spec.support.rounds"
local support = require "spec.sockets.support"

local function collect()
  for _ = 1, 3 do collectgarbage() end
end

local serving -- the last of them

-- A server of the loopback that takes whoever comes. Returns it, its host and its port.
local function serve(on_connection)
  local server = weir.create_server(on_connection)
  serving = server
  server:listen { host = "127.0.0.1", port = 0 }
  local host, port = server:address()
  return server, host, port
end

local function close(server)
  local closed = false
  server:close(function() closed = true end)
  support.run_until(function() return closed end)
end

-- One that a failed spec has left open would keep the loop of all later ones going.
local function settle()
  if serving and serving:listening() then serving:close() end
  support.settle()
end

describe("a socket that nobody holds", function()
  after_each(settle)

  it("goes on while it connects, writes or reads", function()
    local got, theirs = {}, nil
    local server, host, port = serve(function(s)
      theirs = s
      s:on("data", function(data) got[#got + 1] = data end)
      s:on("end", function() s:end_ "bye" end)
    end)
    local heard
    do
      local s = weir.connect { host = host, port = port }
      s:write(("x"):rep(1000000), function() collect() end)
      s:on("data", function(data) heard = data end)
      s:end_()
    end
    collect()
    support.run_until(function()
      collect()
      return heard
    end)
    assert.equal(1000000, #table.concat(got))
    assert.equal("bye", heard)
    support.close(theirs)
    close(server)
  end)

  it("is collected and closed when it is paused and idle", function()
    local ended
    local server, host, port = serve(function(s)
      s:resume()
      s:on("end", function() ended = true end)
    end)
    local gone = setmetatable({}, { __mode = "k" })
    do
      local s = weir.connect { host = host, port = port }
      gone[s] = true
      s:pause()
    end
    support.run_until(function()
      weir.set_timeout(function() end, 1)
      collect()
      return ended
    end)
    assert.is_nil(next(gone))
    close(server)
  end)

  it("keeps the loop running while it reads, unless it is unrefed", function()
    local server, host, port = serve(function(s) s:resume() end)
    local s = weir.connect { host = host, port = port }
    support.run_until(function() return not s:pending() and server:connections() == 1 end)
    s:unref()
    server:unref()
    assert.is_true(weir.run "nowait") -- the connection of the server's reads
    s:destroy()
    support.close(s)
    close(server)
  end)
end)

describe("a forgotten socket", function()
  setup(support.open_folder)
  teardown(support.remove_folder)
  after_each(settle)

  it("whose peer is still sending is closed only when that has heard all of ours", function()
    local peer = support.peer "-r 8192 chatty 4000000"
    local child = support.child(([[
      local gone = setmetatable({}, { __mode = "k" })
      do
        local s = weir.connect { host = "127.0.0.1", port = %d }
        gone[s] = true
        s:pause():on("connect", function() s:write(("x"):rep(200000)) end)
      end
      support.run_until(function()
        weir.set_timeout(function() end, 1)
        collectgarbage()
        return not next(gone)
      end)
      weir.run()
      print "over"
    ]]):format(peer.port))
    assert.equal("over\n", child.output)
    assert.equal("200000", peer.said():match "^%d+")
  end)

  it("leaves no descriptor and no memory behind, however it ended", function()
    local server, host, port = serve(function(s)
      s:on("error", function() end)
      s:resume()
    end)
    local function round(count)
      for i = 1, count do
        local s = weir.connect { host = host, port = port }
        s:on("error", function() end)
        if i % 4 == 0 then s:destroy() -- before it is connected
        elseif i % 4 == 1 then s:end_ "abc"
        elseif i % 4 == 2 then s:on("connect", function() s:destroy() end)
        else s:on("connect", function() s:reset_and_destroy() end)
        end
        if i % 20 == 0 or i == count then
          support.run_until(function() return s:closed() and server:connections() == 0 end)
        end
      end
      collect()
    end
    local count = rounds(support.slow and 40 or 400, 8)
    round(count)
    local descriptors, lua_kib = support.descriptors(), collectgarbage "count"
    for _ = 1, 3 do round(count) end
    assert.equal(descriptors, support.descriptors())
    -- LuaJIT may have compiled a little meanwhile; a hundred bytes a socket would show.
    assert.is_true(collectgarbage "count" - lua_kib < count / 20 + 8)
    close(server)
  end)

  it("takes the bytes that it is known to take, when idle", function()
    if not support.memory() or support.slow then pending "the memory cannot be told here" end
    local taken = 0
    local server, host, port = serve(function() taken = taken + 1 end)
    local all, count = {}, 400
    local function connect(from, to)
      for i = from, to do all[i] = weir.connect { host = host, port = port } end
      support.run_until(function() return taken == to and not all[to]:pending() end)
      collect()
    end
    connect(1, count) -- so that what is made once has been made
    local before = support.memory()
    connect(count + 1, 2 * count)
    -- Two ends each. Without libuv's handles it is about 1,400 bytes an end.
    local each = (support.memory() - before) / count / 2
    assert.is_true(each < 4096, each)
    for i = 1, 2 * count do all[i]:destroy() end
    support.run_until(function() return server:connections() == 0 end)
    close(server)
  end)
end)

describe("ten thousand connections", function()
  setup(support.open_folder)
  teardown(support.remove_folder)

  it("work, within the limit of descriptors", function()
    local limit = tonumber((support.sh "ulimit -Hn"):match "%d+") or math.huge
    local many = support.slow and 100 or math.min(10000, math.floor((limit - 100) / 2))
    if many < 1000 and not support.slow then pending "there are too few descriptors" end
    local child = support.child(([[
      local many, got, closed = %d, 0, 0
      local server = weir.create_server(function(s)
        s:on("data", function(data) s:write(data) end)
      end)
      server:listen({ path = path, backlog = 4096 }, function()
        for i = 1, many do
          local s = weir.connect { path = path }
          s:write(i)
          local text = ""
          s:on("data", function(data)
            text = text .. data
            if text == tostring(i) then
              got = got + 1
              if got == many then server:close() end
              s:end_()
            end
          end)
          s:on("close", function() closed = closed + 1 end)
        end
      end)
      weir.run()
      print(got == many, closed == many)
    ]]):format(many), { around = "ulimit -n $(ulimit -Hn); %s" })
    assert.equal("true\ttrue\n", child.output)
  end)
end)
