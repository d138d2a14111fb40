-- Reads lua/weir/types*.lua: what is declared there, with its comments. No spec of its own.
--
--   local types = require "spec.support.types".read()
--   types.functions["weir.connect"].params[1].name --> "options"
local reader = {}

local function lines_of(command)
  local lines, pipe = {}, assert(io.popen(command))
  for line in pipe:lines() do lines[#lines + 1] = line end
  pipe:close()
  return lines
end

-- Splits "fun(a: b, c) text" behind its type, which may hold blanks within brackets and quotes.
local function split_type(text)
  local depth, i = 0, 1
  while i <= #text do
    local c = text:sub(i, i)
    if c:find "[%(%[{<]" then depth = depth + 1
    elseif c:find "[%)%]}>]" then depth = depth - 1
    elseif c == '"' then i = text:find('"', i + 1, true) or #text
    elseif c == " " and depth == 0 and not text:sub(1, i - 1):find "[:|,]$" then break end
    i = i + 1
  end
  return text:sub(1, i - 1), (text:sub(i):gsub("^%s+", ""))
end

local function new_comment() return { text = {}, params = {}, returns = {} } end

local tags = {}

function tags.param(comment, rest)
  local name, more = rest:match "^(%S+)%s+(.*)$"
  local kind, text = split_type(more)
  comment.params[#comment.params + 1] = {
    name = name:gsub("%?$", ""), optional = name:find "%?$" ~= nil, kind = kind, text = text,
  }
end

-- "boolean? go_on true: go on": the type, perhaps a name, and a text.
tags["return"] = function(comment, rest)
  local kind, text = split_type(rest)
  comment.returns[#comment.returns + 1] = { kind = kind, text = text }
end

function tags.field(_, rest, types)
  local name, more = rest:match "^(%S+)%s+(.*)$"
  local kind, text = split_type(more)
  local fields = types.class.fields
  fields[#fields + 1] = {
    name = name:gsub("%?$", ""), optional = name:find "%?$" ~= nil, kind = kind, text = text,
  }
end

function tags.class(comment, rest, types)
  local name, parent = rest:match "^([%w_.]+)%s*:?%s*([%w_.]*)"
  local class = types.classes[name]
  if not class then
    class = { name = name, fields = {}, parent = parent ~= "" and parent or nil }
    types.classes[name] = class
    types.order[#types.order + 1] = class
  end
  if #comment.text > 0 then class.text = table.concat(comment.text, "\n") end
  types.class = class
  comment.text = {}
end

function tags.alias(comment, rest, types)
  local name, kind = rest:match "^(%S+)%s+(.*)$"
  types.aliases[name] = { name = name, kind = kind, text = table.concat(comment.text, "\n") }
  types.order[#types.order + 1] = types.aliases[name]
  comment.text = {}
end

function tags.type(comment, rest) comment.kind = rest end
function tags.meta() end
function tags.overload() end

local function declare(types, comment, entry)
  entry.text = table.concat(comment.text, "\n")
  entry.params, entry.returns, entry.kind = comment.params, comment.returns, comment.kind
  types.functions[entry.name] = entry
  types.order[#types.order + 1] = entry
end

local function read_line(types, comment, line)
  local tag, rest = line:match "^%-%-%-@(%a+)%s*(.*)$"
  if tag then
    if not tags[tag] then error("types: unknown tag @" .. tag, 0) end
    tags[tag](comment, rest, types)
    return comment
  end
  local text = line:match "^%-%-%-%s?(.*)$"
  if text then
    comment.text[#comment.text + 1] = text
    return comment
  end
  local section = line:match "^%-%- (.-) %-%-%-%-%-+$"
  if section then types.order[#types.order + 1] = { section = section } end
  local name, arguments = line:match "^function ([%w_.:]+)%((.-)%) end$"
  if name then declare(types, comment, { name = name, arguments = arguments }) end
  local field = line:match "^(weir%.[%w_]+) = "
  if field then declare(types, comment, { name = field }) end
  return new_comment()
end

--- functions: "weir.run", "Writable:write" -> { name, arguments, text, params, returns, kind };
--- classes: "weir.Options" -> { name, parent, fields }; aliases; order: all of them, and sections.
function reader.read()
  local types = { functions = {}, classes = {}, aliases = {}, order = {} }
  for _, file in ipairs(lines_of "ls lua/weir/types*.lua") do
    local comment = new_comment()
    for line in io.lines(file) do comment = read_line(types, comment, line) end
  end
  return types
end

-- The keys of a set, in order.
function reader.sorted(set)
  local list = {}
  for name in pairs(set) do list[#list + 1] = name end
  table.sort(list)
  return list
end

-- The fields of a class and of those it is made of: name -> field.
function reader.all_fields(types, name)
  local fields = {}
  while name do
    local class = assert(types.classes[name], "no class " .. name)
    for _, field in ipairs(class.fields) do fields[field.name] = fields[field.name] or field end
    name = class.parent
  end
  return fields
end

return reader
