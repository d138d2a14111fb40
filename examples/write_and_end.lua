-- write, end_, and who is told what, in which order.
--
--   lua examples/write_and_end.lua [path]
local weir = require "weir"

local given_path = ... -- what follows the script's name on the command line
local path = given_path or os.tmpname()

local ws = weir.create_write_stream(path)

for _, event in ipairs { "open", "ready", "finish", "close" } do
  ws:on(event, function() print("event " .. event) end)
end

-- Whoever listens to `error` hears of every failure; without a listener weir.run() raises it.
ws:on("error", function(err) print("event error: " .. tostring(err)) end)

-- A callback is called once its own chunk is written, or with the reason why it will not be.
local function callback_of(name)
  return function(err) print("callback of " .. name .. (err and ": " .. tostring(err) or "")) end
end

-- All pieces of one call make one chunk. Numbers become what `..` would make of them.
ws:write("Hello, ", "world!\n", callback_of "the first write")
ws:write("2 + 2 = ", 2 + 2, "\n", callback_of "the second write")

-- The end may bring a last chunk along. Nothing can be written after it.
ws:end_("Goodbye.\n", callback_of "end_")

-- So far nothing was written, not even the file was opened: all that happens in the loop.
print "the loop begins"
weir.run()
print "the loop has ended"

print("bytes written: " .. ws:bytes_written())
for line in io.lines(path) do print("  " .. line) end
if not given_path then os.remove(path) end
