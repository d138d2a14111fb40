-- atomic: the target holds the old content or the new, never a part of it.
local weir = require "weir"
local support = require "spec.sinks.support"

local it_with_faults = support.with_faults(it, pending)

-- A path in a folder of its own, with this content, if any.
local function target(content)
  local folder = support.new_path()
  support.sh("mkdir " .. folder)
  if content then support.put(content, folder .. "/file") end
  return folder .. "/file", folder
end

-- All names in a folder, also hidden ones.
local function names_in(folder)
  return (support.sh("ls -A " .. folder):gsub("\n$", ""):gsub("\n", " "))
end

local function write_atomic(path, text, options)
  options = options or {}
  options.atomic = true
  local ws, log = support.stream(path, options)
  ws:write(text, log.cb "a")
  ws:end_(log.cb "end")
  support.close(ws)
  return log.take(), ws
end

local GOOD = "open ready a prefinish end finish close"

describe("an atomic stream", function()
  setup(support.open_folder)
  teardown(support.remove_folder)

  it("makes a new file, and leaves nothing beside it", function()
    local path, folder = target()
    assert.equal(GOOD, (write_atomic(path, "new")))
    assert.equal("new", support.read(path))
    assert.equal("file", names_in(folder))
  end)

  it("replaces an old file, and leaves nothing beside it", function()
    local path, folder = target "old and longer"
    assert.equal(GOOD, (write_atomic(path, "new")))
    assert.equal("new", support.read(path))
    assert.equal("file", names_in(folder))
  end)

  it("does not touch the target before finish, however much is written", function()
    for _, content in ipairs { "old", false } do
      local path = target(content or nil)
      local ws, log = support.stream(path, { atomic = true })
      local seen = {}
      local function look() seen[#seen + 1] = support.read(path) or false end
      ws:on("open", look)
      ws:on("drain", look)
      ws:write(("x"):rep(1000000), look)
      ws:write("y", look)
      support.run_until(function() return ws:writable_length() == 0 end)
      weir.run()
      look()
      assert.same({ content, content, content, content, content }, seen)
      ws:on("prefinish", function() assert.equal(1000001, support.size(path)) end)
      ws:end_(function() log.add(support.size(path)) end)
      support.close(ws)
      assert.equal("open ready drain prefinish 1000001 finish close", log.take())
    end
  end)

  it("that is ended at once leaves an empty file", function()
    local path = target "old"
    local ws = weir.create_write_stream(path, { atomic = true })
    support.end_and_close(ws)
    assert.equal("", support.read(path))
  end)

  it("writes into a hidden file beside the target meanwhile", function()
    local path, folder = target "old"
    local ws = weir.create_write_stream(path, { atomic = true })
    ws:write "new"
    support.run_until(function() return ws:bytes_written() == 3 end)
    local beside = names_in(folder):match "^(%.file%.%S+) file$"
    assert.is_not_nil(beside)
    assert.equal("new", support.read(folder .. "/" .. beside))
    support.end_and_close(ws)
    assert.equal("file", names_in(folder))
  end)

  it("has the path of the target, also in errors", function()
    local path = target()
    local ws = select(2, write_atomic(path, "new"))
    assert.equal(path, ws:path())
    assert.equal(3, ws:bytes_written())
  end)

  it("keeps the mode of the file it replaces, whatever umask and option say", function()
    for _, mode in ipairs { "640", "4755", "666", "600", "444" } do
      local path = target "old"
      support.sh(("chmod %s %s"):format(mode, path))
      local before = support.mode(path)
      write_atomic(path, "new", { mode = "0604" })
      assert.equal(before, support.mode(path))
      assert.equal("new", support.read(path))
    end
  end)

  it("gives a new file the mode of the option, without what umask takes away", function()
    for mode, expected in pairs { ["nil"] = "rw-r-----", ["'0777'"] = "rwxr-x---" } do
      local path = target()
      support.output_of(([[
        local ws = weir.create_write_stream(path, { atomic = true, mode = %s })
        support.end_and_close(ws)
      ]]):format(mode), { path = path, around = "umask 027; %s" })
      assert.equal(expected, support.mode(path))
    end
  end)

  it("keeps the owner of the file it replaces, where it may", function()
    local path = target "old"
    if support.sh "id -u" ~= "0\n" then pending "only root may give files away" end
    support.sh("chown 12345:23456 " .. path .. "; chmod 6750 " .. path)
    local before = support.mode(path)
    write_atomic(path, "new")
    assert.matches("^%S+ +1 12345 +23456 ", (support.sh("ls -ln " .. path)))
    assert.equal(before, support.mode(path))
  end)

  it("follows symlinks: they stay, and the file at their end is replaced where it lies", function()
    local path, folder = target "old"
    local elsewhere = support.new_path()
    support.sh(("mkdir %s; ln -s %s %s/one; ln -s one %s/two"):format(elsewhere, path, elsewhere,
      elsewhere))
    assert.equal(GOOD, (write_atomic(elsewhere .. "/two", "new")))
    assert.equal("new", support.read(path))
    assert.equal("file", names_in(folder))
    assert.equal("one two", names_in(elsewhere))
    assert.equal(path .. "\n", (support.sh("readlink " .. elsewhere .. "/one")))
  end)

  it("leaves other names of the old file, and those who have it open, the old content", function()
    local path, folder = target "old"
    support.sh(("ln %s %s/other"):format(path, folder))
    local reader = io.open(path, "rb")
    write_atomic(path, "new")
    assert.equal("old", reader:read "*a")
    reader:close()
    assert.equal("old", support.read(folder .. "/other"))
    assert.equal("new", support.read(path))
  end)

  it("takes the longest name that a file may have", function()
    local _, folder = target()
    local path = folder .. "/" .. ("n"):rep(255)
    assert.equal(GOOD, (write_atomic(path, "new")))
    assert.equal(GOOD, (write_atomic(path, "newer")))
    assert.equal("newer", support.read(path))
    assert.equal(("n"):rep(255), names_in(folder))
  end)

  it("takes a path of a bare name", function()
    local _, folder = target()
    local output = support.output_of([[
      local ws, log = support.stream("bare", { atomic = true })
      ws:end_ "new"
      support.close(ws)
      io.write(log.take())
    ]], { cd = folder })
    assert.equal("open ready prefinish finish close", output)
    assert.equal("new", support.read(folder .. "/bare"))
    assert.equal("bare", names_in(folder))
  end)

  it("may be one of many to one target: a whole file stays, that of the last to finish", function()
    local path, folder = target "old"
    local streams = {}
    for i = 1, 8 do
      streams[i] = weir.create_write_stream(path, { atomic = true })
      streams[i]:write((tostring(i)):rep(50000 + i))
    end
    for i = 8, 1, -1 do streams[i]:end_() end
    support.close((unpack or table.unpack)(streams))
    local content = support.read(path)
    local winner = tonumber(content:sub(1, 1))
    assert.is_true(content == (tostring(winner)):rep(50000 + winner))
    assert.equal("file", names_in(folder))
  end)

  it_with_faults("syncs its file, renames it, and syncs the folder, in this order, before finish",
    function()
      local path, folder = target "old"
      local calls = support.new_path()
      support.output_of([[
        local ws = weir.create_write_stream(path, { atomic = true })
        for _, event in ipairs { "open", "finish", "close" } do
          ws:on(event, function() support.append(os.getenv "FAULTS_LOG", event .. "\n") end)
        end
        ws:end_ "new"
        support.close(ws)
      ]], { path = path, on = folder, log = calls })
      local beside = "BESIDE"
      local seen = support.read(calls):gsub(folder:gsub("%p", "%%%0") .. "/%.file%.%S+", beside)
      seen = seen:gsub(folder:gsub("%p", "%%%0"), "FOLDER"):gsub(" %d+\n", "\n")
      assert.equal("open BESIDE\nfchmod BESIDE\nopen\npwritev BESIDE\nfsync BESIDE\n"
        .. "rename FOLDER/file\nopen FOLDER\nfsync FOLDER\nclose FOLDER\nfinish\n"
        .. "close FOLDER/file\nclose\n", seen)
    end)

  it("with w+ and with every sync is the same", function()
    for _, options in ipairs { { flags = "w" }, { flags = "w+" }, { sync = "none" },
      { sync = "data" }, { sync = "full" } } do
      local path, folder = target "old"
      assert.equal(GOOD, (write_atomic(path, "new", options)))
      assert.equal("new", support.read(path))
      assert.equal("file", names_in(folder))
    end
  end)
end)

describe("an atomic stream with wx", function()
  setup(support.open_folder)
  teardown(support.remove_folder)

  it("makes a new file", function()
    for _, flags in ipairs { "wx", "wx+" } do
      local path, folder = target()
      assert.equal(GOOD, (write_atomic(path, "new", { flags = flags })))
      assert.equal("new", support.read(path))
      assert.equal("file", names_in(folder))
    end
  end)

  it("fails at once when there is an old one", function()
    local path, folder = target "old"
    assert.equal("a(EEXIST) end(EEXIST) error(EEXIST) close",
      (write_atomic(path, "new", { flags = "wx" })))
    assert.equal("old", support.read(path))
    assert.equal("file", names_in(folder))
  end)

  it("does not replace one that somebody made meanwhile: the end fails", function()
    local path, folder = target()
    local ws, log = support.stream(path, { atomic = true, flags = "wx" })
    ws:write "new"
    support.run_until(function() return ws:bytes_written() == 3 end)
    support.put("somebody's", path)
    ws:end_(log.cb "end")
    support.close(ws)
    assert.equal("somebody's", support.read(path))
    assert.equal("open ready end(EEXIST) error(EEXIST) close", log.take())
    assert.equal("file", names_in(folder))
  end)
end)

describe("an atomic stream that does not finish", function()
  setup(support.open_folder)
  teardown(support.remove_folder)

  it("because it is destroyed leaves the target as it was, and nothing beside it", function()
    for _, content in ipairs { "old", false } do
      local path, folder = target(content or nil)
      local ws, log = support.stream(path, { atomic = true })
      ws:write("new", log.cb "a")
      support.run_until(function() return ws:bytes_written() == 3 end)
      ws:destroy()
      support.close(ws)
      assert.equal("open ready a close", log.take())
      assert.equal(content, support.read(path) or false)
      assert.equal(content and "file" or "", names_in(folder))
    end
  end)

  it("because it is destroyed before open, in open, or in prefinish", function()
    local path, folder = target "old"
    local ws = weir.create_write_stream(path, { atomic = true })
    ws:end_ "new"
    ws:destroy()
    support.close(ws)
    assert.equal("old", support.read(path))
    ws = weir.create_write_stream(path, { atomic = true })
    ws:on("open", function() ws:destroy() end)
    ws:end_ "new"
    support.close(ws)
    assert.equal("old", support.read(path))
    assert.equal("file", names_in(folder))
  end)

  it("because nobody holds it any more, idle and not ended", function()
    local path, folder = target "old"
    do
      local ws = weir.create_write_stream(path, { atomic = true })
      ws:write "new"
    end
    for _ = 1, 3 do
      weir.run()
      collectgarbage()
    end
    weir.run()
    assert.equal("old", support.read(path))
    assert.equal("file", names_in(folder))
  end)

  it_with_faults("because a system call fails leaves the target as it was, and nothing beside it",
    function()
      for faults, told in pairs {
        ["pwritev:1:ENOSPC"] = "open ready a(ENOSPC) end(ENOSPC) error(ENOSPC) close",
        ["pwritev:1:s2,pwritev:2:EIO"] = "open ready a(EIO) end(EIO) error(EIO) close",
        ["fsync:1:EIO"] = "open ready a end(EIO) error(EIO) close",
        ["rename:1:EACCES"] = "open ready a end(EACCES) error(EACCES) close",
        ["fchmod:1:EPERM"] = "a(EPERM) end(EPERM) error(EPERM) close",
        ["open:1:EMFILE"] = "a(EMFILE) end(EMFILE) error(EMFILE) close",
      } do
        local path, folder = target "old"
        local output = support.output_of([[
          local ws, log = support.stream(path, { atomic = true })
          ws:write("new", log.cb "a")
          ws:end_(log.cb "end")
          support.close(ws)
          io.write(log.take())
        ]], { path = path, on = folder, faults = faults })
        assert.equal(told, output, faults)
        assert.equal("old", support.read(path), faults)
        assert.equal("file", names_in(folder), faults)
      end
    end)

  it_with_faults("goes on through interruptions", function()
    local path, folder = target "old"
    support.output_of([[
      local ws, log = support.stream(path, { atomic = true })
      ws:end_ "new"
      support.close(ws)
    ]], {
      path = path, on = folder,
      faults = "open:1:EINTR,pwritev:1:EINTR,fsync:1:EINTR,fsync:3:EINTR,close:*:EINTR",
    })
    assert.equal("new", support.read(path))
    assert.equal("file", names_in(folder))
  end)

  it_with_faults("tells when only the last sync failed: the new file is there, but may not last",
    function()
      local path, folder = target "old"
      local output = support.output_of([[
        local ws, log = support.stream(path, { atomic = true })
        ws:end_("new", log.cb "end")
        support.close(ws)
        io.write(log.take())
      ]], { path = path, on = folder, faults = "fsync:2:EIO" })
      assert.equal("open ready end(EIO) error(EIO) close", output)
      assert.equal("file", names_in(folder))
    end)
end)

describe("a target that cannot be replaced", function()
  setup(support.open_folder)
  teardown(support.remove_folder)

  local function fails_with(code, path, folder, names)
    assert.equal(("a(%s) end(%s) error(%s) close"):gsub("%%s", code), (write_atomic(path, "new")))
    assert.equal(names, names_in(folder))
  end

  it("because its folder is not there: ENOENT", function()
    local _, folder = target()
    fails_with("ENOENT", folder .. "/no/file", folder, "")
  end)

  it("because it is a dangling symlink: ENOENT", function()
    local _, folder = target()
    support.sh(("ln -s nowhere %s/link"):format(folder))
    fails_with("ENOENT", folder .. "/link", folder, "link")
  end)

  it("because it is a folder: EISDIR", function()
    local path, folder = target()
    support.sh("mkdir " .. path)
    fails_with("EISDIR", path, folder, "file")
  end)

  it("because it is a device: EINVAL", function()
    local _, folder = target()
    fails_with("EINVAL", "/dev/null", folder, "")
    assert.is_true(support.exists "/dev/null")
  end)

  it("because its name is too long: ENAMETOOLONG", function()
    local _, folder = target()
    fails_with("ENAMETOOLONG", folder .. "/" .. ("n"):rep(256), folder, "")
  end)

  it("because its folder may not be written to: EACCES, before anything is written", function()
    local path, folder = target "old"
    local around = "%s"
    if support.sh "id -u" == "0\n" then
      local lacks = support.lacks_command "setpriv"
      if lacks then pending(lacks) end
      around = "setpriv --reuid=65534 --regid=65534 --clear-groups %s"
    end
    support.sh(("chmod 666 %s; chmod 555 %s"):format(path, folder))
    local child = support.child([[
      local ws, log = support.stream(path, { atomic = true })
      ws:write("new", log.cb "a")
      support.close(ws)
      io.write(log.take())
    ]], { path = path, around = around })
    support.sh("chmod 755 " .. folder)
    if child.code ~= 0 then pending "another user cannot read this checkout" end
    assert.equal("a(EACCES) error(EACCES) close", child.output)
    assert.equal("old", support.read(path))
  end)
end)
