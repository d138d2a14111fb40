-- On luv's loop, where luv is not what it seems, or fails: the luv that weir is told to use is the
-- real one with some of its functions changed.
local support = require "spec.sinks.support"

local there_is_luv
local function lacks_luv()
  if there_is_luv == nil then
    local interpreter = require("spec.support.paths").interpreter
    local _, code = support.sh(interpreter .. " -e 'require \"luv\"'")
    there_is_luv = code == 0
  end
  return not there_is_luv and "there is no luv" or nil
end

-- A script with `uv`, and `use(changes)`: weir uses luv with these functions in place of its own.
local HEAD = [[
  local uv = require "luv"
  local registry = debug.getregistry()
  local function use(changes)
    local changed = {}
    for name, value in pairs(uv) do changed[name] = value end
    for name, value in pairs(changes) do changed[name] = value end
    weir.use(changed)
    return changed
  end
  local function message(fn, ...)
    local ok, err = pcall(fn, ...)
    return ok and "fine" or tostring(err)
  end
]]

local function on_luv(sentence, body)
  it(sentence, function()
    local lacks = lacks_luv()
    if lacks then pending(lacks) end
    body()
  end)
end

local function output_of(script) return (support.output_of(HEAD .. script)) end

describe("what is not luv", function()
  setup(support.open_folder)
  teardown(support.remove_folder)

  on_luv("although it has luv's functions, is left alone: weir has a loop of its own", function()
    for _, timer in ipairs {
      "function() end", "function() return 1 end", "function() error 'no' end",
      "function() return io.stdout end",
      "function() return newproxy and newproxy(true) or io.stdout end",
      "function() return debug.setmetatable(io.tmpfile(), nil) end",
      "function() registry.uv_timer = nil return uv.new_timer() end",
    } do
      assert.equal("own done", output_of(([[
        use { new_timer = %s, close = function(t) io.write "" end }
        io.write(weir.loop_info().kind)
        weir.set_timeout(function() io.write " done" end, 1)
        weir.run()
        os.exit(0) -- what was broken on purpose is not closed
      ]]):format(timer)), timer)
    end
  end)

  on_luv("is not taken by weir.use, nor found", function()
    assert.equal("false false false own", support.output_of [[
      local uv = {}
      for _, name in ipairs { "new_idle", "new_timer", "new_poll", "close", "run" } do
        uv[name] = name == "run" or print
      end
      io.write(tostring(pcall(weir.use, uv)), " ", tostring(pcall(weir.use, true)), " ",
        tostring(pcall(weir.use, print)), " ")
      vim, package = setmetatable({}, { __index = function() return 1 end }), nil
      debug.getregistry()["weir.loop"] = 1
      io.write(weir.loop_info().kind)
    ]])
    assert.equal("own", support.output_of [[
      vim = setmetatable({}, { __index = function() error "no such field" end })
      io.write(weir.loop_info().kind)
    ]])
    assert.equal("own", support.output_of [[
      package.loaded.luv = "luv"
      io.write(weir.loop_info().kind)
    ]])
  end)

  on_luv("looks like Neovim's where `vim` has it: then the host runs the loop", function()
    assert.equal("luv ERR_LOOP_RUNNING done", output_of [[
      vim = { loop = uv }
      io.write(weir.loop_info().kind, " ", select(2, weir.run()).code)
      weir.set_timeout(function() io.write " done" end, 1)
      uv.run()
    ]])
  end)
end)

describe("luv without the context that weir knows", function()
  setup(support.open_folder)
  teardown(support.remove_folder)

  on_luv("is shared all the same; what nobody catches is raised by weir.run", function()
    for _, context in ipairs { "nil", "'x'", "io.stdout" } do
      assert.matches("^luv .-oops[^\n]*\nstack.*\nfinish close$", output_of(([[
        local kept = registry.luv_context
        use {
          close = function(...) uv.close(...) registry.luv_context = %s end,
          new_idle = function() registry.luv_context = kept return uv.new_idle() end,
        }
        io.write(weir.loop_info().kind, " ")
        weir.set_timeout(function() error "oops" end, 1)
        io.write(message(weir.run), "\n")
        local ws, log = support.stream(path)
        ws:end_ "abc"
        weir.run()
        io.write((log.take():match "finish close"))
        os.exit(0)
      ]]):format(context)))
    end
  end)
end)

