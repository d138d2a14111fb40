-- Copies a file, in little memory, and shows how far it is.
--
--   lua examples/copy_file.lua [--by-hand] from to
--
-- The copy is one line: weir.pipeline. With --by-hand the same is done with pause and resume, which
-- is what a pipeline saves you. Without files it makes one, copies it both ways, and removes all.
local weir = require "weir"

-- Progress: a bar that is drawn again and again in its place, or plain lines when the output goes
-- into a file or a pipe -------------------------------------------------------------------------

local answer = os.execute "test -t 1" -- 0 in Lua 5.1, later true
local on_terminal = answer == 0 or answer == true
local BAR_WIDTH = 40

-- Returns a function that is told how many bytes of `total` are done.
local function new_progress(total)
  local step = on_terminal and 1 or 25 -- percent
  local shown = 0
  return function(done)
    local percent = total > 0 and math.floor(done * 100 / total) or 100
    if percent < shown + step then return end
    shown = percent - percent % step
    if on_terminal then
      local filled = math.floor(shown * BAR_WIDTH / 100)
      io.write(("\r[%s%s] %3d %%"):format(("#"):rep(filled), ("-"):rep(BAR_WIDTH - filled), shown))
      if shown == 100 then io.write "\n" end
    else
      print(("%3d %%"):format(shown))
    end
    io.flush()
  end
end

-- For the progress only: if the file cannot be opened the reader will say so.
local function size_of(path)
  local file = io.open(path, "rb")
  if not file then return 0 end
  local size = file:seek "end"
  file:close()
  return size
end

-- The copy --------------------------------------------------------------------------------------

-- Reads no faster than it can write: when the writer says "slow down", the pipeline pauses the
-- reader. If either fails both are destroyed, and the callback gets the error.
local function by_pipeline(reader, writer, callback)
  weir.pipeline(reader, writer, callback)
end

-- The same by hand. It is easy to forget the half of it.
local function by_hand(reader, writer, callback)
  local failure
  local function fail(err)
    failure = failure or err
    reader:destroy()
    writer:destroy()
  end
  reader:on("data", function(piece)
    if not writer:write(piece) then -- taken, but enough is waiting now
      reader:pause()
      writer:once("drain", function() reader:resume() end)
    end
  end)
  reader:on("end", function() writer:end_() end)
  reader:on("error", fail)
  writer:on("error", fail)
  writer:on("close", function() callback(failure) end)
end

-- Returns whether it went well.
local function copy(from, to, how)
  local reader, writer = weir.create_read_stream(from), weir.create_write_stream(to)
  local ok = false
  how(reader, writer, function(err)
    ok = not err
    if err then io.stderr:write("failed: ", tostring(err), "\n") end
  end)

  -- Looked at ten times a second: listening to `data` would make a Lua string of each piece.
  local show = new_progress(size_of(from))
  local function look()
    if writer:closed() then return end
    show(writer:bytes_written())
    weir.set_timeout(look, 100)
  end
  weir.set_timeout(look, 100)

  weir.run() -- until nothing is left to do
  if ok then show(writer:bytes_written()) end
  return ok
end

-- The command line ------------------------------------------------------------------------------

local arguments, how = { ... }, by_pipeline
if arguments[1] == "--by-hand" then
  how = by_hand
  table.remove(arguments, 1)
end

if #arguments == 2 then
  os.exit(copy(arguments[1], arguments[2], how) and 0 or 1, true)
elseif #arguments ~= 0 then
  io.stderr:write("usage: lua copy_file.lua [--by-hand] from to\n")
  os.exit(2)
end

local from, to = os.tmpname(), os.tmpname()
local file = assert(io.open(from, "wb"))
for i = 1, 100000 do file:write("Line ", i, "\n") end
file:close()

local function content_of(path)
  local copied = assert(io.open(path, "rb"))
  local content = copied:read "*a"
  copied:close()
  return content
end

for _, way in ipairs { { "by pipeline", by_pipeline }, { "by hand", by_hand } } do
  print(way[1])
  copy(from, to, way[2])
  print(content_of(to) == content_of(from) and "the copy is the same" or "the copy differs")
end
os.remove(from)
os.remove(to)
