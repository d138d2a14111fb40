-- A log that grows from run to run, each part of it on the disk before the program says so.
--
--   lua examples/append_log.lua [path]
local weir = require "weir"

local given_path = ... -- what follows the script's name on the command line
local path = given_path or os.tmpname()

local function append(...)
  local ws = weir.create_write_stream(path, {
    -- Every write goes to the end of the file, wherever that is by then: other programs may append
    -- to the same file. "w", the default, would empty it.
    flags = "a",
    -- `finish` waits until the disk has the bytes, not only the system: they survive a power cut.
    -- That costs milliseconds, so ask for it where it matters. "none" is the default; "full" also
    -- waits for what else is known of the file, such as its time.
    sync = "data",
  })
  for _, line in ipairs { ... } do ws:write(line, "\n") end
  ws:on("finish", function() print(ws:bytes_written() .. " bytes are safe") end)
  ws:end_()
end

append("the program begins", "all is well")
weir.run() -- the first part is over, its file closed

append "the program ends"
weir.run()

for line in io.lines(path) do print("  " .. line) end
if not given_path then os.remove(path) end
