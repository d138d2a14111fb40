-- A client that asks for a page, as HTTP was spoken in 1996, and gives up if that takes too long.
--
--   lua examples/tcp_client.lua example.org [80] [/path]
--   lua examples/tcp_client.lua           asks a server that it starts itself
local weir = require "weir"

local host, port, path = ...

local function get(where)
  local client = weir.connect {
    host = where.host,
    port = where.port,
    connect_timeout = 5000, -- for looking the name up and for all of its addresses, in milliseconds
    write_timeout = 5000,   -- the peer takes nothing of what was written
  }
  -- Nothing came or went for so long. What to do about it is ours to say.
  client:set_timeout(10000, function() client:destroy "the server says nothing" end)

  client:on("connect", function() print("connected to " .. client:remote_address()) end)
  client:on("data", function(text) io.write(text) end)
  -- Whatever goes wrong arrives here, once: no such host, nobody listens, a reset.
  client:on("error", function(err) print("failed: " .. tostring(err)) end)
  client:on("close", function()
    print(client:bytes_written() .. " bytes sent, " .. client:bytes_read() .. " received")
    if where.done then where.done() end
  end)

  -- Our side ends with the question; the answer still comes.
  client:end_("GET ", where.path, " HTTP/1.0\r\nHost: ", where.host, "\r\n\r\n")
end

if host then
  get { host = host, port = tonumber(port) or 80, path = path or "/" }
else
  local server = weir.create_server({ allow_half_open = true }, function(client)
    client:once("data", function()
      client:end_ "HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\nHello.\n"
    end)
  end)
  server:listen({ host = "127.0.0.1", port = 0 }, function()
    local _, own_port = server:address()
    get { host = "127.0.0.1", port = own_port, path = "/", done = function()
      server:close()
      -- Nobody listens there any more.
      server:once("close", function() get { host = "127.0.0.1", port = own_port, path = "/" } end)
    end }
  end)
end
weir.run()
