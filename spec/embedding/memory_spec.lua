-- What Lua promises where it has no memory, and what it does not: spec/embedding/scarce.c.
local program = require "spec.embedding.program"
local support = require "spec.sinks.support"

local host

-- Runs the script once for each request for memory between arm() and disarm(), which fails then.
local function each_request_fails(script)
  local obstacle = program.obstacle()
  if obstacle then pending(obstacle) end
  host = host or program.build "spec/embedding/scarce.c"
  local output, code = program.run(host, support.put(script))
  assert(code == 0, output)
  local requests = tonumber(output:match "^(%d+) requests\n$")
  assert(requests, output)
  return requests
end

describe("where Lua has no memory", function()
  setup(support.open_folder)
  teardown(support.remove_folder)

  it("for a write, those before it and behind it are told all the same", function()
    assert.is_true(each_request_fails [[
      local weir = require "weir"
      local COUNT = 40
      local texts, callbacks, accepted, told = {}, {}, {}, {}
      for i = 1, COUNT do
        texts[i], accepted[i], told[i] = "chunk " .. i, false, 0
        callbacks[i] = function() told[i] = told[i] + 1 end
      end
      local answer = false
      local ws = weir.writable { write = function(_, _, done) answer = done end }
      for _, event in ipairs { "error", "drain", "prefinish", "finish", "close" } do
        ws:on(event, function() end)
      end
      arm()
      for i = 1, COUNT do
        local ok, taken = pcall(ws.write, ws, texts[i], callbacks[i])
        accepted[i] = ok and taken ~= nil
      end
      disarm()
      while answer do
        local done = answer
        answer = false
        done()
        weir.run "nowait"
      end
      weir.run()
      for i = 1, COUNT do
        assert(told[i] == (accepted[i] and 1 or 0),
          ("write %d: accepted %s, told %d times"):format(i, tostring(accepted[i]), told[i]))
      end
    ]] > 0)
  end)

  -- LuaJIT makes its list of them longer now and then: one of the eight will meet it. What was
  -- allocated lies far apart under AddressSanitizer, elsewhere mostly close together.
  it("for a light userdata, as LuaJIT may need, nothing is raised across the loop", function()
    local path = support.put(("line\n"):rep(100))
    for regions = 0, jit and 7 or 0 do
      each_request_fails(([[
        local weir = require "weir"
        local rs = weir.create_read_stream(%q, { high_water_mark = 64 })
        local got, closed = 0, false
        rs:on("error", function() end)
        rs:on("close", function() closed = true end)
        rs:on("data", function(data)
          if got == 0 then rs:pause() end
          got = got + #data
        end)
        repeat weir.run "nowait" until rs:readable_length() > 0
        point(%d)
        arm()
        pcall(rs.resume, rs)
        local deadline = weir.hrtime() + 10e9
        while not rs:closed() and weir.hrtime() < deadline do pcall(weir.run, "nowait") end
        disarm()
        assert(rs:closed(), "it hangs")
      ]]):format(path, regions))
    end
  end)
end)
