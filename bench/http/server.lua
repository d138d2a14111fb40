-- The server of make bench-http. Prints its port.   lua server.lua
--
--   /hello          13 bytes
--   /stream/COUNT   COUNT writes of 64 KiB, as the client takes them
local weir = require "weir"

local piece = ("x"):rep(65536)

local function stream(response, count)
  local i = 0
  local function more()
    while i < count do
      i = i + 1
      if not response:write(piece) then return response:once("drain", more) end
    end
    response:end_()
  end
  response:on("error", function() end) -- the client has gone
  more()
end

local server = weir.http.create_server(function(request, response)
  local count = tonumber(request.target:match "^/stream/(%d+)$")
  if count then return stream(response, count) end
  response:write_head(200, { ["Content-Type"] = "text/plain" })
  response:end_ "Hello, world!"
end)

server:listen({ host = "127.0.0.1", port = 0, backlog = 1024 }, function()
  print((select(2, server:address())))
  io.stdout:flush()
end)
weir.run()
