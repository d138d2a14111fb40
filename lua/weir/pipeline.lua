--- weir.pipeline: streams in a row, that end or fail together.
---
--- Every junction answers twice (its source is through, its destination is), and once more for each
--- early close or late error. The first error destroys all stages that are not through; the last
--- answer calls back.
local core = require "weir.core"
local errors = require "weir.errors"
local finished = require "weir.finished"
local pipe = require "weir.pipe"
local source = require "weir.source"
local stage = require "weir.stage"

local step = next -- why: see weir.options.reading

local pipeline = {}

local PREMATURE_CLOSE = "ERR_STREAM_PREMATURE_CLOSE"

local Pipeline = {}
Pipeline.__index = Pipeline

-- A premature close is a consequence; a real error takes its place.
function Pipeline:note(err)
  if err ~= nil and (self.failure == nil or errors.is(self.failure, PREMATURE_CLOSE)) then
    self.failure = err
  end
end

function Pipeline:destroy_all()
  local destroyers = self.destroyers
  while #destroyers > 0 do table.remove(destroyers, 1)(self.failure) end
end

-- Calls `act` when those that were destroyed have closed, which takes files and sockets a while.
function Pipeline:when_closed(act)
  local open = 1
  local function one_less()
    open = open - 1
    if open == 0 then act() end
  end
  for _, stream in ipairs(self.streams) do
    local state = core.state(stream)
    if state.is_native and state.emit_close and stream:destroyed() and not stream:closed() then
      open = open + 1
      stream:once("close", one_less)
    end
  end
  one_less()
end

function Pipeline:call_back()
  local failure = self.failure -- as it is known now
  if failure == nil then
    for i = 1, #self.cleanups do self.cleanups[i]() end
  end
  self:when_closed(function()
    core.next_tick(function()
      if self.called then return end
      self.called = true
      self.callback(failure)
    end)
  end)
end

function Pipeline:answer(err)
  self.missing = self.missing - 1
  self:note(err)
  if self.failure == nil and self.missing ~= 0 then return end
  self:destroy_all()
  if self.missing == 0 then self:call_back() end
end

