-- What is left of a file when its writer is killed, or the power fails: at least what was
-- acknowledged, and never anything but the beginning of what was accepted.
--
-- KILLS=1000 and CUTS=200 make it thorough (make faults THOROUGH=1); SEED picks the moments.
local support = require "spec.sinks.support"

local KILLS = tonumber(os.getenv "KILLS" or nil) or (support.slow and 3 or 12)
local CUTS = tonumber(os.getenv "CUTS" or nil) or (support.slow and 1 or 2)

local state = tonumber(os.getenv "SEED" or nil) or os.time() % 100000
local function below(n)
  state = state * 16807 % 2147483647
  return state % n
end

-- A script as a line of shell whose process is the Lua itself. It ends by itself, should the signal
-- miss it.
local function command(text, path)
  text = "weir.set_timeout(function() os.exit(8) end, 5000)\n" .. text
  local line, count = support.command(text, { path = path }):gsub("^timeout %-k 1 [%d%.]+ ", "")
  assert(count == 1 or support.lacks_command "timeout", line)
  return line
end

-- A line of shell that waits till a file has something in it, for some seconds at most; none if
-- there is no file.
local function until_filled(file)
  if not file then return "" end
  return ("n=0; until [ -s %s ] || [ $n = 5000 ]; do sleep 0.001; n=$((n + 1)); done; "):format(
    support.quote(file))
end

-- Runs a script and sends it a signal after so many milliseconds, which count from the start, or
-- from when this file has something in it.
local function run_and_kill(text, path, signal, ms, file)
  support.sh(("%s & pid=$!; %ssleep %.3f; kill -%s $pid; wait $pid; true"):format(
    command(text, path), until_filled(file), ms / 1000, signal))
end

-- Writes numbered lines of many lengths, 100 MB at most; "path.acks" gets a number when a line was
-- acknowledged.
local LINES = [[
  local acks = io.open(path .. ".acks", "w")
  acks:setvbuf "no"
  local ws = weir.create_write_stream(path, OPTIONS)
  local i = 0
  local function go_on()
    while i < 30000 do
      i = i + 1
      local n = i
      local text = ("%d %s\n"):format(n, ("x"):rep(n * 7919 % (n % 10 == 0 and 70000 or 300)))
      if not ws:write(text, function(err) if not err then acks:write(n, "\n") end end) then
        return ws:once("drain", go_on)
      end
    end
  end
  go_on()
  weir.run()
]]

local function expected_line(n)
  return ("%d %s\n"):format(n, ("x"):rep(n * 7919 % (n % 10 == 0 and 70000 or 300)))
end

