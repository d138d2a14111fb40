local weir = require "weir"
local support = require "spec.sinks.support"

local OLD = "0123456789"

-- Writes `text` with these options into a file of this content (nil: none). Returns what is in it.
local function written(text, options, content)
  local path = content and support.put(content) or support.new_path()
  local ws = weir.create_write_stream(path, options)
  ws:write(text)
  support.end_and_close(ws)
  return support.read(path)
end

-- The code of the error that a stream of these options meets in a file of this content, if any, and
-- what the file holds then.
local function refused(options, content)
  local path = content and support.put(content) or support.new_path()
  local ws, log = support.stream(path, options)
  ws:write("x", log.cb "a")
  support.close(ws)
  return log.take(), support.read(path)
end

describe("opening a file", function()
  setup(support.open_folder)
  teardown(support.remove_folder)

  it("tells open and ready once, before the first bytes are written, and nothing comes after close",
    function()
      local ws, log = support.stream(support.new_path())
      ws:write("a", log.cb "a")
      ws:write("b", log.cb "b")
      ws:end_(log.cb "end")
      support.close(ws)
      assert.equal("open ready a b prefinish end finish close", log.take())
    end)

  it("tells drain before the callbacks when the mark was reached before it", function()
    local ws, log = support.stream(support.new_path(), { high_water_mark = 2 })
    log.add(ws:write("a", log.cb "a"))
    log.add(ws:write("b", log.cb "b"))
    log.add(ws:write("c", log.cb "c"))
    support.run_until(function() return ws:writable_length() == 0 end)
    support.end_and_close(ws)
    assert.equal("true false false open ready drain a b c prefinish finish close", log.take())
  end)

  it("gives the listeners of open the descriptor, and none of the others the stream", function()
    local ws = weir.create_write_stream(support.new_path())
    local given = {}
    for _, event in ipairs { "open", "ready", "drain", "prefinish", "finish", "close" } do
      ws:on(event, function(...)
        given[#given + 1] = { event, select("#", ...), type((...)) }
        if event == "open" then assert.equal((...), ws:fd()) end
      end)
    end
    ws:write(("x"):rep(20000))
    support.run_until(function() return ws:writable_length() == 0 end)
    support.end_and_close(ws)
    assert.same({
      { "open", 1, "number" }, { "ready", 0, "nil" }, { "drain", 0, "nil" },
      { "prefinish", 0, "nil" }, { "finish", 0, "nil" }, { "close", 0, "nil" },
    }, given)
  end)

  it("is pending, without a descriptor, until open; and again once it is closed", function()
    local path = support.new_path()
    local ws = weir.create_write_stream(path)
    local function state()
      return { ws:pending(), ws:fd() ~= nil, ws:path(), ws:bytes_written() }
    end
    local before, at = state(), {}
    for _, event in ipairs { "open", "ready", "finish", "close" } do
      ws:on(event, function() at[event] = state() end)
    end
    ws:write "abc"
    support.end_and_close(ws)
    assert.same({ true, false, path, 0 }, before)
    assert.same({ false, true, path, 0 }, at.open)
    assert.same({ false, true, path, 0 }, at.ready)
    assert.same({ false, true, path, 3 }, at.finish)
    assert.same({ true, false, path, 3 }, at.close)
    assert.same({ true, false, path, 3 }, state())
  end)

  it("says what it is when asked for a string", function()
    local path = support.new_path()
    local ws = weir.create_write_stream(path)
    local function says(state)
      assert.equal(("weir.stream (file '%s', %s)"):format(path, state), tostring(ws):match "^(.*):")
    end
    says "opening"
    ws:on("open", function() weir.next_tick(says, "open") end)
    ws:on("finish", function() says "finished" end)
    support.run_until(function() return not ws:pending() end)
    ws:end_()
    says "ended"
    support.close(ws)
    says "closed"
  end)

  it("writes what came before open in order", function()
    local path = support.new_path()
    local ws = weir.create_write_stream(path)
    local pieces = {}
    for i = 1, 500 do
      pieces[i] = ("%d,"):format(i)
      ws:write(pieces[i])
    end
    support.end_and_close(ws)
    assert.equal(table.concat(pieces), support.read(path))
  end)

  it("takes writes from the listeners of open and ready, behind those that came before", function()
    local path = support.new_path()
    local ws = weir.create_write_stream(path)
    ws:write "1"
    ws:on("open", function() ws:write "2" end)
    ws:on("ready", function() ws:end_ "3" end)
    support.close(ws)
    assert.equal("123", support.read(path))
  end)

  it("makes an empty file when nothing is written", function()
    local path = support.new_path()
    local ws, log = support.stream(path)
    support.end_and_close(ws)
    assert.equal("open ready prefinish finish close", log.take())
    assert.equal("", support.read(path))
  end)

  it("opens the file although nobody writes or ends", function()
    local path = support.new_path()
    local ws, log = support.stream(path)
    support.run_until(function() return not ws:pending() end)
    assert.equal("open ready", log.take())
    assert.equal("", support.read(path))
    support.end_and_close(ws)
  end)

  it("does not keep the loop alive when there is nothing to do", function()
    local ws = weir.create_write_stream(support.new_path())
    support.run_until(function() return not ws:pending() end)
    assert.is_false(weir.run())
    support.end_and_close(ws)
  end)

  it("takes any bytes in a path but NUL", function()
    local path = support.new_path(" a'b\"c\n\\d\t\195\188\255.txt")
    local ws = weir.create_write_stream(path)
    ws:write "x"
    support.end_and_close(ws)
    assert.equal("x", support.read(path))
    assert.equal(path, ws:path())
  end)

  it("writes through a symlink into the file behind it, and leaves the link", function()
    local file, link = support.put "old", support.new_path()
    support.sh(("ln -s %s %s"):format(file, link))
    local ws = weir.create_write_stream(link)
    ws:write "new"
    support.end_and_close(ws)
    assert.equal("new", support.read(file))
    assert.equal(file .. "\n", (support.sh("readlink " .. link)))
  end)

  it("makes the file that a dangling symlink names", function()
    local file, link = support.new_path(), support.new_path()
    support.sh(("ln -s %s %s"):format(file, link))
    local ws = weir.create_write_stream(link)
    ws:write "new"
    support.end_and_close(ws)
    assert.equal("new", support.read(file))
  end)

  it("writes into a file that was unlinked meanwhile without an error", function()
    local path = support.new_path()
    local ws, log = support.stream(path)
    ws:on("open", function() os.remove(path) end)
    ws:write("abc", log.cb "a")
    support.end_and_close(ws)
    assert.equal("open ready a prefinish finish close", log.take())
    assert.equal(3, ws:bytes_written())
    assert.is_false(support.exists(path))
  end)

  it("follows the file, not the name, when it is renamed", function()
    local path, new = support.new_path(), support.new_path()
    local ws = weir.create_write_stream(path)
    ws:write "a"
    support.run_until(function() return ws:bytes_written() == 1 end)
    os.rename(path, new)
    ws:write "b"
    support.end_and_close(ws)
    assert.equal("ab", support.read(new))
    assert.is_false(support.exists(path))
  end)

  it("keeps its descriptor from programs that are started meanwhile", function()
    local lacks = support.lacks_file "/proc/self/stat"
    if lacks then pending(lacks) end
    local path = support.new_path()
    local ws = weir.create_write_stream(path)
    support.run_until(function() return not ws:pending() end)
    local all = support.sh "ls -l /proc/$$/fd"
    assert.matches("1 %->", all)
    assert.is_nil(all:find(path, 1, true))
    support.end_and_close(ws)
  end)
end)

describe("the flag", function()
  setup(support.open_folder)
  teardown(support.remove_folder)

  for _, flags in ipairs { "w", "w+" } do
    it(flags .. " makes a file, and begins an old one anew", function()
      assert.equal("abc", written("abc", { flags = flags }))
      assert.equal("abc", written("abc", { flags = flags }, OLD))
      assert.equal("", written("", { flags = flags }, OLD))
    end)
  end

  for _, flags in ipairs { "a", "a+" } do
    it(flags .. " makes a file, and adds to an old one", function()
      assert.equal("abc", written("abc", { flags = flags }))
      assert.equal(OLD .. "abc", written("abc", { flags = flags }, OLD))
      assert.equal(OLD, written("", { flags = flags }, OLD))
    end)
  end

  for _, flags in ipairs { "wx", "wx+", "ax", "ax+" } do
    it(flags .. " makes a file, and leaves an old one alone: EEXIST", function()
      assert.equal("abc", written("abc", { flags = flags }))
      local log, content = refused({ flags = flags }, OLD)
      assert.equal("a(EEXIST) error(EEXIST) close", log)
      assert.equal(OLD, content)
    end)

    it(flags .. " takes a dangling symlink for a file that is there", function()
      local file, link = support.new_path(), support.new_path()
      support.sh(("ln -s %s %s"):format(file, link))
      local ws, log = support.stream(link, { flags = flags })
      support.close(ws)
      assert.equal("error(EEXIST) close", log.take())
      assert.is_false(support.exists(file))
    end)
  end

  it("r+ writes over the beginning of an old file, and makes no new one: ENOENT", function()
    assert.equal("abc3456789", written("abc", { flags = "r+" }, OLD))
    assert.equal("abcdefghijkl", written("abcdefghijkl", { flags = "r+" }, OLD))
    assert.equal(OLD, written("", { flags = "r+" }, OLD))
    local log, content = refused { flags = "r+" }
    assert.equal("a(ENOENT) error(ENOENT) close", log)
    assert.is_nil(content)
  end)

  it("w is the default", function()
    assert.equal("abc", written("abc", nil, OLD))
  end)

  it("with a plus opens for reading, too", function()
    local lacks = support.lacks_file "/proc/self/fdinfo/0"
    if lacks then pending(lacks) end
    for flags, access in pairs { w = 1, ["w+"] = 2, a = 1, ["a+"] = 2, ["r+"] = 2, wx = 1,
      ["wx+"] = 2, ax = 1, ["ax+"] = 2 } do
      local path = flags:find "x" and support.new_path() or support.put ""
      local ws = weir.create_write_stream(path, { flags = flags })
      support.run_until(function() return not ws:pending() end)
      local octal = support.read("/proc/self/fdinfo/" .. ws:fd()):match "flags:%s*(%d+)"
      assert.equal(access, tonumber(octal, 8) % 4, flags)
      support.end_and_close(ws)
    end
  end)

  it("a writes at the end that the file has at that moment", function()
    local path = support.put "1"
    local ws = weir.create_write_stream(path, { flags = "a" })
    support.run_until(function() return not ws:pending() end)
    local other = io.open(path, "ab")
    other:write "2"
    other:close()
    ws:write "3"
    support.run_until(function() return ws:bytes_written() == 1 end)
    other = io.open(path, "ab")
    other:write "4"
    other:close()
    ws:write "5"
    support.end_and_close(ws)
    assert.equal("12345", support.read(path))
  end)

  it("a lets several streams share a file, and none loses a byte", function()
    local path, streams = support.new_path(), {}
    for i = 1, 4 do streams[i] = weir.create_write_stream(path, { flags = "a" }) end
    for _ = 1, 1000 do
      for i, ws in ipairs(streams) do ws:write(i) end
    end
    for _, ws in ipairs(streams) do ws:end_() end
    support.close(streams[1], streams[2], streams[3], streams[4])
    local content = support.read(path)
    assert.equal(4000, #content)
    for i = 1, 4 do assert.equal(1000, select(2, content:gsub(tostring(i), ""))) end
  end)
end)

describe("the mode of a new file", function()
  setup(support.open_folder)
  teardown(support.remove_folder)

  -- The mode that a file gets under this umask.
  local function mode_of(umask, options)
    local _, path = support.output_of([[
      support.end_and_close(weir.create_write_stream(path, ]] .. options .. "))",
      { around = "umask " .. umask .. "; %s" })
    return support.mode(path)
  end

  it("is 0666 without what umask takes away", function()
    assert.equal("rw-rw-rw-", mode_of("000", "{}"))
    assert.equal("rw-r--r--", mode_of("022", "{}"))
    assert.equal("rw-r-----", mode_of("027", "{}"))
  end)

  it("is a number, or octal digits as chmod takes them, without what umask takes away", function()
    assert.equal("rwxr-x--x", mode_of("000", "{ mode = 489 }"))
    assert.equal("rwxr-x--x", mode_of("000", "{ mode = '0751' }"))
    assert.equal("rwxr-x--x", mode_of("000", "{ mode = '751' }"))
    assert.equal("rwxr-x---", mode_of("027", "{ mode = 489 }"))
  end)

  it("may forbid the writing that the stream itself does", function()
    local path = support.new_path()
    local ws = weir.create_write_stream(path, { mode = "0400" })
    ws:write "abc"
    support.end_and_close(ws)
    assert.equal("r--------", support.mode(path))
    assert.equal("abc", support.read(path))
  end)

  it("is not given to a file that was there", function()
    local path = support.put "old"
    support.sh("chmod 600 " .. path)
    local ws = weir.create_write_stream(path, { mode = "0777" })
    support.end_and_close(ws)
    assert.equal("rw-------", support.mode(path))
  end)
end)

describe("start", function()
  setup(support.open_folder)
  teardown(support.remove_folder)

  it("with r+ is where the first byte goes, and the others follow", function()
    local path = support.put(OLD)
    local ws = weir.create_write_stream(path, { flags = "r+", start = 3 })
    ws:write "AB"
    support.run_until(function() return ws:bytes_written() == 2 end)
    ws:write "C"
    support.end_and_close(ws)
    assert.equal("012ABC6789", support.read(path))
    assert.equal(3, ws:bytes_written())
  end)

  it("with w leaves a hole of zeros in front of it", function()
    assert.equal("\0\0\0\0\0abc", written("abc", { start = 5 }, OLD))
  end)

  it("may be 0", function()
    assert.equal("abc3456789", written("abc", { flags = "r+", start = 0 }, OLD))
    assert.equal("abc", written("abc", { start = 0 }, OLD))
  end)

  it("may be the end of the file, or behind it", function()
    assert.equal(OLD .. "abc", written("abc", { flags = "r+", start = 10 }, OLD))
    assert.equal(OLD .. "\0\0abc", written("abc", { flags = "r+", start = 12 }, OLD))
  end)

  it("makes no difference when nothing is written", function()
    assert.equal("", written("", { start = 5 }, OLD))
    assert.equal(OLD, written("", { flags = "r+", start = 50 }, OLD))
  end)

  it("may be beyond 4 GiB", function()
    local path = support.new_path()
    local ws = weir.create_write_stream(path, { start = 2 ^ 32 + 5 })
    ws:write "abc"
    support.end_and_close(ws)
    local file = io.open(path, "rb")
    assert.equal(2 ^ 32 + 8, file:seek "end")
    file:seek("set", 2 ^ 32 + 4)
    assert.equal("\0abc", file:read(10))
    file:close()
    os.remove(path)
  end)

  it("holds for a chunk of many system calls", function()
    local path = support.put(OLD)
    local big = ("abcdefg"):rep(500000)
    local ws = weir.create_write_stream(path, { flags = "r+", start = 7 })
    ws:write(big)
    support.end_and_close(ws)
    assert.is_true(OLD:sub(1, 7) .. big == support.read(path))
  end)
end)
