-- What an open socket takes that has nothing to do.
local support = require "spec.sockets.support"

-- Opens connections to itself, both ends in this process, and prints what each end took of Lua's
-- memory, and of the process's with Lua's.
local SCRIPT = [[
  local all, accepted, count = {}, 0, 300
  for i = 1, 2 * count + 100 do all[i] = false end
  local server = weir.create_server(function(s)
    accepted = accepted + 1
    all[#all - accepted + 1] = s
  end)
  local function pages()
    return tonumber(io.open("/proc/self/statm"):read("*a"):match "^%d+ (%d+)")
  end
  local function open(from, to)
    for i = from, to do all[i] = weir.connect { path = path } end
    repeat weir.run "once" until accepted == to
    for _ = 1, 10 do weir.run "nowait" end
    collectgarbage()
    collectgarbage()
    return collectgarbage "count" * 1024, pages() * 4096
  end
  server:listen { path = path, backlog = 4096 }
  local lua, process = open(1, 50)
  local lua_now, process_now = open(51, 50 + count)
  print(("%.0f %.0f"):format((lua_now - lua) / count / 2, (process_now - process) / count / 2))
  os.remove(path)
  os.exit(0)]]

describe("an idle socket", function()
  setup(support.open_folder)
  teardown(support.remove_folder)

  it("takes little of Lua's memory, and of all", function()
    if support.slow then pending "tools have memory of their own" end
    if not support.memory() then pending "the system does not tell how much memory is in use" end
    local child = support.child(SCRIPT, { path = support.new_path ".sock" })
    local lua, all = child.output:match "^(%d+) (%d+)"
    assert.truthy(lua, child.output)
    assert.is_true(tonumber(lua) <= 400, "bytes of Lua: " .. lua)
    -- libuv's handle and table, and pages that are not full, count as well.
    assert.is_true(tonumber(all) <= 2048, "bytes in all: " .. all)
  end)
end)
