-- Writes what comes in to several files at once, as tee(1) does: one source, many pipes. The source
-- goes as fast as the slowest of them.
--
--   lua examples/tee.lua from to ...
--
-- Without files it makes one, copies it twice, and removes all.
local weir = require "weir"

-- `callback` gets, for each of the paths, how it went.
local function tee(from, paths, callback)
  local source = weir.create_read_stream(from)
  local results, left = {}, #paths
  for i, path in ipairs(paths) do
    local target = source:pipe(weir.create_write_stream(path))
    -- A pipe leaves its destination alone when the source fails; this one shall fail too.
    source:on("error", function(err) target:destroy(err) end)
    weir.finished(target, function(err)
      results[i] = err and "failed: " .. tostring(err) or target:bytes_written() .. " bytes"
      left = left - 1
      if left == 0 then callback(results) end
    end)
  end
end

local function show(paths)
  return function(results)
    for i, path in ipairs(paths) do print(path .. ": " .. results[i]) end
  end
end

if arg and arg[2] then
  local paths = {}
  for i = 2, #arg do paths[i - 1] = arg[i] end
  tee(arg[1], paths, show(paths))
  weir.run()
else
  local file = assert(io.open("tee.in", "wb"))
  for i = 1, 20000 do file:write("Line ", i, "\n") end
  file:close()
  local paths = { "tee.one", "tee.two" }
  tee("tee.in", paths, show(paths))
  weir.run()
  for _, name in ipairs { "tee.in", "tee.one", "tee.two" } do os.remove(name) end
end
