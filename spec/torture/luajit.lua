-- Keeps away from a scenario what goes wrong in LuaJIT itself where memory runs out.
if not jit then return end

-- Its compiler mixes up values: loops of book.lua then compared functions.
jit.off()

-- Its tostring() of a number unwinds a frame that is not there, and crashes.
local tostring, format = tostring, string.format
function _G.tostring(value)
  return type(value) == "number" and format("%.14g", value) or tostring(value)
end

-- It leaves a file open that it has no memory to load. The searcher for Lua's modules:
package.loaders[2] = function(name) -- luacheck: ignore
  local path = package.searchpath(name, package.path) -- luacheck: ignore
  local file = path and assert(io.open(path))
  if not file then return nil end
  local text = file:read "*a"
  file:close()
  return assert(loadstring(text, "@" .. path))
end
