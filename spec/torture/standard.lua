-- A scenario: a standard stream, whose descriptor is a file, a FIFO or a socket, is written or read
-- while something fails. Whatever fails, what has arrived is a beginning of what was accepted, all
-- that was acknowledged is in it, and the descriptor is still open.
package.loaded["spec.support.paths"] = dofile "spec/support/paths.lua"
local weir = require "weir"
local torture = torture -- luacheck: ignore

local name, kind = torture[1], torture[2]
local book = dofile "spec/torture/book.lua"(25)
local FDS = { stdin = 0, stdout = 1, stderr = 2 }

local content = {}
for i = 1, 60 do content[i] = ("line %d %s\n"):format(i, ("z"):rep(i % 70)) end
content = table.concat(content)
torture.replace(FDS[name], kind, name == "stdin" and content or nil)

local finished = false
local drain = torture.drain

local function write_it()
  local ws = weir[name]
  ws:on("error", book.on_error)
  ws:on("finish", function() finished = true end)
  book.write(ws)
  book.run(function()
    drain()
    return finished or book.failures > 0
  end)
end

local function read_it()
  book.read(weir.stdin)
  book.run(function() return book.ended or book.failures > 0 end)
end

local function check_written()
  local arrived, expected = torture.received(), book.expected()
  assert(expected:sub(1, #arrived) == arrived, "what arrived is no prefix of what was accepted")
  assert(#arrived >= book.acknowledged(),
    ("%d bytes, %d acknowledged"):format(#arrived, book.acknowledged()))
  if finished then assert(arrived == expected, "finished, and not complete") end
  assert(finished or not torture.calm, "it fails by itself")
end

local function check_read()
  book.check_read(content)
  assert(book.ended or not torture.calm, "it fails by itself")
end

local function check()
  for _ = 1, 20 do book.turn "nowait" end
  if name == "stdin" then return check_read() end
  local ok, ws = pcall(function() return weir[name] end)
  book.run(function()
    drain()
    return not ok or ws:closed()
  end)
  book.check_told()
  check_written()
end

return name == "stdin" and read_it or write_it, check
