--- The options of a server: a closed list, checked when it is made.
local reading = require "weir.options.reading"

local step = next -- why: see weir.options.reading

local settings = {}

local LIMITS = {
  max_head = 16 * 1024,      -- bytes of a request line with its headers
  max_headers = 100,
  max_body = false,          -- bytes; false: any
  head_timeout = 60000,      -- milliseconds for a head to come
  request_timeout = 300000,  -- for all of a request that has a body
  idle_timeout = 5000,       -- between two requests of a connection
}

-- Those of the connections, with what suits HTTP.
local SOCKETS = {
  max_connections = "whole", high_water_mark = "whole", write_timeout = "whole",
  keep_alive = "boolean", keep_alive_delay = "whole",
}

local LINGER_MS = 2000    -- for the peer to hear the end
local HALF_OPEN_MS = 1000 -- a peer that has ended its side waits for an answer; or it is gone

local known = {}
for name in pairs(LIMITS) do known[name] = "whole" end
for name, kind in pairs(SOCKETS) do known[name] = kind end

--- The closed list: option -> kind of value. For the specs.
settings.known = known

local function split(given)
  local limits, sockets = {}, {}
  for name, value in step, LIMITS do
    if given[name] ~= nil then limits[name] = given[name] else limits[name] = value end
  end
  for name in step, SOCKETS do sockets[name] = given[name] end
  return limits, sockets
end

-- Milliseconds as counts of the clock. The one that runs has begun before.
local function counts(tick_ms, milliseconds)
  return math.ceil(milliseconds / tick_ms) + 1
end

--- Returns the limits, and the options of the sockets.
function settings.check(given)
  local check = { constructor = "create_server", position = 1 }
  local limits, sockets = split(reading.read(check, given, known))
  sockets.allow_half_open = true
  sockets.no_delay = true
  local shortest = math.huge
  for _, name in ipairs { "head_timeout", "request_timeout", "idle_timeout" } do
    if limits[name] > 0 and limits[name] < shortest then shortest = limits[name] end
  end
  local tick_ms = math.max(5, math.min(500, math.floor(shortest / 10)))
  local function wait(milliseconds)
    return milliseconds > 0 and counts(tick_ms, milliseconds) or math.huge
  end
  return { limits = limits, tick_ms = tick_ms, waits = {
    head = wait(limits.head_timeout), request = wait(limits.request_timeout),
    idle = wait(limits.idle_timeout), linger = wait(LINGER_MS), half_open = wait(HALF_OPEN_MS),
  } }, sockets
end

return settings
