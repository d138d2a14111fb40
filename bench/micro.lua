--- make bench-micro: what one write costs, by its form; and one chunk that is read, or goes along.
--- With a form and a count: just that one.
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

-- A source of `count` chunks.
local function source(count)
  local i = 0
  return weir.readable { read = function(self)
    while i < count do
      i = i + 1
      if not self:push "sixteen bytes ok" then return end
    end
    self:push(nil)
  end }
end

local function custom_sink() return weir.writable { write = function(_, _, done) done() end } end

form("data", function(count)
  source(count):on("data", nothing)
  weir.run()
end)
form("pipe", function(count)
  source(count):pipe(custom_sink())
  weir.run()
end)
form("transform", function(count)
  local same = weir.transform { transform = function(_, chunk, done) done(nil, chunk) end }
  source(count):pipe(same):pipe(custom_sink())
  weir.run()
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
  print " (ns a write or chunk, best of 5)"
end
os.remove(PATH)
