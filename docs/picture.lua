-- Draws docs/backpressure.svg from a run: how many bytes a stream holds, over time, for a producer
-- that heeds `false` and for one that ignores it.
--
--   make picture
--
-- The producer offers three chunks in a millisecond, the sink takes one. Each write and each answer of
-- the sink is a point of a curve; each `false` and each `drain` is marked.
local weir = require "weir"

local HIGH, LOW, CHUNK, SPAN_MS, PER_MS = 16384, 4096, 1024, 80, 3
local TOP = 40 * 1024 -- of the picture, in bytes

local began
local function now_ms() return (weir.hrtime() - began) / 1e6 end

-- The run ---------------------------------------------------------------------------------------

-- Returns the curve, and the events as { name, ms, bytes }.
local function run(heeds)
  local curve, events, ws, ticks = {}, {}, nil, 0
  local chunk = ("x"):rep(CHUNK)
  local function note() curve[#curve + 1] = { now_ms(), ws:writable_length() } end
  local function mark(name) events[#events + 1] = { name, now_ms(), ws:writable_length() } end
  ws = weir.writable {
    high_water_mark = HIGH, low_water_mark = LOW,
    write = function(_, _, done)
      weir.set_timeout(function()
        done()
        if now_ms() < SPAN_MS then note() end
      end, 1)
    end,
  }
  local function produce()
    ticks = ticks + 1
    if ticks > SPAN_MS then return ws:destroy() end
    for _ = 1, PER_MS do
      local go_on = ws:write(chunk)
      note()
      if not go_on and heeds then
        mark "false"
        return ws:once("drain", function()
          note()
          mark "drain"
          ticks = math.floor(now_ms())
          produce()
        end)
      end
    end
    weir.set_timeout(produce, 1)
  end
  began = weir.hrtime()
  produce()
  weir.run()
  return curve, events
end

-- The picture -----------------------------------------------------------------------------------

local WIDTH, HEIGHT, LEFT, RIGHT, UPPER, LOWER = 760, 300, 64, 150, 20, 36

local function x_of(ms) return LEFT + ms / SPAN_MS * (WIDTH - LEFT - RIGHT) end
local function y_of(bytes) return HEIGHT - LOWER - bytes / TOP * (HEIGHT - LOWER - UPPER) end

local parts = {}
local function add(text, ...) parts[#parts + 1] = text:format(...) end

local function line(y, colour, label, dashes)
  add('<path d="M%d %.1fH%d" stroke="%s" stroke-dasharray="%s"/>', LEFT, y, WIDTH - RIGHT, colour, dashes)
  add('<text x="%d" y="%.1f" fill="%s">%s</text>', WIDTH - RIGHT + 6, y + 4, colour, label)
end

local function polyline(curve, colour, width)
  local steps, last = {}, nil
  for _, point in ipairs(curve) do
    if point[1] <= SPAN_MS and point[2] <= TOP then
      local x, y = x_of(point[1]), y_of(point[2])
      if last then steps[#steps + 1] = ("L%.1f %.1f"):format(x, last) end
      steps[#steps + 1] = ("%s%.1f %.1f"):format(last and "L" or "M", x, y)
      last = y
    end
  end
  add('<path d="%s" stroke="%s" stroke-width="%s" fill="none"/>', table.concat(steps), colour, width)
end

local function axes()
  add('<path d="M%d %dV%dH%d" stroke="#57606a" fill="none"/>', LEFT, UPPER, HEIGHT - LOWER, WIDTH - RIGHT)
  for kib = 0, TOP / 1024, 8 do
    add('<text x="%d" y="%.1f" text-anchor="end" fill="#57606a">%d KiB</text>', LEFT - 6,
      y_of(kib * 1024) + 4, kib)
  end
  for ms = 0, SPAN_MS, 20 do
    add('<text x="%.1f" y="%d" text-anchor="middle" fill="#57606a">%d ms</text>', x_of(ms),
      HEIGHT - LOWER + 18, ms)
  end
end

local function events_of(events)
  for _, event in ipairs(events) do
    local colour = event[1] == "false" and "#cf222e" or "#1a7f37"
    local x, y = x_of(event[2]), y_of(event[3])
    if event[2] <= SPAN_MS then
      add('<circle cx="%.1f" cy="%.1f" r="4" fill="%s"/>', x, y, colour)
      add('<text x="%.1f" y="%.1f" text-anchor="middle" fill="%s">%s</text>', x,
        event[1] == "false" and y - 9 or y + 18, colour, event[1])
    end
  end
end

local heeding, events = run(true)
local ignoring = run(false)

add('<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d"'
  .. ' font-family="sans-serif" font-size="12">', WIDTH, HEIGHT, WIDTH, HEIGHT)
add "<title>Bytes a stream holds, over time, with and without heeding false</title>"
add('<rect width="%d" height="%d" fill="#ffffff"/>', WIDTH, HEIGHT)
axes()
line(y_of(HIGH), "#9a6700", "high_water_mark", "6 4")
line(y_of(LOW), "#9a6700", "low_water_mark", "2 4")
polyline(ignoring, "#d0d7de", 2)
local last = ignoring[1]
for _, point in ipairs(ignoring) do if point[2] <= TOP then last = point end end
add('<text x="%.1f" y="%d" fill="#57606a">false is ignored</text>', x_of(last[1]) + 6, UPPER + 10)
polyline(heeding, "#0969da", 2)
events_of(events)
add "</svg>"

local path = ... or "docs/backpressure.svg"
local out = weir.create_write_stream(path, { atomic = true })
for _, part in ipairs(parts) do out:write(part, "\n") end
out:end_()
weir.run()
print(("%s: %d points, %d events"):format(path, #heeding + #ignoring, #events))