-- Destroys the stage when another one fails, unless it is through. Returns what stops watching it.
function Pipeline:guard(stream, reads, writes)
  local through = false
  stream:on("close", function() through = true end)
  local cleanup = finished.watch(stream, { readable = reads, writable = writes }, function(err)
    through = err == nil
  end)
  self.destroyers[#self.destroyers + 1] = function(err)
    if through then return end
    through = true
    if not stream:destroyed() then
      stream:destroy(err ~= nil and err or errors.destroyed "pipe")
    end
  end
  return cleanup
end

-- Answers for the junction before stage `i`. When a function has returned before its input ended,
-- what is in front of it is closed early, and well.
function Pipeline:answer_at(i, err)
  if self.left >= i and errors.is(err, PREMATURE_CLOSE) then err = nil end
  self:answer(err)
end

-- A source that closed before its `end`, though all was read in, still tells it, Node says. Files
-- and sockets never do.
local function is_late(src, err)
  local state = core.state(src)
  return errors.is(err, PREMATURE_CLOSE) and core.input_ended(src) and src:errored() == nil
    and not state.error_told and not state.is_native
end

function Pipeline:watch_source(src, i)
  local function answer(err) self:answer_at(i, err) end
  finished.watch(src, { readable = true, writable = false }, function(err)
    if self.left >= i or not is_late(src, err) then return answer(err) end
    src:once("end", function() answer(nil) end)
    src:once("error", answer)
  end)
end

-- Joins stage `i` and the one before it. Returns what stops watching it.
function Pipeline:join(src, dst, i)
  self.missing = self.missing + 2
  local source_ended = false
  dst:on("close", function()
    if not source_ended and self.left < i then self:answer(errors.premature_close()) end
  end)
  src:pipe(dst, { end_ = false })
  local function end_destination()
    source_ended = true
    pipe.when_delivered(src, dst, function() dst:end_() end)
  end
  if core.state(src).end_told and src:errored() == nil then core.next_tick(end_destination)
  else src:once("end", end_destination) end
  self:watch_source(src, i)
  return finished.watch(dst, { readable = false, writable = true }, function(err)
    -- One that was through before its source ended has not got it all (C-03).
    if err == nil and not source_ended then err = errors.premature_close() end
    self:answer_at(i, err)
  end)
end

-- Joins a stage to weir.stdout or weir.stderr, which is through when it has written all that came.
-- It lives on, whatever happens to the others, and keeps no listener of ours.
function Pipeline:join_standard(src, dst, i)
  self.missing = self.missing + 2
  local answered, stop_watching = false, nil
  local function answer(err)
    if answered then return end
    answered = true
    stop_watching()
    src:unpipe(dst)
    self:answer_at(i, err)
  end
  stop_watching = finished.watch(dst, { readable = false, writable = true }, function(err)
    answer(err == nil and errors.premature_close() or err)
  end)
  self.destroyers[#self.destroyers + 1] = answer
  src:pipe(dst)
  local function at_end()
    pipe.when_delivered(src, dst, function() dst:write("", answer) end)
  end
  if core.state(src).end_told and src:errored() == nil then core.next_tick(at_end)
  else src:once("end", at_end) end
  self:watch_source(src, i)
end

-- Errors that come when the stage is through count too; what others caused does not.
function Pipeline:hear_errors(stream)
  local function on_error(err)
    if not errors.is(err, PREMATURE_CLOSE) then self:answer(err) end
  end
  stream:on("error", on_error)
  return function() stream:off("error", on_error) end
end

function Pipeline:add(streams, i)
  local stream, is_last = streams[i], i == #streams
  if i > 1 and core.state(stream).is_standard then
    return self:join_standard(streams[i - 1], stream, i)
  end
  local cleanup = self:guard(stream, not is_last, i > 1)
  local deafen = self:hear_errors(stream)
  -- A last stage that can still be read lives on: hands off it, in the end.
  if is_last and finished.is_readable(stream) then
    self.cleanups[1], self.cleanups[2] = cleanup, deafen
  end
  if i == 1 then return end
  cleanup = self:join(streams[i - 1], stream, i)
  if is_last and finished.is_readable(stream) then self.cleanups[#self.cleanups + 1] = cleanup end
end

--- Joins streams; the arguments are checked.
function pipeline.join(streams, callback)
  local self = setmetatable({ streams = streams, callback = callback, missing = 0, left = 0,
    destroyers = {}, cleanups = {} }, Pipeline)
  for i = 1, #streams do self:add(streams, i) end
  return self
end

-- The arguments -----------------------------------------------------------------------------------

-- The stages among the arguments, which may be one array, and the callback.
local function read_arguments(...)
  local count = select("#", ...)
  local stages = { ... }
  local callback = stages[count]
  if type(callback) ~= "function" then
    errors.bad_argument(math.max(count, 1), "pipeline", "function", callback, 2)
  end
  stages[count] = nil
  if count == 2 and type(stages[1]) == "table" then stages, count = stages[1], #stages[1] + 1 end
  if count < 3 then
    error(core.make_error("ERR_MISSING_ARGS", "a pipeline needs two streams or more"), 3)
  end
  return stages, callback, count - 1
end

local function check_stages(stages, count)
  for i = 1, count do
    local value = stages[i]
    if core.is_stream(value) then
      local state = core.state(value)
      local lacks = (i < count and not state.has_readable and "read")
        or (i > 1 and not state.has_writable and "written to")
      if lacks then
        error(("bad argument #%d to 'pipeline' (a stream that can be %s expected)"):format(i,
          lacks), 3)
      end
    elseif not (i == 1 and source.iterator(value) or type(value) == "function") then
      errors.bad_argument(i, "pipeline", "stream or function", value, 2)
    end
  end
end

-- Streams of all stages, and what is known of those that are functions.
local function make_streams(stages, count)
  local streams, functions = {}, {}
  for i = 1, count do
    local value = stages[i]
    if core.is_stream(value) then streams[i] = value
    elseif i == 1 then streams[i] = source.readable_from(value)
    else streams[i], functions[i] = stage.new(value) end
  end
  return streams, functions
end

-- A function that returns early wants nothing more of the stages in front of it.
local function let_leave(self, streams, functions)
  for i, it in step, functions do
    it.is_last = i == #streams
    function it.on_left()
      self.left = math.max(self.left, i)
      streams[i - 1]:unpipe(streams[i])
      for k = i - 1, 1, -1 do streams[k]:destroy() end
      streams[i]:end_()
    end
  end
end

--- weir.pipeline(s1, ..., sn, callback) -> sn
function pipeline.pipeline(...)
  local stages, callback, count = read_arguments(...)
  check_stages(stages, count)
  local streams, functions = make_streams(stages, count)
  local last = functions[count]
  local self = pipeline.join(streams, function(err)
    if last then callback(err, last.result) else callback(err) end
  end)
  let_leave(self, streams, functions)
  return streams[count]
end

return pipeline
