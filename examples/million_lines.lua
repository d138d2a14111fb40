-- Writes a million lines into a file, in little memory, tells how fast that was, and checks the
-- file.
--
--   lua examples/million_lines.lua [path [lines]]
--
-- Without a path it writes a temporary file and removes it.
local weir = require "weir"

local given_path, given_count = ... -- what follows the script's name on the command line
local path = given_path or os.tmpname()
local line_count = tonumber((given_count or "1000000"):match "^%d+$")
if not line_count then
  io.stderr:write("usage: lua million_lines.lua [path [lines]]\n")
  os.exit(2)
end

-- So many bytes may wait for the disk. From there on, write says false.
local HIGH_WATER_MARK = 16 * 1024

-- Progress: a bar that is drawn again and again in its place, or plain lines when the output goes
-- into a file or a pipe -------------------------------------------------------------------------

-- Lua itself cannot tell the two apart, the shell can. Its "yes" is 0 in Lua 5.1, later true.
local answer = os.execute "test -t 1"
local on_terminal = answer == 0 or answer == true
local BAR_WIDTH = 40
local step = math.max(1, math.floor(line_count / (on_terminal and 100 or 10)))

local function show_progress(lines_done)
  local percent = math.floor(lines_done * 100 / line_count)
  if on_terminal then
    local filled = math.floor(percent * BAR_WIDTH / 100)
    local bar = ("#"):rep(filled) .. ("-"):rep(BAR_WIDTH - filled)
    io.write(("\r[%s] %3d %%"):format(bar, percent))
    if lines_done == line_count then io.write "\n" end
  else
    print(("%3d %%  %d lines"):format(percent, lines_done))
  end
  io.flush() -- C would keep it in a buffer until there is more
end

-- The writing itself ----------------------------------------------------------------------------

local ws = weir.create_write_stream(path, { high_water_mark = HIGH_WATER_MARK })

local started_ns, ended_ns = weir.hrtime(), nil
local failure
ws:on("finish", function() ended_ns = weir.hrtime() end)
ws:on("error", function(err) failure = err end)

local line = 0
local function write_more()
  while line < line_count do
    line = line + 1
    if line % step == 0 or line == line_count then show_progress(line) end
    -- Three pieces, one chunk: putting the line together in Lua would cost a string for each.
    -- false means "taken, but enough is waiting now". Going on all the same would fill the memory.
    -- So we return, which lets the loop work, and go on when `drain` says that all is written.
    if not ws:write("Line ", line, "\n") then
      ws:once("drain", write_more)
      return
    end
  end
  ws:end_() -- no more lines: write what is left, tell `finish`, close the file
end

write_more()
weir.run() -- until nothing is left to do

-- What it took ----------------------------------------------------------------------------------

-- Linux remembers the most memory a process ever had; elsewhere ps tells what it has now.
local function memory()
  local status = io.open "/proc/self/status"
  if status then
    local kib = status:read("*a"):match "VmHWM:%s*(%d+)"
    status:close()
    if kib then return "peak memory", tonumber(kib) / 1024 end
  end
  local ps = io.popen "ps -o rss= -p $PPID" -- the parent of the shell that runs ps is this script
  local kib = tonumber(ps:read "*l")
  ps:close()
  return "memory now", (kib or 0) / 1024
end

local function report()
  local seconds, stats = (ended_ns - started_ns) / 1e9, ws:stats()
  print(("lines per second  %.0f"):format(line_count / seconds))
  print(("MB per second     %.1f"):format(stats.bytes_written / 1e6 / seconds))
  print(("drains            %d"):format(stats.drains))
  print(("peak buffered     %d bytes (mark: %d)"):format(stats.peak_buffered, HIGH_WATER_MARK))
  print(("%-16s  %.1f MiB"):format(memory()))
end

-- Reads the file back. Returns what it holds, or nil and what is wrong with it.
local function check_file()
  local count, byte_count = 0, 0
  for text in io.lines(path) do
    count = count + 1
    byte_count = byte_count + #text + 1
    if text ~= "Line " .. count then return nil, ("line %d reads %q"):format(count, text) end
  end
  if count ~= line_count then return nil, ("%d lines instead of %d"):format(count, line_count) end
  local file = assert(io.open(path, "rb"))
  local size = file:seek "end"
  file:close()
  if size ~= byte_count then return nil, ("%d bytes instead of %d"):format(size, byte_count) end
  return ("%d lines, %d bytes"):format(count, size)
end

local content, problem = nil, failure
if not failure then
  report()
  content, problem = check_file()
end
if not given_path then os.remove(path) end
if not content then
  io.stderr:write(on_terminal and "\n" or "", "failed: ", tostring(problem), "\n")
  os.exit(1)
end
print("file checked: " .. content .. ", ok")
