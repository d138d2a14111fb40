-- Inside a real Neovim: its loop is shared, misuse is an error of its and no abort, and leaving it
-- loses nothing.
local paths = require "spec.support.paths"
local support = require "spec.sinks.support"

local HEAD = [[
package.path, package.cpath = %q .. package.path, %q .. package.cpath
local weir = require "weir"
local path, output = %q, io.open(%q, "w")
local function say(...) output:write(...) output:flush() end
]]

-- Runs a script in nvim. Returns what it has said, what nvim has shown, and the path it was given.
local function nvim(script, options)
  options = options or {}
  local top, path = support.top(), support.new_path()
  local output = support.new_path()
  local head = HEAD:format(("%s/lua/?.lua;%s/lua/?/init.lua;"):format(top, top),
    ("%s/%s/?.so;"):format(top, paths.build), path, output)
  local file = support.put(head .. (options.use or "weir.use(vim.uv or vim.loop)\n") .. script)
  local line = "timeout -k 1 30 nvim -u NONE -i NONE --headless -c 'luafile %s' %s"
  local shown, code = support.sh(line:format(file, options.quit or "-c 'qa!'"))
  assert(code ~= 124, "nvim did not end:\n" .. shown)
  return support.read(output), shown, path
end

local function in_nvim(sentence, body)
  it(sentence, function()
    if not jit then pending "nvim is LuaJIT" end
    local lacks = support.lacks_command "nvim"
    if lacks then pending(lacks) end
    if support.watches then pending "nvim is not instrumented" end
    body()
  end)
end

describe("in Neovim", function()
  setup(support.open_folder)
  teardown(support.remove_folder)

  in_nvim("weir shares the editor's loop, told to or not", function()
    assert.equal("luv", (nvim "say(weir.loop_info().kind)"))
    assert.equal("luv", (nvim("say(weir.loop_info().kind)", { use = "" })))
  end)

  in_nvim("streams and coroutines go on in vim.wait", function()
    local said, shown, path = nvim [[
      local ws = weir.create_write_stream(path, { high_water_mark = 100 })
      local sent
      weir.spawn(function()
        for i = 1, 500 do assert(ws:send("line ", i, "\n")) end
        sent = ws:finish()
      end)
      say(tostring(vim.wait(10000, function() return sent end, 1)), " ", tostring(sent))
    ]]
    assert.equal("true true", said)
    assert.equal("", shown)
    assert.matches("^line 1\n.*line 500\n$", support.read(path))
  end)

  in_nvim("callbacks are fast events: an API that may not be called raises E5560", function()
    local said = nvim [[
      local done
      weir.create_write_stream(path):end_("abc", function()
        local ok, err = pcall(vim.api.nvim_buf_set_lines, 0, 0, -1, false, { "x" })
        say(tostring(vim.in_fast_event()), " ", tostring(ok), " ", err:match "E%d+")
        done = true
      end)
      vim.wait(10000, function() return done end, 1)
    ]]
    assert.equal("true false E5560", said)
  end)

  in_nvim("vim.schedule_wrap makes a callback one that may do anything", function()
    local said = nvim [[
      local done
      local ws = weir.create_write_stream(path)
      ws:on("finish", vim.schedule_wrap(function()
        vim.api.nvim_buf_set_lines(0, 0, -1, false, { "from weir" })
        say(vim.api.nvim_buf_get_lines(0, 0, 1, false)[1])
        done = true
      end))
      ws:end_ "abc"
      vim.wait(10000, function() return done end, 1)
    ]]
    assert.equal("from weir", said)
  end)

  in_nvim("an error that nobody catches is shown, and the editor goes on", function()
    local said, shown = nvim [[
      weir.set_timeout(function() error "oops" end, 1)
      weir.create_write_stream "/no/such/file"
      vim.wait(100)
      say "went on"
    ]]
    assert.equal("went on", said)
    assert.matches("oops", shown)
    assert.matches("ENOENT: no such file or directory, open '/no/such/file'", shown)
  end)

  in_nvim("the loop is the editor's: run and what cannot wait say so", function()
    assert.equal("ERR_LOOP_RUNNING ERR_CANNOT_WAIT", (nvim [[
      local ws = weir.create_write_stream(path)
      say(select(2, weir.run()).code, " ", select(2, ws:send "x").code)
    ]]))
  end)

  in_nvim("flush_all waits with vim.wait until all is written, or for so long", function()
    local said, _, path = nvim [[
      local ws = weir.create_write_stream(path)
      ws:write(("x"):rep(100000))
      say(tostring(weir.flush_all(10000)), " ", ws:bytes_written())
    ]]
    assert.equal("true 100000", said)
    assert.equal(100000, support.size(path))
  end)

  in_nvim("leaving it loses nothing that was accepted, ended or not", function()
    for _, quit in ipairs { "-c 'qa!'", "-c 'cquit 3'" } do
      local _, _, path = nvim([[
        local ws = weir.create_write_stream(path)
        for i = 1, 50000 do ws:write("line ", i, "\n") end
        weir.create_write_stream(path .. ".ended"):end_(("x"):rep(100000))
        local other = weir.create_write_stream(path .. ".other")
        ws:write("last", function() other:write "of a callback" end)
      ]], { quit = quit })
      assert.matches("^line 1\n.*line 50000\nlast$", support.read(path))
      assert.equal(100000, support.size(path .. ".ended"))
      assert.is_true(support.exists(path .. ".other"))
    end
  end)

  in_nvim("an atomic file that was not ended is not there after leaving", function()
    local _, _, path = nvim [[
      weir.create_write_stream(path, { atomic = true }):write "half"
      vim.wait(20)
    ]]
    assert.is_nil(support.read(path))
    assert.equal("", support.names_like(path))
  end)
end)
