-- Ships log lines to a redis server, over a connection that may break at any time: no line is lost,
-- and the producer waits when the server is slow.
--
--   lua examples/log_shipper.lua host port [key]     reads lines from standard input
--   lua examples/log_shipper.lua                     ships 2,000 lines to a peer of its own, which
--                                                    hangs up now and then
--
-- That a chunk was written says only that this system has it. The server's answers say what has
-- arrived: lines stay in `unconfirmed` until then, and are sent again after a reconnect. A line
-- whose answer was lost arrives twice: that is the price ("at least once").
local weir = require "weir"

local Shipper = {}
Shipper.__index = Shipper

local UNCONFIRMED_MAX, RETRY_MS, RETRY_MS_MAX = 500, 50, 5000

local function new_shipper(peer, key)
  local self = setmetatable({ peer = peer, key = key, unconfirmed = {}, first = 1, last = 0,
    confirmed = 0, reconnects = 0, retry_ms = RETRY_MS }, Shipper)
  self:connect()
  return self
end

-- One command of redis' protocol: RPUSH key line.
function Shipper:send(line)
  local key = self.key
  return self.socket:write("*3\r\n$5\r\nRPUSH\r\n$", #key, "\r\n", key, "\r\n$", #line, "\r\n",
    line, "\r\n")
end

function Shipper:connect()
  local socket, input = weir.connect(self.peer), ""
  self.socket = socket
  for i = self.first, self.last do self:send(self.unconfirmed[i]) end
  socket:on("data", function(chunk)
    input = input .. chunk
    input = input:gsub("([^\n]*)\n", function(answer) self:answered(answer) return "" end)
  end)
  socket:on("drain", function() self:maybe_ready() end)
  socket:on("error", function(err) self.err = err end)
  socket:on("close", function() self:closed() end)
end

-- ":17" is the length of the list now; "-..." an error.
function Shipper:answered(answer)
  if answer:sub(1, 1) ~= ":" then return self.socket:destroy(answer) end
  self.unconfirmed[self.first] = nil
  self.first, self.confirmed = self.first + 1, self.confirmed + 1
  self.retry_ms = RETRY_MS
  self:maybe_ready()
end

function Shipper:closed()
  if self.ended and self.first > self.last then return end
  self.reconnects = self.reconnects + 1
  weir.set_timeout(function() self:connect() end, self.retry_ms)
  self.retry_ms = math.min(self.retry_ms * 2, RETRY_MS_MAX)
end

function Shipper:is_full()
  return self.last - self.first + 1 >= UNCONFIRMED_MAX or self.socket:writable_need_drain()
end

function Shipper:maybe_ready()
  if self.ended and self.first > self.last then self.socket:end_() end
  local ready = self.ready
  if ready and not self:is_full() then
    self.ready = nil
    ready()
  end
end

-- Calls `ready` when another line may come.
function Shipper:ship(line, ready)
  self.last = self.last + 1
  self.unconfirmed[self.last] = line
  if self.socket:writable() then self:send(line) end -- else connect() will
  self.ready = ready
  self:maybe_ready()
end

function Shipper:finish()
  self.ended = true
  self:maybe_ready()
end

-- A peer of our own -------------------------------------------------------------------------------

local COMMAND = "^%*3\r\n%$5\r\nRPUSH\r\n%$%d+\r\n[^\r]*\r\n%$%d+\r\n([^\r]*)\r\n(.*)"

-- It answers 300 commands on the first connection, 600 on the second, and so on, and hangs up.
local function start_peer(on_port)
  local seen, connections = {}, 0
  local server = weir.create_server(function(client)
    connections = connections + 1
    local input, left = "", connections < 4 and connections * 300 or math.huge
    client:on("error", function() end)
    client:on("data", function(chunk)
      input = input .. chunk
      for line, rest in function() return input:match(COMMAND) end do
        input, seen[line], left = rest, true, left - 1
        if left < 0 then return client:destroy() end -- without an answer
        client:write ":1\r\n"
      end
    end)
  end)
  server:listen({ host = "127.0.0.1", port = 0 }, function()
    on_port(select(2, server:address()))
  end)
  return server, seen
end

local function try_it()
  local server, seen
  server, seen = start_peer(function(port)
    local shipper, i = new_shipper({ host = "127.0.0.1", port = port }, "log"), 0
    local function produce()
      i = i + 1
      if i <= 2000 then
        return shipper:ship("line " .. i, function() weir.next_tick(produce) end)
      end
      shipper:finish()
      shipper.socket:once("finish", function()
        local arrived = 0
        for _ in pairs(seen) do arrived = arrived + 1 end
        print(("%d lines confirmed, %d arrived, %d reconnects"):format(shipper.confirmed, arrived,
          shipper.reconnects))
        server:close()
      end)
    end
    produce()
  end)
end

local host, port, key = ...
if port then
  local peer = { host = host, port = tonumber(port), connect_timeout = 5000 }
  local shipper = new_shipper(peer, key or "log")
  local lines = weir.stdin:pipe(weir.lines())
  weir.pipeline(lines, weir.writable {
    object_mode = true,
    write = function(_, line, done) shipper:ship(line, done) end,
  }, function(err)
    if err then error(err, 0) end
    shipper:finish()
  end)
else
  try_it()
end
weir.run()
