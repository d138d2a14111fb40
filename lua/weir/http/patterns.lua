--- The grammars that requests are parsed with: lpeg, and lpeg_patterns, which are packages of their
--- own. Where they are missing this raises, and says which.
local patterns = {}

-- Debian has the files of lpeg_patterns, which are the same for every Lua, for 5.1 and 5.2 only.
local function older_path(path)
  return (path:gsub("/5%.[2-4]/", "/5.1/"))
end

local function find(name)
  local found, module = pcall(require, name)
  if found then return module end
  local is_missing = tostring(module):find("module '" .. name .. "' not found", 1, true)
  if not is_missing then return nil, module end
  local path = package.path
  package.path = path .. ";" .. older_path(path)
  found, module = pcall(require, name)
  package.path = path
  return found and module or nil, module
end

local INSTALL = "luarocks install %s, or apt-get install %s"

local function need(name, rock, package_name)
  local module, why = find(name)
  if module then return module end
  error(("weir.http needs %s, which is not here (%s): %s"):format(rock,
    INSTALL:format(rock, package_name), tostring(why)), 0)
end

patterns.lpeg = need("lpeg", "lpeg", "lua-lpeg")
patterns.core = need("lpeg_patterns.core", "lpeg_patterns", "lua-lpeg-patterns")
patterns.http = need("lpeg_patterns.http", "lpeg_patterns", "lua-lpeg-patterns")
patterns.uri = need("lpeg_patterns.uri", "lpeg_patterns", "lua-lpeg-patterns")

local core, lpeg = patterns.core, patterns.lpeg

--- What a field's value is made of: visible characters, and what is between them. The packaged
--- `field_value` takes the obsolete folding, and no words of one letter.
local visible = core.VCHAR + lpeg.R "\128\255"
patterns.field_value = (visible ^ 1 * (core.WSP ^ 1 * visible ^ 1) ^ 0) ^ -1

--- Whether a text is a token; whether it may be the value of a field that we send.
patterns.whole_token = patterns.http.token * -1
patterns.whole_value = (visible + core.WSP) ^ 0 * -1

return patterns
