-- A server, its requests and its responses: what a script relies on that answers.
local weir = require "weir"
local support = require "spec.http.support"

local it_serves = support.it_serves(it, pending)

local KEEP = "" -- no further headers

local function echo(request, response)
  local parts = {}
  request:on("data", function(data) parts[#parts + 1] = data end)
  request:on("end", function() response:end_(table.concat(parts)) end)
end

describe("a response", function()
  after_each(support.settle)

  it_serves("whose body is one end_ has its length, a date, and is not closed", function()
    local server = support.serve(function(_, response)
      response:set_header("Content-Type", "text/plain")
      response:end_ "hello\n"
    end)
    local client = support.connect(server)
    for _ = 1, 3 do
      client.text = ""
      client.send(support.request("GET /", KEEP))
      client.wait "hello"
      local one = support.responses(client.text)[1]
      assert.equal(200, one.status)
      assert.equal("hello\n", one.body)
      assert.equal("6", one.headers["content-length"])
      assert.equal("text/plain", one.headers["content-type"])
      assert.truthy(one.headers.date:find "^%a%a%a, %d%d %a%a%a %d%d%d%d %d%d:%d%d:%d%d GMT$")
      assert.is_nil(one.headers.connection)
    end
    client.finish()
    support.close(server)
  end)

  it_serves("of several turns is chunked; the writes of one turn are one chunk", function()
    local server = support.serve(function(_, response)
      for i = 1, 10 do response:write("line ", i, "\n") end
      weir.set_timeout(function()
        response:write "more\n"
        response:write "and more\n"
        weir.set_timeout(function() response:end_ "last\n" end, 5)
      end, 5)
    end)
    local one = support.ask(server, support.get())
    assert.equal("chunked", one.headers["transfer-encoding"])
    assert.is_nil(one.headers["content-length"])
    assert.truthy(one.body:find "^line 1\nline 2\n.*line 10\nmore\nand more\nlast\n$")
    assert.equal(3, one.chunks)
    support.close(server)
  end)

  it_serves("that is written and ended in one turn has its length", function()
    local server = support.serve(function(_, response)
      response:write "one "
      response:write "two "
      response:end_ "three"
    end)
    local one = support.ask(server, support.get())
    assert.equal("13", one.headers["content-length"])
    assert.equal("one two three", one.body)
    support.close(server)
  end)

  it_serves("has the Content-Length that was given, and only that many bytes", function()
    local errors = support.new_log()
    local sizes = { 3, 5, 7 }
    local server = support.serve(function(request, response)
      local size = tonumber(request.target:match "%d+")
      response:on("error", errors.cb "error")
      response:write_head(200, { ["Content-Length"] = 5 })
      if size <= 5 then
        response:write(("x"):rep(size))
        weir.set_timeout(function() response:end_() end, 5)
      else
        response:write("xxxx", errors.cb "fits")
        response:write("xxx", errors.cb "does not")
      end
    end)
    for _, size in ipairs(sizes) do
      local client = support.connect(server)
      client.send(support.get("/" .. size))
      client.wait_end()
      client.finish()
      if size == 5 then assert.truthy(client.text:find "\r\n\r\nxxxxx$")
      else assert.is_nil(client.text:find "xxxxx") end
    end
    assert.equal("error(HTTP_CONTENT_LENGTH_MISMATCH) fits does not(HTTP_CONTENT_LENGTH_MISMATCH) "
      .. "error(HTTP_CONTENT_LENGTH_MISMATCH)", errors.take())
    support.close(server)
  end)

  it_serves("to HEAD, and of 204 and 304, has no body, whatever is written", function()
    local server = support.serve(function(request, response)
      response.status = tonumber(request.target:sub(2))
      response:end_ "a body"
    end)
    local asked = support.request("HEAD /200", KEEP) .. support.get "/204"
    local one, all = support.ask(server, asked, true)
    assert.equal(2, #all)
    assert.equal("6", one.headers["content-length"])
    assert.equal(204, all[2].status)
    assert.is_nil(all[2].headers["content-length"])
    for _, code in ipairs { 204, 304 } do
      local text = select(3, support.ask(server, support.get("/" .. code)))
      assert.truthy(text:find "\r\n\r\n$")
      assert.is_nil(text:find "Transfer")
    end
    support.close(server)
  end)

  it_serves("to HTTP/1.0 is never chunked: it ends with the connection", function()
    local server = support.serve(function(request, response)
      assert.equal("1.0", request.version)
      response:write "abc"
      weir.set_timeout(function() response:end_ "def" end, 5)
    end)
    local one = support.ask(server, "GET / HTTP/1.0\r\n\r\n")
    assert.equal("close", one.headers.connection)
    assert.is_nil(one.headers["transfer-encoding"])
    assert.equal("abcdef", one.body)
    support.close(server)
  end)

  it_serves("to HTTP/1.0 that asks for it keeps the connection, if the length is known", function()
    local server = support.serve(function(_, response) response:end_ "abc" end)
    local ask = "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n"
    local _, all = support.ask(server, ask .. ask .. "GET / HTTP/1.0\r\n\r\n")
    assert.equal(3, #all)
    assert.equal("keep-alive", all[1].headers.connection)
    assert.equal("close", all[3].headers.connection)
    support.close(server)
  end)

  it_serves("has the headers, reason and trailers that were set", function()
    local server = support.serve(function(_, response)
      response:set_header("X-One", "1"):set_header("X-Gone", "2"):remove_header "x-gone"
      response:set_header("Set-Cookie", { "a=1", "b=2" })
      assert.equal("1", response:get_header "x-one")
      assert.is_nil(response:get_header "X-Gone")
      assert.is_false(response:headers_sent())
      response:write_head(299, "Fine", { ["x-one"] = 11, ["X-Two"] = "zwei" })
      assert.is_true(response:headers_sent())
      response:add_trailers { ["X-Sum"] = "77" }
      response:end_ "abc"
    end)
    local one, _, text = support.ask(server, support.get())
    assert.truthy(text:find "^HTTP/1.1 299 Fine\r\n")
    assert.equal("11", one.headers["x-one"])
    assert.equal("zwei", one.headers["x-two"])
    assert.is_nil(one.headers["x-gone"])
    assert.truthy(text:find "Set%-Cookie: a=1\r\nSet%-Cookie: b=2\r\n")
    assert.equal("abc", one.body)
    assert.equal("X-Sum: 77\n", one.trailers)
    support.close(server)
  end)

  it_serves("keeps all values of a name that comes again in a list of pairs", function()
    local server = support.serve(function(_, response)
      response:set_header("Set-Cookie", "old=1")
      response:write_head(200, { { "Set-Cookie", "a=1" }, { "X", 1 },
        { "set-cookie", { "b=2", "c=3" } } })
      response:end_ "abc"
    end)
    local _, _, text = support.ask(server, support.get())
    assert.truthy(text:find("et-cookie: a=1\r\nset-cookie: b=2\r\nset-cookie: c=3\r\n", 1, true))
    assert.is_nil(text:find("old=1", 1, true))
    support.close(server)
  end)

  it_serves("raises for what would split it, and for headers that come too late", function()
    local checked = 0
    local server = support.serve(function(_, response)
      local function raises(code, method, ...)
        local ok, err = pcall(response[method], response, ...)
        assert.is_false(ok)
        assert.equal(code, type(err) == "table" and err.code or err:match "bad argument" or err)
        checked = checked + 1
      end
      for _, bad in ipairs { "a\rb", "a\nb", "a\0b", "a\r\nX: y", "\127" } do
        raises("ERR_INVALID_CHAR", "set_header", "X", bad)
        raises("ERR_INVALID_CHAR", "set_header", "X", { "fine", bad })
        raises("ERR_INVALID_CHAR", "write_head", 200, { X = bad })
        raises("ERR_INVALID_CHAR", "write_head", 200, bad)
        raises("ERR_INVALID_CHAR", "add_trailers", { X = bad })
        raises("ERR_INVALID_HTTP_TOKEN", "set_header", bad, "x")
      end
      for _, name in ipairs { "Content-Length", "transfer-encoding", "Host", "Trailer" } do
        local value = name == "transfer-encoding" and "chunked" or "5"
        raises("ERR_HTTP_TRAILER_INVALID", "add_trailers", { [name] = value })
      end
      raises("bad argument", "write_head", 200, { "X" })
      raises("ERR_INVALID_HTTP_TOKEN", "set_header", "", "x")
      raises("ERR_INVALID_HTTP_TOKEN", "set_header", "a b", "x")
      raises("ERR_INVALID_HTTP_TOKEN", "set_header", "a:", "x")
      raises("ERR_HTTP_INVALID_HEADER_VALUE", "set_header", "Content-Length", "-1")
      raises("ERR_HTTP_INVALID_HEADER_VALUE", "set_header", "Transfer-Encoding", "gzip")
      raises("ERR_HTTP_INVALID_STATUS_CODE", "write_head", 99)
      raises("bad argument", "set_header", "X", true)
      raises("bad argument", "set_header", 7, "x")
      raises("bad argument", "write_head", "200")
      response:write "x"
      raises("ERR_HTTP_HEADERS_SENT", "set_header", "X", "y")
      raises("ERR_HTTP_HEADERS_SENT", "remove_header", "X")
      raises("ERR_HTTP_HEADERS_SENT", "write_head", 200)
      response:end_()
    end)
    local one = support.ask(server, support.get())
    assert.equal("x", one.body)
    assert.equal(47, checked)
    support.close(server)
  end)

  it_serves("is a stream of weir: the end of a pipe, of a pipeline, of a coroutine", function()
    local ended = support.new_log()
    local server = support.serve(function(request, response)
      local source = weir.readable_from { ("a"):rep(50000), ("b"):rep(50000), "c" }
      if request.target == "/pipe" then source:pipe(response)
      elseif request.target == "/pipeline" then weir.pipeline(source, response, ended.cb "pipeline")
      else
        weir.spawn(function()
          assert(response:send(("a"):rep(50000)))
          assert(response:send(("b"):rep(50000)))
          assert(response:finish "c")
          ended.add "finish"
        end)
      end
    end)
    for _, way in ipairs { "/pipe", "/pipeline", "/coroutine" } do
      local one = support.ask(server, support.get(way))
      assert.equal(100001, #one.body, way)
      assert.truthy(one.body:find "^a+b+c$")
    end
    if _VERSION == "Lua 5.1" and not jit then
      assert.truthy(ended.take():find "pipeline")
    else
      assert.equal("pipeline finish", ended.take())
    end
    support.close(server)
  end)
end)

describe("weir.http", function()
  setup(support.open_folder)
  teardown(support.remove_folder)

  it("says what is missing where it cannot be had; weir itself needs nothing of it", function()
    for _, name in ipairs { "lpeg", "lpeg_patterns" } do
      local child = support.child(([[
        package.preload[%q] = function() error "not to be found" end
        assert(weir.connect)
        local ok, err = pcall(require, "weir.http")
        print(ok, err)
        print(pcall(function() return weir.http end))
      ]]):format(name == "lpeg" and "lpeg" or "lpeg_patterns.http"))
      assert.equal(0, child.code)
      local first, second = child.output:match "^(.*)\n(false.-)\n$"
      assert.truthy(first:find("weir.http needs " .. name .. ",", 1, true), child.output)
      assert.truthy(first:find "not to be found", child.output)
      assert.truthy(second, child.output)
    end
  end)
end)

describe("a request", function()
  after_each(support.settle)

  it_serves("has method, target, version and headers of any case", function()
    local seen
    local server = support.serve(function(request, response)
      local h = request.headers
      seen = {
        request.method, request.target, request.version, h["content-type"], h["Content-TYPE"],
        h:get "x-list", table.concat(h:all "X-List", "|"), h.cookie, h:get "get", h.none or "nil",
      }
      local names = {}
      for name, value in h:each() do names[#names + 1] = name .. "=" .. value end
      seen.names = table.concat(names, " ")
      assert.equal("127.0.0.1", (request.socket:remote_address()))
      assert.is_false((pcall(function() h.x = 1 end)))
      response:end_()
    end)
    support.ask(server, support.request("PURGE /a?b=c", "Content-Type: text/x\r\nX-List: a\r\n"
      .. "x-list:\t b\t\r\nCookie: a=1\r\nCookie: b=2\r\nGet: got\r\nConnection: close\r\n"))
    assert.equal("PURGE /a?b=c 1.1 text/x text/x a, b a|b a=1; b=2 got nil",
      table.concat(seen, " "))
    assert.equal("host=spec content-type=text/x x-list=a x-list=b cookie=a=1 cookie=b=2 get=got "
      .. "connection=close", seen.names)
    support.close(server)
  end)

  it_serves("and its response may be given fields, and are streams of weir in all else", function()
    local checked
    local server = support.serve(function(request, response)
      request.user, response.user = "me", "you"
      request.method = "changed"
      assert.equal("me you changed", request.user .. " " .. response.user .. " " .. request.method)
      assert.is_nil(request.nothing)
      assert.equal(200, response.status)
      assert.truthy(tostring(request):find "request")
      assert.truthy(tostring(response):find "response")
      assert.is_true(response:writable())
      assert.is_false(response:writable_ended())
      assert.is_true(request:readable())
      local kinds = {}
      for _, entry in ipairs(weir.inspect()) do kinds[entry.kind] = true end
      assert.is_true(kinds.request and kinds.response)
      checked = true
      response:end_()
    end)
    support.ask(server, support.get())
    assert.is_true(checked)
    support.close(server)
  end)

  it_serves("is a readable of its body, by length or chunked, however it is cut", function()
    local server = support.serve(echo)
    local by_length = support.request("POST /", "Content-Length: 11\r\n", "hello world")
    local chunked = support.request("POST /", "Transfer-Encoding: Chunked\r\n",
      "5\r\nhello\r\n6;a=b;c=\"d\"\r\n world\r\n0\r\n\r\n")
    local all_of_them = by_length .. chunked .. by_length .. support.get()
    for _, size in ipairs { 1, 2, 7, 50, 1000 } do
      local client = support.connect(server)
      client.socket:set_no_delay()
      for i = 1, #all_of_them, size do
        client.send(all_of_them:sub(i, i + size - 1))
        if size > 2 or i % 16 == 1 then weir.run "nowait" end
      end
      client.wait_end()
      client.finish()
      local all = support.responses(client.text)
      assert.equal(4, #all)
      for i = 1, 3 do assert.equal("hello world", all[i].body) end
    end
    support.close(server)
  end)

  it_serves("has its trailers when it has ended", function()
    local trailers
    local server = support.serve(function(request, response)
      request:on("end", function()
        trailers = request.trailers["x-sum"] .. request.trailers:get "Y"
        response:end_()
      end)
      request:resume()
    end)
    support.ask(server, support.request("POST /",
      "Transfer-Encoding: chunked\r\nConnection: close\r\n",
      "1\r\na\r\n0\r\nX-Sum: 77\r\ny: 8\r\n\r\n"))
    assert.equal("778", trailers)
    support.close(server)
  end)

  it_serves("that is not read stops the client", function()
    local request
    local server = support.serve(function(req, response)
      request = req
      response:on("error", function() end)
    end)
    local client = support.connect(server)
    client.send(support.request("POST /", "Content-Length: 50000000\r\n"))
    local sent, piece = 0, ("x"):rep(65536)
    local function push()
      while client.send(piece) do sent = sent + #piece end
      client.socket:once("drain", push)
    end
    push()
    local before
    repeat -- until nothing has moved for a while
      before = sent
      local over = false
      weir.set_timeout(function() over = true end, 30)
      support.run_until(function() return over end)
    until sent == before
    assert.is_true(sent < 40000000, sent)
    assert.is_true(request:readable_length() < 200000)
    local got = 0
    request:on("data", function(data) got = got + #data end)
    support.run_until(function() return got > sent end)
    client.socket:remove_all_listeners "drain"
    client.finish()
    support.close(server)
  end)

  it_serves("that comes while others are answered is answered in its order", function()
    local waiting, most, under_way = {}, 0, 0
    local server = support.serve(function(request, response)
      under_way = under_way + 1
      most = math.max(most, under_way)
      table.insert(waiting, 1, function()
        under_way = under_way - 1
        response:end_(request.target)
      end)
      if #waiting == 1 then
        weir.set_timeout(function()
          local all = waiting
          waiting = {}
          for _, answer in ipairs(all) do answer() end -- the last one first
        end, 3)
      end
    end)
    local asked, expected = {}, {}
    for i = 1, 40 do
      asked[i] = i < 40 and support.request("GET /" .. i, KEEP) or support.get "/40"
      expected[i] = "/" .. i
    end
    local _, all = support.ask(server, table.concat(asked))
    local got = {}
    for i, one in ipairs(all) do got[i] = one.body end
    assert.same(expected, got)
    assert.is_true(most > 1 and most <= 8, most)
    support.close(server)
  end)
end)
