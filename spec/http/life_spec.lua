-- How connections end: timeouts, limits, a client that goes, a server that closes, code that
-- raises.
local weir = require "weir"
local support = require "spec.http.support"

local it_serves = support.it_serves(it, pending)

local function hello(_, response) response:end_ "hello" end

local wait_ms = support.wait_ms

-- Catches what the loop raises meanwhile.
local function run_until_raised(done)
  local raised
  local ok, err = pcall(support.run_until, done)
  if not ok then raised = err end
  return raised
end

describe("a client that goes away", function()
  after_each(support.settle)

  it_serves("destroys request and response, and nobody who did not ask is told", function()
    local log, request, response = support.new_log(), nil, nil
    local server = support.serve(function(req, res)
      request, response = req, res
      res:write "some"
      res:on("close", function() log.add "response" end)
      req:on("close", function() log.add "request" end)
      weir.finished(res, log.cb "finished")
    end)
    local client = support.connect(server)
    client.send(support.request("POST /", "Content-Length: 10\r\n", "abc"))
    client.wait "some"
    client.socket:reset_and_destroy()
    support.run_until(function() return response:closed() and request:closed() end)
    weir.run "nowait"
    local told = log.take()
    assert.truthy(told:find "request")
    assert.truthy(told:find "response")
    assert.truthy(told:find "finished%(PREMATURE_CLOSE%)" or told:find "finished%(ECONNRESET%)",
      told)
    local ok, err = response:write "more"
    assert.is_nil(ok)
    assert.truthy(err)
    support.close(server)
  end)

  it_serves("is ECONNRESET to those who listen, and to the callbacks of writes", function()
    local log, closed, fill = support.new_log(), 0, nil
    local server = support.serve(function(req, res)
      req:on("error", log.cb "request")
      res:on("error", log.cb "response")
      req:on("close", function() closed = closed + 1 end)
      res:on("close", function() closed = closed + 1 end)
      function fill()
        res:write(("x"):rep(30 * 1024 * 1024))
        res:write("last", log.cb "write")
      end
      res:write "begun"
    end)
    local client = support.connect(server)
    client.send(support.request("POST /", "Content-Length: 10\r\n", "abc"))
    client.wait "begun"
    client.socket:pause()
    fill()
    client.socket:reset_and_destroy()
    support.run_until(function() return closed == 2 end)
    local told = log.take()
    for _, who in ipairs { "request", "response", "write" } do
      assert.truthy(told:find(who .. "(ECONNRESET)", 1, true), told)
    end
    support.close(server)
  end)

  it_serves("in the midst of its body leaves no request that waits for ever", function()
    local got
    local server = support.serve(function(req)
      weir.pipeline(req, weir.writable { write = function(_, _, done) done() end }, function(err)
        got = err
      end)
    end)
    local client = support.connect(server)
    client.socket:end_(support.request("POST /", "Transfer-Encoding: chunked\r\n", "5\r\nab"))
    support.run_until(function() return got end)
    assert.equal("ECONNRESET", got.code)
    client.wait_end()
    assert.truthy(client.text:find "^HTTP/1.1 400")
    client.finish()
    support.close(server)
  end)

  it_serves("without a word to a response that does not write is noticed", function()
    local closed
    local server = support.serve(function(_, res)
      res:on("close", function() closed = true end)
    end)
    local client = support.connect(server)
    client.send(support.get())
    wait_ms(20)
    client.finish()
    support.run_until(function() return closed end)
    support.close(server)
  end)

  it_serves("or has only ended its side, still gets the answer that is under way", function()
    local server = support.serve(function(_, res)
      local left = 5
      local function more()
        left = left - 1
        if left == 0 then return res:end_ "last" end
        res:write "some "
        weir.set_timeout(more, 10)
      end
      weir.set_timeout(more, 10)
    end)
    local client = support.connect(server)
    client.socket:end_(support.request("GET /", ""))
    client.wait_end()
    assert.equal("some some some some last", support.responses(client.text)[1].body)
    client.finish()
    support.close(server)
  end)

  it_serves("is an error that a coroutine gets when it writes on", function()
    local result
    local server = support.serve(function(_, res)
      weir.spawn(function()
        local ok, err = true, nil
        while ok do ok, err = res:send(("x"):rep(65536)) end
        result = err
      end)
    end)
    local client = support.connect(server)
    client.send(support.get())
    client.wait "xxx"
    client.finish()
    support.run_until(function() return result end)
    assert.truthy(result.code == "ERR_STREAM_PREMATURE_CLOSE" or result.code == "ECONNRESET"
      or result.code == "ERR_STREAM_DESTROYED", tostring(result))
    support.close(server)
  end)
end)

