--- Options of the constructors: closed lists, read raw and once, every value checked. What leaves
--- here has all defaults filled in and belongs to nobody else.
local options = {}

local BYTES_DEFAULT, OBJECTS_DEFAULT, FILE_READ_DEFAULT = 16384, 16, 65536
local WHOLE_MAX = 2 ^ 53 -- whole numbers beyond are not exact on every Lua

-- Errors ------------------------------------------------------------------------------------------

local function show(value)
  if type(value) == "string" then return ("%q"):format(value) end
  return tostring(value)
end

-- Where the files of weir are, as the debug library names them; nil: there is no such library.
local FOLDER = debug and debug.getinfo and debug.getinfo(1, "S").source:match "^(@.*/)[^/]*$"

-- The level, seen from `fail`, of whoever has called into weir. How many functions are between
-- depends on the check, and on what the Lua at hand makes of tail calls.
local function level_of_caller()
  if not FOLDER then return 5 end -- in most cases
  local level = 3
  local info = debug.getinfo(level, "S")
  while info and (info.what == "tail" or info.source:sub(1, #FOLDER) == FOLDER) do
    level = level + 1
    info = debug.getinfo(level, "S")
  end
  return level - 1
end

-- Raises in the name of the constructor, at its caller.
local function fail(check, message, ...)
  local text = message:format(...)
  error(("bad argument #%d to '%s' (%s)"):format(check.position, check.constructor, text),
    level_of_caller())
end

-- How many letters have to be changed, put in or left out to make one name of the other.
local function distance(a, b)
  local row = {}
  for j = 0, #b do row[j] = j end
  for i = 1, #a do
    local diagonal = row[0]
    row[0] = i
    for j = 1, #b do
      local cost = a:byte(i) == b:byte(j) and 0 or 1
      diagonal, row[j] = row[j], math.min(row[j] + 1, row[j - 1] + 1, diagonal + cost)
    end
  end
  return row[#b]
end

-- "highWaterMark" is looked up as "high_water_mark".
local function snake_case(name)
  return (name:gsub("%u", function(letter) return "_" .. letter:lower() end):gsub("^_", ""))
end

local function nearest(name, known)
  name = name:sub(1, 40) -- no name is that long; the distance of two long ones takes its time
  local wanted, best, best_distance = snake_case(name), nil, math.huge
  for candidate in pairs(known) do
    local d = distance(wanted, candidate)
    if d < best_distance or (d == best_distance and candidate < best) then
      best, best_distance = candidate, d
    end
  end
  return best
end

-- Kinds of values: each returns the value to use, or nil and what was expected --------------------

local kinds = {}

function kinds.boolean(value)
  if type(value) == "boolean" then return value end
  return nil, "true or false"
end

function kinds.whole(value)
  if type(value) == "number" and value >= 0 and value <= WHOLE_MAX and value % 1 == 0 then
    return value
  end
  return nil, "a whole number, 0 or more"
end

kinds["function"] = function(value)
  if type(value) == "function" then return value end
  return nil, "a function"
end

function kinds.port(value)
  if kinds.whole(value) and value <= 65535 then return value end
  return nil, "a port, a whole number from 0 to 65535"
end

function kinds.backlog(value)
  if kinds.whole(value) and value >= 1 and value <= 65535 then return value end
  return nil, "a whole number from 1 to 65535"
end

function kinds.family(value)
  if value == 0 or value == 4 or value == 6 then return value end
  return nil, "4, 6 or 0"
end

-- Never handed to the system with a NUL: it would take the part before it.
function kinds.name(value)
  if type(value) == "string" and value ~= "" and not value:find("\0", 1, true) then return value end
  return nil, "a string that is not empty and holds no NUL byte"
end

function kinds.abstract(value)
  if type(value) == "boolean" or type(value) == "string" and value ~= "" then return value end
  return nil, "a name, or with a path true"
end

function kinds.descriptor(value)
  if kinds.whole(value) and value <= 2 ^ 31 - 1 then return value end
  return nil, "a descriptor, a whole number of 0 or more"
end

-- "0644" means what it means to chmod.
function kinds.mode(value)
  local mode = value
  if type(value) == "string" then mode = value:match("^[0-7]+$") and tonumber(value, 8) end
  if kinds.whole(mode) and mode <= 4095 then return mode end
  return nil, 'a whole number from 0 to 4095, or an octal string like "0644"'
end

-- What zlib knows; -1 is its own default.
function kinds.level(value)
  if kinds.whole(value) and value <= 9 then return value end
  return nil, "a whole number from 0 to 9"
end

local function one_of(...)
  local names, listed = {}, {}
  for _, name in ipairs { ... } do
    names[name] = true
    listed[#listed + 1] = ('"%s"'):format(name)
  end
  local expected = "one of " .. table.concat(listed, ", ")
  return function(value)
    if names[value] then return value end
    return nil, expected
  end
end

kinds.flags = one_of("w", "wx", "w+", "wx+", "a", "ax", "a+", "ax+", "r+")
kinds.read_flags = one_of("r", "r+", "w+", "wx+", "a+", "ax+")
kinds.sync = one_of("none", "data", "full")

-- Reading -----------------------------------------------------------------------------------------

-- Copies the options of `given` that `known` lists (name -> kind), checked.
local function read(check, given, known)
  local read_options = {}
  if given == nil then return read_options end
  if type(given) ~= "table" then fail(check, "table expected, got %s", type(given)) end
  for name, value in next, given do
    local kind = known[name]
    if not kind then
      if type(name) ~= "string" then fail(check, "unknown option %s", show(name)) end
      fail(check, "unknown option %s, did you mean '%s'?", show(name), nearest(name, known))
    end
    local accepted, expected = kinds[kind](value)
    if accepted == nil then
      fail(check, "option '%s' must be %s, got %s", name, expected, show(value))
    end
    read_options[name] = accepted
  end
  return read_options
end

local COMMON = {
  high_water_mark = "whole", low_water_mark = "whole", max_buffered = "whole",
  auto_destroy = "boolean", emit_close = "boolean",
}

local function with_common(known)
  for name, kind in pairs(COMMON) do known[name] = kind end
  return known
end

local function fill_common(check, read_options)
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

local WRITABLE = with_common {
  object_mode = "boolean", write = "function", writev = "function", final = "function",
  construct = "function", destroy = "function",
}

--- Checks the options of weir.writable. Returns the options and the array of hooks for the core.
function options.writable(given)
  local check = { constructor = "writable", position = 1 }
  local checked = fill_common(check, read(check, given, WRITABLE))
  local hooks = { checked.write or false, checked.writev or false, checked.final or false,
    checked.construct or false, checked.destroy or false }
  return checked, hooks
end

-- Readable sides ----------------------------------------------------------------------------------

local function default_mark(object_mode)
  return object_mode and OBJECTS_DEFAULT or BYTES_DEFAULT
end

-- The order of the hooks is the core's.
local function hooks_of(checked)
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
  local checked = fill_common(check, read(check, given, READABLE))
  checked.readable_high_water_mark = checked.high_water_mark
  checked.readable_object_mode = checked.object_mode
  return checked, hooks_of(checked)
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
  fill_common(check, checked)
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
  return with_common(known)
end

-- What is given for both sides wins over what is given for one.
local function fill_both_sides(check, checked)
  local both, of_objects = checked.high_water_mark, checked.object_mode
  checked.readable_object_mode = of_objects or checked.readable_object_mode
  checked.object_mode = of_objects or checked.writable_object_mode
  checked.readable_high_water_mark = both or checked.readable_high_water_mark
    or default_mark(checked.readable_object_mode)
  checked.high_water_mark = both or checked.writable_high_water_mark
  checked.readable_disabled = checked.readable == false
  checked.writable_disabled = checked.writable == false
  if checked.allow_half_open == nil then checked.allow_half_open = true end
  return fill_common(check, checked)
end

local DUPLEX = with_both_sides { read = "function", write = "function", writev = "function" }

--- Checks the options of weir.duplex. Returns the options and the array of hooks for the core.
function options.duplex(given)
  local check = { constructor = "duplex", position = 1 }
  local checked = fill_both_sides(check, read(check, given, DUPLEX))
  return checked, hooks_of(checked)
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
  return fill_both_sides(check, checked)
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

options.hooks_of = hooks_of

-- Files -------------------------------------------------------------------------------------------

local FILE = with_common {
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

local function check_contradictions(check, path, given)
  for _, row in ipairs(contradictions(path, given)) do
    if row[1] then fail(check, "%s", row[2]) end
  end
end

--- Checks the arguments of weir.create_write_stream. Returns the options for the core.
function options.file(path, given)
  local check = { constructor = "create_write_stream", position = 1 }
  check_path(check, path)
  check.position = 2
  local checked = read(check, given, FILE)
  check_contradictions(check, path, checked)
  if checked.auto_close ~= nil then checked.auto_destroy = checked.auto_close end
  checked.path = path
  checked.flags = checked.flags or "w"
  return fill_common(check, checked)
end

-- Sockets -----------------------------------------------------------------------------------------

local function with_socket(known)
  for name, kind in pairs {
    no_delay = "boolean", keep_alive = "boolean", keep_alive_delay = "whole",
    readable_high_water_mark = "whole", writable_high_water_mark = "whole",
    allow_half_open = "boolean", write_timeout = "whole", linger_timeout = "whole",
  } do known[name] = kind end
  return with_common(known)
end

local SOCKET = with_socket {
  host = "name", port = "port", family = "family", path = "name", abstract = "abstract",
  connect_timeout = "whole",
}
local SERVER = with_socket { max_connections = "whole" }
local LISTEN = {
  host = "name", port = "port", path = "name", abstract = "abstract", mode = "mode",
  backlog = "backlog",
}
local LINGER_DEFAULT = 2000

-- `abstract = true` makes the path the name of an abstract socket.
local function fill_name(checked)
  if checked.abstract == true then checked.abstract, checked.path = checked.path, nil end
  checked.abstract = checked.abstract or nil
end

local function fill_socket(check, checked)
  checked.linger_timeout = checked.linger_timeout or LINGER_DEFAULT
  if checked.allow_half_open == nil then checked.allow_half_open = false end
  return fill_both_sides(check, checked)
end

local function check_place(check, checked)
  local path, port = checked.path or checked.abstract, checked.port
  if path and (port or checked.host) then
    fail(check, "'host' and 'port' cannot be had with '%s'", checked.path and "path" or "abstract")
  end
  if checked.path and checked.abstract then
    fail(check, "'path' cannot be had with 'abstract', unless that is true")
  end
  if not path and not port then fail(check, "a 'port' or a 'path' is needed") end
end

--- Checks the options of weir.connect. Returns the options for the core.
function options.connect(given)
  local check = { constructor = "connect", position = 1 }
  if type(given) ~= "table" then fail(check, "table expected, got %s", type(given)) end
  local checked = read(check, given, SOCKET)
  fill_name(checked)
  check_place(check, checked)
  if checked.port == 0 then fail(check, "option 'port' must be above 0") end
  checked.host = checked.host or "localhost"
  return fill_socket(check, checked)
end

--- Checks the options of weir.create_server, which are those of its connections.
function options.server(given)
  local check = { constructor = "create_server", position = 1 }
  return fill_socket(check, read(check, given, SERVER))
end

--- Checks where a server shall listen: a table, or just a port.
function options.listen(given)
  local check = { constructor = "listen", position = 1 }
  if type(given) == "number" then given = { port = given } end
  if type(given) ~= "table" then fail(check, "table expected, got %s", type(given)) end
  local checked = read(check, given, LISTEN)
  fill_name(checked)
  check_place(check, checked)
  if checked.mode and not checked.path then fail(check, "'mode' is had only with 'path'") end
  return checked
end

local READ_FILE = {
  flags = "read_flags", mode = "mode", start = "whole", end_ = "whole", fd = "descriptor",
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
function options.read_file(path, given)
  local check = { constructor = "create_read_stream", position = 1 }
  check_path(check, path)
  check.position = 2
  local checked = read(check, given, READ_FILE)
  check_contradictions(check, path, checked)
  check_range(check, checked.start, checked.end_)
  if checked.auto_close ~= nil then checked.auto_destroy = checked.auto_close end
  if checked.end_ then checked.bytes = checked.end_ - (checked.start or 0) + 1 end
  checked.path = path
  checked.high_water_mark = checked.high_water_mark or FILE_READ_DEFAULT
  checked.readable_high_water_mark = checked.high_water_mark
  return fill_common(check, checked)
end

-- Codecs, and what splits -------------------------------------------------------------------------

local function with_marks(known)
  known.readable_high_water_mark, known.writable_high_water_mark = "whole", "whole"
  return with_common(known)
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
  transform = TRANSFORM, passthrough = PASSTHROUGH, create_write_stream = FILE,
  create_read_stream = READ_FILE, connect = SOCKET, create_server = SERVER, listen = LISTEN,
  gzip = GZIP, gunzip = GUNZIP, lines = LINES,
}

return options
