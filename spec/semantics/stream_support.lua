-- Streams of every kind over scripted hooks, and one log of what happened to them, so that a spec
-- reads: do things, compare one line. No spec of its own.
--
--   local log = streams.new_log()
--   local rs = streams.readable(log, "r", { high_water_mark = 3 })
--   rs:push "abc"
--   assert.equal("r.pause", log.take())
--
-- A stream is named; its events are logged as `r.end`, `r.error(X)`, its hooks as `R`, `W(chunk)`.
local weir = require "weir"
local support = require "spec.semantics.support"

local streams = { new_log = support.new_log, run = support.run, settle = support.settle }

local EVENTS = { "end", "pause", "resume", "pipe", "unpipe", "prefinish", "finish", "drain",
  "close" }

-- Logs the events of a stream; `only`: of these.
function streams.watch(log, name, stream, only)
  for _, event in ipairs(only or EVENTS) do
    stream:on(event, function() log.add(name .. "." .. event) end)
  end
  stream:on("error", log.cb(name .. ".error"))
  return stream
end

local function merged(defaults, given)
  for key, value in pairs(given or {}) do defaults[key] = value end
  return defaults
end

-- A readable whose read hook does nothing, unless options.read says more. options.only: the events
-- to log.
function streams.readable(log, name, options)
  local given = merged({ read = function() end }, options)
  local only = given.only
  given.only = nil
  return streams.watch(log, name, weir.readable(given), only)
end

-- A read hook that pushes one of these at each call, then the end.
function streams.script(...)
  local chunks, i = { ... }, 0
  return function(self)
    i = i + 1
    self:push(chunks[i])
  end
end

-- A writable whose sink answers at once, or with options.write = "later" when sink.answer() says
-- so. What it got is in sink.got.
function streams.writable(log, name, options)
  local given, sink = merged({}, options), { got = {}, held = {} }
  local later, only = given.write == "later", given.only
  given.only = nil
  function given.write(_, chunk, done)
    sink.got[#sink.got + 1] = chunk
    if log then log.add("W(" .. tostring(chunk) .. ")") end
    if later then sink.held[#sink.held + 1] = done else done() end
  end
  function sink.answer(err) table.remove(sink.held, 1)(err) end
  function sink.text() return table.concat(sink.got) end
  local ws = weir.writable(given)
  if log then streams.watch(log, name, ws, only) end
  return ws, sink
end

-- A transform to upper case, unless options say more.
function streams.upper(log, name, options)
  local given = merged({ transform = function(_, chunk, done) done(nil, chunk:upper()) end },
    options)
  local only = given.only
  given.only = nil
  return streams.watch(log, name, weir.transform(given), only)
end

return streams
