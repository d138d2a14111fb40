-- A scenario: a client talks to a server that sends all back, while something fails. Whatever
-- fails, each side has heard a prefix of what the other was given, each callback came once, and
-- where nobody was told of an error, all of it arrived.
package.loaded["spec.support.paths"] = dofile "spec/support/paths.lua"
local weir = require "weir"
local torture = torture -- luacheck: ignore

local path = torture.folder .. "/socket"
os.remove(path)
local NAME = ("weir_torture_%s"):format(torture.folder:match "[^_]*$")
local WHERE = {
  tcp = { host = "127.0.0.1", port = 0 },
  name = { host = "localhost", port = 0 },
  any = { port = 0 },
  path = { path = path, mode = 384 }, -- 0600
  abstract = { abstract = NAME },
}
local where = WHERE[torture[1]]
local OPTIONS = {
  connect_timeout = 60000, write_timeout = 60000, no_delay = true, keep_alive = true,
  keep_alive_delay = 5000,
}

if torture[2] == "warm" then -- without its loop and its threads libuv itself aborts
  local s = weir.connect { host = "localhost", port = 1 }
  s:on("error", function() end)
  weir.run()
end

local book = dofile "spec/torture/book.lua"(30)
local heard, answered = {}, {}      -- by the server, by the client
local failures, unnoted = 0, 0      -- unnoted: memory ran out while it was noted what came
local finished, closed, refused = false, 0, false
local server, client, other

-- Two lists of what came; that a note could not be made is noted without memory.
local function note(list, data)
  book.moves = book.moves + 1
  unnoted = unnoted + 1
  list[#list + 1] = data
  unnoted = unnoted - 1
end

local function on_error() failures = failures + 1 end
local function on_close() closed = closed + 1 end

local function serve(s)
  other = s
  s:on("error", on_error)
  s:on("close", on_close)
  s:on("data", function(data)
    note(heard, data)
    if refused then return end
    refused = true -- unless write() returns: what it raised is an answer that lacks
    s:write(data)
    refused = false
  end)
end

local function talk()
  local to = { path = where.path, abstract = where.abstract }
  if where.port then
    to.host, to.port = where.host or "127.0.0.1", select(2, server:address())
    if not to.port then return end
  end
  for name, value in pairs(OPTIONS) do to[name] = value end
  client = weir.connect(to)
  client:on("error", on_error)
  client:on("close", on_close)
  client:on("finish", function() finished = true end)
  client:on("data", function(data) note(answered, data) end)
  book.write(client)
end

local function body()
  server = weir.create_server({}, serve)
  server:on("error", on_error)
  server:listen(where)
  book.turn "nowait"
  book.run(function() return server:listening() end)
  talk()
  book.run(function() return closed == 2 end)
end

local function are_closed(one, another)
  return not (one and not one:closed() or another and not another:closed())
end

local function end_all()
  for _, stream in pairs { one = client, two = other } do
    if not stream:closed() then failures = failures + 1 end
    stream:destroy()
  end
  if server then server:close(function() end) end
  for _ = 1, 20 do book.turn "nowait" end
  book.run(function() return are_closed(client, other) end)
  if client then assert(client:closed() or book.starved, "the client is not closed") end
end

local function check()
  end_all()
  book.check_told()
  local expected, sent, back = book.expected(), table.concat(heard), table.concat(answered)
  local whole = client and failures + unnoted == 0 and not refused and not book.starved
  assert(whole or not torture.calm, "it fails by itself")
  if unnoted == 0 then
    assert(expected:sub(1, #sent) == sent, "the server heard what was not said")
    assert(sent:sub(1, #back) == back, "the client heard what was not answered")
  end
  if whole then
    assert(finished and sent == expected, ("%d of %d arrived"):format(#sent, #expected))
    assert(back == expected, ("%d of %d came back"):format(#back, #expected))
  end
  local left = io.popen("ls -A " .. torture.folder):read "*a"
  assert(left == "", "left behind: " .. left)
end

return body, check
