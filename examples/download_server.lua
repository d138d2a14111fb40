-- A server that files can be downloaded from, over HTTP/1.0: the skeleton of one. A client that
-- reads slowly slows down the reading of its file, and no other client.
--
--   lua examples/download_server.lua port [folder]
--   lua examples/download_server.lua                  on a free port, for one client of its own
local weir = require "weir"

local port, folder = ...
folder = folder or "."

local function answer(client, status, text)
  client:end_("HTTP/1.0 ", status, "\r\nContent-Type: text/plain\r\nContent-Length: ", #text,
    "\r\n\r\n", text)
end

local function send_file(client, path)
  local file = weir.create_read_stream(path)
  file:once("open", function()
    client:write "HTTP/1.0 200 OK\r\nContent-Type: application/octet-stream\r\n\r\n"
    weir.pipeline(file, client, function(err)
      if err then io.stderr:write(path, ": ", tostring(err), "\n") end -- the client has gone
    end)
  end)
  file:once("error", function(err) -- before `open`; later ones are the pipeline's
    if file:bytes_read() == 0 and client:writable() then
      answer(client, err.code == "ENOENT" and "404 Not Found" or "403 Forbidden", err.code .. "\n")
    end
  end)
end

local function serve(client)
  local head = ""
  client:on("error", function() end) -- clients come and go
  client:set_timeout(10000, function() client:destroy() end)
  local function on_data(chunk)
    head = head .. chunk
    if #head > 8192 then return client:destroy() end
    if not head:find("\r?\n\r?\n") then return end
    client:off("data", on_data)
    local method, path = head:match "^(%u+) /([^%s?]*)"
    if method ~= "GET" then answer(client, "405 Method Not Allowed", "GET only\n")
    elseif path:find "%.%." or path:find "%%" then answer(client, "403 Forbidden", "no\n")
    else send_file(client, folder .. "/" .. path) end
  end
  client:on("data", on_data)
end

local server = weir.create_server({ allow_half_open = true, write_timeout = 30000 }, serve)

local function try_it(address, free_port) -- what a browser does
  local name = os.tmpname()
  local out = assert(io.open(name, "w"))
  out:write(("0123456789"):rep(100000))
  out:close()
  folder = name:match "^(.*)/"
  local missing = 2
  local function get(path, show)
    local bytes, first = 0, nil
    local socket = weir.connect { host = address, port = free_port }
    socket:write("GET /", path, " HTTP/1.0\r\n\r\n")
    socket:on("data", function(chunk)
      first, bytes = first or chunk:match "[^\r\n]*", bytes + #chunk
    end)
    socket:on("close", function()
      show(first, bytes)
      missing = missing - 1
      if missing == 0 then
        server:close()
        os.remove(name)
      end
    end)
  end
  get(name:match "[^/]*$", function(first, bytes)
    print(first, bytes > 1000000 and "all of it" or bytes)
    get("is/not/there", function(status) print(status) end)
  end)
end

server:listen({ host = "127.0.0.1", port = tonumber(port) or 0 }, function()
  local address, free_port = server:address()
  if port then print(("http://%s:%d/ serves %s"):format(address, free_port, folder))
  else try_it(address, free_port) end
end)
weir.run()
