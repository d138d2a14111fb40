-- What it costs to go on writing when write says false: nothing is lost, but all of it has to be
-- kept in memory until the disk gets to it. And what `max_buffered` does about that.
--
--   lua examples/ignore_backpressure.lua [path]
local weir = require "weir"

local CHUNK_SIZE = 16 * 1024
local CHUNK_COUNT = 2048 -- 32 MiB

local given_path = ... -- what follows the script's name on the command line
local path = given_path or os.tmpname()

-- A new string each time, as real data would be.
local function make_chunk(number) return ("%015d\n"):format(number):rep(CHUNK_SIZE / 16) end

-- Linux remembers the most memory a process ever had; elsewhere ps tells what it has now.
local function memory_mib()
  local status = io.open "/proc/self/status"
  local kib = status and status:read("*a"):match "VmHWM:%s*(%d+)"
  if status then status:close() end
  if not kib then
    local ps = io.popen "ps -o rss= -p $PPID" -- the parent of the shell that runs ps is this script
    kib = ps:read "*l"
    ps:close()
  end
  return (tonumber(kib) or 0) / 1024
end

-- Runs one of the ways of writing below, and tells what it took.
local function measure(name, write_all)
  local before_mib = memory_mib()
  local ws = weir.create_write_stream(path)
  ws:on("finish", function()
    local stats = ws:stats()
    print(("%s: %d bytes written, %d drains"):format(name, stats.bytes_written, stats.drains))
    print(("  at most %d bytes waited"):format(stats.peak_buffered))
    print(("  the process grew by %.1f MiB"):format(memory_mib() - before_mib))
  end)
  write_all(ws)
  weir.run()
end

-- As it should be. This goes first: a process that has grown once has room for what comes later.
measure("false is honoured", function(ws)
  local count = 0
  local function write_more()
    while count < CHUNK_COUNT do
      count = count + 1
      if not ws:write(make_chunk(count)) then
        ws:once("drain", write_more)
        return
      end
    end
    ws:end_()
  end
  write_more()
end)

-- false is advice: the chunk was taken. But this loop does not return to weir.run() before the last
-- chunk, so nothing is written meanwhile, and all of them pile up.
measure("false is ignored", function(ws)
  for number = 1, CHUNK_COUNT do ws:write(make_chunk(number)) end
  ws:end_()
end)

-- The safety net, for producers that cannot be trusted: beyond `max_buffered` a write is refused.
-- It returns nil and the reason, nothing of it is taken, and the stream stays as good as it was.
local guarded = weir.create_write_stream(path, { max_buffered = 1024 * 1024 })
local taken, refusal = 0, nil
repeat
  local answer, err = guarded:write(make_chunk(taken + 1))
  if answer == nil then refusal = err else taken = taken + 1 end
until refusal
print(("max_buffered: %d chunks taken, then %s"):format(taken, tostring(refusal)))
guarded:once("drain", function()
  print("  after drain, write says " .. tostring(guarded:write "room again\n"))
  guarded:end_()
end)
weir.run()

if not given_path then os.remove(path) end
