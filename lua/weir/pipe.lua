--- pipe() and unpipe(): one pipe is one set of listeners on both streams, which `undo` takes back.
local core = require "weir.core"
local errors = require "weir.errors"

local step = next -- why: see weir.options.reading

local pipe = {}

-- What a source keeps: its destinations in order, and those it waits for. Whoever takes data by
-- itself makes the source forget whom it waited for: the write that follows asks them again.
local function pipes_of(src)
  local private = core.private(src)
  if not private.pipes then
    private.pipes = { waiting = {}, waiting_since = -1, several = false, keeping = {} }
  end
  return private.pipes
end

local function waiting_of(src, pipes)
  local now = core.takes(src)
  if pipes.waiting_since ~= now then
    pipes.waiting, pipes.waiting_since = {}, now
  end
  return pipes.waiting
end

local function index_of(list, value)
  for i = 1, #list do
    if list[i] == value then return i end
  end
end

local Pipe = {}
Pipe.__index = Pipe

-- Backpressure ------------------------------------------------------------------------------------

-- The destination is full. The write itself may have undone the pipe.
function Pipe:pause()
  local src, dst, pipes = self.src, self.dst, self.pipes
  if not self.undone then
    if #pipes == 1 and pipes[1] == dst then
      pipes.waiting, pipes.waiting_since = { [dst] = true }, core.takes(src)
      pipes.several = false
    elseif #pipes > 1 and index_of(pipes, dst) then
      waiting_of(src, pipes)[dst] = true
    end
    src:pause()
  end
  if not self.on_drain then -- from the first need on, until the pipe is undone
    self.on_drain = function() self:drained() end
    dst:on("drain", self.on_drain)
  end
end

function Pipe:drained()
  if self.kept and not self:offer() then return end
  local src, waiting = self.src, waiting_of(self.src, self.pipes)
  waiting[self.dst] = nil
  if next(waiting) == nil and src:listener_count "data" > 0 then src:resume() end
end

-- Where Lua has no memory to say why a chunk was refused, its own message is there instead.
local function is_for_lack_of_room(err)
  return err == nil or err == "not enough memory" or errors.is(err, "ENOBUFS")
end

-- The writer has got `false`; or the chunk, because it was refused or the pipe is blocked.
function Pipe:full(chunk, err)
  if chunk ~= nil and is_for_lack_of_room(err) and self:keep(chunk, err) then return end
  self:pause()
end

-- Refused chunks (max_buffered) -------------------------------------------------------------------

