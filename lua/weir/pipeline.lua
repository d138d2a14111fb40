--- weir.pipeline: streams in a row, that end or fail together.
---
--- Every junction answers twice (its source is through, its destination is), and once more for each
--- early close or late error. The first error destroys all stages that are not through; the last
--- answer calls back.
local core = require "weir.core"
local errors = require "weir.errors"
local finished = require "weir.finished"

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

function Pipeline:call_back()
  if self.failure == nil then
    for i = 1, #self.cleanups do self.cleanups[i]() end
  end
  core.next_tick(function(err) -- the failure as it is known now
    if self.called then return end
    self.called = true
    self.callback(err)
  end, self.failure)
end

function Pipeline:answer(err)
  self.missing = self.missing - 1
  self:note(err)
  if self.failure == nil and self.missing ~= 0 then return end
  self:destroy_all()
  if self.missing == 0 then self:call_back() end
end

-- Destroys the stage when another one fails, unless it is through. Returns what stops watching it.
function Pipeline:guard(stage, reads, writes)
  local through = false
  stage:on("close", function() through = true end)
  local cleanup = finished.watch(stage, { readable = reads, writable = writes }, function(err)
    through = err == nil
  end)
  self.destroyers[#self.destroyers + 1] = function(err)
    if through then return end
    through = true
    if not stage:destroyed() then
      stage:destroy(err ~= nil and err or errors.destroyed "pipe")
    end
  end
  return cleanup
end

-- A source that closed before its `end`, though all was read in, still tells it.
local function is_late(src, err)
  return errors.is(err, PREMATURE_CLOSE) and core.input_ended(src) and src:errored() == nil
    and not core.state(src).error_told
end

function Pipeline:watch_source(src)
  local function answer(err) self:answer(err) end
  finished.watch(src, { readable = true, writable = false }, function(err)
    if not is_late(src, err) then return self:answer(err) end
    src:once("end", function() self:answer(nil) end)
    src:once("error", answer)
  end)
end

-- Joins two stages. Returns what stops watching the second.
function Pipeline:join(src, dst)
  self.missing = self.missing + 2
  local source_ended = false
  dst:on("close", function()
    if not source_ended then self:answer(errors.premature_close()) end
  end)
  src:pipe(dst, { end_ = false })
  local function end_destination()
    source_ended = true
    dst:end_()
  end
  if core.state(src).end_told and src:errored() == nil then core.next_tick(end_destination)
  else src:once("end", end_destination) end
  self:watch_source(src)
  return finished.watch(dst, { readable = false, writable = true }, function(err)
    -- One that was through before its source ended has not got it all (C-03).
    if err == nil and not source_ended then err = errors.premature_close() end
    self:answer(err)
  end)
end

-- Joins a stage to weir.stdout or weir.stderr, which is through when it has written all that came.
-- It lives on, whatever happens to the others, and keeps no listener of ours.
function Pipeline:join_standard(src, dst)
  self.missing = self.missing + 2
  local answered, stop_watching = false, nil
  local function answer(err)
    if answered then return end
    answered = true
    stop_watching()
    src:unpipe(dst)
    self:answer(err)
  end
  stop_watching = finished.watch(dst, { readable = false, writable = true }, function(err)
    answer(err == nil and errors.premature_close() or err)
  end)
  self.destroyers[#self.destroyers + 1] = answer
  src:pipe(dst)
  local function at_end() dst:write("", answer) end
  if core.state(src).end_told and src:errored() == nil then core.next_tick(at_end)
  else src:once("end", at_end) end
  self:watch_source(src)
end

-- Errors that come when the stage is through count too; what others caused does not.
function Pipeline:hear_errors(stage)
  local function on_error(err)
    if not errors.is(err, PREMATURE_CLOSE) then self:answer(err) end
  end
  stage:on("error", on_error)
  return function() stage:off("error", on_error) end
end

function Pipeline:add(stages, i)
  local stage, is_last = stages[i], i == #stages
  if i > 1 and core.state(stage).is_standard then
    return self:join_standard(stages[i - 1], stage)
  end
  local cleanup = self:guard(stage, not is_last, i > 1)
  local deafen = self:hear_errors(stage)
  -- A last stage that can still be read lives on: hands off it, in the end.
  local lives_on = is_last and finished.is_readable(stage)
  if lives_on then
    self.cleanups[1], self.cleanups[2] = cleanup, deafen
  end
  if i == 1 then return end
  cleanup = self:join(stages[i - 1], stage)
  if is_last and finished.is_readable(stage) then self.cleanups[#self.cleanups + 1] = cleanup end
end

-- The stages among the arguments, which may be one array, and the callback.
local function read_arguments(...)
  local count = select("#", ...)
  local stages = { ... }
  local callback = stages[count]
  if type(callback) ~= "function" then
    errors.bad_argument(math.max(count, 1), "pipeline", "function", callback, 2)
  end
  stages[count] = nil
  if count == 2 and type(stages[1]) == "table" then stages = stages[1] end
  return stages, callback
end

--- weir.pipeline(s1, ..., sn, callback) -> sn
function pipeline.pipeline(...)
  local stages, callback = read_arguments(...)
  if #stages < 2 then
    error(core.make_error("ERR_MISSING_ARGS", "a pipeline needs two streams or more"), 2)
  end
  for i = 1, #stages do
    if not core.is_stream(stages[i]) then
      errors.bad_argument(i, "pipeline", "stream", stages[i])
    end
  end
  local self = setmetatable({ callback = callback, missing = 0, destroyers = {}, cleanups = {} },
    Pipeline)
  for i = 1, #stages do self:add(stages, i) end
  return stages[#stages]
end

return pipeline
