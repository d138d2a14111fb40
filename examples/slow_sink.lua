-- A sink that takes a second to answer, by the clock: it gets one chunk after the other, each
-- callback comes when its chunk is done, `drain` when all are.
--
--   lua examples/slow_sink.lua
local weir = require "weir"

local started_ns = weir.hrtime() -- nanoseconds of a clock that is never set back

local function say(text)
  print(("%.1f s  %s"):format((weir.hrtime() - started_ns) / 1e9, text))
end

local ws = weir.writable {
  high_water_mark = 6,
  write = function(_, chunk, done)
    say("the sink gets " .. chunk)
    -- A sink must not wait within this function: that would stop everything else. It returns, and
    -- calls `done` later.
    weir.set_timeout(function()
      say("the sink answers for " .. chunk)
      done()
    end, 1000)
  end,
}

for _, event in ipairs { "drain", "finish", "close" } do
  ws:on(event, function() say("event " .. event) end)
end

local function write(chunk)
  local go_on = ws:write(chunk, function() say("callback of " .. chunk) end)
  say(("write %s says %s, %d bytes wait"):format(chunk, tostring(go_on), ws:writable_length()))
end

write "one" -- 3 bytes are below the mark; what the sink is busy with counts as waiting
write "two" -- 6 bytes have reached it
ws:once("drain", function() ws:end_() end)
weir.run()
