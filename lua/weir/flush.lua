--- weir.flush_all: writes out what all streams have accepted, without ending them.
local core = require "weir.core"
local errors = require "weir.errors"

local flush = {}

-- One turn of whatever loop there is, of some milliseconds at most; false: it cannot be had.
local function turn(ms)
  local vim = rawget(_G, "vim")
  local luv = core.luv()
  if luv and type(vim) == "table" and (luv == vim.uv or luv == vim.loop) then
    vim.wait(ms, core.is_flushed, 1)
    return true
  end
  local timer = core.set_timeout(function() end, ms) -- `once` shall not wait for longer
  local alive, err = core.run "once"
  timer:clear()
  if alive == nil then return nil, err end
  return true
end

--- Returns true when all is written, false when it is not after `ms` milliseconds.
function flush.flush_all(ms)
  if ms == nil then ms = 2000 end
  if type(ms) ~= "number" then errors.bad_argument(1, "flush_all", "number", ms) end
  local deadline = core.hrtime() + ms * 1e6
  while not core.is_flushed() do
    local left = (deadline - core.hrtime()) / 1e6
    if left <= 0 then return false end
    local ok, err = turn(math.max(1, math.min(left, 100)))
    if not ok then return nil, err end
  end
  return true
end

return flush
