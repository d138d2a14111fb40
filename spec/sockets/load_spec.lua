-- Many sockets at once, and peers that never read: what arrives, and what it costs.
-- THOROUGH=1 (make faults) takes a thousand sockets of 1 MiB each; FIGURES=1 prints what it cost.
local support = require "spec.sockets.support"

local THOROUGH = os.getenv "THOROUGH" ~= nil and not support.slow
local MANY, KIB = 100, 64
if THOROUGH then MANY, KIB = 1000, 1024 elseif support.slow then MANY, KIB = 20, 32 end

local function tell(figures)
  if os.getenv "FIGURES" then io.stderr:write(figures) end
end

-- The most memory this script has ever had in use, in bytes.
local PEAK = [[
local function peak()
  local file = io.open "/proc/self/status"
  if not file then return 0 end
  local kib = file:read "*a":match "VmHWM:%s*(%d+)"
  file:close()
  return tonumber(kib or 0) * 1024
end
]]

local function output_of(script, ...)
  local options = { around = "ulimit -n $(ulimit -Hn); %s" }
  return support.child(PEAK .. script:format(...), options).output
end

local function needs_memory()
  if not support.memory() then pending "this system does not tell how much memory is used" end
end

describe("many sockets at once", function()
  setup(support.open_folder)
  teardown(support.remove_folder)

  -- The KiB number i of socket n names both, and then has every byte in an order of its own.
  local SCRIPT = [[
    local many, kib = %d, %d
    local bytes = {}
    for i = 0, 255 do bytes[i + 1] = string.char(i) end
    local fill = table.concat(bytes):rep(6)
    local function kib_of(n, i)
      local head = ("<%%d/%%d>"):format(n, i)
      return head .. fill:sub(i * 7 %% 256 + 1, i * 7 %% 256 + 1024 - #head)
    end

    local whole, ended, server = 0, 0, nil
    local function take(s)
      local who, count, rest = nil, 0, ""
      s:on("data", function(data)
        rest = rest .. data
        local at = 0
        while #rest - at >= 1024 do
          who = who or rest:match "^<(%%d+)/"
          count = count + 1
          assert(rest:sub(at + 1, at + 1024) == kib_of(tonumber(who), count))
          at = at + 1024
        end
        rest = rest:sub(at + 1)
      end)
      s:on("end", function()
        ended = ended + 1
        if count == kib and rest == "" then whole = whole + 1 end
        if ended == many then server:close() end
      end)
    end

    server = weir.create_server(take)
    server:listen { host = "127.0.0.1", port = 0, backlog = 4096 }
    local host, port = server:address()
    local closed, refused, most = 0, 0, 0
    local function feed(n)
      local s, i = weir.connect { host = host, port = port }, 0
      local function go()
        while i < kib do
          i = i + 1
          if not s:write(kib_of(n, i)) then
            refused = refused + 1
            return s:once("drain", go)
          end
        end
        s:end_()
      end
      s:on("close", function(had_error)
        assert(not had_error and s:bytes_written() == kib * 1024)
        most = math.max(most, s:stats().peak_buffered)
        closed = closed + 1
      end)
      go()
    end
    local before, began = peak(), weir.hrtime()
    for n = 1, many do feed(n) end
    weir.run()
    print(whole, closed, refused > 0, most <= 16384 + 1024)
    if os.getenv "FIGURES" then
      local seconds = (weir.hrtime() - began) / 1e9
      print(("%%d x %%d KiB: %%.2f s, %%.0f MiB/s; peak memory %%.1f MiB more"):format(many, kib,
        seconds, many * kib / 1024 / seconds, (peak() - before) / 2 ^ 20))
    end
  ]]

  it("carry what is theirs, every byte in order, at the pace of who reads", function()
    local limit = tonumber((support.sh "ulimit -Hn"):match "%d+") or math.huge
    if limit < 2 * MANY + 50 then pending "there are too few descriptors" end
    local output = output_of(SCRIPT, MANY, KIB)
    local told, figures = output:match "^([^\n]*)\n(.*)$"
    assert.equal(("%d\t%d\ttrue\ttrue"):format(MANY, MANY), told or output)
    tell(figures)
  end)
end)

describe("peers that never read", function()
  setup(support.open_folder)
  teardown(support.remove_folder)

  -- By how many bytes the most memory ever in use grew; what was still to be written.
  local function grown(script)
    needs_memory()
    local peer = support.peer "-q -r 4096 never"
    local output = output_of([[
      local chunk = ("x"):rep(1000)
      local options = { host = "127.0.0.1", port = %d, max_buffered = 1000000 }
      local s, before = weir.connect(options), nil
      s:on("error", function() end)
      s:on("connect", function()
        collectgarbage() collectgarbage()
        before = peak()
        %s
      end)
      weir.set_timeout(function()
        print(peak() - before, s:writable_length())
        s:destroy()
      end, 200)
      weir.run()
    ]], peer.port, script)
    peer.kill()
    tell("grown, queued: " .. output)
    assert.matches("^%d+\t%d+\n$", output)
    return tonumber(output:match "^%d+"), tonumber(output:match "(%d+)\n")
  end

  it("cost who honours false no more than the mark and a chunk", function()
    local bytes, length = grown [[
      local function go_on() while s:write(chunk) do end end
      s:on("drain", go_on)
      go_on()
    ]]
    assert.is_true(length <= 16384 + 1000, length)
    if not support.slow then assert.is_true(bytes < 2 ^ 20, bytes) end
  end)

  it("cost who does not honour it no more than max_buffered", function()
    local bytes, length = grown [[
      local refused = 0
      for _ = 1, 100000 do
        if s:write(chunk) == nil then refused = refused + 1 end
      end
      assert(refused > 90000)
    ]]
    assert.is_true(length <= 1000000, length)
    if not support.slow then assert.is_true(bytes < 1000000 + 2 * 2 ^ 20, bytes) end
  end)

  it("cost a few KiB each, where each has a few bytes to wait for", function()
    if support.slow then pending "a sanitizer has memory of its own" end
    needs_memory()
    local output = output_of([[
      local many, all, theirs = %d, {}, {}
      local server = weir.create_server(function(s) theirs[#theirs + 1] = s:pause() end)
      server:listen { path = path, backlog = 4096 }
      for i = 1, many do all[i] = weir.connect { path = path } end
      support.run_until(function() return #theirs == many and not all[many]:pending() end)
      local piece = ("x"):rep(65536)
      for i = 1, many do
        while all[i]:writable_length() == 0 do
          all[i]:write(piece)
          weir.run "nowait"
        end
      end
      collectgarbage() collectgarbage()
      local before = peak()
      for i = 1, many do all[i]:write "a few bytes" end
      for _ = 1, 10 do weir.run "nowait" end
      print((peak() - before) / many)
      for i = 1, many do all[i]:destroy() theirs[i]:destroy() end
      server:close()
      weir.run()
    ]], THOROUGH and 1000 or 200)
    tell("bytes for each stuck peer: " .. output)
    assert.is_true((tonumber(output) or math.huge) < 8192, output)
  end)
end)