describe("luv that fails", function()
  setup(support.open_folder)
  teardown(support.remove_folder)

  on_luv("to make the first handle is an error of who asked, by its name", function()
    for answer, expected in pairs {
      ["nil, 'EMFILE: too many', 'EMFILE'"] = "too many open files",
      ["nil, 'odd', 'EODD'"] = "invalid argument",
      ["nil"] = "invalid argument",
      ["error 'oops'"] = "not enough memory",
    } do
      assert.matches("cannot open a loop: " .. expected, output_of(([[
        use { new_idle = function() return %s end }
        io.write(message(weir.create_write_stream, path))
      ]]):format(answer)))
    end
  end)

  on_luv("to make a timer raises, and the loop goes on", function()
    assert.matches("^[^\n]*the loop refused the timer\ndone$", output_of [[
      local broken
      use { new_timer = function() if not broken then return uv.new_timer() end end }
      weir.loop_info()
      broken = true
      print(message(weir.set_timeout, print, 1))
      broken = false
      weir.set_timeout(function() io.write "done" end, 1)
      weir.run()
    ]])
  end)

  on_luv("to make a poll is an error of the stream", function()
    assert.equal("EMFILE", output_of [[
      use { new_poll = function() return nil, "EMFILE", "EMFILE" end }
      local server = weir.create_server()
      server:on("error", function(err) io.write(err.code) end)
      server:listen { host = "127.0.0.1", port = 0 }
      weir.run()
    ]])
  end)

  on_luv("to close a handle keeps nobody waiting, and is called by none of them", function()
    assert.equal("done abc hello", output_of [[
      local broken = false
      use { close = function(...) if broken then error "oops" end uv.close(...) end }
      local ws = weir.create_write_stream(path)
      local server = weir.create_server({}, function(s)
        s:on("data", function(data)
          io.write(" ", data)
          s:destroy()
        end)
      end)
      server:listen { host = "127.0.0.1", port = 0 }
      broken = true
      weir.set_timeout(function() io.write "this is cleared" end, 1):clear()
      local function run_until(done) repeat weir.run "nowait" until done() end
      local fired
      weir.set_timeout(function() fired = true end, 1)
      run_until(function() return fired end)
      io.write "done"
      ws:end_ "abc"
      run_until(function() return ws:closed() end)
      io.write(" ", support.read(path))
      local s = weir.connect { host = "127.0.0.1", port = select(2, server:address()) }
      s:on("error", function() end)
      s:end_ "hello"
      run_until(function() return s:closed() end)
      server:close()
      for _ = 1, 5 do weir.run "nowait" end
    ]])
  end)

  on_luv("to run has its error raised by weir.run, and may be tried anew", function()
    assert.matches("^oops\nnot now\ndone$", output_of [[
      local broken = true
      use { run = function(...) if broken then error("oops", 0) end return uv.run(...) end }
      weir.set_timeout(function() io.write "done" end, 1)
      print(message(weir.run))
      print "not now"
      broken = false
      weir.run()
    ]])
  end)

  on_luv("to say whether it runs, or cannot, is run", function()
    for _, mode in ipairs { "function() error 'oops' end", "false", "function() end" } do
      assert.equal("done", output_of(([[
        use { loop_mode = %s }
        weir.set_timeout(function() io.write "done" end, 1)
        weir.run()
      ]]):format(mode)))
    end
  end)

  on_luv("while its state closes loses nothing", function()
    local _, path = support.output_of(HEAD .. [[
      use { run = function() error "oops" end }
      weir.create_write_stream(path):write(("x"):rep(100000))
    ]])
    assert.equal(100000, support.size(path))
  end)
end)

describe("on luv's loop", function()
  setup(support.open_folder)
  teardown(support.remove_folder)

  on_luv("sockets and files are read, and weir.stop ends weir.run", function()
    assert.equal("hello abc stopped true over", output_of [[
      weir.use(uv)
      support.put("abc", path)
      weir.create_read_stream(path):on("data", function(data) io.write(data, " ") end)
      local server
      server = weir.create_server({}, function(s)
        s:on("data", function(data)
          io.write(data, " ")
          s:end_()
          s:on("close", function() server:close() end)
        end)
      end)
      server:listen { host = "127.0.0.1", port = 0 }
      server:on("listening", function()
        local _, port = server:address()
        local s = weir.connect { host = "127.0.0.1", port = port }
        s:end_ "hello"
        s:resume()
      end)
      weir.run()
      local later = weir.set_timeout(function() end, 100000)
      weir.set_timeout(function() weir.stop() end, 1)
      io.write("stopped ", tostring(weir.run()))
      later:clear()
      weir.run()
      io.write " over"
    ]]:gsub("^abc hello", "hello abc"), nil)
  end)

  on_luv("weir.run says so where luv's own callback calls it", function()
    assert.equal("ERR_LOOP_RUNNING", output_of [[
      weir.use(uv)
      weir.loop_info()
      local t = uv.new_timer()
      uv.timer_start(t, 1, 0, function()
        io.write(select(2, weir.run()).code)
        uv.close(t)
      end)
      weir.set_timeout(function() end, 5)
      weir.run()
    ]])
  end)

  on_luv("an error that is no text is told as one: luv shows nothing else", function()
    for raised, shown in pairs {
      ["{}"] = "an error that is a table",
      ["setmetatable({}, { __tostring = function() return 'mine' end })"] = "mine",
      ["setmetatable({}, { __tostring = function() return {} end })"] = "an error that is a table",
      ["nil"] = "an error that is a nil",
    } do
      local child = support.child(HEAD .. ([[
        weir.use(uv)
        weir.set_timeout(function() error(%s) end, 1)
        uv.run()
      ]]):format(raised))
      assert.matches(shown, child.output, 1, true)
    end
  end)

  on_luv("one that a coroutine raised goes luv's way too", function()
    local child = support.child(HEAD .. [[
      weir.use(uv)
      weir.spawn(function()
        weir.create_write_stream(path):send "abc"
        error "oops"
      end)
      uv.run()
    ]])
    assert.matches("oops", child.output)
  end)

  on_luv("a timer whose handle the script has closed is over, whatever is asked of it", function()
    assert.equal("over", output_of [[
      weir.use(uv)
      local timer = weir.set_timeout(print, 100000)
      uv.walk(function(handle) if not uv.is_closing(handle) then uv.close(handle) end end)
      timer:ref():unref():ref()
      uv.run()
      timer:unref():clear()
      uv.run()
      io.write "over"
    ]])
  end)

  on_luv("a loop that was closed is used no more", function()
    assert.equal("0 false", output_of [[
      weir.use(uv)
      weir.create_write_stream(path):end_ "abc"
      uv.run()
      uv.walk(function(handle) if not uv.is_closing(handle) then uv.close(handle) end end)
      uv.run()
      io.write(tostring(uv.loop_close()), " ", tostring((pcall(weir.set_timeout, print, 1))))
      os.exit(0)
    ]])
  end)
end)
