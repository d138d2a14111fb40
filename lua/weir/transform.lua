--- Transforms: a duplex whose `write` hook is the user's function. Its `done` pushes the value that
--- it is called with; the answer waits while the readable side is at its mark (src/binding/done.h).
local core = require "weir.core"
local options = require "weir.options"

local transform = {}

-- The last step: what `flush` adds, and the end of the readable side.
local function flusher(user_flush)
  return function(stream, done)
    if not user_flush or stream:destroyed() then
      stream:push(nil)
      return done()
    end
    user_flush(stream, function(err, value)
      if err then return done(err) end
      if value ~= nil then stream:push(value) end
      stream:push(nil)
      done()
    end)
  end
end

--- Makes a transform of checked options and the user's function.
function transform.make(checked, user_transform)
  local user_final, flush = checked.final, flusher(checked.flush)
  checked.final = user_final or flush
  checked.write = user_transform
  local stream = core.transform(checked, options.hooks_of(checked))
  if user_final then -- flush runs beside it, and `finish` does not wait
    stream:on("prefinish", function()
      flush(stream, function(err)
        if err then stream:destroy(err) end
      end)
    end)
  end
  return stream
end

--- Makes a transform.
function transform.transform(given)
  local checked = options.transform(given)
  return transform.make(checked, checked.transform)
end

--- Makes a transform that passes everything on.
function transform.passthrough(given)
  return transform.make(options.passthrough(given), function(_, chunk, done) done(nil, chunk) end)
end

return transform