describe("a connection", function()
  after_each(support.settle)

  it_serves("sends the head and the first of the body together", function()
    local server = support.serve(function(_, res)
      res:write "first"
      weir.set_timeout(function() res:end_ "second" end, 20)
    end)
    local client, pieces = support.connect(server), {}
    client.socket:on("data", function(data) pieces[#pieces + 1] = data end)
    client.send(support.get())
    client.wait_end()
    assert.truthy(pieces[1]:find "^HTTP/1.1 200 OK\r\n.*\r\n\r\n5\r\nfirst\r\n$")
    client.finish()
    support.close(server)
  end)

  it_serves("answers nothing behind a request, or a response, that says close", function()
    local seen, closed = support.new_log(), 0
    local server = support.serve(function(req, res)
      seen.add(req.target)
      res:on("close", function() closed = closed + 1 end)
      if req.target == "/closing" then res:set_header("Connection", "close") end
      weir.set_timeout(function() res:end_(req.target) end, 5)
    end)
    local one = support.request("GET /1", "")
    local _, all = support.ask(server, one .. support.get "/2" .. one)
    assert.equal(2, #all)
    assert.equal("/1 /2", seen.take())
    _, all = support.ask(server, support.request("GET /closing", "") .. one .. one)
    assert.equal(1, #all)
    assert.equal("close", all[1].headers.connection)
    assert.equal("/closing /1 /1", seen.take())
    support.run_until(function() return closed == 5 end)
    support.close(server)
  end)

  it_serves("answers what came before a bad request first, however long that takes", function()
    local server = support.serve(function(_, res)
      weir.set_timeout(function() res:end_ "slow" end, 50)
    end)
    local _, all = support.ask(server, support.request("GET /", "") .. "BAD\r\n\r\n")
    assert.equal("200 400", all[1].status .. " " .. all[2].status)
    support.close(server)
  end)

  it_serves("refuses what will be no head as soon as that is seen, in whatever pieces", function()
    local server = support.serve(hello)
    local cases = {
      ["GET / HTTP/1.1\nHost: a\n\n"] = 400, ["GET / HTTP/1.1\r\nHost: a\n"] = 400,
      ["\nGET"] = 400, ["\22\3\1"] = 400, ["GET / HTTP/2.0\r\n"] = 505,
      ["GET  / HTTP/1.1\r\n"] = 400,
      ["GET /\1"] = 400, ["GET / HTTP/1.1 \r\n"] = 400, ["GET /\r\n"] = 400,
    }
    for bytes, status in pairs(cases) do
      for _, size in ipairs { 1, 5, 100 } do
        local client = support.connect(server)
        client.socket:set_no_delay()
        for i = 1, #bytes, size do
          if client.socket:writable() then client.send(bytes:sub(i, i + size - 1)) end
          wait_ms(1)
        end
        client.wait_end()
        assert.equal(status, tonumber(client.text:match "^HTTP/1.1 (%d+)"), bytes .. size)
        client.finish()
      end
    end
    support.close(server)
  end)

  it_serves("takes empty lines before a request, in whatever pieces they come", function()
    local server = support.serve(hello)
    local client = support.connect(server)
    client.socket:set_no_delay()
    for piece in ("\r|\n\r|\n" .. support.get()):gmatch "[^|]+" do
      client.send(piece)
      wait_ms(3)
    end
    client.wait_end()
    assert.truthy(client.text:find "hello$")
    client.finish()
    support.close(server)
  end)

  it_serves("that fails before all was written fails the response, which was ended", function()
    local told
    local server = support.serve(function(_, res)
      res:on("error", function(err) told = err.code end)
      res:on("finish", function() told = "finish" end)
      res:end_(("x"):rep(30 * 1024 * 1024))
    end)
    local client = support.connect(server)
    client.send(support.get())
    client.wait "xxx"
    client.socket:reset_and_destroy()
    support.run_until(function() return told end)
    assert.equal("ECONNRESET", told)
    support.close(server)
  end)
end)

describe("a server of HTTP", function()
  after_each(support.settle)

  it_serves("closes a connection on which no request follows, or none has come", function()
    local server = support.serve({ idle_timeout = 30, head_timeout = 60 }, hello)
    local first, second = support.connect(server), support.connect(server)
    first.send(support.request("GET /", ""))
    first.wait_end()
    assert.truthy(first.text:find "hello$")
    second.wait_end()
    assert.equal("", second.text)
    first.finish()
    second.finish()
    support.close(server)
  end)

  it_serves("answers 408 to a head that comes too slowly, however steadily", function()
    local codes = support.new_log()
    local server = support.serve({ head_timeout = 60 }, hello)
    server.http:on("client_error", function(err) codes.add(err.code .. err.status) end)
    local client = support.connect(server)
    local head, i = "GET / HTTP/1.1\r\nHost: " .. ("x"):rep(1000), 0
    local function more()
      i = i + 1
      if client.socket:writable() then
        client.send(head:sub(i, i))
        weir.set_timeout(more, 5)
      end
    end
    more()
    client.wait_end()
    assert.truthy(client.text:find "^HTTP/1.1 408 ")
    assert.equal("ERR_HTTP_REQUEST_TIMEOUT408", codes.take())
    client.finish()
    support.close(server)
  end)

  it_serves("answers 408 to a body that does not come", function()
    local server = support.serve({ request_timeout = 60 }, function(req, res)
      req:on("error", function() end)
      req:on("end", function() res:end_() end)
      req:resume()
    end)
    local client = support.connect(server)
    client.send(support.request("POST /", "Content-Length: 10\r\n", "abc"))
    client.wait_end()
    assert.truthy(client.text:find "^HTTP/1.1 408 ")
    client.finish()
    support.close(server)
  end)

  it_serves("has limits for heads, headers, targets and bodies", function()
    local limits = { max_head = 500, max_headers = 5, max_body = 10 }
    local server = support.serve(limits, function(req, res)
      req:on("error", function() end)
      req:on("end", function() res:end_ "fine" end)
      req:resume()
    end)
    local long, close = ("x"):rep(500), "Connection: close\r\n"
    local chunked = close .. "Transfer-Encoding: chunked\r\n"
    local cases = {
      { 200, support.request("GET /", close .. "A: b\r\nC: d\r\nE: f\r\n") },
      { 431, support.request("GET /", close .. "A: b\r\nC: d\r\nE: f\r\nG: h\r\n") },
      { 431, support.request("GET /", "A: " .. long .. "\r\n") },
      { 431, "GET / HTTP/1.1\r\nA: " .. long },
      { 414, support.request("GET /" .. long) },
      { 414, "GET /" .. long },
      { 200, support.request("POST /", close .. "Content-Length: 10\r\n", "0123456789") },
      { 413, support.request("POST /", close .. "Content-Length: 11\r\n", "0123456789a") },
      { 200, support.request("POST /", chunked, "5\r\nabcde\r\n5\r\nabcde\r\n0\r\n\r\n") },
      { 413, support.request("POST /", chunked, "5\r\nabcde\r\n6\r\nabcdef\r\n0\r\n\r\n") },
      { 413, support.request("POST /", chunked, "ffffffff\r\nabcdeffffffffffff") },
      { 431, support.request("POST /", chunked, "0\r\nA: " .. long .. "\r\n\r\n") },
    }
    for i, case in ipairs(cases) do
      assert.equal(case[1], support.ask(server, case[2]).status, "case " .. i)
    end
    support.close(server)
  end)

  it_serves("takes no more connections than max_connections", function()
    local dropped = 0
    local server = support.serve({ max_connections = 1 }, hello)
    server.http:on("drop", function() dropped = dropped + 1 end)
    local first, second = support.connect(server), support.connect(server)
    first.send(support.request("GET /", ""))
    first.wait "hello"
    second.wait_end()
    assert.equal(1, dropped)
    first.finish()
    second.finish()
    support.close(server)
  end)

  it_serves("that closes answers what is under way, and says that it closes", function()
    local answer
    local server = support.serve(function(_, res)
      answer = function() res:end_ "answered" end
    end)
    local idle, busy = support.connect(server), support.connect(server)
    busy.send(support.get "/")
    support.run_until(function() return answer and server.http:connections() == 2 end)
    local closed, late = false, support.connect(server)
    server.http:close(function() closed = true end)
    idle.wait_end()
    late.wait_end()
    wait_ms(20)
    assert.is_false(closed)
    answer()
    busy.wait_end()
    assert.truthy(busy.text:find "Connection: close\r\n.*answered$")
    for _, client in ipairs { idle, busy, late } do client.finish() end
    support.run_until(function() return closed end)
    assert.is_false(server.http:listening())
  end)

  it_serves("can be made to close all at once", function()
    local server = support.serve(function(_, res) res:write "x" end)
    local client = support.connect(server)
    client.send(support.get "/")
    client.wait "x\r\n$"
    server.http:close_all_connections()
    client.wait_end()
    client.finish()
    support.close(server)
  end)

  it_serves("says 100 Continue when the body is first read, and no sooner", function()
    local request
    local server = support.serve(function(req, res)
      request = req
      req:on("end", function() res:end_ "thanks" end)
    end)
    local client = support.connect(server)
    local head = "Expect: 100-Continue\r\nConnection: close\r\nContent-Length: 3\r\n"
    client.send(support.request("POST /", head))
    support.run_until(function() return request end)
    wait_ms(10)
    assert.equal("", client.text)
    request:resume()
    client.wait "100 Continue\r\n\r\n$"
    client.send "abc"
    client.wait_end()
    local all = support.responses(client.text)
    assert.equal("100 200", all[1].status .. " " .. all[2].status)
    client.finish()
    support.close(server)
  end)

  it_serves("may refuse a body before it comes; who listens to check_continue decides", function()
    local server = support.serve(function(_, res) res:write_head(417):end_() end)
    local head = "Expect: 100-continue\r\nContent-Length: 3\r\n"
    local _, all = support.ask(server, support.request("POST /", head))
    assert.equal(1, #all)
    assert.equal(417, all[1].status)
    assert.equal("close", all[1].headers.connection)
    server.http:on("check_continue", function(req, res)
      res:write_continue()
      req:on("end", function() res:end_ "taken" end)
      req:resume()
    end)
    local client = support.connect(server)
    client.send(support.request("POST /", head))
    client.wait "100 Continue\r\n\r\n$"
    client.send "abc"
    client.wait "taken"
    client.finish()
    assert.equal(417, support.ask(server, support.request("POST /", "Expect: x\r\n")).status)
    support.close(server)
  end)

  it_serves("drops a short body that nobody reads, and closes on a long one", function()
    local server = support.serve(hello)
    local short = support.request("POST /", "Content-Length: 1000\r\n", ("x"):rep(1000))
    local _, all = support.ask(server, short .. short .. support.get())
    assert.equal(3, #all)
    local client = support.connect(server)
    client.send(support.request("POST /", "Content-Length: 100000000\r\n", ("x"):rep(1000)))
    client.wait_end()
    assert.truthy(client.text:find "hello$")
    client.finish()
    support.close(server)
  end)

  it_serves("leaves the answer to bad requests to who listens to client_error", function()
    local server = support.serve(hello)
    server.http:on("client_error", function(err, socket)
      assert.equal(400, err.status)
      socket:end_ "HTTP/1.1 418 I'm a Teapot\r\n\r\n"
    end)
    local client = support.connect(server)
    client.send "BAD\r\n\r\n"
    assert.equal("HTTP/1.1 418 I'm a Teapot\r\n\r\n", client.wait_end())
    client.finish()
    support.close(server)
  end)

  it_serves("answers 404 where nobody listens", function()
    local server = support.serve()
    assert.equal(404, support.ask(server, support.get()).status)
    support.close(server)
  end)
end)

describe("code that raises in on_request", function()
  after_each(support.settle)

  local function ask_raising(handler)
    local server = support.serve(handler)
    local client = support.connect(server)
    client.send(support.request("GET /", ""))
    local raised = run_until_raised(function() return client.ended or client.closed end)
    client.wait_end()
    client.finish()
    support.close(server)
    return client.text, raised
  end

  it_serves("is raised by weir.run, unchanged, and the client gets 500", function()
    local problem = {}
    local text, raised = ask_raising(function() error(problem) end)
    assert.equal(problem, raised)
    assert.truthy(text:find "^HTTP/1.1 500 .*Connection: close")
    text, raised = ask_raising(function(_, res)
      res:set_header("X", "y")
      res:write "not sent yet"
      error "oops"
    end)
    assert.truthy(tostring(raised):find "oops")
    assert.truthy(text:find "^HTTP/1.1 500 ")
    assert.is_nil(text:find "not sent yet")
  end)

  it_serves("behind others, and before its body has come, is answered behind them", function()
    local server = support.serve(function(req, res)
      if req.method == "POST" then error "oops" end
      weir.set_timeout(function() res:end_ "slow" end, 60)
    end)
    local client = support.connect(server)
    client.send(support.request("GET /", "")
      .. support.request("POST /", "Content-Length: 6\r\n", "abc"))
    local raised = run_until_raised(function() return client.text ~= "" end)
    assert.truthy(tostring(raised):find "oops")
    client.send "def"
    client.wait_end()
    local all = support.responses(client.text)
    assert.equal("200 500", all[1].status .. " " .. all[2].status)
    client.finish()
    support.close(server)
  end)

  it_serves("after it has answered closes when that was sent", function()
    local text, raised = ask_raising(function(_, res)
      res:end_ "answered"
      error "oops"
    end)
    assert.truthy(tostring(raised):find "oops")
    assert.truthy(text:find "^HTTP/1.1 200 .*answered$")
  end)
end)

describe("code that destroys", function()
  after_each(support.settle)

  it_serves("request, response, socket, or the server, at any time, harms nobody else", function()
    local ways = {
      function(_, res) res:destroy() end,
      function(req) req:destroy() end,
      function(req) req.socket:destroy() end,
      function(req) req.socket:end_() end,
      function(req, res) res:write "x" req.socket:destroy() res:write "y" end,
      function(_, res) res:end_ "x" res:destroy() end,
      function(req, res) req:destroy() res:end_ "x" end,
      function(req, res) req:on("data", function() res:destroy() end) end,
      function(req, res)
        req:on("end", function() req.socket:destroy() end):resume()
        res:end_()
      end,
      function(_, res) res:on("close", function() res:write "z" end):write "x" res:destroy() end,
      function(_, res) res:on("finish", function() res:destroy() end) res:end_ "x" end,
    }
    for i, way in ipairs(ways) do
      local server = support.serve(function(req, res)
        res:on("error", function() end)
        way(req, res)
      end)
      local client = support.connect(server)
      local one = support.request("POST /", "Content-Length: 3\r\n", "abc")
      client.send(one .. one .. one)
      wait_ms(5)
      server.http:close_all_connections()
      client.wait_end()
      client.finish()
      support.close(server)
      assert.is_true(client.closed, i)
    end
    local server
    server = support.serve(function(_, res)
      server.http:close()
      server.http:close_all_connections()
      res:end_ "x"
    end)
    local client = support.connect(server)
    client.send(support.request("GET /", ""))
    client.wait_end()
    client.finish()
  end)

  it_serves("a self that is none raises", function()
    local http = require "weir.http"
    local res = require "weir.http.response".methods
    local server = http.create_server()
    for name, method in pairs(res) do
      if type(method) == "function" then
        for _, bad in ipairs { false, {}, io.stdout, weir.writable(), server } do
          assert.is_false((pcall(method, bad, "x")), name)
        end
      end
    end
    for name, method in pairs(require "weir.http.server".methods) do
      local ok, err = pcall(method, {}, "x")
      assert.is_false(ok)
      assert.truthy(err:find("calling '" .. name .. "' on bad self", 1, true), err)
    end
    assert.is_false((pcall(http.create_server, { max_hed = 1 })))
    assert.is_false((pcall(http.create_server, { max_head = -1 })))
    assert.is_false((pcall(http.create_server, 7)))
    assert.is_false((pcall(http.create_server, {}, 7)))
    local _, err = pcall(function() return (http.create_server { max_hed = 1 }) end)
    assert.truthy(err:find "life_spec.lua:%d+: bad argument #1 to 'create_server' ", err)
    assert.truthy(err:find("did you mean 'max_head'", 1, true), err)
  end)
end)
