-- A process that forks, without starting another program: its streams stay the parent's, and the
-- child does them no harm, whatever it does with its copy.
local support = require "spec.sinks.support"

local library

-- Compiles spec/support/preload/fork.c; returns why that cannot be done.
local function lacks_fork()
  if os.getenv "SPEC_PRELOAD" then return "TSan does not go on in a child" end
  local lacks
  library, lacks = support.library "fork"
  return lacks
end

-- In the child `act` is done, then it ends as `ending` says; the parent goes on with its stream.
-- Returns what is in the file then, and what the script printed.
local function left_by(act, ending)
  local child = support.child(([[
    local fork = assert(package.loadlib(%q, "fork_in_lua"))
    local wait = package.loadlib(%q, "wait_in_lua")
    local ws = weir.create_write_stream(path)
    ws:write "a"
    support.run_until(function() return ws:bytes_written() == 1 end)
    ws:cork()
    ws:write "b"
    if fork() == 0 then
      %s
      %s
    end
    wait()
    ws:uncork()
    ws:end_ "c"
    support.close(ws)
    print "the parent is done"
  ]]):format(library, library, act, ending))
  assert.equal(0, child.code, child.output)
  assert.truthy(child.output:find("the parent is done", 1, true), child.output)
  return support.read(child.path)
end

describe("a child that was forked", function()
  setup(support.open_folder)
  teardown(support.remove_folder)

  local ENDINGS = { "os.exit(0)", "os.exit(0, true)", "error 'it fails'", "do return end" }
  local ACTS = {
    ["does nothing with them"] = "",
    ["writes into them"] = "pcall(ws.write, ws, 'child') pcall(ws.uncork, ws) pcall(ws.end_, ws)",
    ["destroys them"] = "pcall(ws.destroy, ws)",
    ["runs the loop"] = "pcall(ws.uncork, ws) pcall(weir.run, 'nowait') pcall(weir.run)",
    ["collects them"] = "ws = nil collectgarbage() collectgarbage()",
  }
  for name, act in pairs(ACTS) do
    it("and " .. name .. " changes nothing for its parent, however it ends", function()
      local lacks = lacks_fork()
      if lacks then pending(lacks) end
      for _, ending in ipairs(ENDINGS) do assert.equal("abc", left_by(act, ending), ending) end
    end)
  end
end)
