--- weir.debug: warns once of each mistake that is easily made with streams, and says where.
---
--- Off, it costs nothing: turned on it puts itself in the place of `write`, `run` and the
--- makers of streams, and turned off it leaves them.
local core = require "weir.core"

local step = next -- why: see weir.options.reading

local debugging = {}

local getinfo = debug and debug.getinfo
local needs_drain = core.meta().__index.writable_need_drain
local IGNORED_MAX = 10   -- writes that come though a `drain` is owed
local CHECK_MS = 500     -- how often the sinks are looked at
local DONE_MS = 5000     -- for how long a hook may keep its `done`
local MAKERS = { "writable", "duplex", "transform", "file", "connect", "standard" }

local state -- nil: it is off

-- Places ------------------------------------------------------------------------------------------

-- "script.lua:12" of whoever called weir; functions of weir's own do not count.
local own = getinfo and getinfo(1, "S").source:gsub("debug%.lua$", "")
local function place()
  if not getinfo then return nil end
  for level = 3, 20 do
    local info = getinfo(level, "Sl")
    if not info then return nil end
    if info.currentline > 0 and info.source:sub(1, #own) ~= own then
      return info.short_src .. ":" .. info.currentline
    end
  end
end

local function warn(text, ...)
  text = "weir: " .. text:format(...)
  if state.tell then pcall(state.tell, text) else io.stderr:write(text, "\n") end
end

local function made_at(stream)
  local where = state.made[stream]
  return where and (" (made at %s)"):format(where) or ""
end

local function show(stream)
  return (tostring(stream):gsub("%): 0?x?%x+$", ")")) .. made_at(stream)
end

-- `false` is ignored ------------------------------------------------------------------------------

local function count_ignored(stream, where)
  local ignored = (state.ignored[stream] or 0) + 1
  state.ignored[stream] = ignored
  if ignored ~= IGNORED_MAX then return end
  state.ignored[stream] = -math.huge -- said once
  warn("%s: write() returned false, and %d more writes came without waiting for 'drain'; "
    .. "memory holds them all: %s", where or "?", ignored, show(stream))
end

local function check_write(stream, owed, go_on)
  if go_on ~= false or not owed then
    if (state.ignored[stream] or 0) > 0 then state.ignored[stream] = nil end
  elseif stream:writable_corked() == 0 then
    count_ignored(stream, place())
  end
end

-- Sinks that keep their `done` --------------------------------------------------------------------

local function say_silent(entry, what)
  if state.silent[entry.stream] then return end
  state.silent[entry.stream] = true
  warn("the hook '%s' %s: %s", entry.waits_for, what, show(entry.stream))
end

-- The same hook, and nothing was answered since the first look.
local function check_done(now)
  local seen = {}
  for _, entry in ipairs(core.inspect()) do
    if entry.waits_for and entry.kind ~= "response" then -- which waits for its client
      local stream = entry.stream
      local work = entry.waits_for .. stream:stats().flushes
      local before = state.working[stream]
      seen[stream] = before and before.work == work and before or { work = work, since = now }
      local waited_ms = (now - seen[stream].since) / 1e6
      if waited_ms >= state.done_ms then
        say_silent(entry, ("has not called its done() for %.1f s"):format(waited_ms / 1000))
      end
    end
  end
  state.working = setmetatable(seen, { __mode = "k" })
end

local function watch()
  local mine = state
  local function look()
    if state ~= mine then return end
    check_done(core.hrtime())
    mine.timer = core.set_timeout(look, mine.check_ms)
    mine.timer:unref()
  end
  mine.timer = core.set_timeout(look, mine.check_ms)
  mine.timer:unref()
end

-- The loop has nothing to do: nobody but the script itself can call a `done` now.
local function check_stuck()
  for _, entry in ipairs(core.inspect()) do
    if entry.waits_for then
      say_silent(entry, "has not called its done(), and weir.run() has nothing left to wait for")
    end
  end
end

-- Streams that are collected ----------------------------------------------------------------------

local function check_collected(stream)
  local is_open = stream.writable_ended and stream:writable_ended() == false
    and not stream:destroyed() and stream:errored() == nil
  if is_open and not state.standard[stream] then
    warn("collected, but never ended by end_() or destroy(): %s", show(stream))
  end
end

-- On and off --------------------------------------------------------------------------------------

-- What `write` raises has the place of its caller, which is not we.
local function result_of(stream, owed, ok, go_on, err)
  if not ok then error(go_on, 3) end
  if state then
    check_write(stream, owed, go_on)
    if not state.timer then watch() end
  end
  return go_on, err
end

local function wrap_write(write)
  return function(stream, ...)
    local ok, owed = pcall(needs_drain, stream)
    local go_on, err = result_of(stream, ok and owed, pcall(write, stream, ...))
    if err ~= nil then return go_on, err end
    return go_on
  end
end

local function wrap_maker(name, make)
  return function(...)
    local stream = make(...)
    if state then
      state.made[stream] = place()
      if name == "standard" then state.standard[stream] = true end
    end
    return stream
  end
end

local function wrap_gc(collect)
  return function(stream)
    if state then pcall(check_collected, stream) end
    return collect(stream)
  end
end

local function after_run(mode, ...)
  if state and (mode == nil or mode == "default") and (...) == false then check_stuck() end
  return ...
end

local function wrap_run(run)
  return function(mode, ...)
    return after_run(mode, run(mode, ...))
  end
end

-- Puts wrap(old) in the place of a field, until undo().
local function replace(owner, name, wrap)
  local old = owner[name]
  if not old then return end
  local new = wrap(old)
  owner[name] = new
  state.undo[#state.undo + 1] = function()
    if owner[name] == new then owner[name] = old end
  end
end

local function turn_off()
  for i = #state.undo, 1, -1 do state.undo[i]() end
  if state.timer then state.timer:clear() end
  state = nil
end

local function weak() return setmetatable({}, { __mode = "k" }) end

local function turn_on(tell, options)
  state = {
    tell = tell, undo = {}, made = weak(), ignored = weak(), working = weak(), silent = weak(),
    standard = weak(), done_ms = options.done_ms or DONE_MS,
  }
  state.check_ms = math.min(CHECK_MS, math.max(1, state.done_ms / 2))
  local meta = core.meta()
  replace(meta.__index, "write", wrap_write)
  replace(meta, "__gc", wrap_gc)
  replace(core, "run", wrap_run)
  for _, name in ipairs(MAKERS) do
    replace(core, name, function(make) return wrap_maker(name, make) end)
  end
end

local function bad_argument(position, message)
  error(("bad argument #%d to 'debug' (%s)"):format(position, message), 3)
end

local function check_options(options)
  if options == nil then return {} end
  if type(options) ~= "table" then bad_argument(2, "table expected, got " .. type(options)) end
  for name, value in step, options do
    if name ~= "done_ms" then bad_argument(2, "unknown option " .. tostring(name)) end
    if type(value) ~= "number" or not (value >= 0 and value <= 1e9) then
      bad_argument(2, "option 'done_ms' must be a number of milliseconds, 0 or more")
    end
  end
  return options
end

--- weir.debug(true | false | function(message) [, { done_ms = }])
function debugging.debug(to, options)
  if type(to) ~= "boolean" and type(to) ~= "function" then
    bad_argument(1, "boolean or function expected, got " .. (to == nil and "nil" or type(to)))
  end
  options = check_options(options)
  if state then turn_off() end
  if to then turn_on(type(to) == "function" and to or nil, options) end
end

return debugging
