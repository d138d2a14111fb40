-- An endless feed over HTTP, to clients that are slower than what feeds them: each goes at its own
-- pace, and however long it takes, the server needs no more memory.
--
--   lua examples/http_stream.lua port     curl -N --limit-rate 1k http://127.0.0.1:port/
--   lua examples/http_stream.lua          on a free port, for 10 slow clients of its own
local weir = require "weir"

local port = ...
local sent = 0
local MEASURED = ("0.123456789 "):rep(80) -- what one line says

-- One feed: lines for as long as the client takes them. `false` is that of the client's connection;
-- when that has gone, the response is destroyed, and no `drain` comes any more.
local function feed(request, response)
  local i = 0
  local function more()
    while response:writable() do
      i = i + 1
      local line = ("%d  %s  %s\n"):format(i, weir.http.date(), MEASURED)
      sent = sent + #line
      if not response:write(line) then return response:once("drain", more) end
    end
  end
  response:write_head(200, { ["Content-Type"] = "text/plain; charset=utf-8" })
  if request.method == "HEAD" then return response:end_() end
  more()
end

local server = weir.http.create_server(feed)

-- Of the process, in KiB; nil: it is not known here.
local function memory()
  local file = io.open "/proc/self/status"
  if not file then return nil end
  local text = file:read "*a"
  file:close()
  return tonumber(text:match "VmRSS:%s*(%d+)")
end

-- Clients that take a KiB now and then. Calls `done` when all together have taken so many bytes.
local function slow_clients(address, free_port, count, bytes, done)
  local clients, taken = {}, 0
  for i = 1, count do
    clients[i] = weir.connect { host = address, port = free_port }
    clients[i]:write "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
  end
  local function take()
    for i = 1, count do
      local data = clients[i]:read(1024)
      if data then taken = taken + #data end
    end
    if taken < bytes then return weir.set_timeout(take, 1) end
    for i = 1, count do clients[i]:destroy() end
    done()
  end
  take()
end

local function try_it(address, free_port)
  slow_clients(address, free_port, 10, 500000, function()
    collectgarbage()
    local before, sent_before = memory(), sent
    slow_clients(address, free_port, 10, 2000000, function()
      collectgarbage()
      local grown = before and memory() - before or 0
      print(("%.0f MB or more later"):format(math.min(2, (sent - sent_before) / 1e6)))
      print(grown < 8192 and "the memory is what it was" or ("it grew by %d KiB"):format(grown))
      server:close(function() print "all clients have gone" end)
    end)
  end)
end

server:listen({ host = "127.0.0.1", port = tonumber(port) or 0 }, function()
  local address, free_port = server:address()
  if port then print(("http://%s:%d/"):format(address, free_port))
  else try_it(address, free_port) end
end)
weir.run()
