-- luassert's words, as far as the specs use them, for the small runner: assert.equal(want, got),
-- assert.same, is_true, is_false, is_nil, truthy, falsy, near, matches, has_error, error_matches,
-- is_string and the other types; is/are/has/was in front mean nothing, not/no turn it round. A last
-- argument that is a string is the message.
local M = {}

local Failure = {}

-- --- showing values ------------------------------------------------------------------------------

local function by_type_then_value(a, b)
  if type(a) ~= type(b) then return type(a) < type(b) end
  if type(a) == "number" or type(a) == "string" then return a < b end
  return tostring(a) < tostring(b)
end

local function show_string(value)
  return '"' .. value:gsub('[%c"\\\127-\255]', function(c)
    if c == "\n" then return "\\n" end
    if c == '"' or c == "\\" then return "\\" .. c end
    return ("\\%d"):format(c:byte())
  end) .. '"'
end

local show

local function show_table(value, depth, seen)
  if seen[value] or depth > 5 then return "{...}" end
  seen[value] = true
  local keys, parts = {}, {}
  for key in pairs(value) do keys[#keys + 1] = key end
  table.sort(keys, by_type_then_value)
  for i, key in ipairs(keys) do
    local name = ""
    if type(key) == "string" then name = key .. " = "
    elseif key ~= i then name = "[" .. show(key, depth + 1, seen) .. "] = "
    end
    parts[i] = name .. show(value[key], depth + 1, seen)
  end
  seen[value] = nil
  return "{" .. table.concat(parts, ", ") .. "}"
end

function show(value, depth, seen)
  if type(value) == "string" then return show_string(value) end
  if type(value) == "table" then return show_table(value, depth or 0, seen or {}) end
  return tostring(value)
end

-- An error value of any kind as text.
function M.show_error(err)
  local metatable = type(err) == "table" and getmetatable(err)
  if type(err) == "string" or (type(metatable) == "table" and metatable.__tostring) then
    return tostring(err)
  end
  return "error value: " .. show(err)
end

-- --- the checks: each returns whether it holds, what it expected, what it got, what it gives -----

local checks, arity = {}, {}

local function define(names, argument_count, check)
  for name in names:gmatch "%S+" do
    checks[name], arity[name] = check, argument_count
  end
end

local function same(a, b, seen)
  if type(a) ~= "table" or type(b) ~= "table" then return a == b end
  if rawequal(a, b) or seen[a] == b then return true end
  seen[a] = b
  for key, value in pairs(a) do
    if not same(value, b[key], seen) then return false end
  end
  for key in pairs(b) do
    if a[key] == nil then return false end
  end
  return true
end

define("equal equals", 2, function(want, got) return want == got, show(want), show(got) end)
define("same", 2, function(want, got) return same(want, got, {}), show(want), show(got) end)
define("true", 1, function(got) return got == true, "true", show(got) end)
define("false", 1, function(got) return got == false, "false", show(got) end)
define("truthy", 1, function(got) return got ~= nil and got ~= false, "truth", show(got) end)
define("falsy", 1, function(got) return not got, "false or nil", show(got) end)
define("near", 3, function(want, got, tolerance)
  return math.abs(want - got) <= tolerance, want .. " give or take " .. tolerance, show(got)
end)
define("matches match", 2, function(pattern, got)
  return tostring(got):find(pattern) ~= nil, "a match of " .. show(pattern), show(got)
end)
for _, name in ipairs { "nil", "boolean", "number", "string", "table", "function", "userdata",
  "thread" } do
  define(name, 1, function(got) return type(got) == name, "a " .. name, show(got) end)
end

-- What fn raises, without the position, as luassert has it.
local function raised_by(fn)
  local ok, err = pcall(fn)
  if type(err) == "string" then err = err:gsub("^.-:%d+: ", "", 1) end
  return not ok, err
end

define("error errors", 2, function(fn, want)
  local raised, err = raised_by(fn)
  local holds = raised and (want == nil or same(want, err, {})
    or (type(want) == "string" and type(err) ~= "string" and tostring(err) == want))
  return holds, want == nil and "an error" or "the error " .. show(want),
    raised and show(err) or "no error", err
end)
define("error_matches error_match", 2, function(fn, pattern)
  local raised, err = raised_by(fn)
  return raised and tostring(err):find(pattern) ~= nil, "an error that matches " .. show(pattern),
    raised and show(err) or "no error", err
end)

-- --- assert --------------------------------------------------------------------------------------

local FILLERS = { is = true, are = true, has = true, was = true, be = true }

-- "is_not_nil" -> "nil", true
local function read_name(name)
  local negated = false
  while true do
    local word, rest = name:match "^(%l+)_?(.*)$"
    if word == "not" or word == "no" then
      negated = not negated
    elseif not FILLERS[word] then
      return name, negated
    end
    name = rest
  end
end

-- What a failed check raised, as text with the place of the check; nil for any other error.
function M.message(err)
  return getmetatable(err) == Failure and err.text or nil
end

-- The line of the spec that called: the first that is not in this file.
local function place()
  local level, here = 2, debug.getinfo(1, "S").source
  local info
  repeat
    level = level + 1
    info = debug.getinfo(level, "Sl")
  until not info or (info.source ~= here and info.currentline > 0)
  return info and ("%s:%d: "):format(info.short_src, info.currentline) or ""
end

local function caller_of(name, negated)
  local check = checks[name] or error("the small runner has no assert." .. name, 3)
  return function(...)
    local holds, want, got, gives = check(...)
    if (holds and true or false) ~= negated then
      if gives ~= nil then return gives end
      return ...
    end
    local message = select(arity[name] + 1, ...)
    local text = place() .. (message ~= nil and tostring(message) .. "\n" or "")
      .. (negated and "did not expect: " or "expected: ") .. want .. "\n     got: " .. got
    error(setmetatable({ text = text }, Failure), 0)
  end
end

local function chain(negated)
  return setmetatable({}, {
    __index = function(_, key)
      local name, turned = read_name(key:lower())
      if name == "" then return chain(negated ~= turned) end
      return caller_of(name, negated ~= turned)
    end,
    __call = function(_, value, ...)
      if value then return value, ... end
      local message = ...
      error(message == nil and "assertion failed!" or message, 0)
    end,
  })
end

M.assert = chain(false)

return M
