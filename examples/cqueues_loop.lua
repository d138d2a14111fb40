-- weir driven by another loop: cqueues polls weir's descriptor, and gives it a turn when it is due.
--
--   lua examples/cqueues_loop.lua [file]
--
-- Any loop that can wait for a descriptor can do so: wait until weir.backend_fd() is readable, or
-- weir.backend_timeout() milliseconds are over, then call weir.run "nowait"; all while it is true.
local weir = require "weir"
local found, cqueues = pcall(require, "cqueues")
if not found then
  print "there is no cqueues here"
  return
end
weir.use(false) -- a loop of weir's own, whatever else is loaded

local path = arg and arg[1] or os.tmpname()
local ws = weir.create_write_stream(path)
local loop, count = cqueues.new(), 0

-- weir as one coroutine of cqueues'
loop:wrap(function()
  local weirs = { pollfd = weir.backend_fd(), events = "r" }
  while weir.run "nowait" do
    local timeout_ms = weir.backend_timeout()
    if timeout_ms ~= 0 then cqueues.poll(weirs, timeout_ms > 0 and timeout_ms / 1000 or nil) end
  end
end)

-- somebody else's work, in the meantime
loop:wrap(function()
  repeat
    count = count + 1
    cqueues.sleep(0.001)
  until ws:writable_finished()
end)

weir.spawn(function()
  for i = 1, 100000 do assert(ws:send("line ", i, "\n")) end
  assert(ws:finish())
end)

assert(loop:loop())
print(("wrote %d bytes while others had their turns"):format(ws:bytes_written()))
if not (arg and arg[1]) then os.remove(path) end
assert(count > 0)
