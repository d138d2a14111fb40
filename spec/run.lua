-- Runs the Lua specs: with busted where it works, else with the small runner of spec/support.
-- The last line is "N passed, N failed" either way.
--
--   lua5.4 spec/run.lua [--mini] [files]      from the top of the checkout, after `make`
--
-- --mini takes the small runner. Without files, all spec/**/*_spec.lua are run.
if not io.open "spec/run.lua" then
  io.stderr:write("run me from the top of the checkout: lua spec/run.lua\n")
  os.exit(2)
end
package.loaded["spec.support.paths"] = dofile "spec/support/paths.lua"

local files, mini = {}, false
for _, argument in ipairs(arg) do
  if argument == "--mini" then mini = true else files[#files + 1] = argument end
end
if #files == 0 then
  local found = io.popen "find spec -name '*_spec.lua' | sort"
  for file in found:lines() do files[#files + 1] = file end
  found:close()
end

-- "busted.runner" loads even where busted is broken (Ubuntu 22.04 with Lua 5.4); its core does not.
local busted_works = not mini and pcall(require, "busted.core") and pcall(require, "busted.runner")

if busted_works then
  -- Every file sees the same modules, as with the small runner; busted would load weir once for
  -- each file otherwise.
  arg = { [0] = "busted", "--no-auto-insulate", "-o", "spec/support/busted_output.lua" }
  for _, file in ipairs(files) do arg[#arg + 1] = file end
  require "busted.runner" { standalone = false }
else
  local passed, failed = dofile "spec/support/mini.lua"(files)
  print(("%d passed, %d failed"):format(passed, failed))
  io.stdout:flush() -- a crash while the state closes shall not take the line along
  -- Closing the state is part of the test. Lua 5.1 does it only where a script just ends.
  if failed > 0 then os.exit(1, true) end
end
