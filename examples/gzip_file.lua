-- Compresses a file, or with -d decompresses it, as gzip does, in little memory and without holding
-- up the loop: the work is done on other threads.
--
--   lua examples/gzip_file.lua [-d] [from to]
--
-- Without files it makes one, and goes there and back again.
local weir = require "weir"

-- Each of the three goes no faster than the next one takes. If one fails all are destroyed, and the
-- callback gets the first error: the one that says why.
local function through(from, codec, to)
  local reader, writer = weir.create_read_stream(from), weir.create_write_stream(to)
  local failure
  weir.pipeline(reader, codec, writer, function(err) failure = err end)
  weir.run() -- until nothing is left to do
  if failure then
    os.remove(to) -- half of it is of no use
    return nil, "failed: " .. tostring(failure)
  end
  return ("%d bytes in, %d bytes out"):format(reader:bytes_read(), writer:bytes_written())
end

local function compress(from, to) return through(from, weir.gzip { level = 6 }, to) end
local function decompress(from, to) return through(from, weir.gunzip(), to) end

-- The command line ------------------------------------------------------------------------------

local arguments, act = { ... }, compress
if arguments[1] == "-d" then
  act = decompress
  table.remove(arguments, 1)
end

if #arguments == 2 then
  local result, message = act(arguments[1], arguments[2])
  if not result then
    io.stderr:write(message, "\n")
    os.exit(1)
  end
  print(result)
  os.exit(0, true)
elseif #arguments ~= 0 then
  io.stderr:write("usage: lua gzip_file.lua [-d] [from to]\n")
  os.exit(2)
end

local from, packed, back = os.tmpname(), os.tmpname(), os.tmpname()
local file = assert(io.open(from, "wb"))
for i = 1, 100000 do file:write("Line ", i, "\n") end
file:close()

print(compress(from, packed))
print(decompress(packed, back))

-- The end of the compressed file is missing: that is an error, not an end.
local whole = assert(io.open(packed, "rb"))
local content = whole:read "*a"
whole:close()
local cut = assert(io.open(packed, "wb"))
cut:write(content:sub(1, -100))
cut:close()
print(select(2, decompress(packed, back)))

for _, path in ipairs { from, packed, back } do os.remove(path) end
