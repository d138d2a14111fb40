-- On luv's loop: shared where weir and luv have one libuv, else by its functions, or by a bridge.
local support = require "spec.sinks.support"

-- The ways of meeting luv. A second copy of libuv is made of the first, under another name.
local COPY = [[
  luv=$(%s -e 'print(package.searchpath and package.searchpath("luv", package.cpath) or "")')
  for path in "$luv" /usr/lib/*/lua/%s/luv.so; do
    if [ -e "$path" ]; then luv=$path; fi
  done
  uv=$(ldd "$luv" | sed -n 's/.*libuv.so.1 => \([^ ]*\).*/\1/p')
  sed 's/libuv\.so\.1/libuv.so.2/g' "$uv" > libuv.so.2 &&
  sed 's/libuv\.so\.1/libuv.so.2/g' "$luv" > luv.so && grep -q libuv.so.2 luv.so]]

local copy, no_copy
local function make_copy()
  if support.sh "uname -s" ~= "Linux\n" then return nil, "only on Linux is libuv copied" end
  local folder = support.new_path()
  local version = _VERSION:match "[%d.]+"
  local interpreter = require("spec.support.paths").interpreter
  local output, code = support.sh(("mkdir %s && cd %s && %s"):format(folder, folder,
    COPY:format(interpreter, version)))
  if code ~= 0 then return nil, "no copy of libuv: " .. output end
  return folder
end

local no_rebind
local function build_no_rebind()
  no_rebind = support.new_path ".so"
  local line = "%s -shared -fPIC -o %s spec/support/preload/no_rebind.c -ldl"
  local _, code = support.sh(line:format(os.getenv "CC" or "cc", no_rebind))
  return code == 0
end

local function around(kind)
  if kind == "luv" then return nil end
  local line = "LD_LIBRARY_PATH=" .. copy
  if kind == "bridge" then line = line .. " LD_PRELOAD=\"$LD_PRELOAD " .. no_rebind .. "\"" end
  return "export " .. line .. "; %s"
end

-- Asked of another process: in this one weir would find it, and share its loop from then on.
local no_luv
local function there_is_no_luv()
  if no_luv == nil then
    local interpreter = require("spec.support.paths").interpreter
    local _, code = support.sh(interpreter .. " -e 'require \"luv\"'")
    no_luv = code ~= 0
  end
  return no_luv
end

-- Why this kind cannot be had here; nil: it can.
local function lacks(kind)
  if there_is_no_luv() then return "there is no luv" end
  if kind == "luv" then return nil end
  if support.watches then return "sanitizers and valgrind see one libuv only" end
  if not copy and not no_copy then copy, no_copy = make_copy() end
  if no_copy then return no_copy end
  if kind == "bridge" and not no_rebind and not build_no_rebind() then
    return "there is no compiler"
  end
end

-- Runs a script that has `uv`; luv is the copy, except for kind "luv".
local function child(kind, script, options)
  options = options or {}
  options.around = around(kind)
  local head = ""
  if kind ~= "luv" then head = ("package.cpath = '%s/?.so;' .. package.cpath\n"):format(copy) end
  return support.child(head .. "local uv = require 'luv'\nweir.use(uv)\n" .. script, options)
end

local function output_of(kind, script, options)
  local it = child(kind, script, options)
  assert(it.code == (options and options.code or 0),
    ("exit code %d:\n%s"):format(it.code, it.output))
  return it.output, support.read(it.path)
end

