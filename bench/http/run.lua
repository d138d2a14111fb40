--- make bench-http: weir.http beside node's http, interleaved.
--
--   lua bench/http/run.lua BUILD [ROUNDS [SECONDS [MEBIBYTES [CLIENTS]]]]
--
-- "hello" by wrk with 64 connections; one response in chunks by curl; the memory of the server
-- while clients read 1 KiB a second of endless responses. Each round starts every server anew, in
-- another order; a figure is the median of the rounds, and a ratio that of the ratios within them.
local build, rounds, seconds, mebibytes, clients = arg[1], tonumber(arg[2] or 3),
  tonumber(arg[3] or 4), tonumber(arg[4] or 1024), tonumber(arg[5] or 1000)
local here = arg[0]:match "^(.*)/" or "."
package.path = here .. "/../?.lua;" .. package.path
local contest = require "contest"
local weir = require "weir"

local succeeds, shuffled, median = contest.succeeds, contest.shuffled, contest.median

local OUT = ("%s/weir-bench-http-%d"):format(os.getenv "TMPDIR" or "/tmp", weir.hrtime() % 1e9)

-- What is here ------------------------------------------------------------------------------------

local function lua(name, version)
  local command = ("env LUA_PATH='lua/?.lua;lua/?/init.lua;;' LUA_CPATH='%s/%s/?.so;;' %s"):format(
    build, version, name)
  return succeeds("command -v " .. name) and succeeds(command .. " -e 'require \"weir.http\"'")
    and command
end

local lua54, luajit = lua("lua5.4", "5.4"), lua("luajit", "jit")
local contenders = {}
local function add(name, interpreter, program)
  if not interpreter then return print(name .. " is not here") end
  contenders[#contenders + 1] = { name = name, figures = {},
    command = ("%s %s/%s"):format(interpreter, here, program) }
end
add("node", succeeds "command -v node" and "node", "server.js")
add("weir, LuaJIT", luajit, "server.lua")
add("weir, Lua 5.4", lua54, "server.lua")

-- Servers -----------------------------------------------------------------------------------------

local function read(path)
  local file = io.open(path)
  local text = file and file:read "*a"
  if file then file:close() end
  return text or ""
end

local function output_of(command)
  local pipe = assert(io.popen(command))
  local text = pipe:read "*a"
  pipe:close()
  return text
end

local function start(contender)
  local pid = output_of(("exec 3>&1; %s > %s 3>&- & echo $!"):format(contender.command, OUT))
  local port
  repeat
    port = tonumber(read(OUT))
    if not port then os.execute "sleep 0.05" end
  until port
  return { pid = tonumber(pid), port = port, url = ("http://127.0.0.1:%d"):format(port) }
end

local function stop(server)
  os.execute(("kill %d; sleep 0.2"):format(server.pid))
end

local function kibibytes(server, what)
  return tonumber(read(("/proc/%d/status"):format(server.pid)):match(what .. ":%s*(%d+)"))
end

-- Workloads ---------------------------------------------------------------------------------------

local function hello(server)
  local text = output_of(("wrk -t1 -c64 -d%ds %s/hello"):format(seconds, server.url))
  assert(not text:find "Non%-2xx" and not text:find "Socket errors", text)
  return tonumber(text:match "Requests/sec:%s*([%d.]+)")
end

local function stream(server)
  local text = output_of(("curl -s -o /dev/null -w '%%{size_download} %%{time_total}' %s/stream/%d")
    :format(server.url, mebibytes * 16))
  local size, time = text:match "^(%S+) (%S+)$"
  assert(tonumber(size) == mebibytes * 2 ^ 20, text)
  return size / 2 ^ 20 / time
end

local function slow(server)
  local alone = kibibytes(server, "VmRSS")
  local pipe = assert(io.popen(("ulimit -n 4096; %s %s/slow.lua %d %d %d"):format(luajit or lua54,
    here, server.port, clients, seconds)))
  assert(pipe:read "*l" == "ready")
  pipe:read "*l"
  local now = kibibytes(server, "VmRSS")
  pipe:close()
  return now / 1024, alone / 1024
end

local workloads = {
  { title = "hello, 64 connections (wrk)", unit = "requests/s", run = hello, better = "more",
    needs = "wrk" },
  { title = ("one response of %d MiB in chunks (curl)"):format(mebibytes), unit = "MiB/s",
    run = stream, better = "more", needs = "curl" },
  { title = ("%d clients that read 1 KiB a second"):format(clients), unit = "MiB of memory",
    run = slow, better = "less" },
}

-- Running and telling -----------------------------------------------------------------------------

local function play(workload)
  for round = 1, rounds do
    for _, contender in ipairs(shuffled(contenders)) do
      local server = start(contender)
      local figures = contender.figures[workload] or {}
      contender.figures[workload] = figures
      figures[round] = workload.run(server)
      stop(server)
    end
  end
  os.remove(OUT)
end

local function tell(workload)
  print(("\n%s  (%s is better)"):format(workload.title, workload.better))
  local base = contenders[1]
  for _, contender in ipairs(contenders) do
    local ratios = {}
    local figures = contender.figures[workload]
    for i, figure in ipairs(figures) do ratios[i] = figure / base.figures[workload][i] end
    print(("  %-14s %10.1f %s  %5.2f of %s"):format(contender.name, median(figures),
      workload.unit, median(ratios), base.name))
  end
end

math.randomseed(os.time())
for _, workload in ipairs(workloads) do
  if workload.needs and not succeeds("command -v " .. workload.needs) then
    print(("\n%s: skipped, %s is not here"):format(workload.title, workload.needs))
  else
    play(workload)
    tell(workload)
  end
end
