-- The instructions of weir's own that a write or a chunk takes do not grow by more than a
-- twentieth. A change that needs them says so by new figures in bench/instructions.lua.
local instructions = require "bench.instructions"
local paths = require "spec.support.paths"

local function is_here(command)
  local found = os.execute("command -v " .. command .. " > /dev/null 2>&1")
  return found == true or found == 0
end

-- Why nothing can be compared here; nil if it can.
local function obstacle()
  if os.getenv "SPEC_TOOL" then return "under a tool the code is another" end
  if jit or _VERSION ~= "Lua 5.4" then return "counted on Lua 5.4 only" end
  if not is_here "valgrind" or not is_here "taskset" then return "needs valgrind and taskset" end
  local compiler = instructions.compiler_here()
  if compiler ~= instructions.compiler then
    return ("counted with %s, not with %s"):format(instructions.compiler, compiler)
  end
end

describe("a write or chunk takes no more instructions than it did", function()
  local reason = obstacle()
  for _, form in ipairs { "string", "pieces", "custom", "data", "pipe", "transform" } do
    if reason then
      pending(("%s (%s)"):format(form, reason))
    else
      it(form, function()
        local cost, committed = instructions.of(paths.build, form), instructions.committed[form]
        local is_fine = cost > 0 and cost <= committed * 1.05
        assert.is_true(is_fine, ("%.0f, not %d"):format(cost, committed))
      end)
    end
  end
end)
