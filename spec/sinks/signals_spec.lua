-- SIGPIPE and SIGXFSZ: what they do to a script that has streams, and to what it starts.
local support = require "spec.sinks.support"

-- fares(): whether a shell that the script starts "died" of SIGPIPE, or "lives".
local FARES = [[
  local function fares()
    local pipe = io.popen "sh -c 'kill -PIPE $$; echo lives' 2>&1 || echo died"
    local text = pipe:read "*a"
    pipe:close()
    return text:match "%a+"
  end
]]

-- Runs a script whose process starts with both signals at their defaults.
local function output_of(script)
  local default, lacks = support.default_signals()
  if lacks then return nil, lacks end
  return (support.output_of(FARES .. script, { around = default .. "%s" }))
end

describe("SIGPIPE", function()
  setup(support.open_folder)
  teardown(support.remove_folder)

  it("ends the programs that the script starts, as ever, before a stream is made and after",
    function()
      local output, lacks = output_of [[
        io.write(fares(), " ")
        support.end_and_close(weir.create_write_stream(path))
        io.write(fares())
      ]]
      if lacks then pending(lacks) end
      assert.equal("died died", output)
    end)

  it("does not end the script itself, once there is a stream", function()
    local output, lacks = output_of [[
      support.end_and_close(weir.create_write_stream(path))
      local self = io.open "/proc/self/stat":read "*n"
      os.execute("kill -PIPE " .. self)
      io.write "lives"
    ]]
    if lacks or support.lacks_file "/proc/self/stat" then pending(lacks or "there is no /proc") end
    assert.equal("lives", output)
  end)

  it("that was ignored from the beginning stays ignored, here and in what is started", function()
    local output = support.output_of(FARES .. [[
      support.end_and_close(weir.create_write_stream(path))
      weir.set_sigpipe(false)
      io.write(fares())
    ]], { around = "trap '' PIPE; %s" })
    assert.equal("lives", output)
  end)

  it("is default again after set_sigpipe(false), and caught after set_sigpipe(true)", function()
    local output, lacks = output_of [[
      support.end_and_close(weir.create_write_stream(path))
      local self = io.open "/proc/self/stat":read "*n"
      local function caught() -- bit 12 of the mask of caught signals
        local mask = io.open "/proc/self/status":read "*a":match "SigCgt:%s*(%x+)"
        return tonumber(mask:sub(-4, -4), 16) % 2
      end
      local a = caught()
      weir.set_sigpipe(false)
      local b = caught()
      weir.set_sigpipe(true)
      io.write(a, b, caught())
    ]]
    if lacks or support.lacks_file "/proc/self/stat" then pending(lacks or "there is no /proc") end
    assert.equal("101", output)
  end)
end)
