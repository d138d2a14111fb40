-- A scenario: one `it` of a spec file, by its number. What it asserts may fail here; what must hold
-- is what the host checks of every scenario, and that the loop comes to rest.
package.loaded["spec.support.paths"] = dofile "spec/support/paths.lua"
local weir = require "weir"
dofile "spec/torture/luajit.lua"
local run = dofile "spec/support/mini.lua"
local torture = torture -- luacheck: ignore
local file, number = torture[1], tonumber(torture[2])

local write = io.write
local function silently(fn, ...)
  io.write = function() end -- luacheck: ignore
  local ok, err = pcall(fn, ...)
  io.write = write -- luacheck: ignore
  return ok, err
end

-- What fails are system calls on files of this folder, so files of the spec are there.
local names = 0
os.tmpname = function() -- luacheck: ignore
  names = names + 1
  local path = ("%s/%d"):format(torture.folder, names)
  local created = io.open(path, "w")
  if created then created:close() end
  return path
end

local seen = 0

local function body()
  torture.disarm()
  silently(run, { file }, {
    wants = function()
      seen = seen + 1
      return seen == number
    end,
    around = function(test)
      torture.arm()
      local ok, err = pcall(test)
      torture.disarm()
      if not ok then error(err, 0) end
    end,
  })
end

local function check()
  assert(number > 0, ("there are %d tests"):format(seen))
  for _ = 1, 10 do pcall(weir.run, "nowait") end
end

return body, check
