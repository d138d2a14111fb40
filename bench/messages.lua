-- Small messages over TCP, on one connection or on many.
--   lua messages.lua CONTENDER COUNT PORT [CONNECTIONS]
-- COUNT is that of one connection. Each waits when it is told to, and ends when all has been sent.
local contender, count, port = arg[1], tonumber(arg[2]), tonumber(arg[3])
local connections = tonumber(arg[4] or 1)
local message = ("m"):rep(connections > 1 and 1024 or 64)
local run = {}

run["weir"] = function()
  local weir = require "weir"
  local function open()
    local socket, i = weir.connect { host = "127.0.0.1", port = port }, 0
    local function go()
      while i < count do
        i = i + 1
        if not socket:write(message) then return socket:once("drain", go) end
      end
      socket:end_()
    end
    socket:on("error", error)
    socket:resume()
    socket:once("connect", go)
  end
  for _ = 1, connections do open() end
  weir.run()
end

-- By hand: gathers 16 KiB in a table, and waits for it to be sent.
run["luv"] = function()
  local uv = require "luv"
  local function open()
    local socket, i = uv.new_tcp(), 0
    local function go(err)
      assert(not err, err)
      local parts, size = {}, 0
      while i < count and size < 16384 do
        i = i + 1
        parts[#parts + 1] = message
        size = size + #message
      end
      if size > 0 then return socket:write(table.concat(parts), go) end
      socket:shutdown(function() socket:close() end)
    end
    socket:connect("127.0.0.1", port, go)
  end
  for _ = 1, connections do open() end
  uv.run()
end

run["cqueues"] = function()
  local loop = require("cqueues").new()
  local function open()
    local socket = require("cqueues.socket").connect("127.0.0.1", port)
    socket:setmode("bn", "bf")
    for _ = 1, count do assert(socket:write(message)) end
    assert(socket:flush())
    socket:shutdown "w"
    socket:read "*a"
  end
  for _ = 1, connections do loop:wrap(open) end
  assert(loop:loop())
end

run[contender]()