-- The file must be a beginning of the lines, with all of those acknowledged. Returns how many were.
local function check_lines(path)
  local content, acks = support.read(path) or "", support.read(path .. ".acks") or ""
  local acknowledged = tonumber(acks:match "(%d+)\n%d*$" or nil) or 0
  local at, n = 1, 0
  while at <= #content do
    n = n + 1
    local line = expected_line(n)
    local here = content:sub(at, at + #line - 1)
    assert.is_true(here == line:sub(1, #here), ("line %d is not what was written"):format(n))
    if #here < #line then n = n - 1 break end
    at = at + #line
  end
  assert.is_true(n >= acknowledged, ("%d lines there, %d acknowledged"):format(n, acknowledged))
  return acknowledged
end

describe("a writer that is killed", function()
  setup(support.open_folder)
  teardown(support.remove_folder)

  local function kill_many(signal, options, times)
    local acknowledged = 0
    local script = LINES:gsub("OPTIONS", options)
    for i = 1, times do
      local path = support.new_path()
      -- However slow the machine, every second one has had lines acknowledged when it is killed.
      local filled = i % 2 == 1 and path .. ".acks" or nil
      run_and_kill(script, path, signal, filled and below(60) or 5 + below(60), filled)
      acknowledged = acknowledged + check_lines(path)
      os.remove(path)
    end
    return acknowledged
  end

  it("with kill -9, at any moment, leaves all it acknowledged, and a beginning", function()
    local acknowledged = kill_many("KILL", "{}", KILLS)
    assert.is_true(acknowledged > 0, "nothing was ever acknowledged")
    if KILLS > 500 then
      print(("%d kills, %d acknowledged lines, all there"):format(KILLS, acknowledged))
    end
  end)

  it("with kill -9, while it appends, leaves all it acknowledged, and a beginning", function()
    kill_many("KILL", "{ flags = 'a' }", math.ceil(KILLS / 4))
  end)

  it("with SIGTERM leaves all it acknowledged, and a beginning", function()
    kill_many("TERM", "{}", math.ceil(KILLS / 4))
  end)

  it("leaves an atomic target as it was, or new, and never a mixture", function()
    local target = support.put "old"
    local script = [[
      for i = 1, 1000 do
        local ws = weir.create_write_stream(path, { atomic = true })
        ws:write(("%d\n"):format(i):rep(20000))
        ws:end_()
        support.close(ws)
      end
    ]]
    for _ = 1, math.ceil(KILLS / 2) do
      run_and_kill(script, target, "KILL", 5 + below(60))
      local content = support.read(target)
      local first = content:match "^[^\n]+"
      assert.is_true(content == "old" or content == (first .. "\n"):rep(20000), "a mixture")
    end
  end)
end)

describe("a machine whose power fails", function()
  setup(support.open_folder)
  teardown(support.remove_folder)

  -- An ext4 file system in a file; the copy of that file is what a disk would have.
  local function mount(image, folder)
    local output, code = support.sh(("mkdir -p %s && mount -o loop,commit=300 %s %s"):format(folder,
      image, folder))
    if code == 0 then return end
    return "no file system can be mounted here: " .. output:gsub("\n.*", "")
  end

  local function new_disk()
    if support.lacks_command "mkfs.ext4" then return nil, "there is no mkfs.ext4" end
    local image, folder = support.new_path ".img", support.new_path ".mnt"
    support.sh(("truncate -s 24M %s && mkfs.ext4 -q -F %s"):format(image, image))
    local problem = mount(image, folder)
    if problem then return nil, problem end
    return image, folder
  end

  -- Finishes files with a sync, and replaces one; what is finished is told outside of the disk.
  local SCRIPT = [[
    local acks = io.open("ACKS", "w")
    acks:setvbuf "no"
    for i = 1, 1000 do
      local sync = i % 2 == 0 and "full" or "data"
      local a = weir.create_write_stream(path .. "/" .. i % 20, { sync = sync })
      a:end_(("%d\n"):format(i):rep(3000))
      support.close(a)
      local b = weir.create_write_stream(path .. "/target", { atomic = true })
      b:end_(("%d\n"):format(i):rep(3000))
      support.close(b)
      acks:write(i, "\n")
    end
  ]]

  local function repeated(path)
    local content = support.read(path)
    if not content then return nil end
    local number = content:match "^%d+"
    return content == ((number or "") .. "\n"):rep(3000) and tonumber(number) or "a mixture"
  end

  local function check_disk(folder, acknowledged)
    local target = repeated(folder .. "/target")
    assert.is_true(acknowledged == 0 or type(target) == "number" and target >= acknowledged,
      ("target: %s, acknowledged: %d"):format(tostring(target), acknowledged))
    for i = math.max(1, acknowledged - 15), acknowledged do
      assert.equal(i, repeated(folder .. "/" .. i % 20))
    end
  end

  -- After 250 ms at most; they count from the first acknowledgement, if that is waited for.
  local function cut(image, folder, waits)
    local acks, copy, other = support.new_path(), support.new_path ".img", support.new_path ".mnt"
    local script = SCRIPT:gsub("ACKS", acks)
    support.sh("rm -f " .. folder .. "/*")
    support.sh(("%s & pid=$!; %ssleep %.3f; kill -STOP $pid; cp --sparse=always %s %s;"
      .. " kill -KILL $pid; wait $pid"):format(command(script, folder),
      until_filled(waits and acks), (waits and below(250) or 50 + below(200)) / 1000, image, copy))
    local acknowledged = tonumber((support.read(acks) or ""):match "(%d+)\n%d*$" or nil) or 0
    local problem = mount(copy, other)
    assert(not problem, problem)
    local ok, err = pcall(check_disk, other, acknowledged)
    support.sh(("umount %s; rm -f %s"):format(other, copy))
    if not ok then error(err, 0) end
    return acknowledged
  end

  it("has every file that was synced, and the atomic one whole: the last, or newer", function()
    local image, folder = new_disk()
    if not image then pending(folder) end
    finally(function() support.sh("umount " .. folder) end)
    local acknowledged = 0
    for i = 1, CUTS do acknowledged = acknowledged + cut(image, folder, i % 2 == 1) end
    assert.is_true(acknowledged > 0, "nothing was ever finished")
    if CUTS > 50 then
      print(("%d cuts, %d acknowledged rounds, all there"):format(CUTS, acknowledged))
    end
  end)
end)
