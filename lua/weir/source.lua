--- weir.readable_from: a readable whose chunks come from a function, a coroutine or a table.
local core = require "weir.core"
local errors = require "weir.errors"
local options = require "weir.options"

local source = {}

local function is_callable(value)
  if type(value) == "function" then return true end
  local meta = getmetatable(value)
  return type(meta) == "table" and type(rawget(meta, "__call")) == "function"
end

-- Turns a value into a function that returns the next chunk, nil at the end, or nil and an error;
-- what the value raises, it raises. nil: it is no source.
local makers = {}

function makers.table(list)
  local i = 0
  return function()
    i = i + 1
    return list[i]
  end
end

-- A last chunk may be returned.
function makers.thread(co)
  return function()
    if coroutine.status(co) == "dead" then return nil end
    local ok, chunk = coroutine.resume(co)
    if not ok then error(chunk, 0) end
    return chunk
  end
end

function makers.string(text)
  return makers.table { text }
end

-- Called again and again, as an iterator or a source of LTN12; it may also yield chunks. If what it
-- returns first is itself a function or a coroutine, that is the source.
makers["function"] = function(fn)
  local inner
  local co = coroutine.create(function()
    local chunk, err = fn()
    if type(chunk) == "function" or type(chunk) == "thread" then
      inner = source.iterator(chunk)
      return
    end
    while chunk ~= nil do
      coroutine.yield(chunk)
      chunk, err = fn()
    end
    if err ~= nil then error(err, 0) end
  end)
  local outer = makers.thread(co)
  return function()
    if inner then return inner() end
    local chunk = outer()
    if chunk == nil and inner then return inner() end
    return chunk
  end
end

--- The function that returns the next chunk of a value, or nil for what is no source.
function source.iterator(value)
  if is_callable(value) then
    return makers["function"](function() return value() end)
  end
  local make = makers[type(value)]
  return make and make(value)
end

--- Makes a readable of what `next_chunk` returns.
function source.readable(next_chunk, checked)
  function checked.read(stream)
    local chunk, err
    repeat chunk, err = next_chunk() until chunk ~= "" or checked.object_mode
    if chunk == nil and err ~= nil then return stream:destroy(err) end
    if not checked.object_mode and type(chunk) == "number" then chunk = tostring(chunk) end
    stream:push(chunk)
  end
  return core.readable(checked, options.hooks_of(checked))
end

--- weir.readable_from(source [, options])
function source.readable_from(value, given)
  local checked = options.readable_from(given)
  local next_chunk = not core.is_stream(value) and source.iterator(value)
  if not next_chunk then
    errors.bad_argument(1, "readable_from", "function, coroutine, table or string", value)
  end
  return source.readable(next_chunk, checked)
end

return source