-- Keeps a chunk that was refused, and those that come behind it, to be offered again. Returns
-- whether all went in at once.
function Pipe:keep(chunk, refusal)
  if self.undone then
    self.src:unshift(chunk)
    return false
  end
  self.kept = self.kept or {}
  self.kept[#self.kept + 1] = chunk
  self.refusal = refusal or self.refusal
  self.pipes.keeping[self] = true
  core.block_pipe(self.on_data, true)
  return #self.kept == 1 and self:offer()
end

-- What of the chunk goes in now: all, a part of one that never would as a whole, or nothing (nil).
-- Returns it, and the rest.
local function fitting(dst, chunk)
  local room, most = core.room(dst)
  local size = dst:writable_object_mode() and 1 or #chunk
  if not room or size <= room then return chunk, nil end
  if size > most and room > 0 then return chunk:sub(1, room), chunk:sub(room + 1) end
end

-- Offers what is kept, as far as it goes in. Returns whether the source may go on.
function Pipe:offer()
  local dst, kept, go_on = self.dst, self.kept, true
  while go_on and #kept > 0 do
    local part, rest = fitting(dst, kept[1])
    if part == nil then
      -- An empty destination will never have more room than now.
      if not core.want_drain(dst) then dst:destroy(self.refusal) end
      return false
    end
    if rest then kept[1] = rest else table.remove(kept, 1) end
    go_on = dst:write(part)
  end
  if #kept == 0 then self:delivered() end
  return go_on
end

function Pipe:stop_keeping()
  local kept, afterwards = self.kept, self.afterwards
  self.kept, self.afterwards = nil, nil
  self.pipes.keeping[self] = nil
  core.block_pipe(self.on_data, false)
  return kept, afterwards
end

function Pipe:delivered()
  local _, afterwards = self:stop_keeping()
  for _, act in ipairs(afterwards or {}) do act() end
end

-- The source has ended: what follows from it waits until all is delivered.
function Pipe:when_delivered(act)
  if not self.kept then return act() end
  self.afterwards = self.afterwards or {}
  self.afterwards[#self.afterwards + 1] = act
end

--- Calls `act` when nothing is kept any more on the way from `src` to `dst`.
function pipe.when_delivered(src, dst, act)
  for it in step, pipes_of(src).keeping do
    if it.dst == dst then return it:when_delivered(act) end
  end
  act()
end

-- Nobody else has got it: the source has it back.
function Pipe:give_back()
  local src, kept = self.src, self:stop_keeping()
  if #self.pipes > 0 or src:readable_ended() then return end
  for i = #kept, 1, -1 do src:unshift(kept[i]) end
end

-- Listeners ---------------------------------------------------------------------------------------

function Pipe:undo()
  local src, dst, pipes = self.src, self.dst, self.pipes
  dst:off("close", self.on_close):off("finish", self.on_finish)
  if self.on_drain then dst:off("drain", self.on_drain) end
  dst:off("error", self.on_error):off("unpipe", self.on_unpipe)
  src:off("end", self.at_end):off("data", self.on_data)
  self.undone = true
  if self.kept then self:give_back() end
  -- Nobody else would release the source from waiting for this destination.
  local waits = pipes.several or next(waiting_of(src, pipes)) ~= nil
  if self.on_drain and waits and core.needs_drain(dst) then self:drained() end
end

function Pipe:failed(err)
  local dst = self.dst
  self.src:unpipe(dst)
  dst:off("error", self.on_error)
  if dst:listener_count "error" > 0 then return end
  -- This listener must not hide what nobody else listens to.
  if core.state(dst).error_told then core.uncaught(err) else core.fail(dst, err) end
end

function Pipe:make_listeners(ends)
  local src, dst = self.src, self.dst
  local function unpipe() src:unpipe(dst) end
  local function end_destination() dst:end_() end
  function self.at_end() self:when_delivered(ends and end_destination or unpipe) end
  self.on_data = core.pipe_writer(dst, function(chunk, err) self:full(chunk, err) end)
  function self.on_unpipe(who, info)
    if who == src and info and not info.has_unpiped then
      info.has_unpiped = true -- one `unpipe` undoes one pipe, also when there are two to this one
      self:undo()
    end
  end
  function self.on_close()
    dst:off("finish", self.on_finish)
    unpipe()
  end
  function self.on_finish()
    dst:off("close", self.on_close)
    unpipe()
  end
  function self.on_error(err) self:failed(err) end
end

function Pipe:start()
  local src, dst = self.src, self.dst
  if src:readable_ended() then core.next_tick(self.at_end) else src:once("end", self.at_end) end
  dst:on("unpipe", self.on_unpipe)
  src:on("data", self.on_data)
  dst:prepend_listener("error", self.on_error)
  dst:once("close", self.on_close)
  dst:once("finish", self.on_finish)
  dst:emit("pipe", src)
  if dst:writable_need_drain() then self:pause()
  elseif not src:readable_flowing() then src:resume() end
end

-- The methods -------------------------------------------------------------------------------------

local function check_arguments(dst, options)
  if not core.is_stream(dst) then errors.bad_argument(1, "pipe", "stream", dst, 2) end
  if not core.state(dst).has_writable then
    error("bad argument #1 to 'pipe' (a stream that can be written to expected)", 3)
  end
  if options == nil then return end
  if type(options) ~= "table" then errors.bad_argument(2, "pipe", "table", options, 2) end
  for name in step, options do
    if name ~= "end_" then
      error(("bad argument #2 to 'pipe' (unknown option '%s', did you mean 'end_'?)"):format(
        tostring(name)), 3)
    end
  end
end

local methods = {}

function methods.pipe(src, dst, options)
  if not core.state(src, "pipe").has_readable then
    core.fail(src, core.make_error("ERR_STREAM_CANNOT_PIPE", "Cannot pipe, not readable"))
    return
  end
  check_arguments(dst, options)
  local pipes = pipes_of(src)
  if #pipes == 1 then pipes.several = true end
  pipes[#pipes + 1] = dst
  local it = setmetatable({ src = src, dst = dst, pipes = pipes, undone = false }, Pipe)
  local is_kept_open = core.state(dst).is_standard or (options and options.end_ == false)
  it:make_listeners(not is_kept_open)
  it:start()
  return dst
end

local function unpipe_all(src, pipes)
  local all = {}
  for i = 1, #pipes do all[i], pipes[i] = pipes[i], nil end
  src:pause()
  for i = 1, #all do all[i]:emit("unpipe", src, { has_unpiped = false }) end
end

function methods.unpipe(src, dst)
  if not core.state(src, "unpipe").has_readable then return src end
  local pipes = pipes_of(src)
  if #pipes == 0 then return src end
  if dst == nil then
    unpipe_all(src, pipes)
    return src
  end
  local i = index_of(pipes, dst)
  if i then
    table.remove(pipes, i)
    if #pipes == 0 then src:pause() end
    dst:emit("unpipe", src, { has_unpiped = false })
  end
  return src
end

pipe.methods = methods

return pipe
