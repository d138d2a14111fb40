-- A million lines, built one by one, into a file.   lua lines.lua CONTENDER COUNT PATH
local contender, count, path = arg[1], tonumber(arg[2]), arg[3]
local run = {}

-- Writes while `write(i)` says so, and goes on when `wait` calls back; then `finish`.
local function pump(write, wait, finish)
  local i = 0
  local function go()
    while i < count do
      i = i + 1
      if not write(i) then return wait(go) end
    end
    finish()
  end
  go()
end

local function with_weir(write)
  local weir = require "weir"
  local ws = weir.create_write_stream(path)
  pump(write(ws), function(go) ws:once("drain", go) end, function() ws:end_() end)
  weir.run()
end

run["weir"] = function()
  with_weir(function(ws) return function(i) return ws:write("Line ", i, "\n") end end)
end

run["weir, one string"] = function()
  with_weir(function(ws) return function(i) return ws:write("Line " .. i .. "\n") end end)
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
  local fd = assert(uv.fs_open(path, "w", 420))
  local parts, size, at = {}, 0, 0
  local function flush(go)
    local text = table.concat(parts)
    parts, size = {}, 0
    uv.fs_write(fd, text, at, function(err, written)
      assert(not err and written == #text, err)
      at = at + written
      go()
    end)
  end
  pump(function(i)
    local line = "Line " .. i .. "\n"
    parts[#parts + 1] = line
    size = size + #line
    return size < 16384
  end, flush, function() flush(function() uv.fs_close(fd) end) end)
  uv.run()
end

run[contender]()
