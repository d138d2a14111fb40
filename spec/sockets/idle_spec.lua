-- What an open stream takes that has nothing to do: there may be ten thousand of them.
local support = require "spec.sockets.support"

-- Opens streams, writes a byte into each, and prints how many bytes a stream takes: of Lua's
-- memory, and of all that malloc gave out, which on LuaJIT is without Lua's.
local SCRIPT = [[
  local allocated, count = assert(package.loadlib(%q, "allocated")), 400
  local all, made, written = {}, 0, 0
  for i = 1, 2 * count do all[i] = false end -- the script's own, before it counts
  local function keep(s)
    made = made + 1
    all[made] = s
  end
  local function wrote(err) written = assert(not err, err) and written + 1 end
  local function run_until(condition) while not condition() do weir.run "once" end end
  local function measure()
    for _ = 1, 10 do weir.run "nowait" end
    collectgarbage()
    collectgarbage()
    return made, collectgarbage "count" * 1024, allocated()
  end
  %s
  for i = 1, 101, 50 do open(i, i + 49) end -- the first ones make what all share
  local before, lua, memory = measure()
  for i = 151, count, 50 do open(i, i + 49) end
  local after, lua_now, memory_now = measure()
  local new = after - before
  print(("%%.1f %%.1f"):format((lua_now - lua) / new, (memory_now - memory) / new))
  os.exit(0)]]

-- Both ends are this process's.
local SOCKETS = [[
  local server = weir.create_server(function(s)
    keep(s)
    s:resume()
  end)
  server:listen { %s }
  run_until(function() return server:listening() end)
  local host, port = server:address()
  local where = port and { host = host, port = port } or { path = host }
  local function open(from, to)
    for _ = from, to do
      local s = weir.connect(where)
      keep(s)
      s:once("connect", function() s:write("x", wrote) end)
    end
    run_until(function() return written == to and made == 2 * to end)
  end]]

local FILES = [[
  local function open(from, to)
    for i = from, to do
      local ws = weir.create_write_stream(path .. i)
      keep(ws)
      ws:write("x", wrote)
    end
    run_until(function() return written == to end)
  end]]

-- What is not ours to save, with malloc's part: the uv_poll_t of a socket, the uv_work_t of a file.
local POLL, WORK = 176, 128

-- What a stream takes of all memory, without what is libuv's; and that in words.
local function cost_of(streams, libuvs)
  if support.slow then pending "tools have memory of their own" end
  local around, lacks = support.preloading "memory"
  if not around then pending(lacks) end
  local child = support.child(SCRIPT:format(support.library "memory", streams), { around = around })
  local lua, memory = child.output:match "^([%d.]+) ([%d.]+)"
  assert.truthy(lua, child.output)
  local all = memory - libuvs + (jit and lua or 0) -- LuaJIT's memory is not malloc's
  return all, ("%.0f bytes, of which %s are Lua's"):format(all, lua)
end

describe("an idle stream takes, with Lua's memory and malloc's own,", function()
  setup(support.open_folder)
  teardown(support.remove_folder)

  it("less than a kibibyte if it is a unix socket", function()
    local all, text = cost_of(SOCKETS:format "path = path", POLL)
    assert.is_true(all < 1024, text)
  end)

  it("less than a kibibyte if it is a TCP socket", function()
    local all, text = cost_of(SOCKETS:format "host = '127.0.0.1', port = 0", POLL)
    assert.is_true(all < 1024, text)
  end)

  it("less than a kibibyte and a half if it is a file", function()
    local all, text = cost_of(FILES, WORK)
    assert.is_true(all < 1536, text)
  end)
end)
