-- A scenario: a file is written while something fails. Whatever fails, the file has a prefix of
-- what was accepted, all that was acknowledged is in it, and each callback came once. (Where Lua
-- had no memory to call one, run raised that in its place.)
package.loaded["spec.support.paths"] = dofile "spec/support/paths.lua"
local weir = require "weir"
local torture = torture -- luacheck: ignore

local OPTIONS = {
  plain = {}, append = { flags = "a" }, data = { sync = "data" }, full = { sync = "full" },
  atomic = { atomic = true },
}

local path = torture.folder .. "/file"
local options = OPTIONS[torture[1] or "plain"]
os.remove(path)
if options.atomic then io.open(path, "w"):close() end
if torture[2] == "warm" then
  weir.create_write_stream(path):end_ "the loop and its threads are there"
  weir.run()
  os.remove(path)
end

local book = dofile "spec/torture/book.lua"(40)
local finished = false

local function body()
  local ws = weir.create_write_stream(path, options)
  ws:on("error", function() end)
  ws:on("finish", function() finished = true end)
  book.write(ws)
  book.turn()
end

local function read()
  local file = io.open(path, "rb")
  if not file then return "" end
  local content = file:read "*a"
  file:close()
  return content
end

local function check()
  collectgarbage()
  for _ = 1, 100 do book.turn() end
  collectgarbage()
  book.turn()
  book.check_told()
  local content, expected, acknowledged = read(), book.expected(), book.acknowledged()
  assert(expected:sub(1, #content) == content, "the file is no prefix of what was accepted")
  if options.atomic then
    assert(#content == 0 or content == expected, "the target is neither old nor new")
  else
    assert(#content >= acknowledged, ("%d bytes, %d acknowledged"):format(#content, acknowledged))
  end
  if finished then assert(content == expected, "finished, and not complete") end
  local left = io.popen("ls -A " .. torture.folder):read "*a"
  assert(left == "file\n" or left == "", "left behind: " .. left)
end

return body, check
