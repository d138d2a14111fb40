-- Exports a table of a million rows as CSV, in constant memory: rows are asked for only as fast as
-- the disk takes them.
--
--   lua examples/csv_export.lua [path [rows]]
local weir = require "weir"

local given_path, given_rows = ...
local path, rows = given_path or os.tmpname(), tonumber(given_rows) or 1000000

-- Stands for a query: one row after the other.
local function query()
  local names, id = { "Ada", "Grace", "Edsger, W.", 'Barbara "B"' }, 0
  return function()
    id = id + 1
    if id <= rows then return id, names[id % #names + 1], id * 25 % 10000 end
  end
end

local function quoted(text)
  if not text:find '[,"\r\n]' then return text end
  return '"' .. text:gsub('"', '""') .. '"'
end

local ws = weir.create_write_stream(path, { atomic = true }) -- nobody ever sees half an export

local ok, err = weir.run(function()
  assert(ws:send "id,name,amount\r\n")
  for id, name, cents in query() do
    local amount = ("%d.%02d"):format(math.floor(cents / 100), cents % 100)
    assert(ws:send(id, ",", quoted(name), ",", amount, "\r\n"))
  end
  return ws:finish()
end)

if not ok then
  io.stderr:write("the export failed: ", tostring(err), "\n")
  os.exit(1)
end
local stats = ws:stats()
print(("%d rows, %d bytes, never more than %d bytes in memory"):format(rows, stats.bytes_written,
  stats.peak_buffered))
if not given_path then os.remove(path) end
