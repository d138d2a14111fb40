--- Options of file options.
local reading = require "weir.options.reading"
local options = require "weir.options"

local fail, read, show = reading.fail, reading.read, reading.show

local files = {}

local FILE_READ_DEFAULT = 65536

local FILE = options.with_common {
  flags = "flags", mode = "mode", start = "whole", fd = "descriptor", auto_close = "boolean",
  sync = "sync", atomic = "boolean",
}

local function check_path(check, path)
  if path == nil then return end
  if type(path) ~= "string" then fail(check, "string expected, got %s", type(path)) end
  if path == "" then fail(check, "a path must not be empty") end
  if path:find("\0", 1, true) then fail(check, "a path must not hold a NUL byte") end
end

-- What cannot be had together: pairs of a condition and what to say.
local function contradictions(path, given)
  local flags = given.flags or "w"
  local twice = given.auto_close ~= nil and given.auto_destroy ~= nil
  return {
    { path == nil and given.fd == nil, "a path is needed where no 'fd' is given" },
    { given.start and flags:find "a", "'start' cannot be had with appending: all goes to the end" },
    { given.atomic and given.fd, "'atomic' cannot be had with 'fd': it needs a path to replace" },
    { given.atomic and given.start, "'atomic' cannot be had with 'start': the file begins empty" },
    { given.atomic and not flags:find "^w", "'atomic' cannot be had with flags that keep content" },
    { given.fd and given.flags, "'flags' cannot be had with 'fd': it is open already" },
    { given.fd and given.mode, "'mode' cannot be had with 'fd': it is open already" },
    { twice and given.auto_close ~= given.auto_destroy,
      "'auto_close' and 'auto_destroy' are one thing here, and contradict each other" },
  }
end

-- What both directions have in common.
local function read_both(constructor, path, given, known)
  local check = { constructor = constructor, position = 1 }
  check_path(check, path)
  check.position = 2
  local checked = read(check, given, known)
  for _, row in ipairs(contradictions(path, checked)) do
    if row[1] then fail(check, "%s", row[2]) end
  end
  if checked.auto_close ~= nil then checked.auto_destroy = checked.auto_close end
  checked.path = path
  return checked, check
end

--- Checks the arguments of weir.create_write_stream. Returns the options for the core.
function files.write(path, given)
  local checked, check = read_both("create_write_stream", path, given, FILE)
  checked.flags = checked.flags or "w"
  return options.fill_common(check, checked)
end

local READ_FILE = {
  flags = "read_flags", mode = "mode", start = "whole", end_ = "last", fd = "descriptor",
  high_water_mark = "whole", auto_close = "boolean", auto_destroy = "boolean",
  emit_close = "boolean",
}

-- `end_` is the last byte that is read, as in Node.
local function check_range(check, start, last)
  if start and last and start > last then
    fail(check, "option 'start' must be at most 'end_' (%s), got %s", show(last), show(start))
  end
end

--- Checks the arguments of weir.create_read_stream. Returns the options for the core.
function files.read(path, given)
  local checked, check = read_both("create_read_stream", path, given, READ_FILE)
  if checked.end_ == math.huge then checked.end_ = nil end
  check_range(check, checked.start, checked.end_)
  if checked.end_ then checked.bytes = checked.end_ - (checked.start or 0) + 1 end
  checked.high_water_mark = checked.high_water_mark or FILE_READ_DEFAULT
  checked.readable_high_water_mark = checked.high_water_mark
  return options.fill_common(check, checked)
end

--- As options.known.
files.known = { create_write_stream = FILE, create_read_stream = READ_FILE }

return files
