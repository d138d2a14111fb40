--- The headers of a response, until they are sent: checked when they are set, so that no value can
--- make two fields, or two responses, of one.
local core = require "weir.core"
local headers = require "weir.http.headers"
local reading = require "weir.options.reading"
local patterns = require "weir.http.patterns"

local step = next -- why: see weir.options.reading

local fields = {}

local match, whole_token, whole_value =
  patterns.lpeg.match, patterns.whole_token, patterns.whole_value
local lowered = headers.lowered

-- Inside: name and value at i and i + 1 (false where one was removed), and lower name -> i.

local function fail(code, message)
  error(core.make_error(code, message), 0)
end

--- Raises "bad argument" in the name of a method, at who has called it.
function fields.bad_argument(position, method, expected, value)
  local got = value == nil and "nil" or type(value)
  error(("bad argument #%d to '%s' (%s expected, got %s)"):format(position, method, expected, got),
    reading.level_of_caller())
end
local bad_argument = fields.bad_argument

local valid_names = {}
local valid_count = 0

local function check_name(name, method)
  if valid_names[name] then return end
  if type(name) ~= "string" then bad_argument(1, method, "string", name) end
  if not match(whole_token, name) then
    fail("ERR_INVALID_HTTP_TOKEN", ("Header name must be a valid HTTP token [%q]"):format(name))
  end
  if valid_count >= 1000 then valid_names, valid_count = {}, 0 end
  valid_names[name], valid_count = true, valid_count + 1
end

local function check_text(value, name, method)
  local kind = type(value)
  if kind == "number" then value = ("%.14g"):format(value)
  elseif kind ~= "string" then bad_argument(2, method, "string, number or list", value)
  end
  if not match(whole_value, value) then
    fail("ERR_INVALID_CHAR", ("Invalid character in header content [%q]"):format(name))
  end
  return value
end

fields.check_text = check_text

-- A copy, so that it stays as it was checked.
local function check_value(value, name, method)
  if type(value) ~= "table" then return check_text(value, name, method) end
  local list = {}
  for i = 1, #value do list[i] = check_text(value[i], name, method) end
  return list
end

-- What the framing depends on.
local special = {}

special["content-length"] = function(value)
  if type(value) ~= "string" or not value:find "^%d+$" or #value > 15 then
    fail("ERR_HTTP_INVALID_HEADER_VALUE", "Content-Length must be a whole number")
  end
end

special["transfer-encoding"] = function(value)
  if type(value) ~= "string" or value:lower() ~= "chunked" then
    fail("ERR_HTTP_INVALID_HEADER_VALUE", "Transfer-Encoding can only be chunked")
  end
end

--- Sets a header in the place of what it was; `list` is false if there is none yet. Returns the
--- list. Raises in the name of `method`.
function fields.set(list, name, value, method)
  check_name(name, method)
  value = check_value(value, name, method)
  local key = lowered(name)
  if special[key] then special[key](value) end
  if not list then return { name, value, [key] = 1 } end
  local i = list[key]
  if not i then
    i = #list + 1
    list[key] = i
  end
  list[i], list[i + 1] = name, value
  return list
end

function fields.get(list, name, method)
  if type(name) ~= "string" then bad_argument(1, method, "string", name) end
  local i = list and list[lowered(name)]
  local value = i and list[i + 1]
  if type(value) ~= "table" then return value or nil end
  local copy = {}
  for k = 1, #value do copy[k] = value[k] end
  return copy
end

function fields.remove(list, name, method)
  if type(name) ~= "string" then bad_argument(1, method, "string", name) end
  local key = lowered(name)
  local i = list and list[key]
  if not i then return end
  list[i], list[i + 1], list[key] = false, false, nil
end

-- The values of one name together, for a list of pairs in which it comes again.
local function joined(before, value)
  local all = {}
  for _, part in ipairs { before, value } do
    if type(part) ~= "table" then part = { part } end
    for k = 1, #part do all[#all + 1] = part[k] end
  end
  return all
end

--- Sets all of a table: name -> value, or a list of { name, value }. As fields.set.
function fields.set_all(list, given, method)
  local came = {}
  for i = 1, #given do
    local pair = given[i]
    if type(pair) ~= "table" then bad_argument(1, method, "list of pairs", pair) end
    local name, value = pair[1], pair[2]
    check_name(name, method)
    local key = lowered(name)
    if came[key] ~= nil and value ~= nil then value = joined(came[key], value) end
    came[key] = value
    list = fields.set(list, name, value, method)
  end
  for name, value in step, given do
    local is_pair = type(name) == "number" and name % 1 == 0 and name >= 1 and name <= #given
    if not is_pair then list = fields.set(list, name, value, method) end
  end
  return list
end

-- What a recipient has to know before the body, or what says where that ends.
local NEVER_BEHIND = {
  ["content-length"] = true, ["transfer-encoding"] = true, trailer = true, host = true,
  ["content-encoding"] = true, ["content-type"] = true, ["content-range"] = true,
  connection = true,
}

--- The same for fields behind the body.
function fields.set_trailers(list, given, method)
  local checked = fields.set_all(false, given, method)
  for i = 1, checked and #checked or 0, 2 do
    if NEVER_BEHIND[lowered(checked[i])] then
      fail("ERR_HTTP_TRAILER_INVALID", ("%s cannot be a trailer"):format(checked[i]))
    end
  end
  return fields.set_all(list, given, method)
end

-- Those that we write ourselves.
local OWN = { ["transfer-encoding"] = true, connection = true }

--- The lines of the headers, without those of the framing, nor that of one more name.
function fields.lines(list, without)
  local text = ""
  for i = 1, #list, 2 do
    local name, value = list[i], list[i + 1]
    if name and not OWN[lowered(name)] and not (without and lowered(name) == without) then
      if type(value) == "table" then
        for k = 1, #value do text = text .. name .. ": " .. value[k] .. "\r\n" end
      else
        text = text .. name .. ": " .. value .. "\r\n"
      end
    end
  end
  return text
end

return fields
