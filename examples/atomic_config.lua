-- A configuration file that is replaced as a whole: whoever reads it sees the old one or the new
-- one, never half of one, even if the program dies or the power goes in between.
--
--   lua examples/atomic_config.lua [path]
local weir = require "weir"

local given_path = ... -- what follows the script's name on the command line
local path = given_path or os.tmpname()

local function read_all()
  local file = assert(io.open(path))
  local text = file:read "*a"
  file:close()
  return (text:gsub("\n$", ""):gsub("\n", ", "))
end

-- The bytes go into a temporary file beside the target. At the end that is synced to the disk and
-- takes the target's name; `finish` comes after that.
local function replace(settings)
  local ws = weir.create_write_stream(path, { atomic = true })
  ws:on("error", function(err) print("error: " .. tostring(err)) end)
  ws:on("finish", function() print("finish: " .. read_all()) end)
  for _, setting in ipairs(settings) do ws:write(setting, "\n") end
  return ws
end

replace({ "colour = red", "size = 1" }):end_()
weir.run()

-- An update that fails halfway. The temporary file goes, the target was never touched.
local ws = replace { "colour = blue" }
ws:on("open", function()
  print("halfway: " .. read_all())
  ws:destroy "the rest of the settings cannot be found"
end)
weir.run()
print("after the failure: " .. read_all())

replace({ "colour = blue", "size = 2" }):end_()
weir.run()

if not given_path then os.remove(path) end
