-- A log that goes to a daemon over a unix socket. It neither blocks the program nor eats its memory
-- when the daemon is slow: beyond `max_buffered` lines are dropped, and counted.
--
--   lua examples/log_to_unix_socket.lua /path/to/socket
--   lua examples/log_to_unix_socket.lua   starts a daemon itself
local weir = require "weir"

local given_path = ...
local path = given_path or os.tmpname()
if not given_path then os.remove(path) end -- only the name is wanted

local function new_log(socket_path)
  local log = { dropped = 0 }
  local socket = weir.connect { path = socket_path, max_buffered = 64 * 1024 }
  socket:on("error", function(err) io.stderr:write("the log is lost: ", tostring(err), "\n") end)

  function log.line(text)
    -- nil: refused, nothing was taken. The error is for who wants to know why.
    if socket:write(os.date "%H:%M:%S ", text, "\n") == nil then log.dropped = log.dropped + 1 end
  end

  function log.close(done)
    socket:on("close", done)
    socket:end_() -- flushes
  end

  return log
end

local function work(done)
  local log = new_log(path)
  log.line "the program begins"
  -- Far more than the daemon can take before this returns to the loop.
  for i = 1, 100000 do log.line("step " .. i) end
  log.close(function() done(log.dropped) end)
end

if given_path then
  work(function(dropped) print(dropped .. " lines dropped") end)
else
  local received = 0
  local daemon = weir.create_server(function(client)
    client:on("data", function(text) received = received + select(2, text:gsub("\n", "")) end)
    client:on("close", function()
      print(received > 1000 and "the daemon got some thousand lines" or received)
    end)
  end)
  -- Only this user may connect.
  daemon:listen({ path = path, mode = "0600" }, function()
    work(function(dropped)
      daemon:close(function()
        print(received + dropped == 100001 and "none is unaccounted for" or dropped)
      end)
    end)
  end)
end
weir.run()
