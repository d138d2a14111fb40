-- Clients that are slow, and not gone: they get all, and nobody pays for it.
local support = require "spec.http.support"

local it_serves = support.it_serves(it, pending)

local wait_ms = support.wait_ms

describe("a client that is slow", function()
  after_each(support.settle)

  it_serves("gets the whole of a long answer, beyond all timeouts between requests", function()
    local size = 12000000
    local finished = 0
    local server = support.serve({ idle_timeout = 100 }, function(request, response)
      if request.target == "/close" then response:set_header("Connection", "close") end
      response:on("finish", function() finished = finished + 1 end)
      response:end_(("x"):rep(size))
    end)
    local clients = {}
    for i, path in ipairs { "/", "/close", "/close" } do
      local client = support.connect(server)
      client.send("GET ", path, " HTTP/1.1\r\nHost: a\r\n\r\n")
      if i == 3 then client.socket:end_() end -- it says no more, which is no reason to say less
      client.socket:pause()
      client.got = 0
      client.socket:remove_all_listeners "data"
      client.socket:on("data", function(data) client.got = client.got + #data end)
      client.socket:pause()
      clients[i] = client
    end
    wait_ms(2500)
    for _, client in ipairs(clients) do client.socket:resume() end
    for _, client in ipairs(clients) do
      client.wait_end()
      assert.is_true(client.got > size, client.got)
      client.finish()
    end
    assert.equal(3, finished)
    support.close(server)
  end)

  it_serves("and sends request after request is not answered before it reads", function()
    local size, count, handled = 200000, support.slow and 300 or 1000, 0
    local server = support.serve(function(_, response)
      handled = handled + 1
      response:end_(("x"):rep(size))
    end)
    local client = support.connect(server)
    client.socket:pause()
    client.send(("GET / HTTP/1.1\r\nHost: a\r\n\r\n"):rep(count))
    local before
    repeat -- until nothing has moved for a while
      before = handled
      wait_ms(30)
    until handled == before and handled > 0
    assert.is_true(handled < 200, handled) -- what the system's buffers take, and a few
    client.socket:remove_all_listeners "data"
    local got, wanted = 0, count * size
    client.socket:on("data", function(data) got = got + #data end)
    client.socket:resume()
    support.run_until(function() return got > wanted or client.closed end)
    assert.equal(count, handled)
    client.finish()
    support.close(server)
  end)
end)
