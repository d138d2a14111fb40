-- Chunks of 64 KiB into a file.   lua chunks.lua CONTENDER COUNT PATH
local contender, count, path = arg[1], tonumber(arg[2]), arg[3]
local chunk = ("0123456789abcdef"):rep(4096)
local run = {}

run["weir"] = function()
  local weir = require "weir"
  local ws = weir.create_write_stream(path)
  local i = 0
  local function go()
    while i < count do
      i = i + 1
      if not ws:write(chunk) then return ws:once("drain", go) end
    end
    ws:end_()
  end
  go()
  weir.run()
end

run["io"] = function()
  local file = assert(io.open(path, "wb"))
  for _ = 1, count do file:write(chunk) end
  file:close()
end

run["luv"] = function()
  local uv = require "luv"
  local fd = assert(uv.fs_open(path, "w", 420))
  local i = 0
  local function go(err)
    assert(not err, err)
    if i == count then return uv.fs_close(fd) end
    i = i + 1
    uv.fs_write(fd, chunk, (i - 1) * #chunk, go)
  end
  go()
  uv.run()
end

run[contender]()
