-- Makes the rockspecs of a release out of those of the development, which list the files:
--
--   lua .ci/rockspecs.lua          writes rockspecs/*-VERSION-1.rockspec
--   lua .ci/rockspecs.lua check    says whether they are up to date
local init = assert(io.open "lua/weir/init.lua")
local version = init:read "*a":match '_VERSION = "weir ([%d.]+)"'
init:close()

local function read(path)
  local file = io.open(path)
  local text = file and file:read "*a"
  if file then file:close() end
  return text
end

local function release_of(path)
  local text = read(path)
  local function swap(old, new)
    local at, to = text:find(old, 1, true)
    assert(at, path .. " lacks " .. old)
    text = text:sub(1, at - 1) .. new .. text:sub(to + 1)
  end
  swap('version = "scm-1"', ('version = "%s-1"'):format(version))
  swap('branch = "main"', ('tag = "v%s"'):format(version))
  return "-- Made by `make rockspecs` from " .. path .. ".\n" .. text
end

local fresh = true
for name, path in pairs { weir = "weir-scm-1.rockspec",
  ["weir-http"] = "lua/weir/http/weir-http-scm-1.rockspec",
  ["weir-zlib"] = "src/zlib/weir-zlib-scm-1.rockspec" } do
  local target, text = ("rockspecs/%s-%s-1.rockspec"):format(name, version), release_of(path)
  if arg[1] == "check" then
    if read(target) ~= text then
      print(target .. " is not up to date: make rockspecs")
      fresh = false
    end
  else
    local out = assert(io.open(target, "w"))
    out:write(text)
    out:close()
    print(target)
  end
end
os.exit(fresh and 0 or 1)
