--- The fields of a request, or its trailers: several values to a name, whatever its case.
---
---   headers["content-type"]      all values of the name, joined; nil if there is none
---   headers:get "content-type"   the same, also of a name that is one of these methods
---   headers:all "x-forwarded-for"  a list, one for each field
---   for name, value in headers:each() do ... end    in the order they came, names in lower case
local headers = {}

-- Inside: [0] is the map lower name -> joined value; from FIRST on name, value, name, value.
-- Numbers, so that no name of a field is in their way, nor a field named `get` in that of a method.
local FIRST = 4 -- the parser has put the request line in front
headers.FIRST = FIRST

local lower = string.lower

-- The names that come are few. (Forgotten at a thousand, in case a peer makes up new ones.)
local known, known_count = {}, 0

local function lowered(name)
  local name_lower = known[name]
  if name_lower then return name_lower end
  if known_count >= 1000 then known, known_count = {}, 0 end
  name_lower = lower(name)
  known[name], known_count = name_lower, known_count + 1
  return name_lower
end
headers.lowered = lowered

local methods = {}
headers.methods = methods

--- All values of the name, joined as the standard says; nil if there is no such field.
function methods:get(name)
  return self[0][lowered(name)]
end

--- The values of the name, one for each field, in the order they came.
function methods:all(name)
  local wanted, found = lowered(name), {}
  for i = FIRST, #self, 2 do
    if lowered(self[i]) == wanted then found[#found + 1] = self[i + 1] end
  end
  return found
end

local function next_field(self, state)
  local i = state.at
  local name = self[i]
  if name == nil then return nil end
  state.at = i + 2
  return lowered(name), self[i + 1], name
end

--- Iterates over the fields: the name in lower case, the value, the name as it was sent.
function methods:each()
  local state = { at = FIRST }
  return function() return next_field(self, state) end
end

local meta = {}
headers.meta = meta

function meta.__index(self, key)
  if type(key) ~= "string" then return nil end
  return methods[key] or rawget(self, 0)[lowered(key)]
end

function meta.__newindex()
  error("the headers of a request cannot be changed", 2)
end

function meta.__pairs(self)
  return next, self[0], nil
end

meta.__name = "weir.http.headers"

--- Makes the fields of `list`, whose first field is at FIRST. Returns them, and the joined values.
function headers.new(list)
  local map = {}
  for i = FIRST, #list, 2 do
    local name, value = lowered(list[i]), list[i + 1]
    local before = map[name]
    if before then value = before .. (name == "cookie" and "; " or ", ") .. value end
    map[name] = value
  end
  list[0] = map
  return setmetatable(list, meta), map
end

--- How many fields of that name there are.
function headers.count(list, name)
  local count = 0
  for i = FIRST, #list, 2 do
    if lowered(list[i]) == name then count = count + 1 end
  end
  return count
end

return headers
