-- sync: what `finish` promises. Which system calls are made, and in which order, is told by a shim.
local support = require "spec.sinks.support"

local it_with_faults = support.with_faults(it, pending)

local WRITE = [[
  local ws, log = support.stream(path, OPTIONS)
  for _, event in ipairs { "prefinish", "finish", "error", "close" } do
    ws:on(event, function() support.append(os.getenv "FAULTS_LOG", event .. "\n") end)
  end
  ws:write("abc", log.cb "a")
  ws:end_(log.cb "end")
  support.close(ws)
  io.write(log.take(), " ", tostring(ws:errored()))
]]

-- Runs a script on a file in a folder of its own: given.script, else WRITE with given.options (a
-- text); with given.faults, and given.content in the file before. Returns the system calls on the
-- file (`fsync`) and on its folder (`fsync(folder)`), a failed one with a "!", with the events of
-- WRITE between them; what the script printed; and the path.
local function traced(given)
  local folder, calls = support.new_path(), support.new_path()
  support.sh("mkdir " .. folder)
  local path = folder .. "/file"
  if given.content then support.put(given.content, path) end
  local script = given.script or WRITE:gsub("OPTIONS", given.options or "{}")
  local output = support.output_of(script,
    { path = path, on = folder, log = calls, faults = given.faults })
  local words = {}
  for line in support.read(calls):gmatch "[^\n]+" do
    local call, on, result = line:match "^(%l+) (%S+) (%-?%d+)$"
    local word = call or line
    if on == folder then word = word .. "(folder)" end
    if result and tonumber(result) < 0 then word = word .. "!" end
    words[#words + 1] = word
  end
  return table.concat(words, " "), output, path
end

-- The calls of WRITE with these options, on a file that is not there, or that is.
local function calls_on_new(options) return (traced { options = options }) end
local function calls_on_old(options) return (traced { options = options, content = "old" }) end

local OPEN_NEW, OPEN_OLD = "open! open pwritev ", "open pwritev "
local SYNC_FOLDER = " open(folder) fsync(folder) close(folder)"
local OVER = " prefinish finish close close"

describe("sync", function()
  setup(support.open_folder)
  teardown(support.remove_folder)

  for _, sync in ipairs { "none", "data", "full" } do
    it(('"%s" finishes with all that was written in the file'):format(sync), function()
      local ws, log = support.stream(support.new_path(), { sync = sync })
      ws:write(("x"):rep(100000), log.cb "a")
      ws:end_("y", log.cb "end")
      support.close(ws)
      assert.equal("open ready a prefinish end finish close", log.take())
      assert.equal(100001, support.size(ws:path()))
    end)
  end

  it_with_faults('"none", which is the default, asks for nothing', function()
    assert.equal("open! open pwritev" .. OVER, calls_on_new "{}")
    assert.equal("open! open pwritev" .. OVER, calls_on_new("{ sync = 'none' }"))
  end)

  it_with_faults('"data" syncs the data, and the folder of a new file, before finish', function()
    assert.equal(OPEN_NEW .. "fdatasync" .. SYNC_FOLDER .. OVER, calls_on_new("{ sync = 'data' }"))
    assert.equal("open pwritev fdatasync" .. SYNC_FOLDER .. OVER,
      calls_on_new("{ sync = 'data', flags = 'wx' }"))
  end)

  it_with_faults('"data" leaves the folder of an old file alone', function()
    assert.equal(OPEN_OLD .. "fdatasync" .. OVER, calls_on_old("{ sync = 'data' }"))
    assert.equal("open writev fdatasync" .. OVER, calls_on_old("{ sync = 'data', flags = 'a' }"))
    assert.equal(OPEN_OLD .. "fdatasync" .. OVER, calls_on_old("{ sync = 'data', flags = 'r+' }"))
  end)

  it_with_faults('"full" syncs the file, then its folder, before finish', function()
    assert.equal(OPEN_NEW .. "fsync" .. SYNC_FOLDER .. OVER, calls_on_new("{ sync = 'full' }"))
    assert.equal(OPEN_OLD .. "fsync" .. SYNC_FOLDER .. OVER, calls_on_old("{ sync = 'full' }"))
  end)

  it_with_faults("syncs once, however much was written", function()
    local calls = traced { script = [[
      local ws = weir.create_write_stream(path, { sync = "full" })
      for i = 1, 1000 do ws:write(("x"):rep(5000), function() end) end
      support.end_and_close(ws)
    ]] }
    assert.equal(2, select(2, calls:gsub("fsync", ""))) -- the file and the folder
  end)

  it_with_faults("syncs a file that nothing was written to", function()
    local calls = traced { script = [[
      support.end_and_close(weir.create_write_stream(path, { sync = "full" }))
    ]] }
    assert.matches("fsync open%(folder%) fsync%(folder%)", calls)
  end)

  it_with_faults("is over before the callback of end_", function()
    local _, output = traced { script = [[
      local ws, log = support.stream(path, { sync = "data" })
      ws:write("a", log.cb "a")
      ws:end_("b", function(err)
        local calls = support.read(os.getenv "FAULTS_LOG")
        log.add(err or calls:find "fdatasync" and "synced" or "too early")
      end)
      support.close(ws)
      io.write(log.take())
    ]] }
    assert.equal("open ready a prefinish synced finish close", output)
  end)

  it_with_faults("syncs a given descriptor, which has no folder", function()
    for sync, call in pairs { data = "fdatasync", full = "fsync" } do
      local calls, path = support.new_path(), support.new_path()
      local output = support.output_of(([[
        local ws, log = support.stream(nil, { fd = 3, sync = %q })
        ws:end_ "abc"
        support.close(ws)
        io.write(log.take())
      ]]):format(sync), { path = path, log = calls, around = "%s 3>" .. path })
      assert.equal("prefinish finish close", output)
      assert.equal(("writev %s 3\n%s %s 0\nclose %s 0\n"):format(path, call, path, path),
        support.read(calls))
    end
  end)

  it_with_faults("does not sync a stream that is destroyed or fails", function()
    local calls = traced { script = [[
      local ws, log = support.stream(path, { sync = "full" })
      ws:write("a", function() ws:destroy() end)
      support.close(ws)
    ]] }
    assert.not_matches("fsync", calls)
    calls = traced { options = "{ sync = 'full' }", faults = "pwritev:1:EIO" }
    assert.not_matches("fsync", calls)
  end)

  it("to a device that cannot be synced is an error, not a promise that is not kept", function()
    local ws, log = support.stream("/dev/null", { sync = "full" })
    ws:write("abc", log.cb "a")
    ws:end_(log.cb "end")
    support.close(ws)
    assert.matches("^open ready a end%(%u+%) error%(%u+%) close$", log.take())
    assert.equal("fsync", ws:errored().syscall)
  end)
end)

describe("a sync that fails", function()
  setup(support.open_folder)
  teardown(support.remove_folder)

  local function failing(sync, faults)
    return traced { options = ("{ sync = %q }"):format(sync), faults = faults }
  end
  local FAILED = "^open ready a end%%(%s%%) error%%(%s%%) close %s: .*, %s '"

  it_with_faults("is told to the end, then error, then close: no finish, no prefinish", function()
    for sync, call in pairs { data = "fdatasync", full = "fsync" } do
      local _, output, path = failing(sync, ("%s:1:EIO"):format(call))
      assert.matches(FAILED:format("EIO", "EIO", "EIO", call), output)
      assert.equal("abc", support.read(path))
    end
  end)

  it_with_faults("is final: it is not tried again", function()
    local calls = failing("full", "fsync:*:EIO")
    assert.equal(OPEN_NEW .. "fsync! close error close", calls)
  end)

  it_with_faults("for lack of space fails the same", function()
    local _, output = failing("full", "fsync:1:ENOSPC")
    assert.matches(FAILED:format("ENOSPC", "ENOSPC", "ENOSPC", "fsync"), output)
  end)

  it_with_faults("because of a signal is asked again: nothing has failed yet", function()
    for sync, call in pairs { data = "fdatasync", full = "fsync" } do
      local calls = failing(sync, ("%s:1:EINTR"):format(call))
      assert.matches(call .. "! " .. call .. " ", calls)
      assert.matches(" finish close close$", calls)
    end
  end)

  it_with_faults("in the folder fails as well", function()
    local calls, output = failing("full", "fsync:2:EIO")
    assert.matches(FAILED:format("EIO", "EIO", "EIO", "fsync"), output)
    assert.equal(OPEN_NEW .. "fsync open(folder) fsync(folder)! close(folder) close error close",
      calls)
  end)

  it_with_faults("because the folder cannot be opened fails as well", function()
    local _, output = failing("full", "open:3:EMFILE")
    assert.matches(FAILED:format("EMFILE", "EMFILE", "EMFILE", "open"), output)
  end)

  it_with_faults("because such a folder cannot be synced, and need not, is no failure", function()
    local calls = failing("full", "fsync:2:EINVAL")
    assert.equal(OPEN_NEW .. "fsync open(folder) fsync(folder)! close(folder)" .. OVER, calls)
  end)

  it_with_faults("interrupted in the folder is asked again", function()
    local calls = failing("full", "fsync:2:EINTR")
    assert.equal(OPEN_NEW .. "fsync open(folder) fsync(folder)! fsync(folder) close(folder)"
      .. OVER, calls)
  end)

  it_with_faults("lets the descriptor be closed", function()
    local calls = failing("data", "fdatasync:1:EIO")
    assert.equal(OPEN_NEW .. "fdatasync! close error close", calls)
  end)
end)

describe("the folder that is synced", function()
  setup(support.open_folder)
  teardown(support.remove_folder)

  it_with_faults("is that of the new file, where a symlink led elsewhere", function()
    local one, two, calls = support.new_path(), support.new_path(), support.new_path()
    support.sh(("mkdir %s %s; ln -s %s/file %s/link"):format(one, two, two, one))
    support.output_of([[
      local ws = weir.create_write_stream(path, { sync = "full" })
      ws:end_ "abc"
      support.close(ws)
    ]], { path = one .. "/link", log = calls, on = one:match "^.*/" })
    assert.equal("abc", support.read(two .. "/file"))
    assert.matches("\nfsync " .. two:gsub("%p", "%%%0") .. " 0\n", support.read(calls))
  end)

  it_with_faults("is the current one for a bare name, and the root for a name in it", function()
    local folder, calls = support.new_path(), support.new_path()
    support.sh("mkdir " .. folder)
    local output = support.output_of([[
      local ws, log = support.stream("bare", { sync = "full" })
      ws:end_ "abc"
      support.close(ws)
      io.write(log.take())
    ]], { path = folder, log = calls, cd = folder })
    assert.equal("open ready prefinish finish close", output)
    assert.matches("fsync " .. folder:gsub("%p", "%%%0") .. " 0\n", support.read(calls))
  end)
end)
