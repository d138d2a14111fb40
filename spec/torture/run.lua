-- Runs the torture host over its scenarios, and ends with the sum of what it counted.
--
--   lua5.4 spec/torture/run.lua HOST MODULE       (make torture)
--
-- SHALLOW=40: about so many points of each scenario, chosen by SEED. ONLY=word: those that have it.
local host, module = arg[1], arg[2]
local only, shallow = os.getenv "ONLY", tonumber(os.getenv "SHALLOW" or nil)

-- Specs that need no other process, and whose words are those of the whole contract.
local FILES = "ls spec/semantics/*_spec.lua"

local function lines_of(command)
  local lines, pipe = {}, assert(io.popen(command))
  for line in pipe:lines() do lines[#lines + 1] = line end
  pipe:close()
  return lines
end

local passed, failed, lines = 0, 0, {}
local folder = module:match "^(.*)/weir/core.so$"

-- The counts of one run of the host; nil: there is no such test.
local function counts_of(output)
  if output[1]:find "there is no such test" then return nil end
  local p, f = (output[#output - 1] or ""):match "^(%d+) passed, (%d+) failed"
  p, f = tonumber(p or 0), tonumber(f or 0)
  if output[#output] ~= "code 0" and f == 0 then f = 1 end
  return p, f
end

-- Runs one scenario; about so many points of it, or all. Returns whether there is such a test.
local function run(kind, points, scenario)
  local command = kind .. " spec/torture/" .. scenario
  if only and not command:find(only, 1, true) then return false end
  local output = lines_of(
    ("LUA_CPATH='./%s/?.so;;' SHALLOW=%s timeout 600 %s %s 2>&1; echo \"code $?\""):format(
      folder, points or "", host, command))
  local p, f = counts_of(output)
  if not p then return false end
  passed, failed = passed + p, failed + f
  if f > 0 then
    lines[#lines + 1] = "torture " .. command .. ", " .. output[#output]
    print(lines[#lines])
    for i = 1, math.min(#output, 40) do print("  " .. output[i]) end
  end
  return true
end

for _, how in ipairs { "plain", "append", "data", "full", "atomic" } do
  for _, kind in ipairs { "malloc", "lua", "calls" } do run(kind, shallow, "file.lua " .. how) end
  run("uv", shallow, "file.lua " .. how .. " warm") -- without a warm loop libuv itself aborts
end

local few = shallow and math.ceil(shallow / 20)
for _, file in ipairs(lines_of(FILES)) do
  local number = 1
  while run("malloc", few, ("one_test.lua %s %d"):format(file, number)) do
    run("lua", few, ("one_test.lua %s %d"):format(file, number))
    number = number + 1
  end
end

for _, line in ipairs(lines) do print("FAILED in: " .. line) end
print(("%d passed, %d failed"):format(passed, failed))
os.exit(failed == 0 and 0 or 1)
