--- Coroutines that wait for streams: weir.run(fn), weir.spawn, stream:send, finish and wait.
---
--- A waiter is a table: the coroutine (false: none, its caller runs the loop), the stream and the
--- event it waits for, and from wake() on the answer. A stream's waiters stand in the state that
--- core.watch keeps with the stream. Whoever is woken goes on when no tick is left, first come,
--- first served; until then a coroutine that somebody else resumes yields again.
local core = require "weir.core"
local errors = require "weir.errors"

local methods = {}
local try_send, watch = core.try_send, core.watch
local create, resume, status = coroutine.create, coroutine.resume, coroutine.status
local running, yield = coroutine.running, coroutine.yield
local unpack = table.unpack or unpack

local tasks = { methods = methods }

-- The next in line --------------------------------------------------------------------------------

local ready, first, last = {}, 1, 0
local unasked = {} -- states of closed streams whose error nobody has been told

-- An error that its coroutine can ask for no more is uncaught.
local function settle_unasked(all)
  local kept = {}
  for _, state in ipairs(unasked) do
    if state.pending ~= nil and (all or status(state.user) == "dead") then
      core.uncaught(state.pending)
      state.pending = nil
    elseif state.pending ~= nil then
      kept[#kept + 1] = state
    end
  end
  unasked = kept
end

local function with_traceback(thread, err)
  if type(err) == "string" and debug and debug.traceback then
    return debug.traceback(thread, err)
  end
  return err
end

-- A coroutine that raised: its variables are closed only now, on Lua 5.4, and may raise in turn.
local function fail(thread, err)
  local problem = with_traceback(thread, err)
  if coroutine.close then
    local _, latest = coroutine.close(thread)
    if latest ~= nil and not rawequal(latest, err) then problem = latest end
  end
  core.uncaught(problem)
end

-- Lets a waiter, or a coroutine that begins, go on. One that is dead is skipped.
local function go_on(waiter)
  local thread = waiter.thread
  waiter.resumed = true
  if not thread or status(thread) ~= "suspended" then return end
  local ok, err
  if waiter.begins then ok, err = resume(thread, unpack(waiter, 1, waiter.n))
  else ok, err = resume(thread) end
  if not ok then fail(thread, err) end
  if status(thread) == "dead" and #unasked > 0 then settle_unasked() end
end

local function run_ready()
  local stop = last -- those who come meanwhile wait for the next turn
  while first <= stop do
    local waiter = ready[first]
    ready[first] = nil
    first = first + 1
    go_on(waiter)
  end
  if first <= last then core.turn_end(run_ready) end
end

local function queue(waiter)
  if first > last then core.turn_end(run_ready) end
  last = last + 1
  ready[last] = waiter
end

local function answer(waiter, ...)
  waiter.n = select("#", ...)
  for i = 1, waiter.n do waiter[i] = (select(i, ...)) end
  if waiter.thread then queue(waiter) else waiter.resumed = true end
end

-- Events ------------------------------------------------------------------------------------------

-- Wakes the waiters that `respond` answers, first come first served. Returns how many.
local function wake(state, respond, ...)
  local waiters, kept, woken = state.waiters, nil, 0
  if not waiters then return 0 end
  for i = 1, #waiters do
    if respond(waiters[i], ...) then
      woken = woken + 1
    else
      kept = kept or {}
      kept[#kept + 1] = waiters[i]
    end
  end
  state.waiters = kept
  return woken
end

local function on_event(waiter, event, ...)
  local wanted = waiter.event
  -- Nobody owes a `drain` any more where all has been written.
  if wanted == "drain" and event == "finish" or wanted == "readable" and event == "end" then
    answer(waiter, true)
    return true
  end
  if wanted ~= event then return false end
  answer(waiter, true, ...)
  return true
end

local function on_error(waiter, err)
  if waiter.event == "error" then answer(waiter, true, err) else answer(waiter, nil, err) end
  return true
end

local function on_close(waiter, ...)
  if waiter.event == "close" then answer(waiter, true, ...)
  else answer(waiter, nil, errors.premature_close()) end
  return true
end

-- Errors that somebody was told: not the last one only, because the calls that fail after the first
-- have errors of their own.
local TOLD_META = { __mode = "k" }
local function note_told(state, err)
  state.told = state.told or setmetatable({}, TOLD_META)
  if rawequal(err, err) then state.told[err] = true end -- NaN is no key
end
local function was_told(state, err) return state.told ~= nil and state.told[err] ~= nil end

-- The error is kept for who asks next, unless somebody was told.
local function take_error(state, heard, err)
  local woken = wake(state, on_error, err)
  if woken > 0 or heard or was_told(state, err) then note_told(state, err)
  else state.pending = err end
end

core.set_watcher(function(state, event, heard, ...)
  if event == "error" then return take_error(state, heard, ...) end
  if event ~= "close" then return wake(state, on_event, event, ...) end
  wake(state, on_close, ...)
  if state.pending == nil then return end
  unasked[#unasked + 1] = state
  settle_unasked()
end)

-- Waiting -----------------------------------------------------------------------------------------

local waiting = setmetatable({}, { __mode = "k" }) -- coroutine -> what it waits for

local function stalled(waiter)
  local what = "nothing is left to do, and the coroutine has not ended"
  if waiter then
    what = ("nothing is left to do, and '%s' of %s has not come"):format(waiter.event,
      tostring(waiter.stream))
  end
  return core.make_error("ERR_STALLED", what)
end

-- Runs the loop until the waiter is answered.
local function run_until(waiter)
  repeat
    if not core.run "once" and not waiter.resumed then
      waiter.resumed = true
      return nil, stalled(waiter)
    end
  until waiter.resumed
  return unpack(waiter, 1, waiter.n)
end

-- Returns the answer.
local function block(waiter, way)
  if way == "run" then return run_until(waiter) end
  waiting[waiter.thread] = waiter
  repeat yield() until waiter.resumed
  waiting[waiter.thread] = nil
  return unpack(waiter, 1, waiter.n)
end

-- Lets the loop have a turn.
local function wait_a_turn(way)
  if way == "run" then return core.run "nowait" end
  local waiter = { thread = running(), n = 0, event = "turn" }
  queue(waiter)
  return block(waiter, way)
end

-- The error that is told now; an earlier one that nobody asked for comes first.
local function tell(state, err)
  if state.pending ~= nil then err, state.pending = state.pending, nil end
  note_told(state, err)
  return nil, err
end

local function is_open(stream) return stream:pending() == false end
local function has(method)
  return function(stream) return stream[method](stream) end
end

local happened = {
  open = is_open, ready = is_open, connect = is_open,
  drain = function(stream) return not stream:writable_need_drain() end,
  finish = has "writable_finished", ["end"] = has "readable_ended", close = has "closed",
}

-- True, and the argument of `open`, if it has.
local function has_happened(stream, event)
  if not (happened[event] and happened[event](stream)) then return false end
  return true, event == "open" and stream:fd() or nil
end

-- Of a stream that has failed: `err` is told now, unless it has been and something else is asked.
local function known_of_failed(stream, state, event, err)
  if event == "error" then
    tell(state, err)
    return true, err
  end
  if state.pending == nil and event ~= "drain" then
    local has_come, value = has_happened(stream, event)
    if has_come then return true, value end
    if event == "close" then return end
  end
  return tell(state, err)
end

-- What can be said without waiting: true and an argument, or nil and the error; nothing: wait.
local function known(stream, state, event)
  local err = state.pending
  if err == nil then err = stream:errored() end
  if err ~= nil then return known_of_failed(stream, state, event, err) end
  local has_come, value = has_happened(stream, event)
  if has_come then return true, value end
  if stream:closed() then return nil, errors.premature_close() end
end

local function wait_for(stream, state, event, way)
  local waiter = { event = event, stream = stream, thread = way == "yield" and running() }
  state.user = running() or state.user
  state.waiters = state.waiters or {}
  state.waiters[#state.waiters + 1] = waiter
  return block(waiter, way)
end

local function await(stream, event, method)
  local state = watch(stream, method)
  local answered, value = known(stream, state, event)
  if answered or value ~= nil then
    if value == nil then return answered end
    return answered, value
  end
  local way, err = core.way_to_wait(method)
  if not way then return nil, err end
  return wait_for(stream, state, event, way)
end

-- Methods -----------------------------------------------------------------------------------------

function methods.send(self, ...)
  local go, more = try_send(self, ...)
  if go then return true end
  if go == nil then return tell(watch(self, "send"), more) end
  if more then
    wait_a_turn(core.way_to_wait "send")
    return true
  end
  return await(self, "drain", "send")
end

function methods.finish(self, ...)
  local state = watch(self, "finish")
  local way, err = core.way_to_wait "finish"
  if not way then return nil, err end
  if not self:writable_ended() then
    local ended, refusal = self:end_(...)
    if ended == nil then return tell(state, refusal) end
  elseif select("#", ...) > 0 then
    local _, refusal = try_send(self, ...) -- after the end: refused
    return tell(state, refusal)
  end
  return await(self, "finish", "finish")
end

function methods.wait(self, event)
  watch(self, "wait")
  if type(event) ~= "string" then errors.bad_argument(1, "wait", "string", event) end
  return await(self, event, "wait")
end

-- Waits until all that was accepted before has been written.
function tasks.wait_until_written(stream)
  local state = watch(stream, "flush")
  local way, err = core.way_to_wait "flush"
  if not way then return nil, err end
  local waiter = { event = "written", stream = stream, thread = way == "yield" and running() }
  local accepted, refusal = stream:write("", function(problem)
    if problem == nil then answer(waiter, true) else answer(waiter, tell(state, problem)) end
  end)
  if accepted == nil then return tell(state, refusal) end
  return block(waiter, way)
end

-- `local ws <close>`: the end on a normal exit, or destroy() of what is only read; destroy(err) on
-- an error; nothing when it is over.
core.set_close(function(self, err)
  if self:destroyed() or self:writable_finished() then return end
  if err ~= nil or not core.state(self).has_writable then
    if err ~= nil then note_told(watch(self, "close"), err) end
    self:destroy(err)
  elseif core.way_to_wait "close" == "yield" then
    local ok, why = self:finish()
    if not ok then error(why, 0) end
  elseif not self:writable_ended() then
    self:end_()
  end
end)

-- Coroutines --------------------------------------------------------------------------------------

local function start(body, ...)
  local waiter = { thread = create(body), begins = true, n = select("#", ...), ... }
  queue(waiter)
  return waiter
end

--- Runs `fn` as a coroutine, from the end of this turn on. What it raises is an uncaught error.
function tasks.spawn(fn, ...)
  if type(fn) ~= "function" then errors.bad_argument(1, "spawn", "function", fn) end
  return start(fn, ...).thread
end

local function keep(task, ...)
  task.ended = true
  task.n = select("#", ...)
  for i = 1, task.n do task[i] = (select(i, ...)) end
end

local function run_task(fn, ...)
  local task = {}
  local begin = start(function(...) keep(task, fn(...)) end, ...)
  local alive, err = core.run()
  if alive == nil then
    begin.thread = false
    return nil, err
  end
  if not alive and #unasked > 0 then
    settle_unasked(true)
    core.run "nowait"
  end
  if task.ended then return unpack(task, 1, task.n) end
  if alive then return end -- stopped
  return nil, stalled(waiting[begin.thread])
end

--- weir.run: a mode of the loop, or a function to be run as a coroutine, with its arguments.
function tasks.run(mode, ...)
  if type(mode) == "function" then return run_task(mode, ...) end
  local alive, err = core.run(mode)
  if alive == nil then return nil, err end
  if not alive and #unasked > 0 then
    settle_unasked(true)
    return core.run "nowait"
  end
  return alive
end

return tasks
