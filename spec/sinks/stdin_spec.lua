-- weir.stdin, and streams out of descriptors: terminals, pipes, sockets and files, at the other end
-- of which spec/peers/around.c behaves as it is told.
local support = require "spec.sinks.support"
local paths = require "spec.support.paths"

local around = "./" .. paths.build:match "^(.*)/[^/]*$" .. "/around"

local KINDS = support.kinds()

-- Runs a script with what `command` prints as its standard input of that kind. Returns what it
-- printed, and what around.c said last.
local function run(kind, command, script)
  local output = support.output_of(script, {
    around = ("%s | %s -f 0 %s -- %%s"):format(command, around, kind),
  })
  return output:match "^(.*)(code %d+ bytes 0 sum 1 %a+)\n$"
end

local COUNT = [[
  local text, log = {}, support.new_log()
  weir.stdin:on("data", function(piece) text[#text + 1] = piece end)
  for _, event in ipairs { "end", "close" } do
    weir.stdin:on(event, function() log.add(event) end)
  end
  weir.stdin:on("error", log.cb "error")
]]

local numbers = {}
for i = 1, 20000 do numbers[i] = i .. "\n" end
numbers = table.concat(numbers)

describe("weir.stdin", function()
  setup(support.open_folder)
  teardown(support.remove_folder)

  it("is tried with a terminal, beside the rest", function()
    local lacks = support.lacks_terminal()
    if lacks then pending(lacks) end
    assert.equal("tty", KINDS[1])
  end)

  it("is made when it is first asked for, once, and knows itself", function()
    assert.equal("true true true 0", support.output_of([[
      local lazy = rawget(weir, "stdin") == nil
      local input = weir.stdin
      io.write(tostring(lazy), " ", tostring(input == weir.stdin), " ",
        tostring(tostring(input):find "%(stdin, " ~= nil), " ", input:fd())
    ]], { around = "%s < /dev/null" }))
  end)

  it("gives all that comes through a terminal, a pipe, a socket, and then ends", function()
    for _, kind in ipairs(KINDS) do
      local output, said = run(kind .. " feed", "seq 20000", COUNT .. [[
        weir.run()
        text = table.concat(text)
        local file = io.open(path, "w")
        file:write(text)
        file:close()
        io.write(log.take(), " ", #text, " ", text:sub(-6))
      ]])
      assert.equal("end close " .. #numbers .. " 20000\n", output)
      assert.equal("code 0 bytes 0 sum 1 blocks", said)
    end
  end)

  it("gives a file, from where it stands, and /dev/null", function()
    local path = support.put(numbers)
    local output = support.output_of(COUNT .. [[
      weir.run()
      io.write(log.take(), " ", #table.concat(text))
    ]], { around = "{ head -c 0; %s; } < " .. support.quote(path) })
    assert.equal("end close " .. #numbers, output)
    output = support.output_of(COUNT .. "weir.run()\nio.write(log.take(), #text)", {
      around = "%s < /dev/null" })
    assert.equal("end close0", output)
  end)

  it("fails with EBADF when it is closed, with EISDIR when it is a folder", function()
    for redirection, code in pairs { ["<&-"] = "EBADF", ["< /tmp"] = "EISDIR" } do
      local output = support.output_of(COUNT .. "weir.run()\nio.write(log.take())", {
        around = "%s " .. redirection })
      assert.equal(("error(%s) close"):format(code), output)
    end
  end)

  it("keeps the loop going only while somebody wants what may come", function()
    for _, kind in ipairs(KINDS) do
      local output, said = run(kind .. " idle", "true", [[
        local input = weir.stdin
        io.write(tostring(weir.run()), " ")
        input:on("data", function() end)
        io.write(tostring(weir.run "nowait"), " ")
        input:pause()
        io.write(tostring(weir.run()), " ")
        input:resume()
        io.write(tostring(weir.run "nowait"))
      ]])
      assert.equal("false true false true", output)
      assert.equal("code 0 bytes 0 sum 1 blocks", said)
    end
  end)

  it("can be destroyed, or left alone, while nothing comes", function()
    for _, kind in ipairs(KINDS) do
      local output = run(kind .. " idle", "true", COUNT .. [[
        weir.set_timeout(function() weir.stdin:destroy() end, 20)
        weir.run()
        io.write(log.take(), " ", tostring(weir.stdin:fd()))
      ]])
      assert.equal("close nil", output)
      assert.equal("", (run(kind .. " idle", "true", COUNT .. "weir.run 'nowait'")))
    end
  end)

  it("leaves to others what it has not read", function()
    local output = support.output_of([[
      local text = ""
      weir.stdin:on("data", function(line)
        text = text .. line
        if text:find "\n" then weir.stdin:destroy() end
      end)
      weir.run()
      io.write(text)
    ]], { around = "{ echo first; sleep 0.2; echo second; } | { %s; cat; }" })
    assert.equal("first\nsecond\n", output)
  end)

  it("goes through a pipeline to weir.stdout", function()
    local output = support.output_of([[
      weir.pipeline(weir.stdin, weir.passthrough(), weir.stdout, function(err)
        weir.stdout:write(tostring(err))
      end)
      weir.run()
    ]], { around = "seq 20000 | %s" })
    assert.is_true(output == numbers .. "nil")
  end)
end)

describe("a stream out of a descriptor", function()
  setup(support.open_folder)
  teardown(support.remove_folder)

  it("closes it at the end, unless auto_close is false", function()
    for _, closes in ipairs { true, false } do
      local output = support.output_of(([[
        local rs = weir.create_read_stream(nil, { fd = 3, auto_close = %s })
        local text = ""
        rs:on("data", function(piece) text = text .. piece end)
        rs:on("end", function() rs:destroy() end)
        support.close(rs)
        local again, log = weir.create_read_stream(nil, { fd = 3 }), support.new_log()
        again:on("error", log.cb "error")
        again:on("end", function() log.add "end" end)
        again:resume()
        support.close(again)
        io.write(text, log.take())
      ]]):format(tostring(closes)), { around = "echo abc | { %s 3<&0; }" })
      assert.equal(closes and "abc\nerror(EBADF)" or "abc\nend", output)
    end
  end)

  it("that is silent, like nine others, holds up no file", function()
    local output = support.output_of([[
      local streams = {}
      for i = 1, 10 do
        streams[i] = weir.create_read_stream(nil, { fd = 3, auto_close = false })
        streams[i]:resume()
      end
      weir.run "nowait"
      local ws = weir.create_write_stream(path)
      ws:write(("x"):rep(100000))
      support.end_and_close(ws)
      io.write(support.size(path))
      for i = 1, 10 do streams[i]:destroy() end
      support.close((unpack or table.unpack)(streams))
    ]], { around = "sleep 0.3 | { %s 3<&0; }" })
    assert.equal("100000", output)
  end)
end)
