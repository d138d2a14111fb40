-- Compresses or copies a file, and shows how far it has come: a stage in the middle of the pipeline
-- counts what flows through it.
--
--   lua examples/progress_bar.lua [source [target]]
local weir = require "weir"

local source, target = ...
local given = source ~= nil
source, target = source or os.tmpname(), target or os.tmpname()
if not given then -- something to copy
  local file = assert(io.open(source, "wb"))
  for i = 1, 200000 do file:write("Line ", i, "\n") end
  file:close()
end

local file = assert(io.open(source, "rb"))
local total = file:seek "end"
file:close()

-- Passes everything on, and tells `progress` how many bytes that were.
local function counter(progress)
  local bytes = 0
  return weir.transform {
    transform = function(_, chunk, done)
      bytes = bytes + #chunk
      progress(bytes)
      done(nil, chunk)
    end,
  }
end

local WIDTH, shown = 40, -1
local function show(bytes)
  local percent = total == 0 and 100 or math.floor(bytes * 100 / total)
  if percent < shown + 10 then return end -- a terminal is a stream, too: not more than it needs
  shown = percent - percent % 10
  local full = math.floor(WIDTH * shown / 100)
  weir.stderr:write("\r[", ("#"):rep(full), ("-"):rep(WIDTH - full), "] ", shown, " %")
end

weir.pipeline(weir.create_read_stream(source), counter(show), weir.create_write_stream(target),
  function(err)
    weir.stderr:write "\n"
    print(err and "failed: " .. tostring(err) or total .. " bytes copied")
  end)
weir.run()

if not given then os.remove(source) end
if not select(2, ...) then os.remove(target) end
