-- The architecture and the habits of the house, held by the machine: CONTRIBUTING.md has them in
-- words. Each check gathers what offends and expects nothing.
local paths = require "spec.support.paths"

local function lines_of(command)
  local lines, pipe = {}, assert(io.popen(command))
  for line in pipe:lines() do lines[#lines + 1] = line end
  pipe:close()
  return lines
end

-- Files whose names end so (a Lua pattern), below these folders; recorded data is no source.
local function files(folders, ending)
  local found = {}
  for _, file in ipairs(lines_of("find " .. folders .. " -type f 2>/dev/null | sort")) do
    if file:find(ending) and not file:find("/golden/", 1, true) then found[#found + 1] = file end
  end
  return found
end

local function sources(folders) return files(folders, "%.[ch]$") end
local function sources_and_lua(folders)
  local found = sources(folders)
  for _, file in ipairs(files(folders, "%.lua$")) do found[#found + 1] = file end
  return found
end

-- Calls visit(line, number) for each line of the file.
local function each_line(file, visit)
  local number = 0
  for line in io.lines(file) do
    number = number + 1
    visit(line, number)
  end
  return number
end

-- The lines of all files that `offends` returns true, or a text, for.
local function offences(list, offends)
  local found = {}
  for _, file in ipairs(list) do
    each_line(file, function(line, number)
      local offence = offends(line)
      if offence then
        found[#found + 1] = ("%s:%d: %s"):format(file, number, offence == true and line or offence)
      end
    end)
  end
  return found
end

local function none(found)
  assert.is_true(#found == 0, table.concat(found, "\n"))
end

-- Includes of these files whose name matches one of the patterns.
local function includes(folder, forbidden)
  return offences(sources(folder), function(line)
    local name = line:match '^%s*#%s*include%s*[<"]([^>"]+)[>"]'
    for _, pattern in ipairs(forbidden) do
      if name and name:find(pattern) then return true end
    end
  end)
end

local LUA_HEADERS = { "^lua%w*%.h", "^lauxlib%.h", "^lualib%.h", "/lua%w*%.h" }

describe("the layers", function()
  it("keep src/core free of Lua, of libuv and of the layers around it", function()
    none(includes("src/core", LUA_HEADERS))
    none(includes("src/core", { "^uv[%./]", "^sinks/", "^binding/", "^weir%.h", "%.%." }))
  end)

  it("keep src/sinks free of Lua and of the binding", function()
    none(includes("src/sinks", LUA_HEADERS))
    none(includes("src/sinks", { "^binding/", "^weir%.h", "%.%." }))
  end)

  it("keep src/zlib to the port, to boxes and to zlib; its codecs know no Lua either", function()
    none(includes("src/zlib", { "^uv[%./]", "^sinks/", "^weir%.h", "%.%.", "^core/[^c]",
      "^binding/[^cp]" }))
    none(includes("$(ls src/zlib/*.[ch] | grep -v module.c)", LUA_HEADERS))
    none(includes("$(ls src/zlib/*.[ch] | grep -v module.c)", { "^binding/" }))
  end)

  it("keep zlib out of all else", function()
    none(includes("src/core src/sinks src/binding", { "zlib" }))
  end)

  it("name what they include from the top of src", function()
    none(includes("src", { "%.%./", "^%./" }))
  end)
end)

describe("the module", function()
  -- The symbols that a module shows to others, without those of compilers and sanitizers.
  local function exported(module)
    local is_mac = lines_of("uname -s")[1] == "Darwin"
    local names = {}
    for _, line in ipairs(lines_of("nm " .. (is_mac and "-gU " or "-D --defined-only ")
      .. module .. " 2>/dev/null")) do
      local name = line:match "(%S+)$":gsub(is_mac and "^_" or "^$", "")
      if not name:find "^_" then names[#names + 1] = name end
    end
    return names
  end

  it("exports luaopen_weir... and what weir.h declares, and nothing else", function()
    if not lines_of("command -v nm")[1] then pending "there is no nm" end
    local names = exported(paths.module)
    assert.truthy(#names > 0, "nm finds nothing in " .. paths.module)
    local file = io.open "src/weir.h" -- for C hosts; without it nothing is public but luaopen
    local header = file and file:read "*a" or ""
    local others = {}
    for _, name in ipairs(names) do
      local public = name:find "^weir_" and header:find("%f[%w_]" .. name .. "%s*%(")
      if not public and not name:find "^luaopen_weir" then others[#others + 1] = name end
    end
    none(others)
  end)

  it("weir.zlib exports its luaopen, and nothing else", function()
    if not lines_of("command -v nm")[1] then pending "there is no nm" end
    if not io.open(paths.zlib_module) then pending "weir.zlib was not built: there is no zlib.h" end
    assert.same({ "luaopen_weir_zlib" }, exported(paths.zlib_module))
  end)
end)

describe("the rockspec", function()
  local function rockspec(path)
    local spec = {}
    local chunk
    if setfenv then
      chunk = setfenv(assert(loadfile(path)), spec)
    else
      chunk = assert(loadfile(path, "t", spec))
    end
    chunk()
    return spec
  end

  local function sources_of(path, module)
    local listed = rockspec(path).build.modules[module].sources
    table.sort(listed)
    return listed
  end

  it("lists every C file of src, and that of weir-zlib those of src/zlib", function()
    local weirs, zlibs = {}, {}
    for _, file in ipairs(files("src", "%.c$")) do
      local list = file:find "^src/zlib/" and zlibs or weirs
      list[#list + 1] = file
    end
    assert.same(weirs, sources_of("weir-scm-1.rockspec", "weir.core"))
    assert.same(zlibs, sources_of("src/zlib/weir-zlib-scm-1.rockspec", "weir.zlib"))
  end)

  it("lists every Lua file of lua/, in one rock, as the module that `require` finds", function()
    local listed = rockspec "weir-scm-1.rockspec".build.modules
    listed["weir.core"] = nil
    for module, file in pairs(rockspec "lua/weir/http/weir-http-scm-1.rockspec".build.modules) do
      assert.is_nil(listed[module])
      assert.truthy(file:find "http")
      listed[module] = file
    end
    local there = {}
    for _, file in ipairs(files("lua", "%.lua$")) do
      there[file:gsub("^lua/", ""):gsub("%.lua$", ""):gsub("/init$", ""):gsub("/", ".")] = file
    end
    assert.same(there, listed)
  end)
end)

describe("a source file", function()
  local all = sources_and_lua("src lua spec examples bench")

  it("has no more than 600 lines", function()
    local long = {}
    for _, file in ipairs(all) do
      local count = each_line(file, function() end)
      if count > 600 then long[#long + 1] = ("%s: %d lines"):format(file, count) end
    end
    none(long)
  end)

  it("leaves nothing for later", function()
    local marks = { "TO" .. "DO", "FIX" .. "ME", "X" .. "XX" }
    none(offences(all, function(line)
      for _, mark in ipairs(marks) do
        if line:find("%f[%w]" .. mark .. "%f[%W]") then return true end
      end
    end))
  end)

  it("has no tab and no space at the end of a line", function()
    none(offences(all, function(line) return line:find "\t" ~= nil or line:find "%s$" ~= nil end))
  end)

  it("of src has no line of more than 100 columns", function()
    none(offences(sources("src"), function(line)
      local columns = #line:gsub("[\128-\191]", "") -- a character of UTF-8 is one column
      return columns > 100
    end))
  end)

  it("of src begins with a comment that names it and says what it is", function()
    local silent = {}
    for _, file in ipairs(sources "src") do
      local name, what = io.lines(file)():match "^/%* (%S+) %- (.+)$"
      if not what or name ~= file:match "[^/]+$" then silent[#silent + 1] = file end
    end
    none(silent)
  end)

  it("of lua begins with a comment that says what it is", function()
    local silent = {}
    for _, file in ipairs(files("lua", "%.lua$")) do
      local next_line = io.lines(file)
      local line = next_line()
      if line == "---@meta" then line = next_line() end
      if not line:find "^%-%-.*%a+ %a+ %a+" then silent[#silent + 1] = file end
    end
    none(silent)
  end)
end)
