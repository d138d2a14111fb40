-- Chunks of 16 bytes from a source through a transform into a sink, all three of one's own.
--   lua transform.lua CONTENDER COUNT
local count = tonumber(arg[2])
local weir = require "weir"
local bytes, i, chunk = 0, 0, ("x"):rep(16)

local source = weir.readable { read = function(self)
  while i < count do
    i = i + 1
    if not self:push(chunk) then return end
  end
  self:push(nil)
end }
local same = weir.transform { transform = function(_, piece, done) done(nil, piece) end }
local sink = weir.writable { write = function(_, piece, done)
  bytes = bytes + #piece
  done()
end }
weir.pipeline(source, same, sink, function(err) assert(not err and bytes == 16 * count, err) end)
weir.run()
