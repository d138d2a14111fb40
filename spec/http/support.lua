-- What the specs of weir.http share: servers on a port of their own, and clients that send bytes as
-- they are. No spec of its own.
--
--   local server = support.serve(function(request, response) response:end_ "hello" end)
--   assert.equal("hello", support.ask(server, support.get "/").body)
--   support.close(server)
local weir = require "weir"
local sockets = require "spec.sockets.support"

local support = {
  new_log = sockets.new_log, settle = sockets.settle, slow = sockets.slow, sh = sockets.sh,
  quote = sockets.quote, run_until = sockets.run_until, child = sockets.child,
  open_folder = sockets.open_folder, remove_folder = sockets.remove_folder,
  new_path = sockets.new_path, put = sockets.put, read = sockets.read, memory = sockets.memory,
  lacks_command = sockets.lacks_command, command = sockets.command,
}

-- Why weir.http cannot be tested here; nil: it can.
function support.missing()
  local found, why = pcall(require, "weir.http")
  if not found then return (tostring(why):gsub("\n.*", "")) end
end

-- `it`, for specs that need weir.http: where that is missing they are pending. (Given both because
-- busted shows them to spec files only.)
function support.it_serves(it, pending)
  local missing = support.missing()
  return function(name, body)
    it(name, function()
      if missing then pending(missing) end
      body()
    end)
  end
end

-- Runs the loop for some milliseconds.
function support.wait_ms(ms)
  local over = false
  weir.set_timeout(function() over = true end, ms)
  support.run_until(function() return over end)
end

-- A server that listens: { http =, host =, port = }; `options` as of create_server, or none.
function support.serve(options, on_request)
  local http = require "weir.http"
  local it = { http = http.create_server(options, on_request) }
  it.http:listen { host = "127.0.0.1", port = 0 }
  support.run_until(function() return it.http:listening() end)
  it.host, it.port = it.http:address()
  return it
end

-- Closes it, and waits until all its connections have gone.
function support.close(it)
  local closed = false
  it.http:close(function() closed = true end)
  support.run_until(function() return closed end)
end

-- A client: what it got is its `text`; `ended` when the server says no more, `error` a code.
function support.connect(it)
  local client = { text = "" }
  local socket = weir.connect { host = it.host, port = it.port, allow_half_open = true }
  client.socket = socket
  socket:on("data", function(data) client.text = client.text .. data end)
  socket:on("end", function() client.ended = true end)
  socket:on("error", function(err) client.error = err.code end)
  socket:on("close", function() client.closed = true end)
  function client.send(...) return socket:write(...) end
  -- Runs until what it got has the pattern, or it is over.
  function client.wait(pattern)
    support.run_until(function()
      return client.ended or client.closed or client.text:find(pattern)
    end)
    return client.text
  end
  function client.wait_end()
    support.run_until(function() return client.ended or client.closed end)
    return client.text
  end
  function client.finish()
    if not socket:destroyed() then socket:destroy() end
    support.run_until(function() return client.closed end)
  end
  return client
end

-- Splits responses: { { status =, head =, headers = { lower name -> value }, body = }, ... }.
-- `bodyless`: those to HEAD requests.
function support.responses(text, bodyless)
  local all, from = {}, 1
  while from <= #text do
    local first, last = text:find("\r\n\r\n", from, true)
    assert(first, "no head in: " .. text:sub(from))
    local one = { head = text:sub(from, first + 1), headers = {} }
    one.status = tonumber(one.head:match "^HTTP/1%.1 (%d%d%d)")
    assert(one.status, "no status line in: " .. one.head)
    for name, value in one.head:gmatch "\r\n([^:\r\n]+): ([^\r\n]*)" do
      one.headers[name:lower()] = value
    end
    from = last + 1
    local no_body = bodyless or one.status < 200 or one.status == 204 or one.status == 304
    if no_body then one.body = ""
    elseif one.headers["transfer-encoding"] then one.body, from = support.unchunk(text, from, one)
    elseif one.headers["content-length"] then
      one.body = text:sub(from, from + one.headers["content-length"] - 1)
      from = from + #one.body
    else
      one.body, from = text:sub(from), #text + 1
    end
    all[#all + 1] = one
  end
  return all
end

function support.unchunk(text, from, one)
  local parts = {}
  one.chunks = 0
  while true do
    local size, behind = text:match("^(%x+)\r\n()", from)
    assert(size, "no chunk in: " .. text:sub(from, from + 40))
    size = tonumber(size, 16)
    if size == 0 then
      local trailers, last = text:match("^(.-)\r\n()", behind)
      while trailers ~= "" do
        one.trailers = (one.trailers or "") .. trailers .. "\n"
        trailers, last = text:match("^(.-)\r\n()", last)
      end
      return table.concat(parts), last
    end
    one.chunks = one.chunks + 1
    parts[#parts + 1] = text:sub(behind, behind + size - 1)
    assert(text:sub(behind + size, behind + size + 1) == "\r\n", "a chunk has no end")
    from = behind + size + 2
  end
end

-- Sends the bytes, reads until the server ends. Returns the first response and all of them.
function support.ask(it, bytes, bodyless)
  local client = support.connect(it)
  client.send(bytes)
  local text = client.wait_end()
  client.finish()
  local all = support.responses(text, bodyless)
  return all[1] or { error = client.error }, all, text
end

-- A request that asks for the connection to be closed, unless `more` says otherwise.
function support.request(line, more, content)
  return line .. " HTTP/1.1\r\nHost: spec\r\n" .. (more or "Connection: close\r\n") .. "\r\n"
    .. (content or "")
end

function support.get(path) return support.request("GET " .. (path or "/")) end

return support
