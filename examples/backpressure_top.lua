-- Shows live, in a terminal, what all streams hold while fast producers meet slow sinks: what `top`
-- is for processes.
--
--   lua examples/backpressure_top.lua [seconds [pictures per second]]
--
-- A bar is what waits; the line in it is the high-water mark. The table comes from weir.inspect().
local weir = require "weir"

local seconds, rate = tonumber((...)) or 10, tonumber((select(2, ...))) or 10
local WIDTH = 30

-- Sinks that take `per_second` bytes, and producers that heed `false`, or do not ------------------

local streams = {}

local function add(name, per_second, options, heeds)
  options.write = function(_, chunk, done) weir.set_timeout(done, #chunk / per_second * 1000) end
  local ws, stopped = weir.writable(options), false
  local chunk = ("x"):rep(1000)
  local function produce()
    while not stopped and ws:write(chunk) do end -- until it says false
    if stopped then return end
    if heeds then ws:once("drain", produce) else weir.set_timeout(produce, 5) end
  end
  produce()
  streams[#streams + 1] = ws
  streams[ws] = { name = name, stop = function()
    stopped = true
    ws:destroy()
  end }
end

add("fast disk", 4000000, { high_water_mark = 64000 }, true)
add("slow network", 100000, { high_water_mark = 16000 }, true)
add("low mark 8000", 200000, { high_water_mark = 16000, low_water_mark = 8000 }, true)
add("false ignored", 50000, { high_water_mark = 16000 }, false)

-- The picture -------------------------------------------------------------------------------------

local function bar(entry)
  local mark = math.floor(WIDTH / 2)
  local full = math.min(WIDTH, math.floor(entry.buffered / entry.high_water_mark * mark))
  local text = ("#"):rep(full) .. (" "):rep(WIDTH - full)
  return text:sub(1, mark) .. "|" .. text:sub(mark + 1)
end

local function picture()
  local lines = { ("%-14s %-31s %9s %6s %8s %7s"):format("stream", "held, and the mark", "bytes",
    "drain?", "oldest", "drains") }
  for _, entry in ipairs(weir.inspect()) do
    local known = streams[entry.stream]
    if known then
      lines[#lines + 1] = ("%-14s %s %9d %6s %5d ms %7d"):format(known.name, bar(entry),
        entry.buffered, entry.need_drain and "owed" or "", entry.oldest_write_ms or 0,
        entry.stream:stats().drains)
    end
  end
  return lines
end

local is_terminal = os.getenv "TERM" and os.execute "test -t 1"
is_terminal = is_terminal == true or is_terminal == 0
local ends_ns, drawn = weir.hrtime() + seconds * 1e9, 0

local function draw()
  local lines = picture()
  if is_terminal and drawn > 0 then weir.stdout:write("\27[", #lines, "A") end -- up again
  for _, line in ipairs(lines) do weir.stdout:write(line, is_terminal and "\27[K\n" or "\n") end
  drawn = drawn + 1
  if weir.hrtime() < ends_ns then return weir.set_timeout(draw, 1000 / rate) end
  for _, ws in ipairs(streams) do streams[ws].stop() end
end

weir.set_timeout(draw, 1000 / rate)
weir.run()
