-- A million lines, built one by one, into a file.   lua lines.lua CONTENDER COUNT PATH
local contender, count, path = arg[1], tonumber(arg[2]), arg[3]
local run = {}

-- The loops are written out, so that no contender pays for a call that the others do not make.

run["weir"] = function()
  local weir = require "weir"
  local ws, i = weir.create_write_stream(path), 0
  local function go()
    while i < count do
      i = i + 1
      if not ws:write("Line ", i, "\n") then return ws:once("drain", go) end
    end
    ws:end_()
  end
  go()
  weir.run()
end

run["weir, one string"] = function()
  local weir = require "weir"
  local ws, i = weir.create_write_stream(path), 0
  local function go()
    while i < count do
      i = i + 1
      if not ws:write("Line " .. i .. "\n") then return ws:once("drain", go) end
    end
    ws:end_()
  end
  go()
  weir.run()
end

run["io"] = function()
  local file = assert(io.open(path, "wb"))
  for i = 1, count do file:write("Line ", i, "\n") end
  file:close()
end

run["io, one string"] = function()
  local file = assert(io.open(path, "wb"))
  for i = 1, count do file:write("Line " .. i .. "\n") end
  file:close()
end

-- By hand: gathers 16 KiB in a table, and writes one such at a time.
run["luv"] = function()
  local uv = require "luv"
  local fd, at, i = assert(uv.fs_open(path, "w", 420)), 0, 0
  local function go()
    local parts, size = {}, 0
    while i < count and size < 16384 do
      i = i + 1
      local line = "Line " .. i .. "\n"
      parts[#parts + 1] = line
      size = size + #line
    end
    if size == 0 then return uv.fs_close(fd) end
    uv.fs_write(fd, table.concat(parts), at, function(err, written)
      assert(not err and written == size, err)
      at = at + written
      go()
    end)
  end
  go()
  uv.run()
end

run[contender]()
