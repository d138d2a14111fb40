-- A logger whose sink is written in Lua and takes 10 ms for an entry, and a producer that could
-- make thousands meanwhile. The stream counts entries here, not bytes: that is object mode.
--
--   lua examples/slow_logger.lua
local weir = require "weir"

local ENTRY_COUNT = 50

local log = weir.writable {
  object_mode = true,  -- write takes any value as it is, here tables
  high_water_mark = 8, -- so many entries may wait

  -- Called with one entry at a time; the next one comes after `done`.
  write = function(_, entry, done)
    weir.set_timeout(function()
      print(("[%s] %s"):format(entry.level, entry.text))
      done() -- or done(err), if it could not be logged
    end, 10)
  end,
}

local pauses = 0
local count = 0
local function produce()
  while count < ENTRY_COUNT do
    count = count + 1
    local entry = { level = count % 10 == 0 and "warn" or "info", text = "request " .. count }
    if not log:write(entry) then
      pauses = pauses + 1
      print(("-- pause, %d entries wait"):format(log:writable_length()))
      log:once("drain", produce) -- a server would stop reading its sockets until then
      return
    end
  end
  log:end_()
end

log:on("finish", function()
  print(("-- %d entries logged, the producer paused %d times"):format(count, pauses))
  print(("-- never more than %d entries in memory"):format(log:stats().peak_buffered))
end)

produce()
weir.run()
