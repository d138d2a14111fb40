-- A mark of 1 byte: every write asks to slow down, so each chunk is written before the next one is
-- made. The slowest way to write, and the one that needs the least memory.
--
--   lua examples/mark_of_one.lua [path]
local weir = require "weir"

local given_path = ... -- what follows the script's name on the command line
local path = given_path or os.tmpname()

local ws = weir.create_write_stream(path, { high_water_mark = 1 })

local words = { "one", "two", "three", "four", "five" }
local position = 0

local function write_next()
  position = position + 1
  local word = words[position]
  if not word then
    ws:end_()
    return
  end
  local go_on = ws:write(word, "\n")
  print(("write %q: %s, %d bytes wait"):format(word, tostring(go_on), ws:writable_length()))
  -- Here false is certain, so there is no loop. It also means that `drain` is certain to come.
  assert(go_on == false)
  ws:once("drain", write_next)
end

ws:on("finish", function() print(("finish, after %d drains"):format(ws:stats().drains)) end)

write_next()
weir.run()
if not given_path then os.remove(path) end
