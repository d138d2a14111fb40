-- Writes the reference from the declarations in lua/weir/types*.lua, in one of two forms:
--
--   lua docs/reference.lua markdown build/docs/reference.md
--   lua docs/reference.lua ldoc build/ldoc/weir.lua           for `ldoc` to make HTML of
--
-- `make docs` does both. LDoc reads its own tags and not those of LuaCATS; hence the second form.
package.path = "./?.lua;" .. package.path
local reader = require "spec.support.types"

local types = reader.read()

-- A type as it is shown: "|" would end a cell of a table.
local function show(kind) return "`" .. kind .. "`" end
local function cell(text) return (text:gsub("|", "\\|"):gsub("\n", " ")) end

local function has_text(entry) return entry.text and entry.text ~= "" end

local function anchor_of(name) return (name:gsub("%W", "-")) end

local function signature(entry)
  if not entry.arguments then return entry.name end
  local arguments = {}
  for argument in entry.arguments:gmatch "[%w_.]+" do
    local optional = false
    for _, param in ipairs(entry.params) do
      if param.name == argument then optional = param.optional end
    end
    arguments[#arguments + 1] = optional and "[" .. argument .. "]" or argument
  end
  return entry.name .. "(" .. table.concat(arguments, ", ") .. ")"
end

-- Markdown ----------------------------------------------------------------------------------------

local markdown = {}

function markdown.begin(add)
  add "# Reference"
  add ""
  add "Made by `make docs` from lua/weir/types*.lua, which the Lua language server reads too."
end

function markdown.section(add, name)
  add ""
  add("## " .. name)
end

local function fields_of(add, class)
  add ""
  add "| field | type | |"
  add "|---|---|---|"
  for _, field in ipairs(class.fields) do
    add(("| `%s`%s | %s | %s |"):format(field.name, field.optional and "?" or "",
      cell(show(field.kind)), cell(field.text)))
  end
end

function markdown.class(add, class)
  if #class.fields == 0 and not has_text(class) then return end
  add ""
  add("### " .. class.name)
  if class.parent then
    add ""
    add(("It is a `%s`, too."):format(class.parent))
  end
  if has_text(class) then
    add ""
    add(class.text)
  end
  if #class.fields > 0 then fields_of(add, class) end
end

function markdown.alias(add, alias)
  add ""
  add("### " .. alias.name)
  add ""
  add(show(alias.kind))
  if has_text(alias) then
    add ""
    add(alias.text)
  end
end

function markdown.entry(add, entry)
  add ""
  add("### `" .. signature(entry) .. "`")
  if has_text(entry) then
    add ""
    add(entry.text)
  end
  if #entry.params + #entry.returns > 0 then add "" end
  for _, param in ipairs(entry.params) do
    add(("- **%s** %s %s"):format(param.name, show(param.kind), param.text))
  end
  for _, result in ipairs(entry.returns) do
    add(("- returns %s %s"):format(show(result.kind), result.text))
  end
  if entry.kind then add("\n- " .. show(entry.kind)) end
end

-- LDoc --------------------------------------------------------------------------------------------

local ldoc = {}

local function comment(add, text)
  for line in (text .. "\n"):gmatch "(.-)\n" do add("-- " .. line) end
end

-- LDoc's types are words and dots.
local function plain(kind) return (kind:gsub("%s", ""):gsub("[%(%)<>{}\"?:,]", "_")) end

function ldoc.begin(add)
  add "--- Writable streams for Lua, as Node.js has them."
  add "-- @module weir"
end

function ldoc.section(add, name)
  add ""
  add("--- " .. name)
  add("-- @section " .. anchor_of(name))
end

function ldoc.class(add, class)
  if #class.fields == 0 then return end
  add ""
  add("--- " .. (has_text(class) and class.text:match "^[^\n]*" or class.name))
  add("-- @table " .. class.name)
  for _, field in ipairs(class.fields) do
    add(("-- @field[type=%s] %s %s"):format(plain(field.kind), field.name, field.text))
  end
end

function ldoc.alias() end

function ldoc.entry(add, entry)
  local text = has_text(entry) and entry.text or entry.name:match "[%w_]+$" .. "."
  local first, rest = text:match "^([^\n]*)\n?(.*)$"
  add ""
  add("--- " .. first)
  if rest ~= "" then comment(add, rest) end
  for _, param in ipairs(entry.params) do
    add(("-- @tparam%s %s %s %s"):format(param.optional and "[opt]" or "", plain(param.kind),
      param.name == "..." and "..." or param.name, param.text))
  end
  for _, result in ipairs(entry.returns) do
    add(("-- @treturn %s %s"):format(plain(result.kind), result.text))
  end
  if entry.arguments then add("-- @function " .. entry.name) else add("-- @field " .. entry.name) end
end

-- All of it ---------------------------------------------------------------------------------------

local form, path = ...
local writer = assert(({ markdown = markdown, ldoc = ldoc })[form], "markdown or ldoc?")
local out = {}
local function add(line) out[#out + 1] = line end

writer.begin(add)
for _, entry in ipairs(types.order) do
  if entry.section then writer.section(add, entry.section)
  elseif entry.fields then writer.class(add, entry)
  elseif entry.params then writer.entry(add, entry)
  else writer.alias(add, entry) end
end
if form == "ldoc" then add "\nreturn {}" end

local file = assert(io.open(path, "w"))
file:write((table.concat(out, "\n"):gsub("[ \t]+\n", "\n")), "\n")
file:close()
