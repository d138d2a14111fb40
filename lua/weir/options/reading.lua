--- Reads options: closed lists, read raw and once, every value checked. What leaves here belongs to
--- nobody else. A `check` says whose argument it is: { constructor =, position = }.
local kinds = require "weir.options.kinds"
local spelling = require "weir.options.spelling"

local reading = {}

-- Under a name of its own it is nothing special to LuaJIT, whose compiler can make an endless loop
-- of `for ... in next` (its issues 744 and 827; seen with the one of Debian 12).
local step = next

function reading.show(value)
  if type(value) == "string" then return ("%q"):format(value) end
  return tostring(value)
end

-- Where the files of weir are, as the debug library names them; nil: there is no such library.
local FOLDER = debug and debug.getinfo and debug.getinfo(1, "S").source:match "^(@.*/)[^/]*/[^/]*$"

--- The level, seen from who called this, of whoever has called into weir. How many functions are
--- between depends on the check, and on what the Lua at hand makes of tail calls.
function reading.level_of_caller()
  if not FOLDER then return 5 end -- in most cases
  local level = 3
  local info = debug.getinfo(level, "S")
  while info and (info.what == "tail" or info.source:sub(1, #FOLDER) == FOLDER) do
    level = level + 1
    info = debug.getinfo(level, "S")
  end
  return level - 1
end

--- Raises in the name of the constructor, at its caller.
function reading.fail(check, message, ...)
  local text = message:format(...)
  error(("bad argument #%d to '%s' (%s)"):format(check.position, check.constructor, text),
    reading.level_of_caller())
end

local function fail_unknown(check, name, known)
  if type(name) ~= "string" then reading.fail(check, "unknown option %s", reading.show(name)) end
  local nearest = spelling.nearest(name, known)
  reading.fail(check, "unknown option %s, did you mean '%s'?", reading.show(name), nearest)
end

--- Copies the options of `given` that `known` lists (name -> kind), checked.
function reading.read(check, given, known)
  local read_options = {}
  if given == nil then return read_options end
  if type(given) ~= "table" then reading.fail(check, "table expected, got %s", type(given)) end
  for name, value in step, given do
    local kind = known[name]
    if not kind then fail_unknown(check, name, known) end
    local accepted, expected = kinds[kind](value)
    if accepted == nil then
      reading.fail(check, "option '%s' must be %s, got %s", name, expected, reading.show(value))
    end
    read_options[name] = accepted
  end
  return read_options
end

return reading
