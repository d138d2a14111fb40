-- What the specs of coroutines share: sinks that answer as they are told. No spec of its own.
local weir = require "weir"

local support = {}

-- A stream whose sink answers when `sink.answer()` is called, and gets what was written in `sink`.
function support.slow_stream(options)
  options = options or {}
  local sink = {}
  options.write = function(_, chunk, done)
    sink[#sink + 1] = chunk
    sink.answer = done
  end
  options.high_water_mark = options.high_water_mark or 1
  return weir.writable(options), sink
end

function support.fast_stream(options)
  options = options or {}
  options.write = function(_, _, done) done() end
  return weir.writable(options)
end

function support.failing_stream(problem)
  return weir.writable { write = function(_, _, done) weir.next_tick(done, problem) end }
end

-- Runs `body` to its end, failing on what it raised.
function support.run(body)
  local ended = false
  local _, err = weir.run(function()
    body()
    ended = true
  end)
  assert(ended, tostring(err))
end

function support.code_of(ok, err)
  assert(ok == nil, "an error was expected")
  return err.code
end

return support
