-- What a script can do with malice, or by mistake: nothing of it crashes the process, and nothing
-- is taken that should not be. Run under ASan as well.
local weir = require "weir"
local support = require "spec.sinks.support"

-- Lua words it as "bad argument #1 to 'write'", or "calling 'write' on bad self" for a method call.
local function refuses_self(name, fn, ...)
  local ok, err = pcall(fn, ...)
  assert.is_false(ok, name)
  local text = tostring(err)
  assert.truthy(text:find("bad argument #1", 1, true) or text:find("bad self", 1, true), text)
end

local function new_sink()
  return weir.writable { write = function(_, _, done) done() end }
end

local function methods_of(stream)
  local methods = {}
  for name, method in pairs(debug.getmetatable(stream).__index) do methods[name] = method end
  return methods
end

describe("a method called on what is no stream", function()
  local function strangers()
    local list = { false, 0, "x", {}, print, io.stdout, coroutine.create(function() end),
      setmetatable({}, debug.getmetatable(new_sink())), weir.set_timeout(print, 0) }
    if newproxy then list[#list + 1] = newproxy(true) end -- luacheck: ignore
    return list
  end

  it("raises a bad argument, whatever it is called on", function()
    for name, method in pairs(methods_of(new_sink())) do
      for _, stranger in ipairs(strangers()) do refuses_self(name, method, stranger) end
      refuses_self(name, method)
    end
    weir.run "nowait"
  end)

  it("raises on a file of Lua's that was given the metatable of a stream", function()
    local stream = new_sink()
    local forged = io.tmpfile()
    local its_own = debug.getmetatable(forged)
    local count, refused = 0, 0
    for name, method in pairs(methods_of(stream)) do
      debug.setmetatable(forged, debug.getmetatable(stream))
      count = count + 1
      refused = refused + (pcall(refuses_self, name, method, forged) and 1 or 0)
      debug.setmetatable(forged, its_own)
      assert.equal(count, refused, name)
    end
    assert.equal("file", io.type(forged))
    forged:close()
  end)

  it("may have lost its metatable for a while: the stream lives on", function()
    local stream = new_sink()
    local meta = debug.getmetatable(stream)
    for _, method in pairs(methods_of(stream)) do
      debug.setmetatable(stream, nil)
      pcall(method, stream)
      debug.setmetatable(stream, meta)
    end
    -- Some fail the stream, each with an error of its own, and some take its listeners away. What a
    -- coroutine might still ask for is told when nothing else is alive: so this runs to the end.
    repeat until pcall(weir.run)
    assert.truthy(tostring(stream):find("weir.stream", 1, true))
  end)

  it("shows no metatable that could be changed", function()
    assert.equal("weir.stream", getmetatable(new_sink()))
  end)
end)

describe("a finalizer called by hand", function()
  setup(support.open_folder)
  teardown(support.remove_folder)
  before_each(function() collectgarbage() collectgarbage() end)

  local function collect(stream, ...) return debug.getmetatable(stream).__gc(...) end

  it("does nothing to what is no stream", function()
    local stream = new_sink()
    for _, stranger in ipairs { 0, "x", {}, io.stdout, print } do collect(stream, stranger) end
    collect(stream)
    assert.is_true(stream:write "x")
  end)

  it("makes an idle stream useless, once and again, and closes its file", function()
    local before = support.descriptors()
    local ws = weir.create_write_stream(support.new_path())
    support.run_until(function() return not ws:pending() end)
    weir.run "nowait"
    collect(ws, ws)
    collect(ws, ws)
    refuses_self("write", ws.write, ws, "x")
    assert.equal("weir.stream (collected)", tostring(ws))
    weir.run()
    assert.equal(before, support.descriptors())
  end)

  it("on a busy file stream lets it write what it accepted, and closes the file", function()
    weir.create_write_stream(support.new_path()):end_() -- the loop has its descriptors
    weir.run()
    local before = support.descriptors()
    for _, corks in ipairs { 0, 2 } do
      local ws = weir.create_write_stream(support.new_path())
      local path = ws:path()
      for _ = 1, corks do ws:cork() end
      for _ = 1, 100 do ws:write(("x"):rep(5000)) end
      collect(ws, ws)
      weir.run()
      assert.equal(500000, support.size(path))
    end
    assert.equal(before, support.descriptors())
  end)

  it("on a busy sink of Lua's, and in the middle of its call, calls nobody any more", function()
    local calls, done_later = 0, nil
    local stream
    stream = weir.writable {
      write = function(_, _, done)
        calls = calls + 1
        done_later = done
        collect(stream, stream)
      end,
    }
    stream:write "a"
    refuses_self("write", stream.write, stream, "b")
    pcall(done_later)
    weir.run "nowait"
    assert.equal(1, calls)
  end)
end)

describe("a file stream", function()
  setup(support.open_folder)
  teardown(support.remove_folder)

  it("that must be new follows no link that somebody laid, even if it leads nowhere", function()
    local link, victim = support.new_path(), support.new_path()
    support.sh(("ln -s %s %s"):format(victim, link))
    for _, atomic in ipairs { false, true } do
      local ws, log = support.stream(link, { flags = "wx", atomic = atomic })
      ws:end_ "x"
      support.close(ws)
      assert.matches("error%(E%u+%) close", log.take())
    end
    assert.is_nil(support.read(victim))
  end)

  it("tells nothing of what is written in its errors", function()
    local ws = weir.create_write_stream "/dev/full"
    local told
    ws:on("error", function(err) told = err end)
    ws:write "the secret"
    support.close(ws)
    for _, text in pairs(told) do assert.is_nil(tostring(text):find("secret", 1, true)) end
    assert.is_nil(tostring(told):find("secret", 1, true))
  end)
end)

describe("the module's file", function()
  local paths = require "spec.support.paths"

  it("is hardened: relocations are read-only and bound at once; it is never unloaded", function()
    if support.lacks_command "readelf" then pending "there is no readelf" end
    local dynamic, code = support.sh("readelf -dlW " .. paths.module)
    if code ~= 0 then pending "the module is no ELF file" end
    for _, word in ipairs { "BIND_NOW", "NODELETE", "GNU_RELRO" } do
      assert.truthy(dynamic:find(word, 1, true), word)
    end
    assert.is_nil(dynamic:match "GNU_STACK[^\n]*RWE")
    if support.slow then return end
    local symbols = support.sh("readelf -sW " .. paths.module)
    assert.truthy(symbols:find("__stack_chk_fail", 1, true), "no stack protector")
  end)
end)
