-- A server that sends back what it is sent, to any number of clients, and never holds more of what
-- a slow one does not take than its high-water mark.
--
--   lua examples/echo_server.lua 7000     serves until it is interrupted; try `nc 127.0.0.1 7000`
--   lua examples/echo_server.lua          talks to itself for a moment
local weir = require "weir"

local given_port = tonumber((...))

local server = weir.create_server(function(client)
  -- pipe() stops reading from a client that does not read: its answers would pile up here.
  client:pipe(client)
  -- One client's failure is no reason to end the others; without a listener it would be.
  client:on("error", function(err) print("a client is gone: " .. tostring(err)) end)
end)

server:on("error", function(err)
  print("cannot listen: " .. tostring(err))
  os.exit(1)
end)

local function talk_to_it()
  local host, port = server:address()
  local client = weir.connect { host = host, port = port }
  client:on("data", function(text) io.write("echo: ", text) end)
  client:on("close", function() server:close(function() print "closed" end) end)
  -- What is written before it is connected waits.
  client:write "hello\n"
  client:end_ "and goodbye\n"
end

server:listen({ host = "127.0.0.1", port = given_port or 0 }, function()
  if given_port then print("listening at port " .. given_port) else talk_to_it() end
end)
weir.run()
