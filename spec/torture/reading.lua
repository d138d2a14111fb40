-- A scenario: a file is read, by itself, through a pipeline, or through a FIFO that is written here
-- too, while something fails. Whatever fails, what arrived is a beginning of what was to come, and
-- the end is told, or success, only when it is all of it.
package.loaded["spec.support.paths"] = dofile "spec/support/paths.lua"
local weir = require "weir"
local torture = torture -- luacheck: ignore

local way = torture[1]
local from, to = torture.folder .. "/from", torture.folder .. "/to"
local SMALL = { high_water_mark = 600 }

local content = {}
for i = 1, 60 do content[i] = ("line %d %s\n"):format(i, ("y"):rep(i % 70)) end
content = table.concat(content)

os.execute(("rm -f '%s' '%s'"):format(from, to))
if way == "fifo" then
  os.execute(("mkfifo '%s'"):format(from))
else
  local file = assert(io.open(from, "wb"))
  file:write(content)
  file:close()
end

local book = dofile "spec/torture/book.lua"(20)
local began, told, well = false, 0, false -- the pipeline returned; its callback
local streams = { false, false, false }

local function read_it()
  local rs = weir.create_read_stream(from, SMALL)
  streams[1] = rs
  book.read(rs)
  return rs
end

local function upper()
  return weir.transform {
    transform = function(_, chunk, done)
      book.moves = book.moves + 1
      done(nil, chunk:upper())
    end,
  }
end

local function on_over(err)
  told, well = told + 1, err == nil
end

local BODIES = {
  alone = function()
    local rs = read_it()
    book.run(function() return rs:closed() end)
  end,
  part = function()
    SMALL.start, SMALL.end_ = 100, 899
    local rs = read_it()
    book.run(function() return rs:closed() end)
  end,
  fifo = function()
    local rs = read_it()
    book.run(function() return rs:fd() or rs:closed() end) -- a writer has to find a reader
    streams[2] = weir.create_write_stream(from)
    streams[2]:on("error", book.on_error)
    book.write(streams[2])
    book.run(function() return streams[1]:closed() and streams[2]:closed() end)
  end,
  pipe = function()
    streams[1] = weir.create_read_stream(from, SMALL)
    streams[2] = weir.create_write_stream(to)
    weir.pipeline(streams[1], streams[2], on_over)
    began = true
    book.run(function() return told > 0 end)
  end,
  transform = function()
    streams[1], streams[3] = weir.create_read_stream(from, SMALL), upper()
    streams[2] = weir.create_write_stream(to, { atomic = true })
    weir.pipeline(streams[1], streams[3], streams[2], on_over)
    began = true
    book.run(function() return told > 0 end)
  end,
}

local function are_closed()
  for i = 1, 3 do
    if streams[i] and not streams[i]:closed() then return false end
  end
  return true
end

-- In the order in which what was not closed is given up.
local function finish()
  for i = 1, 3 do
    if streams[i] then streams[i]:destroy() end
  end
  for _ = 1, 20 do book.turn "nowait" end
  book.run(are_closed)
end

local function read(path)
  local file = io.open(path, "rb")
  if not file then return nil end
  local text = file:read "*a"
  file:close()
  return text
end

local function check_copy()
  local expected = way == "transform" and content:upper() or content
  local copy = read(to) or ""
  assert(expected:sub(1, #copy) == copy, "the copy is none")
  assert(told <= 1, "the pipeline ended twice")
  assert(told == 1 or book.starved or not began, "it was never told to be over")
  if told == 1 and well then assert(copy == expected, "success, and not complete") end
  if way == "transform" then assert(copy == "" or copy == expected, "the target is half") end
end

local function check_folder()
  if not are_closed() then return end -- who was not called has left one open
  local left = io.popen("ls -A " .. torture.folder):read "*a"
  assert(left == "from\n" or left == "from\nto\n", "left behind: " .. left)
end

local function check()
  finish()
  local expected = content
  if way == "fifo" then
    book.check_told()
    expected = book.expected()
  end
  if way == "part" then expected = content:sub(101, 900) end
  if way == "pipe" or way == "transform" then check_copy()
  else book.check_read(expected)
  end
  assert(book.ended or well or not torture.calm, "it fails by itself")
  check_folder()
end

return BODIES[way], check
