--- make bench: weir beside whatever of io, luv, cqueues and node is here, interleaved.
--
--   lua bench/run.lua BUILD [ROUNDS [SCALE]]
--
-- Each round runs every contender once, in another order; a ratio is the median of the ratios
-- within the rounds, so a slow minute hits both sides. The time is that of the whole program,
-- start-up included. Prints tables, and draws bench/results.svg.
local build, rounds, scale = arg[1], tonumber(arg[2] or 5), tonumber(arg[3] or 1)
local here = arg[0]:match "^(.*)/" or "."
package.path = here .. "/?.lua;" .. package.path
local contest = require "contest"
local svg = require "svg"
local weir = require "weir"

local succeeds, shuffled, median = contest.succeeds, contest.shuffled, contest.median

local scratch = os.getenv "TMPDIR" or "/tmp"
local OUT = ("%s/weir-bench-%d.out"):format(scratch, weir.hrtime() % 1e9)

-- What is here ------------------------------------------------------------------------------------

local function environment(version)
  return ("LUA_PATH='lua/?.lua;lua/?/init.lua;;' LUA_CPATH='%s/%s/?.so;;'"):format(build, version)
end

local lua54 = succeeds "command -v lua5.4" and environment "5.4" .. " lua5.4"
local luajit = succeeds "command -v luajit" and environment "jit" .. " luajit"
local node = succeeds "command -v node" and "node"
local function has(lua, module)
  return lua and succeeds(("%s -e 'require %q'"):format(lua, module))
end

-- Workloads ---------------------------------------------------------------------------------------

-- Adds a contender, if what it needs is here.
local function add(list, name, lua, program, contender, needs)
  if not lua or (needs and not has(lua, needs)) then return end
  local command = ("%s %s/%s '%s' "):format(lua, here, program, contender)
  list[#list + 1] = { name = name, command = command }
end

local function on_both(program, contenders)
  local list = {}
  for _, each in ipairs(contenders) do
    add(list, each[1] .. ", Lua 5.4", lua54, program .. ".lua", each[1], each[2])
    add(list, each[1] .. ", LuaJIT", luajit, program .. ".lua", each[1], each[2])
  end
  if node then
    list[#list + 1] = { name = "node", command = ("node %s/%s.js "):format(here, program) }
  end
  return list
end

local function scaled(count) return math.max(1, math.floor(count * scale)) end

local FILES = { { "weir" }, { "weir, one string" }, { "io" }, { "io, one string" },
  { "luv", "luv" } }
local SOCKETS = { { "weir" }, { "luv", "luv" }, { "cqueues", "cqueues" } }

local workloads = {
  { title = "a million lines into a file", count = scaled(1e6), out = true,
    contenders = on_both("lines", FILES) },
  { title = "1 GiB in chunks of 64 KiB into a file", count = scaled(16384), out = true,
    contenders = on_both("chunks", { { "weir" }, { "io" }, { "luv", "luv" } }) },
  { title = "two million messages of 64 bytes over TCP", count = scaled(2e6), net = true,
    contenders = on_both("messages", SOCKETS) },
  { title = "a thousand connections, 256 KiB each in messages of 1 KiB", count = scaled(256),
    net = true, after = " 1000", contenders = on_both("messages", SOCKETS) },
  { title = "two million writes into a sink written in the language itself", count = scaled(2e6),
    contenders = on_both("custom", { { "weir" } }) },
  { title = "the same, each answered on the next tick", count = scaled(2e6), after = " later",
    contenders = on_both("custom", { { "weir, answered later" } }) },
  { title = "a million chunks from a source through a transform into a sink", count = scaled(1e6),
    contenders = on_both("transform", { { "weir" } }) },
}

-- Running -----------------------------------------------------------------------------------------

local function read(path)
  local file = io.open(path)
  local text = file and file:read "*a"
  if file then file:close() end
  return text
end

-- The server that discards, and the port it listens on.
local function start_server()
  local server = assert(io.popen(("%s/bench/sink %s"):format(build, OUT), "w"))
  local port
  repeat port = tonumber(read(OUT) or "") until port
  return server, port
end

local function seconds_of(command)
  local began = weir.hrtime()
  if not succeeds(command) then error("failed: " .. command, 0) end
  return (weir.hrtime() - began) / 1e9
end

local function play(workload)
  local server, port
  if workload.net then server, port = start_server() end
  for _ = 1, rounds do
    for _, contender in ipairs(shuffled(workload.contenders)) do
      local target = workload.out and OUT or port or ""
      local command = ("%s%d %s%s"):format(contender.command, workload.count, target,
        workload.after or "")
      contender.times = contender.times or {}
      table.insert(contender.times, seconds_of(command))
      if workload.out then os.remove(OUT) end
    end
  end
  if server then server:close() end
  os.remove(OUT)
end

-- Telling -----------------------------------------------------------------------------------------

local function sum_up(workload)
  local base = workload.contenders[1].times
  for _, contender in ipairs(workload.contenders) do
    local ratios = {}
    for i, time in ipairs(contender.times) do ratios[i] = time / base[i] end
    contender.seconds, contender.ratio = median(contender.times), median(ratios)
  end
  table.sort(workload.contenders, function(a, b) return a.ratio < b.ratio end)
end

local function tell(workload)
  local first = workload.contenders[1]
  for _, contender in ipairs(workload.contenders) do
    if contender.ratio == 1 then first = contender end
  end
  print(("\n### %s\n\n| | seconds | min | max | x %s |"):format(workload.title, first.name))
  print "|---|---|---|---|---|"
  for _, contender in ipairs(workload.contenders) do
    local times = contender.times
    table.sort(times)
    print(("| %s | %.3f | %.3f | %.3f | %.2f |"):format(contender.name, contender.seconds,
      times[1], times[#times], contender.ratio))
  end
end

for _, workload in ipairs(workloads) do
  play(workload)
  sum_up(workload)
  tell(workload)
  io.stdout:flush()
end
local picture = assert(io.open(here .. "/results.svg", "w"))
picture:write(svg.draw(workloads))
picture:close()
