-- Clients that send anything, in any pieces, and go at any time, to a server whose code does
-- anything: nothing crashes, and nothing is left. SEED=n repeats a run.
local weir = require "weir"
local support = require "spec.http.support"

local ROUNDS = support.slow and 15 or 60
local seed = tonumber(os.getenv "SEED") or os.time() % 1000000

-- The same numbers on every Lua.
local state = seed
local function random(n)
  state = (state * 16807) % 2147483647
  return state % n + 1
end
local function one_of(list) return list[random(#list)] end

local PIECES = {
  "GET / HTTP/1.1\r\n", "POST /a HTTP/1.1\r\n", "HEAD /x HTTP/1.0\r\n", "FOO * HTTP/1.1\r\n",
  "Host: a\r\n", "Content-Length: 5\r\n", "Content-Length: 70000\r\n", "\r\n", "hello", "\r", "\n",
  "Transfer-Encoding: chunked\r\n", "5\r\nhello\r\n", "0\r\n\r\n", "0\r\nX: y\r\n\r\n", "ffff\r\n",
  "Connection: close\r\n", "Connection: keep-alive\r\n", "Expect: 100-continue\r\n", "\0", "\255",
  ("x"):rep(3000), ("x: y\r\n"):rep(30), " ", ":", "X-A: b\r\n c\r\n",
}

local GOOD = {
  "GET /good HTTP/1.1\r\nHost: a\r\n\r\n",
  "POST /good HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
  "PUT /good HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"
    .. "0\r\nX: y\r\n\r\n",
  "HEAD /good HTTP/1.1\r\nHost: a\r\n\r\n",
}

local function bytes()
  local parts = {}
  for i = 1, random(8) do parts[i] = random(3) == 1 and one_of(PIECES) or one_of(GOOD) end
  return table.concat(parts)
end

local deeds
local function do_something(request, response, times)
  for _ = 1, times do one_of(deeds)(request, response) end
end

deeds = {
  function(_, response) response:end_ "done" end,
  function(_, response) response:end_ "done" end,
  function(_, response) response:end_() end,
  function(_, response) response:write "some" end,
  function(_, response) response:write(("x"):rep(random(100000))) end,
  function(_, response) response:destroy() end,
  function(request) request:destroy() end,
  function(request) request.socket:destroy() end,
  function(request) request.socket:end_() end,
  function(request) request:resume() end,
  function(request) request:pause() end,
  function(request) request:read(3) end,
  function(request) request:on("data", function() end) end,
  function(request, response) request:pipe(response) end,
  function(_, response) response:cork() response:write "a" response:uncork() end,
  function(_, response) pcall(response.write_head, response, one_of { 200, 204, 304, 100 }) end,
  function(_, response) pcall(response.set_header, response, "Content-Length", 4) end,
  function(_, response) pcall(response.set_header, response, "Connection", "close") end,
  function(_, response) response:flush_headers() end,
  function(_, response) response:write_continue() end,
  function(_, response) response:add_trailers { X = "y" } end,
  function(request, response)
    weir.set_timeout(function() do_something(request, response, 2) end, random(3))
  end,
  function(request, response)
    weir.next_tick(function() do_something(request, response, 2) end)
  end,
  function(request, response)
    request:on("end", function() do_something(request, response, 1) end)
  end,
  function() collectgarbage() end,
  function() error "in abuse" end,
}

local function on_request(request, response)
  request:on("error", function() end)
  response:on("error", function() end)
  do_something(request, response, random(4))
end

local function attack(server)
  local client = support.connect(server)
  local text = bytes()
  local cut = random(#text)
  client.send(text:sub(1, cut))
  weir.set_timeout(function()
    if client.socket:destroyed() then return end
    client.send(text:sub(cut + 1))
    local way = random(4)
    if way == 1 then client.socket:end_()
    elseif way == 2 then client.socket:reset_and_destroy()
    elseif way == 3 then client.socket:destroy() end
  end, random(3))
  weir.set_timeout(function() client.socket:destroy() end, 15)
  return client
end

-- What the deeds have raised is no failure.
local function run_until(done)
  local ok, err
  repeat ok, err = pcall(support.run_until, done)
  until ok or not tostring(err):find("in abuse", 1, true)
  if not ok then error(err, 0) end
end

local function abuse()
  local server = support.serve({ max_head = 4096, head_timeout = 40, idle_timeout = 20,
    request_timeout = 40 }, on_request)
  for _ = 1, ROUNDS do
    local clients = {}
    for i = 1, 4 do clients[i] = attack(server) end
    run_until(function()
      for i = 1, 4 do
        if not clients[i].closed then return false end
      end
      return true
    end)
  end
  server.http:close_all_connections()
  support.close(server)
  assert.equal(0, server.http:connections())
end

describe("a server of HTTP, abused", function()
  after_each(support.settle)

  it("neither crashes nor leaves anything behind", function()
    local missing = support.missing()
    if missing then pending(missing) end
    local ok, err = pcall(abuse)
    if not ok then error(("%s (SEED=%d)"):format(tostring(err), seed), 0) end
  end)
end)
