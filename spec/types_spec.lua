-- lua/weir/types*.lua against what the module and its streams really have: nothing is missing,
-- and nothing is promised that is not there.
local weir = require "weir"
local core = require "weir.core"
local known_options = {}
for _, module in ipairs { "weir.options", "weir.options.files", "weir.options.sockets" } do
  for constructor, known in pairs(require(module).known) do known_options[constructor] = known end
end
local reader = require "spec.support.types"

local types = reader.read()

local sorted = reader.sorted

local function documented(pattern)
  local names = {}
  for name in pairs(types.functions) do
    local match = name:match(pattern)
    if match and not name:find "^Http" then names[match] = true end -- see spec/http
  end
  return names
end

-- The methods of a value that has a metatable of its own; the loop may be needed to make one.
local function methods_of(value)
  local names = {}
  for name in pairs(debug.getmetatable(value).__index) do names[name] = true end
  return names
end

describe("the types", function()
  it("have every function of the module, and no other", function()
    local exported = {}
    for name in next, weir do exported[name] = true end
    for _, name in ipairs { "stdin", "stdout", "stderr", "http" } do -- made at need
      exported[name] = true
    end
    assert.same(sorted(exported), sorted(documented "^weir%.([%w_]+)$"))
  end)

  it("have every method of a stream, a timer and a server, and no other", function()
    local there = {}
    for name in pairs(core.meta().__index) do there[name] = true end
    local timer = weir.set_timeout(function() end, 1)
    for name in pairs(methods_of(timer)) do there[name] = true end
    timer:clear()
    weir.run "nowait"
    for name in pairs(methods_of(weir.create_server())) do there[name] = true end
    assert.same(sorted(there), sorted(documented "^%u%w*:([%w_]+)$"))
  end)

  it("have every option of every constructor, and no other", function()
    local checked = {}
    for name, entry in pairs(types.functions) do
      local constructor = name:match "^weir%.([%w_]+)$" or name:match "^Server:(listen)$"
      for _, param in ipairs(entry.params) do
        local class = param.kind:match "^weir%.%w*Options"
        if constructor and class then
          local known = known_options[constructor]
          assert.is_table(known, "no list of options has " .. constructor)
          assert.same(sorted(known), sorted(reader.all_fields(types, class)), constructor)
          checked[constructor] = true
        end
      end
    end
    for constructor in pairs(known_options) do
      assert.is_true(checked[constructor] or false, "no types of the options of " .. constructor)
    end
  end)

  it("name every event that the machinery emits", function()
    local kind, missing = types.aliases["weir.Event"].kind, {}
    local source = assert(io.open "src/binding/context.c")
    local list = source:read "*a":match "event_names%[%] = (%b{})"
    source:close()
    for name in list:gmatch '"(%w+)"' do
      if not kind:find('"' .. name .. '"', 1, true) then missing[#missing + 1] = name end
    end
    assert.same({}, missing)
  end)

  it("say of every function what it does, and of every parameter what it is", function()
    local silent = {}
    local told = false -- a comment may stand for those of one line that follow it
    for _, entry in ipairs(types.order) do
      if entry.arguments then
        told = entry.text ~= "" or (told and #entry.params == 0) or #entry.params > 0
        if not told and #entry.returns == 0 then silent[#silent + 1] = entry.name end
        local given = {}
        for _, param in ipairs(entry.params) do given[param.name] = true end
        for argument in entry.arguments:gmatch "[%w_.]+" do
          if not given[argument] then silent[#silent + 1] = entry.name .. ": " .. argument end
        end
      end
    end
    assert.same({}, silent)
  end)

  it("refer only to types that there are", function()
    local unknown = {}
    local function look(text, where)
      for name in text:gmatch "weir%.%u%w*" do
        if not types.classes[name] and not types.aliases[name] then
          unknown[#unknown + 1] = where .. ": " .. name
        end
      end
    end
    for name, entry in pairs(types.functions) do
      for _, param in ipairs(entry.params) do look(param.kind, name) end
      for _, result in ipairs(entry.returns) do look(result.kind, name) end
    end
    for name, class in pairs(types.classes) do
      look(class.parent or "", name)
      for _, field in ipairs(class.fields) do look(field.kind, name) end
    end
    assert.same({}, unknown)
  end)
end)
