--- make bench-micro: what one write costs, by its form. With a form and a count: just that one.
--
--   lua bench/micro.lua [FORM COUNT]
local weir = require "weir"

local forms, order = {}, {}
local function form(name, run)
  forms[name] = run
  order[#order + 1] = name
end

local PATH = os.tmpname()
local function nothing() end

-- Writes `count` times with write(ws, i), as the stream lets us.
local function pump(ws, count, write)
  local i = 0
  local function go()
    while i < count do
      i = i + 1
      if not write(ws, i) then return ws:once("drain", go) end
    end
    ws:end_()
  end
  go()
  weir.run()
end

local function into_file(count, write) pump(weir.create_write_stream(PATH), count, write) end

form("string", function(count)
  into_file(count, function(ws) return ws:write "Line 1234567\n" end)
end)
form("pieces", function(count)
  into_file(count, function(ws, i) return ws:write("Line ", i, "\n") end)
end)
form("callback", function(count)
  into_file(count, function(ws) return ws:write("Line 1234567\n", nothing) end)
end)
form("corked", function(count)
  into_file(count / 100, function(ws)
    local go_on
    ws:cork()
    for _ = 1, 100 do go_on = ws:write "Line 1234567\n" end
    ws:uncork()
    return go_on
  end)
end)
form("object", function(count)
  local sink = { object_mode = true, write = function(_, _, done) done() end }
  pump(weir.writable(sink), count, function(ws, i) return ws:write(i) end)
end)
form("custom", function(count)
  local sink = { write = function(_, _, done) done() end }
  pump(weir.writable(sink), count, function(ws) return ws:write "sixteen bytes ok" end)
end)

local function nanoseconds_of(name, count)
  local began = weir.hrtime()
  forms[name](count)
  return (weir.hrtime() - began) / count
end

local only, count = arg[1], tonumber(arg[2] or 500000)
if only then
  forms[only](count)
else
  io.write(jit and jit.version or _VERSION)
  for _, name in ipairs(order) do
    local best = math.huge
    for _ = 1, 5 do best = math.min(best, nanoseconds_of(name, count)) end
    io.write((" | %s %.0f"):format(name, best))
  end
  print " (ns a write, best of 5)"
end
os.remove(PATH)
