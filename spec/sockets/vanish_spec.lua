-- Peers that do not answer, or not any more. In a network of its own, where nothing else is hurt.
local support = require "spec.sockets.support"

-- A network with nothing but a loopback, in which what is sent to 192.0.2.2 vanishes.
-- (What a sanitizer says of `ip` is not our matter.)
local NETWORK = [[
export LD_PRELOAD_OF_SPECS="$LD_PRELOAD" LD_PRELOAD=
ip link set lo up &&
ip address add 192.0.2.1/32 dev lo &&
ip route add 192.0.2.2/32 dev lo src 192.0.2.1 || exit 1
export LD_PRELOAD="$LD_PRELOAD_OF_SPECS"
]]

local function sh_in_network(lines)
  return support.sh("unshare -n sh " .. support.quote(support.put(NETWORK .. lines)))
end

-- Why there can be no such network; nil: there can.
local function lacks_network()
  for _, name in ipairs { "unshare", "ip" } do
    local lacks = support.lacks_command(name)
    if lacks then return lacks end
  end
  local output, code = sh_in_network "exit 0"
  if code ~= 0 then return "no network of our own can be made: " .. output end
end

local function output_in_network(script)
  local lacks = lacks_network()
  if lacks then pending(lacks) end
  local output, code = sh_in_network(support.command([[
    local sockets = require "spec.sockets.support"
  ]] .. script, {}))
  assert.equal(0, code, output)
  return output
end

describe("a peer that", function()
  setup(support.open_folder)
  teardown(support.remove_folder)

  it("does not answer at all is waited for no longer than connect_timeout", function()
    local output = output_in_network [[
      local failed = 0
      local s = weir.connect { host = "192.0.2.2", port = 9, connect_timeout = 50 }
      s:write("abc", function(err) failed = failed + (err.code == "ETIMEDOUT" and 1 or 0) end)
      local began = weir.hrtime()
      s:on("error", function(err)
        assert((weir.hrtime() - began) / 1e6 >= 49)
        print(failed, err.code, err.syscall, err.address, err.port)
      end)
      s:on("close", function() print "close" end)
      weir.run()
    ]]
    assert.equal("1\tETIMEDOUT\tconnect\t192.0.2.2\t9\nclose\n", output)
  end)

  it("does not answer at all can be given up, and does not hold up the end", function()
    assert.equal("close\nover\n", (output_in_network [[
      local s = weir.connect { host = "192.0.2.2", port = 9 }
      s:on("close", function() print "close" end)
      weir.set_timeout(function() s:destroy() end, 10)
      weir.run()
      print "over"
    ]]))
  end)

  it("vanishes while we write to it is waited for no longer than write_timeout", function()
    local output = output_in_network [[
      local peer = sockets.peer "-q collect"
      local s = weir.connect { host = peer.host, port = peer.port, write_timeout = 100 }
      local good, bad, gone = 0, 0, false
      local function go_on()
        while not gone and s:write(("x"):rep(10000), function(err)
          if err then bad = bad + 1 else good = good + 1 end
        end) do end
      end
      s:on("drain", go_on)
      s:on("connect", go_on)
      s:on("error", function(err) print(err.code, err.syscall, bad > 0) end)
      s:on("close", function() print "close" end)
      weir.set_timeout(function() os.execute "LD_PRELOAD= ip link set lo down" end, 20)
      weir.run()
      assert(good * 10000 <= s:bytes_written())
      peer.kill()
    ]]
    assert.equal("ETIMEDOUT\twrite\ttrue\nclose\n", output)
  end)
end)
