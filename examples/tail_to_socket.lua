-- Follows a log file, as `tail -f` does, and sends what is added to it to a TCP port or a unix
-- socket. A slow receiver slows the reading down; memory does not grow.
--
--   lua examples/tail_to_socket.lua file port|path [seconds]
--
-- It begins at the end of the file, goes on until the peer closes the connection, or for so many
-- seconds, and begins anew when the file has become shorter.
local weir = require "weir"

local path, peer, seconds = ...
if not (path and peer) or (seconds and not tonumber(seconds)) then
  io.stderr:write("usage: lua tail_to_socket.lua file port|path [seconds]\n")
  os.exit(2)
end

local LOOK_AGAIN_MS = 50
io.stdout:setvbuf "line" -- also into a file or a pipe

local function size_of(name)
  local file = io.open(name, "rb")
  if not file then return nil end -- renamed, and not there again yet
  local size = file:seek "end"
  file:close()
  return size
end

local socket = weir.connect(tonumber(peer) and { port = tonumber(peer) } or { path = peer })
local over, failure = false, nil
local position = size_of(path) or 0

local follow
local function look_again() weir.set_timeout(follow, LOOK_AGAIN_MS) end

-- Sends all that lies behind `position`, then waits a while. Each round is a stream of its own: one
-- that has met the end of its file is over.
function follow()
  if over then return socket:end_() end
  local size = size_of(path)
  if not size or size == position then return look_again() end
  if size < position then position = 0 end -- somebody has emptied it
  local reader = weir.create_read_stream(path, { start = position, end_ = size - 1 })
  reader:on("error", look_again)
  reader:on("end", function()
    position = position + reader:bytes_read()
    follow()
  end)
  -- Pauses the reader while the socket wants us to wait, and leaves the socket open at the end.
  reader:pipe(socket, { end_ = false })
end

socket:resume() -- what the peer says is of no interest, but that it has closed is
socket:on("connect", function()
  print("connected")
  follow()
end)
socket:on("error", function(err) failure = err end)

local timer = seconds and weir.set_timeout(function() over = true end, tonumber(seconds) * 1000)
socket:on("close", function()
  over = true
  if timer then timer:clear() end -- it would keep us here
end)

weir.run() -- until nothing is left to do
if failure then
  io.stderr:write("failed: ", tostring(failure), "\n")
  os.exit(1)
end
print(socket:bytes_written() .. " bytes sent")
