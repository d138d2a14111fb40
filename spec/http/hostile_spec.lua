-- What a server answers to what should not be sent: hostile.lua, by socket, as a whole, byte by
-- byte, and in two parts.
local weir = require "weir"
local hostile = require "spec.http.hostile"
local support = require "spec.http.support"

local missing = support.missing()
local AT_A_TIME = 20
local BYTEWISE_MAX = 400 -- longer ones are sent in pieces of several bytes
local PROBE = "GET /probe HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"

-- Answers when it has read all, and counts what should not have been seen.
local function serve(seen)
  return support.serve(function(request, response)
    if request.target == "/smuggled" then seen.smuggled = seen.smuggled + 1 end
    response:on("error", function() end)
    request:on("error", function() end)
    request:on("end", function()
      response:end_(request.target == "/probe" and "the probe" or "answered")
    end)
    request:resume()
  end)
end

-- The statuses of what has come so far; nil where it ends in the midst of one.
local function statuses(text)
  local found, all = pcall(support.responses, text)
  if not found then return nil end
  local list = {}
  for i, one in ipairs(all) do list[i] = one.status end
  return table.concat(list, " "), all[#all]
end

local function matches(expected, got)
  if expected:find("100? ", 1, true) and got:find "^100 " then got = got:sub(5) end
  return got == expected:gsub("100%? ", "")
end

-- Sends `bytes` as `way` cuts them: way(i) says where the part that begins at i ends. A turn of the
-- loop lies between two parts.
local function start(server, case, way)
  local client = support.connect(server)
  client.case, client.bytes, client.way, client.from = case, case[2], way, 1
  client.expected, client.fate = case[3]:match "^(.-) ?(%a+)$"
  client.socket:set_no_delay()
  return client
end

local function advance(client)
  if client.over or client.closed then return end
  if client.from <= #client.bytes then
    if client.ended then client.from = #client.bytes + 1 return end -- it was refused already
    local to = client.way(client.from, #client.bytes)
    client.send(client.bytes:sub(client.from, to))
    client.from = to + 1
  elseif client.fate == "open" and not client.probed then
    if matches(client.expected, statuses(client.text) or "") then
      client.probed = true
      client.send(PROBE)
    end
  end
end

local function is_over(client) return client.ended or client.closed end

local function check(client, name)
  local got, last = statuses(client.text)
  local expected = client.expected
  if client.fate == "open" then expected = expected .. " 200" end
  local fine = got and matches(expected, got)
  if fine and client.fate == "open" then fine = last.body == "the probe" end
  if fine and client.fate == "close" then fine = last.headers.connection == "close" end
  if not fine then
    return ("%s: %s expected, got %s, %s %s"):format(name, client.case[3], tostring(got),
      client.error or "ended", client.text:sub(1, 100))
  end
end

-- Runs all cases, some at a time. Returns what was not as it should be.
local function run(server, cases)
  local wrong, under_way, next_case = {}, {}, 1
  support.run_until(function()
    while #under_way < AT_A_TIME and cases[next_case] do
      local one = cases[next_case]
      under_way[#under_way + 1] = start(server, one.case, one.way)
      under_way[#under_way].name = one.name
      next_case = next_case + 1
    end
    for i = #under_way, 1, -1 do
      local client = under_way[i]
      advance(client)
      if is_over(client) then
        wrong[#wrong + 1] = check(client, client.name)
        client.socket:destroy()
        table.remove(under_way, i)
      end
    end
    return #under_way == 0 and not cases[next_case]
  end)
  return wrong
end

local function whole(_, size) return size end
local function bytewise(from, size)
  if size <= BYTEWISE_MAX then return from end
  return from + math.floor(size / 40)
end

local function each_case(visit)
  for _, group in ipairs(hostile.groups) do
    for _, case in ipairs(group[2]) do visit(group[1] .. " " .. case[1], case) end
  end
end

-- What of it is sent, and how, is added by add(list, name, case).
local function it_answers(sentence, add)
  it(sentence, function()
    if missing then pending(missing) end
    local seen, cases = { smuggled = 0 }, {}
    local server = serve(seen)
    each_case(function(name, case) add(cases, name, case) end)
    assert.same({}, run(server, cases))
    assert.equal(0, seen.smuggled)
    support.close(server)
  end)
end

describe("a hostile request", function()
  after_each(support.settle)

  it_answers("is answered as the standard says", function(list, name, case)
    list[#list + 1] = { name = name, case = case, way = whole }
  end)

  it_answers("is answered the same if it comes byte by byte", function(list, name, case)
    list[#list + 1] = { name = name, case = case, way = bytewise }
  end)

  -- At each position: of some, because they are many.
  local number = 0
  it_answers("is answered the same wherever it is cut in two", function(list, name, case)
    number = number + 1
    if number % 12 ~= 1 or #case[2] > BYTEWISE_MAX or support.slow then return end
    for at = 1, #case[2] - 1 do
      local function cut(from, size) return from == 1 and at or size end
      list[#list + 1] = { name = name .. ", cut at " .. at, case = case, way = cut }
    end
  end)

  it("is one of at least eighty", function()
    local count, names = 0, {}
    each_case(function(name)
      assert.is_nil(names[name], name)
      names[name], count = true, count + 1
    end)
    assert.is_true(count >= 80, count)
  end)
end)

describe("a slow request", function()
  after_each(support.settle)

  it("is not waited for beyond the limits, wherever it has stopped", function()
    if missing then pending(missing) end
    local server = support.serve({ head_timeout = 100, request_timeout = 100, idle_timeout = 100 },
      function(request, response)
        response:on("error", function() end)
        request:on("end", function() response:end_ "hello" end):resume()
      end)
    local parts = {
      [""] = "", ["\r\n"] = "", ["G"] = "408", ["GET / HTTP/1.1\r\n"] = "408",
      ["GET / HTTP/1.1\r\nHost: a\r\n"] = "408",
      ["GET / HTTP/1.1\r\nHost: a\r\n\r\n"] = "200", -- then it is idle
      ["GET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HT"] = "200 408",
      ["POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhello"] = "408",
      ["POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"] = "408",
      ["POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhe"] = "408",
      ["POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: y\r\n"] = "408",
    }
    local clients = {}
    for bytes, expected in pairs(parts) do
      local client = support.connect(server)
      client.send(bytes)
      client.bytes, client.expected = bytes, expected
      clients[#clients + 1] = client
    end
    for _, client in ipairs(clients) do
      client.wait_end()
      assert.equal(client.expected, (statuses(client.text)), client.bytes)
      client.finish()
    end
    support.close(server)
  end)

  it("that comes steadily, a byte at a time, is not either", function()
    if missing then pending(missing) end
    local server = support.serve({ head_timeout = 150, request_timeout = 150 },
      function(request, response)
        response:on("error", function() end)
        request:on("end", function() response:end_ "hello" end):resume()
      end)
    for _, way in ipairs { { "", "X" }, { "GET / HTTP/1.1\r\nHost: a\r\nX:", "x" },
      { "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n", "x" },
      { "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", "1\r\nx\r\n" } } do
      local client = support.connect(server)
      client.send(way[1])
      local function more()
        if client.ended or client.closed then return end
        client.send(way[2])
        weir.set_timeout(more, 10)
      end
      more()
      client.wait_end()
      assert.equal("408", (statuses(client.text)), way[1])
      client.finish()
    end
    support.close(server)
  end)
end)
