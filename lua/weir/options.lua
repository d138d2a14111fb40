--- Options of the streams that are written in Lua, and what they have in common with all others.
--- What leaves here has all defaults filled in.
local reading = require "weir.options.reading"

local fail, read, show = reading.fail, reading.read, reading.show

local options = {}

local BYTES_DEFAULT, OBJECTS_DEFAULT = 16384, 16

local COMMON = {
  high_water_mark = "whole", low_water_mark = "whole", max_buffered = "whole",
  auto_destroy = "boolean", emit_close = "boolean",
}

--- Adds to the list `known` what all writable streams have.
function options.with_common(known)
  for name, kind in pairs(COMMON) do known[name] = kind end
  return known
end

--- Fills in the defaults of these.
function options.fill_common(check, read_options)
  if read_options.high_water_mark == nil then
    read_options.high_water_mark = read_options.object_mode and OBJECTS_DEFAULT or BYTES_DEFAULT
  end
  local high, low = read_options.high_water_mark, read_options.low_water_mark or 0
  if low > 0 and low >= high then
    fail(check, "option 'low_water_mark' must be below 'high_water_mark' (%s), got %s", show(high),
      show(low))
  end
  if read_options.max_buffered and read_options.max_buffered < high then
    fail(check, "option 'max_buffered' must be at least 'high_water_mark' (%s), got %s", show(high),
      show(read_options.max_buffered))
  end
  if read_options.auto_destroy == nil then read_options.auto_destroy = true end
  if read_options.emit_close == nil then read_options.emit_close = true end
  return read_options
end

-- Writable sinks ----------------------------------------------------------------------------------

local WRITABLE = options.with_common {
  object_mode = "boolean", write = "function", writev = "function", final = "function",
  construct = "function", destroy = "function",
}

--- Checks the options of weir.writable. Returns the options and the array of hooks for the core.
function options.writable(given)
  local check = { constructor = "writable", position = 1 }
  local checked = options.fill_common(check, read(check, given, WRITABLE))
  return checked, options.hooks_of(checked)
end

-- Readable sides ----------------------------------------------------------------------------------

local function default_mark(object_mode)
  return object_mode and OBJECTS_DEFAULT or BYTES_DEFAULT
end

--- The array of hooks, in the core's order.
function options.hooks_of(checked)
  return { checked.write or false, checked.writev or false, checked.final or false,
    checked.construct or false, checked.destroy or false, checked.read or false }
end

local READABLE = {
  high_water_mark = "whole", object_mode = "boolean", auto_destroy = "boolean",
  emit_close = "boolean", read = "function", construct = "function", destroy = "function",
}

--- Checks the options of weir.readable. Returns the options and the array of hooks for the core.
function options.readable(given)
  local check = { constructor = "readable", position = 1 }
  local checked = options.fill_common(check, read(check, given, READABLE))
  checked.readable_high_water_mark = checked.high_water_mark
  checked.readable_object_mode = checked.object_mode
  return checked, options.hooks_of(checked)
end

local READABLE_FROM = {
  high_water_mark = "whole", object_mode = "boolean", auto_destroy = "boolean",
  emit_close = "boolean",
}

--- Checks the options of weir.readable_from. Returns them, for lua/weir/source.lua.
function options.readable_from(given)
  local check = { constructor = "readable_from", position = 2 }
  local checked = read(check, given, READABLE_FROM)
  if checked.object_mode == nil then checked.object_mode = true end
  if checked.object_mode then checked.high_water_mark = checked.high_water_mark or 1 end
  options.fill_common(check, checked)
  checked.readable_high_water_mark = checked.high_water_mark
  checked.readable_object_mode = checked.object_mode
  return checked
end

local function with_both_sides(known)
  for name, kind in pairs {
    object_mode = "boolean", readable_object_mode = "boolean", writable_object_mode = "boolean",
    readable_high_water_mark = "whole", writable_high_water_mark = "whole",
    readable = "boolean", writable = "boolean", allow_half_open = "boolean",
    final = "function", construct = "function", destroy = "function",
  } do known[name] = kind end
  return options.with_common(known)
end

--- Fills in the defaults of a duplex. What is given for both sides wins over what is for one.
function options.fill_both_sides(check, checked)
  local both, of_objects = checked.high_water_mark, checked.object_mode
  checked.readable_object_mode = of_objects or checked.readable_object_mode
  checked.object_mode = of_objects or checked.writable_object_mode
  checked.readable_high_water_mark = both or checked.readable_high_water_mark
    or default_mark(checked.readable_object_mode)
  checked.high_water_mark = both or checked.writable_high_water_mark
  checked.readable_disabled = checked.readable == false
  checked.writable_disabled = checked.writable == false
  if checked.allow_half_open == nil then checked.allow_half_open = true end
  return options.fill_common(check, checked)
end

local DUPLEX = with_both_sides { read = "function", write = "function", writev = "function" }

--- Checks the options of weir.duplex. Returns the options and the array of hooks for the core.
function options.duplex(given)
  local check = { constructor = "duplex", position = 1 }
  local checked = options.fill_both_sides(check, read(check, given, DUPLEX))
  return checked, options.hooks_of(checked)
end

local PASSTHROUGH = with_both_sides { flush = "function" }
local TRANSFORM = with_both_sides { flush = "function", transform = "function" }

-- A readable side that shall not buffer makes the default of the writable one the same.
local function fill_transform(check, checked)
  if (checked.high_water_mark or checked.readable_high_water_mark) == 0 then
    checked.high_water_mark, checked.readable_high_water_mark = nil, 0
    checked.writable_high_water_mark = checked.writable_high_water_mark or 0
  end
  checked.is_asked = true
  return options.fill_both_sides(check, checked)
end

--- Checks the options of weir.transform. Returns them; lua/weir/transform.lua makes the hooks.
function options.transform(given)
  local check = { constructor = "transform", position = 1 }
  return fill_transform(check, read(check, given, TRANSFORM))
end

--- Checks the options of weir.passthrough. As options.transform.
function options.passthrough(given)
  local check = { constructor = "passthrough", position = 1 }
  return fill_transform(check, read(check, given, PASSTHROUGH))
end

local function with_marks(known)
  known.readable_high_water_mark, known.writable_high_water_mark = "whole", "whole"
  return options.with_common(known)
end

local GZIP, GUNZIP = with_marks { level = "level" }, with_marks {}
local LINES = with_marks {}

--- Checks the options of weir.gzip. Returns the options for the core.
function options.gzip(given)
  local check = { constructor = "gzip", position = 1 }
  return fill_transform(check, read(check, given, GZIP))
end

--- Checks the options of weir.gunzip. Returns the options for the core.
function options.gunzip(given)
  local check = { constructor = "gunzip", position = 1 }
  return fill_transform(check, read(check, given, GUNZIP))
end

--- Checks the options of weir.lines. As options.transform.
function options.lines(given)
  local check = { constructor = "lines", position = 1 }
  local checked = read(check, given, LINES)
  checked.readable_object_mode = true
  return fill_transform(check, checked)
end

--- The closed list of each constructor: option -> kind of value. For the specs.
options.known = {
  writable = WRITABLE, readable = READABLE, readable_from = READABLE_FROM, duplex = DUPLEX,
  transform = TRANSFORM, passthrough = PASSTHROUGH, gzip = GZIP, gunzip = GUNZIP, lines = LINES,
}

return options
