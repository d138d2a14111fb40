--- weir.inspect: all open streams of this Lua state, for people and for monitoring.
local core = require "weir.core"

local inspect = {}

-- Who the peer of a socket is; nil while it is not connected.
local function add_peer(entry)
  if entry.kind == "tcp" then entry.address, entry.port = entry.stream:remote_address() end
end

--- Returns a list of tables, one for each stream that is not closed, the oldest first.
function inspect.inspect()
  local newest_first = core.inspect()
  local list, count = {}, #newest_first
  for i, entry in ipairs(newest_first) do
    add_peer(entry)
    list[count - i + 1] = entry
  end
  return list
end

return inspect
