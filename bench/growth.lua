--- make bench-growth: the cost of one write as the queue grows, of one stream as there are more.
local weir = require "weir"

local PATH = os.tmpname()

-- Nobody honours `false`, and the loop does not turn: all is queued.
local function queue(count)
  local ws = weir.create_write_stream(PATH)
  local began = weir.hrtime()
  for i = 1, count do ws:write("Line ", i, "\n") end
  local queued = (weir.hrtime() - began) / count
  ws:end_()
  weir.run()
  return queued, (weir.hrtime() - began) / count
end

local function open_and_close(count)
  local began = weir.hrtime()
  local streams = {}
  for i = 1, count do
    streams[i] = weir.writable { write = function(_, _, done) done() end }
    streams[i]:write "a"
  end
  for i = 1, count do streams[i]:end_ "b" end
  weir.run()
  return (weir.hrtime() - began) / count
end

print "| writes queued | ns a write | with writing it |\n|---|---|---|"
for _, count in ipairs { 1e3, 1e5, 1e7 } do
  print(("| %d | %.0f | %.0f |"):format(count, queue(count)))
end
print "\n| streams | ns a stream: made, written, ended |\n|---|---|"
for _, count in ipairs { 10, 100, 1000, 10000 } do
  print(("| %d | %.0f |"):format(count, open_and_close(count)))
end
os.remove(PATH)
