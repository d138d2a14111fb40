--- weir.finished: says once when a stream is through, and how it went.
local core = require "weir.core"
local errors = require "weir.errors"

local step = next -- why: see weir.options.reading

local finished = {}

-- nil where there is no such side at all
function finished.is_readable(stream)
  local state = core.state(stream)
  if not state.has_readable then return nil end
  return stream:readable() and state.reads
end

local function is_writable(stream)
  local state = core.state(stream)
  if not state.has_writable then return nil end
  return stream:writable() and state.writes
end

local function has_ended(stream, state)
  return stream:errored() == nil and (state.end_told or state.all_read)
end

local function has_finished(stream, state)
  return state.finished or (stream:errored() == nil and state.all_written)
end

-- One question: which sides are meant, what has been seen of them, whom to tell.
local Watch = {}
Watch.__index = Watch

function Watch:tell(err)
  if self.told then return end
  self.told = true
  self.callback(err)
end

function Watch:finish()
  local stream = self.stream
  self.finish_seen = true
  if stream:destroyed() then self.close_will_come = false end -- by hand: it may be past
  if self.close_will_come and (not stream:readable() or self.readable) then return end
  if not self.readable or self.end_seen then self:tell(nil) end
end

function Watch:ended()
  local stream = self.stream
  self.end_seen = true
  if stream:destroyed() then self.close_will_come = false end
  if self.close_will_come and (not stream:writable() or self.writable) then return end
  if not self.writable or self.finish_seen then self:tell(nil) end
end

-- Reading may stop short of the `end` event when all was read; writing must have finished (C-01).
function Watch:closed()
  local stream, state = self.stream, core.state(self.stream)
  local err = stream:errored()
  if err ~= nil then return self:tell(err) end
  local cut_short = self.readable and state.reads and not self.end_seen
    and not has_ended(stream, state)
  if cut_short or (self.writable and not state.finished) then err = errors.premature_close() end
  self:tell(err)
end

-- Only writing is meant, and nothing more of it will come.
function Watch:was_finished()
  if self.readable or (self.close_will_come and not finished.is_readable(self.stream)) then
    return false
  end
  return self.finish_seen or is_writable(self.stream) == false
end

-- The same for reading.
function Watch:has_been_read()
  if self.writable or (self.close_will_come and not is_writable(self.stream)) then return false end
  return self.end_seen or finished.is_readable(self.stream) == false
end

-- What has happened already comes as no event any more. Returns what to do on a tick, or nil.
function Watch:what_is_past(state)
  local stream, waits = self.stream, self.close_will_come
  local function settled() self:tell(stream:errored()) end
  if stream:closed() then return self.on_close end
  if state.error_told then return not waits and settled or nil end
  if (state.is_quiet and self:was_finished()) or self:has_been_read() then return settled end
end

function Watch:listen(hears_errors)
  function self.on_finish() self:finish() end
  function self.on_end() self:ended() end
  function self.on_error(err) self:tell(err) end
  function self.on_close() self:closed() end
  self.stream:on("end", self.on_end):on("finish", self.on_finish)
  if hears_errors then self.stream:on("error", self.on_error) end
  self.stream:on("close", self.on_close)
end

function Watch:stop()
  self.told = true
  self.stream:off("end", self.on_end):off("finish", self.on_finish)
  self.stream:off("error", self.on_error):off("close", self.on_close)
end

--- As weir.finished, its arguments checked.
function finished.watch(stream, options, callback)
  local state = core.state(stream)
  local self = setmetatable({ stream = stream, callback = callback, told = false }, Watch)
  self.readable, self.writable = options.readable, options.writable
  if self.readable == nil then self.readable = state.reads end
  if self.writable == nil then self.writable = state.writes end
  -- Success is told at `close` if one is certain to come and the whole stream is meant.
  self.close_will_come = state.auto_destroy and state.emit_close and not stream:closed()
    and state.reads == self.readable and state.writes == self.writable
  self.finish_seen, self.end_seen = has_finished(stream, state), has_ended(stream, state)
  self:listen(options.error ~= false)
  local past = self:what_is_past(state)
  if past then core.next_tick(past) end
  return function() self:stop() end
end

local KNOWN = { readable = true, writable = true, error = true }

local function check_options(options)
  for name, value in step, options do
    if not KNOWN[name] then
      error(("bad argument #2 to 'finished' (unknown option %s)"):format(tostring(name)), 3)
    end
    if type(value) ~= "boolean" then
      error(("bad argument #2 to 'finished' (option '%s' must be true or false, got %s)"):format(
        name, tostring(value)), 3)
    end
  end
end

--- weir.finished(stream [, options], callback) -> cleanup
function finished.finished(stream, options, callback)
  if not core.is_stream(stream) then errors.bad_argument(1, "finished", "stream", stream) end
  local position = 3
  if callback == nil and type(options) == "function" then
    options, callback, position = nil, options, 2
  end
  if options ~= nil and type(options) ~= "table" then
    errors.bad_argument(2, "finished", "table", options)
  end
  if type(callback) ~= "function" then
    errors.bad_argument(position, "finished", "function", callback)
  end
  options = options or {}
  check_options(options)
  return finished.watch(stream, options, callback)
end

return finished
