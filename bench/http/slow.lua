-- Clients that read slowly: each takes 1 KiB a second of an endless answer.
--
--   lua slow.lua PORT CLIENTS SECONDS     prints "ready" when each has got something, and the
--                                         bytes that all have read when the time is over
local weir = require "weir"

local port, count, seconds = tonumber(arg[1]), tonumber(arg[2]), tonumber(arg[3])
local clients, started, bytes = {}, 0, 0

local function take()
  for i = 1, count do
    local got = clients[i]:read(1024)
    if got then bytes = bytes + #got end
  end
end

local function ready()
  print "ready"
  io.stdout:flush()
  for i = 1, seconds do weir.set_timeout(take, i * 1000) end
  weir.set_timeout(function()
    print(bytes)
    os.exit(0)
  end, seconds * 1000 + 100)
end

local function connect(i)
  local socket = weir.connect { host = "127.0.0.1", port = port }
  clients[i] = socket
  socket:write("GET /stream/1000000000 HTTP/1.1\r\nHost: a\r\n\r\n")
  socket:once("readable", function()
    started = started + 1
    if started == count then ready() end
  end)
end

for i = 1, count do connect(i) end
weir.run()
