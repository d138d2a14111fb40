-- Uploads what comes in on standard input, as fast as the network takes it: a slow peer makes the
-- program before us in the shell's pipe wait, and memory holds no more than the marks.
--
--   tar c folder | lua examples/upload_stdin.lua host port
--   some_program | lua examples/upload_stdin.lua          to a peer of its own, which counts
local weir = require "weir"

local host, port = ...

local function upload(options)
  local began = weir.hrtime()
  local socket = weir.connect(options)
  weir.pipeline(weir.stdin, socket, function(err)
    if err then
      io.stderr:write("the upload failed: ", tostring(err), "\n")
      os.exit(1)
    end
    local seconds = (weir.hrtime() - began) / 1e9
    print(("%d bytes uploaded"):format(socket:bytes_written()))
    io.stderr:write(("%.1f MB/s\n"):format(socket:bytes_written() / 1e6 / seconds))
  end)
end

if port then
  upload { host = host, port = tonumber(port), connect_timeout = 10000, write_timeout = 30000 }
else
  local server
  server = weir.create_server(function(client)
    local bytes = 0
    client:on("data", function(chunk) bytes = bytes + #chunk end)
    client:on("end", function()
      print(("%d bytes arrived"):format(bytes))
      server:close()
    end)
  end)
  server:listen({ host = "127.0.0.1", port = 0 }, function()
    local address, free_port = server:address()
    upload { host = address, port = free_port }
  end)
end
weir.run()
