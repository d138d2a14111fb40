-- Runs the torture host over its scenarios, and ends with the sum of what it counted.
--
--   lua5.4 spec/torture/run.lua HOST MODULE       (make torture)
--
-- SHALLOW=40: about so many points of each scenario, chosen by SEED. ONLY=word: those that have it.
-- SHARD=3/20: the third of twenty parts, each of which takes every twentieth scenario. What takes
-- hours as a whole can be run part by part.
local host, module = arg[1], arg[2]
local only, shallow = os.getenv "ONLY", tonumber(os.getenv "SHALLOW" or nil)
local shard, shards = (os.getenv "SHARD" or "0/1"):match "^(%d+)/(%d+)$"
assert(shard, "SHARD is a part of so many: 3/20")

local KINDS = { "malloc", "lua", "calls" }

-- The specs of the whole contract, and those of files and of sockets, whose system calls fail too.
-- What the latter ask Lua for, the former, file.lua and socket.lua have asked for as well. Real
-- programs (real_spec) would wait for what does not come.
local SPECS = {
  { files = "ls spec/semantics/*_spec.lua", kinds = { "malloc", "lua" } },
  { files = "ls spec/sinks/file_*_spec.lua spec/sinks/small_write_spec.lua",
    kinds = { "malloc", "calls" } },
  { files = "ls spec/sockets/*_spec.lua | grep -v real", kinds = { "malloc", "calls" } },
}

local function lines_of(command)
  local lines, pipe = {}, assert(io.popen(command))
  for line in pipe:lines() do lines[#lines + 1] = line end
  pipe:close()
  return lines
end

io.stdout:setvbuf "line"
local passed, failed, lines = 0, 0, {}
local build = module:match "^(.*)/[^/]+/weir/core.so$" -- where spec/support/paths.lua looks

-- The counts of one run of the host.
local function counts_of(output)
  local p, f = (output[#output - 1] or ""):match "^(%d+) passed, (%d+) failed"
  p, f = tonumber(p or 0), tonumber(f or 0)
  if output[#output] ~= "code 0" and f == 0 then f = 1 end
  return p, f
end

local function host_says(command, points)
  return lines_of(
    ("WEIR_BUILD=%s SHALLOW=%s timeout %d %s %s 2>&1; echo \"code $?\""):format(
      build, points or "", points and 120 or 900, host, command))
end

local scenarios = 0

-- Whether the next scenario belongs to our part.
local function is_ours()
  scenarios = scenarios + 1
  return (scenarios - shard) % shards == 0
end

-- Runs one scenario; about so many points of it, or all.
local function run(kind, points, scenario)
  local command = kind .. " spec/torture/" .. scenario
  if only and not command:find(only, 1, true) or not is_ours() then return end
  local output = host_says(command, points)
  local p, f = counts_of(output)
  passed, failed = passed + p, failed + f
  if f > 0 then
    lines[#lines + 1] = "torture " .. command .. ", " .. output[#output]
    print(lines[#lines])
    for i = 1, math.min(#output, 40) do print("  " .. output[i]) end
  end
end

local function count_tests(file)
  local all, test = "", " spec/torture/one_test.lua " .. file .. " "
  for _, kind in ipairs(KINDS) do all = all .. kind .. test end
  if only and not (all:find(only, 1, true) or only:find(file, 1, true)) then return 0 end
  local output = table.concat(host_says("calls spec/torture/one_test.lua " .. file .. " 0"), "\n")
  return tonumber(output:match "there are (%d+) tests")
end

local function torture_files()
  for _, how in ipairs { "plain", "append", "data", "full", "atomic" } do
    for _, kind in ipairs(KINDS) do run(kind, shallow, "file.lua " .. how) end
    run("uv", shallow, "file.lua " .. how .. " warm") -- without a warm loop libuv itself aborts
  end
end

local function torture_sockets()
  for _, where in ipairs { "tcp", "path", "abstract", "name", "any" } do
    for _, kind in ipairs(KINDS) do run(kind, shallow, "socket.lua " .. where) end
    run("uv", shallow, "socket.lua " .. where .. " warm")
  end
end

-- Much of what pipelines ask Lua for is their own code, which is loaded when it is first needed.
local function torture_reading()
  for _, way in ipairs { "alone", "part", "fifo", "pipe", "transform" } do
    for _, kind in ipairs(KINDS) do run(kind, shallow, "reading.lua " .. way) end
  end
end

local function torture_standard()
  for _, which in ipairs { "stdin file", "stdin fifo", "stdin socket", "stdout file", "stdout fifo",
    "stdout socket", "stderr fifo" } do
    for _, kind in ipairs(KINDS) do run(kind, shallow, "standard.lua " .. which) end
  end
end

-- LuaJIT does not free all that it has begun to compile when memory runs out.
local function torture_methods()
  for _, way in ipairs { "begin", "timer", "read", "transform", "reopen", "pipe", "socket" } do
    run("malloc", shallow, "methods.lua " .. way)
  end
  if not jit then run("lua", shallow, "methods.lua begin") end
end

local place = tonumber(os.getenv "SEED" or nil) or 1

-- With SHALLOW, every eighth of the tests, others for each SEED.
local function torture_spec(file, kinds)
  local every, before = shallow and 8 or 1, passed
  local few = shallow and math.ceil(shallow / 5)
  for number = 1, count_tests(file) do
    local test = ("one_test.lua %s %d"):format(file, number)
    place = place + 1
    for _, kind in ipairs(place % every == 0 and kinds or {}) do run(kind, few, test) end
  end
  if not shallow and passed > before then print(file, passed - before .. " passed") end
end

local function torture_specs()
  for _, some in ipairs(SPECS) do
    for _, file in ipairs(lines_of(some.files)) do torture_spec(file, some.kinds) end
  end
end

torture_files()
torture_sockets()
torture_reading()
torture_standard()
torture_methods()
torture_specs()
for _, line in ipairs(lines) do print("FAILED in: " .. line) end
print(("%d passed, %d failed"):format(passed, failed))
os.exit(failed == 0 and 0 or 1)
