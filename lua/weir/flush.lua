--- weir.flush_all: writes out what all streams have accepted, without ending them.
local core = require "weir.core"
local errors = require "weir.errors"

local flush = {}

-- Neovim, if the loop is its own.
local function host_vim()
  local vim = rawget(_G, "vim")
  local luv = core.luv()
  return luv and type(vim) == "table" and (luv == vim.uv or luv == vim.loop) and vim
end

-- Turns of whatever loop there is, until all is written, or no milliseconds are `left()`. Returns
-- nil and an error where the loop cannot be had. A timer sees to it that no turn waits for longer;
-- it serves many turns, for the one after a timer is closed ends at once.
local function turn_until_flushed(left)
  local vim, timer = host_vim(), nil
  local function forget() timer = nil end
  local ok, alive, err = true, true, nil
  while ok and alive ~= nil and not core.is_flushed() and left() > 0 do
    local ms = math.max(1, math.min(left(), 100))
    if vim then
      vim.wait(ms, core.is_flushed, 1)
    else
      timer = timer or core.set_timeout(forget, ms)
      ok, alive, err = pcall(core.run, "once")
    end
  end
  if timer then timer:clear() end
  if not ok then error(alive, 0) end
  return alive, err
end

--- Returns true when all is written, false when it is not after `ms` milliseconds.
function flush.flush_all(ms)
  if ms == nil then ms = 2000 end
  if type(ms) ~= "number" then errors.bad_argument(1, "flush_all", "number", ms) end
  local deadline = core.hrtime() + ms * 1e6
  local alive, err = turn_until_flushed(function() return (deadline - core.hrtime()) / 1e6 end)
  if alive == nil then return nil, err end
  return core.is_flushed()
end

return flush
