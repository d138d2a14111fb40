--- pipe() and unpipe(): one pipe is one set of listeners on both streams, which `undo` takes back.
local core = require "weir.core"
local errors = require "weir.errors"

local pipe = {}

-- What a source keeps: its destinations in order, and those it waits for. Whoever takes data by
-- itself makes the source forget whom it waited for: the write that follows asks them again.
local function pipes_of(src)
  local private = core.private(src)
  if not private.pipes then
    private.pipes = { waiting = {}, waiting_since = -1, several = false }
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
  local src, waiting = self.src, waiting_of(self.src, self.pipes)
  waiting[self.dst] = nil
  if next(waiting) == nil and src:listener_count "data" > 0 then src:resume() end
end

function Pipe:undo()
  local src, dst, pipes = self.src, self.dst, self.pipes
  dst:off("close", self.on_close):off("finish", self.on_finish)
  if self.on_drain then dst:off("drain", self.on_drain) end
  dst:off("error", self.on_error):off("unpipe", self.on_unpipe)
  src:off("end", self.at_end):off("data", self.on_data)
  self.undone = true
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
  if core.state(dst).error_told then dst:emit("error", err) else core.fail(dst, err) end
end

function Pipe:make_listeners(ends)
  local src, dst = self.src, self.dst
  local function unpipe() src:unpipe(dst) end
  self.at_end = ends and function() dst:end_() end or unpipe
  function self.on_data(chunk)
    if not dst:write(chunk) then self:pause() end
  end
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

local function check_destination(dst)
  if not core.is_stream(dst) then errors.bad_argument(1, "pipe", "stream", dst, 2) end
  local state = core.state(dst)
  if not state.has_writable then
    error("bad argument #1 to 'pipe' (a stream that can be written to expected)", 3)
  end
  return state
end

local methods = {}

function methods.pipe(src, dst, options)
  if not core.state(src).has_readable then
    core.fail(src, core.make_error("ERR_STREAM_CANNOT_PIPE", "Cannot pipe, not readable"))
    return
  end
  local state = check_destination(dst)
  if options ~= nil and type(options) ~= "table" then
    errors.bad_argument(2, "pipe", "table", options)
  end
  local pipes = pipes_of(src)
  if #pipes == 1 then pipes.several = true end
  pipes[#pipes + 1] = dst
  local it = setmetatable({ src = src, dst = dst, pipes = pipes, undone = false }, Pipe)
  it:make_listeners(not state.is_standard and not (options and options.end_ == false))
  if src:readable_ended() then core.next_tick(it.at_end) else src:once("end", it.at_end) end
  dst:on("unpipe", it.on_unpipe)
  src:on("data", it.on_data)
  dst:prepend_listener("error", it.on_error)
  dst:once("close", it.on_close)
  dst:once("finish", it.on_finish)
  dst:emit("pipe", src)
  if dst:writable_need_drain() then it:pause()
  elseif not src:readable_flowing() then src:resume() end
  return dst
end

local function unpipe_all(src, pipes)
  local all = {}
  for i = 1, #pipes do all[i], pipes[i] = pipes[i], nil end
  src:pause()
  for i = 1, #all do all[i]:emit("unpipe", src, { has_unpiped = false }) end
end

function methods.unpipe(src, dst)
  local state = core.state(src)
  if not state.has_readable then return src end
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
