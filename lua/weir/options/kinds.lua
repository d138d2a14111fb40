--- Kinds of values: each is a function of the value given, which returns the value to use, or nil
--- and what was expected.
local kinds = {}

local WHOLE_MAX = 2 ^ 53 -- whole numbers beyond are not exact on every Lua

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

-- As in Node: the last byte of a file, or infinity.
function kinds.last(value)
  if value == math.huge then return value end
  return kinds.whole(value)
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

return kinds
