--- Transforms: a duplex whose `write` hook runs the user's function, and whose `read` hook lets a
--- write go that was held back. At most one is: its completion waits while the readable side is at
--- its mark.
local core = require "weir.core"
local options = require "weir.options"

local next_tick, input_ended = core.next_tick, core.input_ended

local transform = {}

-- Whether what came out of one chunk has to be read before the next chunk is let in.
local function is_full(stream, length_before)
  local length = stream:readable_length()
  return not stream:writable_ended() and length ~= length_before
    and length >= stream:readable_high_water_mark()
end

-- Returns the hooks `write` and `read` around the user's function.
local function hooks_around(user_transform)
  local held_back

  local function write(stream, chunk, done)
    local length_before = stream:readable_length()
    user_transform(stream, chunk, function(err, value)
      if err then return done(err) end
      if value ~= nil then stream:push(value) end
      if input_ended(stream) then next_tick(done) -- it has pushed the end
      elseif is_full(stream, length_before) then held_back = done
      else done() end
    end)
  end

  local function read()
    local done = held_back
    held_back = nil
    if done then done() end
  end

  return write, read
end

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
  if user_transform then
    checked.write, checked.read = hooks_around(user_transform)
  end
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
