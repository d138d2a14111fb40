-- Three ways to change what passes through: a transform, one with a flush, and a plain function.
-- All keep the pace of whoever reads, whatever the size of the input.
--
--   lua examples/upper_transform.lua
local weir = require "weir"

local function upper()
  return weir.transform {
    transform = function(_, chunk, done) done(nil, chunk:upper()) end,
  }
end

-- What is kept from one chunk to the next is told at the end, by `flush`.
local function counted()
  local bytes = 0
  return weir.transform {
    transform = function(_, chunk, done)
      bytes = bytes + #chunk
      done(nil, chunk)
    end,
    flush = function(_, done) done(nil, ("(%d bytes)\n"):format(bytes)) end,
  }
end

-- A function is a stage too. It runs as a coroutine: it asks for the next chunk, and yields.
local function without_blanks(next_chunk)
  local chunk = next_chunk()
  while chunk do
    coroutine.yield((chunk:gsub(" +", "")))
    chunk = next_chunk()
  end
end

-- A sink that prints whole lines.
local function printer()
  local rest = ""
  return weir.writable {
    write = function(_, chunk, done)
      rest = (rest .. chunk):gsub("([^\n]*)\n", function(line) print(line) return "" end)
      done()
    end,
  }
end

local function words()
  return { "slow ", "and steady\n", "wins ", "the race\n" }
end

local function say(name)
  return function(err) print(name .. ": " .. (err and tostring(err) or "done")) end
end

weir.pipeline(words(), upper(), counted(), printer(), say "transforms")
weir.run()

weir.pipeline(words(), without_blanks, upper(), printer(), say "a function")
weir.run()

-- The error of any stage is the one that is reported, and all are destroyed.
local picky = weir.transform {
  transform = function(_, chunk, done)
    if chunk:find "wins" then return done "no winners here" end
    done(nil, chunk)
  end,
}
weir.pipeline(words(), picky, printer(), say "an error")
weir.run()
