-- A sink that never answers: how one notices, and how one gets out.
--
--   lua examples/silent_sink.lua
local weir = require "weir"

local unanswered -- the `done` that the sink should have called

local ws = weir.writable {
  high_water_mark = 8,
  write = function(_, _, done) unanswered = done end, -- the mistake: nobody calls it

  -- destroy() comes here. What the sink was given stays the sink's until it answers, even now, and
  -- the callbacks of all writes wait for that. So a sink answers here for what it has not done.
  -- Without this hook there would be `error` and `close` below, but none of the callbacks.
  destroy = function(_, err, done)
    unanswered(err)
    done(err)
  end,
}

for _, event in ipairs { "drain", "finish", "close" } do
  ws:on(event, function() print("event " .. event) end)
end
ws:on("error", function(err) print("event error: " .. tostring(err)) end)

local function write(chunk)
  local go_on = ws:write(chunk, function(err)
    print(("callback of %s: %s"):format(chunk, tostring(err)))
  end)
  print(("write %s says %s"):format(chunk, tostring(go_on)))
end

write "first"
write "second"

-- The sink has no timer and no file open, so the loop has nothing to wait for: it ends at once, and
-- without `drain`, `finish`, `close`.
print("run says that work is left: " .. tostring(weir.run()))

-- This is what a stream looks like that is stuck.
local function show_state()
  local stats = ws:stats()
  print("  " .. tostring(ws):gsub(": 0x%x+$", "")) -- without the address
  print(("  %d bytes in %d writes wait"):format(ws:writable_length(), stats.queued_writes))
  print(("  %d drains; one is owed: %s"):format(stats.drains, tostring(ws:writable_need_drain())))
end
show_state()

-- The way out. In a program this would stand in a timer that looks after the stream now and then.
print "destroy"
ws:destroy "no answer for too long" -- any value can be the error
weir.run()
show_state()
