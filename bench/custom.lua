-- Writes of 16 bytes into a sink of one's own.   lua custom.lua CONTENDER COUNT
local contender, count = arg[1], tonumber(arg[2])
local weir = require "weir"
local bytes, tick = 0, weir.next_tick

local hooks = {
  ["weir"] = function(_, chunk, done)
    bytes = bytes + #chunk
    done()
  end,
  ["weir, answered later"] = function(_, chunk, done)
    bytes = bytes + #chunk
    tick(done)
  end,
}

local ws, chunk, i = weir.writable { write = hooks[contender] }, ("x"):rep(16), 0
local function go()
  while i < count do
    i = i + 1
    if not ws:write(chunk) then return ws:once("drain", go) end
  end
  ws:end_()
end
ws:on("finish", function() assert(bytes == 16 * count) end)
go()
weir.run()