for _, kind in ipairs { "luv", "luv-rebound", "bridge" } do
  local function on_it(sentence, body)
    it(sentence, function()
      local reason = lacks(kind)
      if reason then pending(reason) end
      body()
    end)
  end

  describe("on luv's loop, as " .. kind .. ",", function()
    setup(support.open_folder)
    teardown(function()
      support.remove_folder()
      copy, no_rebind = nil, nil
    end)

    on_it("weir says so, and finds luv by itself", function()
      assert.equal(kind, output_of(kind, "io.write(weir.loop_info().kind)"))
      local plain = support.child([[
        pcall(require, "luv")
        io.write(weir.loop_info().kind)
      ]])
      assert.equal("luv", plain.output)
    end)

    on_it("streams, timers and coroutines run with luv's own handles, by uv.run and by weir.run",
      function()
        for _, run in ipairs { "uv.run()", "weir.run()" } do
          local output, content = output_of(kind, ([[
            local ws, log = support.stream(path, { high_water_mark = 100 })
            local lines = 0
            local function more()
              while lines < 500 do
                lines = lines + 1
                if not ws:write("line ", lines, "\n") then return ws:once("drain", more) end
              end
              ws:end_()
            end
            more()
            local seen = {}
            weir.set_timeout(function() seen[#seen + 1] = "ours" end, 5)
            local timer = uv.new_timer()
            uv.timer_start(timer, 5, 0, function() seen[#seen + 1] = "luv's" uv.close(timer) end)
            weir.spawn(function()
              local other = weir.create_write_stream(path .. ".2")
              for i = 1, 500 do assert(other:send(i)) end
              assert(other:finish())
              seen[#seen + 1] = "sent"
            end)
            %s
            table.sort(seen)
            io.write(table.concat(seen, " "), " ", log.take():match "finish close")
          ]]):format(run))
          assert.equal("luv's ours sent finish close", output)
          assert.matches("^line 1\nline 2\n.*line 500\n$", content)
        end
      end)

    on_it("uv.walk sees nothing but handles of luv's, and the loop can be closed", function()
      local output, content = output_of(kind, [[
        local ws = weir.create_write_stream(path)
        ws:write "abc"
        local kinds = {}
        uv.walk(function(handle) kinds[#kinds + 1] = tostring(handle):match "^uv_%a+" end)
        assert(#kinds > 0)
        ws:end_()
        uv.run()
        uv.walk(function(handle) if not uv.is_closing(handle) then uv.close(handle) end end)
        uv.run()
        io.write(tostring(uv.loop_close()))
      ]])
      assert.equal("0", output)
      assert.equal("abc", content)
    end)

    on_it("a script that closes all handles does not lose what comes after", function()
      local _, content = output_of(kind, [[
        local ws = weir.create_write_stream(path)
        ws:write "abc"
        uv.walk(function(handle) if not uv.is_closing(handle) then uv.close(handle) end end)
        uv.run()
        ws:write "def"
        uv.run()
        ws:end_ "ghi"
        uv.run()
        assert(ws:writable_finished())
      ]])
      assert.equal("abcdefghi", content)
    end)

    on_it("a handle that luv does not close, because that raises, does nothing any more", function()
      assert.equal("", (output_of(kind, [[
        local close = uv.close
        local timer = weir.set_timeout(function() io.write "fired" end, 5)
        uv.close = function() error "no" end
        timer:clear()
        uv.close = close
        timer = nil
        collectgarbage()
        collectgarbage()
        weir.set_timeout(function() end, 20)
        uv.run()
      ]])))
    end)

    on_it("what was accepted is in the file when the state closes", function()
      local big = ("x"):rep(100000)
      for _, last in ipairs { "", "uv.run 'nowait'", "weir.set_timeout(print, 9999):clear()",
        "weir.set_timeout(print, 9999)", "os.exit(0, true)" } do
        local output, content = output_of(kind, [[
          local ws = weir.create_write_stream(path)
          ws:write(("x"):rep(100000))
          ws:write "y"
        ]] .. last)
        assert.equal("", output)
        assert.is_true(content == big .. "y")
      end
    end)

    on_it("what was accepted is in the file after os.exit, with a close or without, anywhere",
      function()
        for _, close in ipairs { "false", "true" } do
          for _, where in ipairs { "%s", "weir.set_timeout(function() %s end, 1) uv.run()",
            "local t = uv.new_timer() uv.timer_start(t, 1, 0, function() %s end) uv.run()",
            "ws:write('', function() %s end) uv.run()" } do
            local _, content = output_of(kind, [[
              local ws = weir.create_write_stream(path)
              ws:write(("x"):rep(100000))
            ]] .. where:format("ws:write 'y' os.exit(7, " .. close .. ")"), { code = 7 })
            assert.equal(100001, #content)
          end
        end
      end)

    on_it("an error that nobody catches goes to on_uncaught, else luv's way", function()
      assert.equal("caught oops", output_of(kind, [[
        weir.on_uncaught(function(err) io.write("caught ", err:match "oops") end)
        weir.set_timeout(function() error "oops" end, 1)
        uv.run()
      ]]))
      local it = child(kind, [[
        weir.create_write_stream "/no/such/file"
        uv.run()
      ]])
      assert.is_true(it.code ~= 0)
      assert.matches("ENOENT: no such file or directory, open '/no/such/file'", it.output)
    end)

    on_it("weir.run is not nested, and what cannot wait says so", function()
      assert.equal("ERR_LOOP_RUNNING ERR_LOOP_RUNNING ERR_CANNOT_WAIT", output_of(kind, [[
        local codes = {}
        weir.set_timeout(function() codes[1] = select(2, weir.run()).code end, 1)
        local t = uv.new_timer()
        uv.timer_start(t, 1, 0, function()
          codes[2] = select(2, weir.run()).code
          uv.close(t)
        end)
        uv.run()
        local ws = weir.create_write_stream(path)
        codes[3] = select(2, ws:send "x").code
        io.write(table.concat(codes, " "))
      ]]))
    end)
  end)
end

describe("weir.use", function()
  setup(support.open_folder)
  teardown(support.remove_folder)

  it("takes luv, or false for a loop of weir's own, and nothing else", function()
    assert.equal("own", support.output_of [[
      pcall(require, "luv")
      weir.use(false)
      io.write(weir.loop_info().kind)
    ]])
    assert.equal("false false false", support.output_of [[
      io.write(tostring(pcall(weir.use, 1)), " ", tostring(pcall(weir.use, {})), " ",
        tostring(pcall(weir.use)))
    ]])
  end)

  it("raises when the loop is chosen", function()
    assert.matches("too late", support.output_of [[
      weir.create_write_stream(path)
      io.write(select(2, pcall(weir.use, false)))
    ]])
  end)
end)
