--- weir.inspect: all open streams of this Lua state, for people and for monitoring.
local core = require "weir.core"

local inspect = {}

-- Sockets: who the peer is.
local function add_peer(entry)
  local remote_address = entry.stream.remote_address
  if not remote_address then return end
  local ok, address, port = pcall(remote_address, entry.stream)
  if ok and address and port then entry.address, entry.port = address, port end
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
