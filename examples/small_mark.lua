-- Chunks of 512 bytes against a mark of 1 KiB: when write says false, and when `drain` comes.
--
--   lua examples/small_mark.lua [path]
local weir = require "weir"

local CHUNK = ("x"):rep(511) .. "\n"
local CHUNK_COUNT = 10

local given_path = ... -- what follows the script's name on the command line
local path = given_path or os.tmpname()

local ws = weir.create_write_stream(path, { high_water_mark = 1024 })

local count = 0
local function write_more()
  while count < CHUNK_COUNT do
    count = count + 1
    -- The answer compares what waits, this chunk included, with the mark. The second chunk reaches
    -- it: it is taken nevertheless, but a third should not come before `drain`. (Later on the disk
    -- works meanwhile: how many chunks pass before a false is different in every run.)
    local go_on = ws:write(CHUNK)
    print(("write %d: %s, %d bytes wait"):format(count, tostring(go_on), ws:writable_length()))
    if not go_on then
      ws:once("drain", write_more)
      return
    end
  end
  ws:end_()
end

-- The listener that was added first is called first: this line comes before what write_more prints.
-- `drain` waits until nothing waits any more (or until low_water_mark, if one is given).
ws:on("drain", function() print(("drain: %d bytes wait"):format(ws:writable_length())) end)
ws:on("finish", function() print("finish: " .. ws:bytes_written() .. " bytes written") end)

write_more()
weir.run()
if not given_path then os.remove(path) end
