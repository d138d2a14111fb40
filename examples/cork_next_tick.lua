-- cork holds chunks back, uncork lets them go: a sink that has `writev` gets them all at once. With
-- uncork on the next tick, all that is written in one turn leaves together.
--
--   lua examples/cork_next_tick.lua
local weir = require "weir"

local ws = weir.writable {
  -- Called for a chunk that comes alone.
  write = function(_, chunk, done)
    print("  write  " .. chunk)
    done()
  end,
  -- Called for several that wait. For a sink that sends packets, or asks a server, one call instead
  -- of three is the whole point.
  writev = function(_, chunks, done)
    print("  writev " .. table.concat(chunks, ", "))
    done()
  end,
}

local function send_request()
  ws:write "GET /"
  ws:write "Host: example.org"
  ws:write "Accept: */*"
end

print "as it comes:"
send_request()

print "corked:"
ws:cork()
send_request()
-- A tick runs when the script returns to the loop, before anything else. Nobody has to know which
-- write of this turn is the last.
weir.next_tick(function() ws:uncork() end)
print "  (the turn ends)"
weir.run()

-- Corks are counted, the last uncork lets go: the parts of a program can do this without knowing of
-- each other, and still all leaves together.
print "corked twice:"
for _ = 1, 2 do
  ws:cork()
  send_request()
  weir.next_tick(function()
    ws:uncork()
    print("  (corks left: " .. ws:writable_corked() .. ")")
  end)
end
weir.run()

ws:end_() -- uncorks as well, should that have been forgotten
weir.run()
print(("%d writes, %d calls of the sink"):format(ws:stats().writes, ws:stats().flushes))
