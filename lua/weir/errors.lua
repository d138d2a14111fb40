--- The errors that the Lua part of weir finds by itself.
local core = require "weir.core"

local errors = {}

function errors.premature_close()
  return core.make_error("ERR_STREAM_PREMATURE_CLOSE", "Premature close")
end

function errors.destroyed(method)
  return core.make_error("ERR_STREAM_DESTROYED",
    ("Cannot call %s after a stream was destroyed"):format(method))
end

--- Whether `err` is an error object with this code.
function errors.is(err, code)
  return type(err) == "table" and rawget(err, "code") == code
end

--- Raises "bad argument" in the name of a function, at its caller: user, function, this one.
function errors.bad_argument(position, name, expected, value, level)
  local got = value == nil and "nil" or type(value)
  error(("bad argument #%d to '%s' (%s expected, got %s)"):format(position, name, expected, got),
    (level or 1) + 2)
end

return errors
