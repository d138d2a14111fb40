--- The bridge: a loop of our own that luv's loop drives, where two copies of libuv are in one
--- process and ours cannot reach the other. It uses luv's functions only: a poll on the descriptor
--- of our loop, a timer for its next timeout, an idle handle while it has something to do at once.
local core = require "weir.core"

local bridge = {}

local uv
local poll, timer, idle
local turn

-- A handle that is there; the script may have closed the last one, together with all others.
local function usable(handle, make, argument)
  if handle and not uv.is_closing(handle) then return handle end
  return assert(make(argument))
end

local function stop(handle, how)
  if handle and not uv.is_closing(handle) then how(handle) end
end

local function stop_all()
  stop(poll, uv.poll_stop)
  stop(timer, uv.timer_stop)
  stop(idle, uv.idle_stop)
end

--- Sees to it that our loop gets its turns exactly while it has work.
function bridge.arm()
  uv = uv or core.luv()
  if not core.is_alive() then return stop_all() end
  poll = usable(poll, uv.new_poll, core.backend_fd())
  uv.poll_start(poll, "r", turn)
  local timeout = core.backend_timeout()
  if timeout == 0 then
    idle = usable(idle, uv.new_idle)
    uv.idle_start(idle, turn)
  else
    stop(idle, uv.idle_stop)
  end
  if timeout > 0 then
    timer = usable(timer, uv.new_timer)
    uv.timer_start(timer, timeout, 0, turn)
  else
    stop(timer, uv.timer_stop)
  end
end

function turn()
  core.bridge_turn()
  bridge.arm()
end

core.set_bridge(bridge.arm)

return bridge
