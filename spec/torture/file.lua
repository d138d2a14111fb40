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
local LINES = 40

local path = torture.folder .. "/file"
local options = OPTIONS[torture[1] or "plain"]
os.remove(path)
if options.atomic then io.open(path, "w"):close() end
if torture[2] == "warm" then
  weir.create_write_stream(path):end_ "the loop and its threads are there"
  weir.run()
  os.remove(path)
end

-- All that is noted needs no memory: it is there already.
local texts, accepted, told, went_well = {}, {}, {}, {}
local finished, starved, callbacks = false, false, {}
for i = 1, LINES do
  texts[i] = ("line %d %s\n"):format(i, ("x"):rep(i % 9 == 0 and 5000 or i % 50))
  accepted[i], told[i], went_well[i] = false, 0, false
  callbacks[i] = function(err)
    told[i] = told[i] + 1
    went_well[i] = err == nil
  end
end

local function run(mode)
  local ok, err = pcall(weir.run, mode)
  if not ok and tostring(err):find "not enough memory" then starved = true end
end

local function body()
  local ws = weir.create_write_stream(path, options)
  ws:on("error", function() end)
  ws:on("finish", function() finished = true end)
  for i = 1, LINES do
    local ok, taken = pcall(ws.write, ws, texts[i], callbacks[i])
    accepted[i] = ok and taken ~= nil
    if i % 10 == 0 then run "nowait" end
  end
  pcall(ws.end_, ws)
  run()
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
  for _ = 1, 100 do run() end
  collectgarbage()
  run()
  local content, expected, acknowledged = read(), {}, 0
  for i = 1, LINES do
    assert(told[i] <= 1 and (told[i] == 1 or starved or not accepted[i]),
      ("line %d: accepted %s, told %d times"):format(i, tostring(accepted[i]), told[i]))
    if accepted[i] then expected[#expected + 1] = texts[i] end
    if went_well[i] then acknowledged = #table.concat(expected) end
  end
  expected = table.concat(expected)
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
