--- A connection: what has come off its socket (reading.lua) is answered here, each response in its
--- turn. One request with its response is an exchange; those that are under way form a queue, the
--- first of which is `current`.
local core = require "weir.core"
local date = require "weir.http.date"
local reading = require "weir.http.reading"
local response = require "weir.http.response"
local status = require "weir.http.status"

local Connection = {}
Connection.__index = Connection
for name, method in pairs(reading) do Connection[name] = method end

local is_untouched = core.is_untouched

local CONTINUE = "HTTP/1.1 100 Continue\r\n\r\n"

-- Time --------------------------------------------------------------------------------------------

-- What is waited for from now on, and is bounded; nil: nothing is. See server.lua.
function Connection:wait_for(what)
  self.waits_for = what
  self.deadline = what and self.server:deadline(what)
end

-- The time is over.
function Connection:expire()
  local what = self.waits_for
  local is_ours = what == "head" or what == "request" -- to wait for, whatever is still to be sent
  if not is_ours and self.socket:writable_length() > 0 then
    return self:wait_for(what) -- it is there, but slow
  end
  self:wait_for(nil)
  if is_ours then
    if what == "head" and not self.rest and not self.first then return self:close() end
    self:refuse(408, "Request Timeout")
  elseif what == "idle" then
    self:close()
  else
    self:abort()
  end
end

-- Whether it waits for a request of which nothing has come.
function Connection:is_idle()
  return self.step == "head" and not self.current and not self.rest
end

-- Exchanges ---------------------------------------------------------------------------------------

-- Says "100 Continue", unless an answer has begun.
function Connection:continue(it)
  if not it.expects then return end
  if self.current ~= it then
    it.continues = true
    return
  end
  it.expects = false
  if not it.mode and not it.dead then self:write(CONTINUE, "", "") end
end

function Connection:add(it)
  self.count = self.count + 1
  if self.last then self.last.next = it else self.current = it end
  self.last = it
end

--- The last bytes of its response are about to be written.
function Connection:flushes(it)
  local flushing = self.flushing
  flushing[#flushing + 1] = it
end

--- They are on their way: it is the next one's turn.
function Connection:sent(it)
  self.current = it.next
  if not it.next then self.last = nil end
  self.count = self.count - 1
  if not it.complete then self:let_go(it)
  elseif not it.request_dead and not is_untouched(it.request) then it.request:resume() end
  if it.close then return self:end_output() end
  if self.current then self:turn(self.current) end
  if self.rest or self.paused then core.next_tick(self.go_on, self) end
  self:check_idle()
end

-- The answer was sent before all of the request had come. Who reads it goes on.
function Connection:let_go(it)
  local req = it.request
  if it.expects then it.close = true end
  if it.request_dead then return self:discard(it) end
  if req:readable_flowing() == nil and not req:readable_did_read() then
    self:discard(it)
    req:destroy()
  end
end

-- It is the turn of an exchange that may have waited.
function Connection:turn(it)
  if it.refusal then
    self:write(it.refusal, "", "")
    return self:end_output()
  end
  if it.continues then self:continue(it) end
  if it.final then return response.finish(it) end
  if it.bytes > 0 or it.wants_head then response.flush(it) else response.release(it) end
end

function Connection:check_idle()
  if self.current or self.step ~= "head" or self.socket:destroyed() then return end
  if self.rest then return end
  if self.server.closing or self.input_ended then return self:close() end
  self:wait_for "idle"
end

-- Writing -----------------------------------------------------------------------------------------

function Connection:write(a, b, c, written)
  local go_on
  if written then go_on = self.socket:write(a, b, c, written)
  elseif b == "" and c == "" then go_on = self.socket:write(a)
  else go_on = self.socket:write(a, b, c)
  end
  if not go_on then self.blocked = true end
  if self.waits_for == "half_open" then self:wait_for "half_open" end
end

function Connection:drained()
  self.blocked = false
  if self.waits_for == "idle" or self.waits_for == "linger" then self:wait_for(self.waits_for) end
  local it = self.current
  if it and not it.refusal then
    if it.bytes > 0 and not it.ticking then response.flush(it) else response.release(it) end
  end
  if self.held then core.next_tick(self.go_on, self) end
end

-- The bytes of the first that are on their way have been written, or will never be.
function Connection:wrote(err)
  if err then return end -- the socket will say that it is closed
  local it = table.remove(self.flushing, 1)
  if not it or it.dead then return end
  local done = it.final
  it.final = false
  if done then done() end
end

-- Ending ------------------------------------------------------------------------------------------

-- Nothing more is said; what the peer still sends is dropped for a while, so that it hears the end.
function Connection:end_output()
  self.step = "closing"
  self.rest = nil
  self.orphans = self.current -- those that will have no turn
  self.current, self.last = nil, nil
  self.full = false
  self:resume()
  self.socket:end_()
  if not self.socket:destroyed() then self:wait_for "linger" end
end

-- Closes, with nothing under way.
function Connection:close()
  self:end_output()
  if not self.first then self.socket:destroy() end
end

-- Closes at once: all that is under way fails.
function Connection:abort(err)
  if self.socket:destroyed() then return end
  self.failure = self.failure or err
  self.socket:destroy()
end

local function answer_of(code)
  return status.line(code) .. date.line() .. "Connection: close\r\nContent-Length: 0\r\n\r\n"
end

--- What came is no request: answers so, when it is its turn, and closes. Returns nil.
function Connection:refuse(code, text)
  local name = status.reasons[code]:upper():gsub("[^%u]", "_")
  local err = core.make_error("ERR_HTTP_" .. name, text)
  err.status = code
  local it = self.receiving
  self.step, self.rest, self.receiving = "closing", nil, nil
  self:wait_for(nil)
  if not self.server:client_error(err, self.socket) then return self:wait_for "linger" end
  if it and not it.gone then return self:answer_instead(it, code, err) end
  local exchange = { refusal = answer_of(code) }
  self:add(exchange)
  if self.current == exchange then self:turn(exchange) end
end

--- Answers in the place of the response, and closes; if that has begun, it just ends.
function Connection:answer_instead(it, code, err)
  if it.mode or it.sent_all then return self:abort(err) end
  self:discard(it)
  it.gone, it.refusal = true, answer_of(code)
  self.failure = self.failure or err
  it.request:destroy(err)
  it.response:destroy(err)
  if self.current == it then self:turn(it) end
end

--- The response is closed: well, or before its end.
function Connection:response_closed(it)
  if it.gone or it.sent_all then return end
  it.gone = true
  self:abort()
end

-- The peer says nothing more: it may wait for answers, or be gone.
function Connection:ended()
  self.input_ended = true
  if not self.rest or not self.held then self:check_input_ended() end
end

function Connection:check_input_ended()
  local it = self.receiving
  if it then
    self.failure = self.failure or core.make_error("ECONNRESET", "aborted")
    self.step, self.rest, self.receiving = "closing", nil, nil
    return self:answer_instead(it, 400, self.failure)
  end
  if self.current then return self:wait_for "half_open" end
  if self.step == "closing" then return self.socket:end_() end
  if self.rest then return self:refuse(400, "the head has no end") end
  self:close()
end

-- The socket is closed.
function Connection:closed()
  self.server:forget(self)
  self.step, self.rest = "closing", nil
  self.failure = self.failure or core.make_error("ECONNRESET", "aborted")
  local it, flushing, receiving = self.current or self.orphans, self.flushing, self.receiving
  self.current, self.orphans, self.last, self.receiving, self.flushing = nil, nil, nil, nil, {}
  for i = 1, #flushing do self:fail(flushing[i]) end
  while it do
    self:fail(it)
    it = it.next
  end
  if receiving then self:fail(receiving) end
end

-- What a request or a response shall tell that was destroyed with `err`: that the client has gone
-- only to who listens, because nobody else could do anything about it.
function Connection:heard(stream, err)
  if err ~= nil and err == self.failure and stream:listener_count "error" == 0 then return nil end
  return err
end

function Connection:fail(it)
  it.gone = true
  if not it.request then return end
  if not it.request_dead then it.request:destroy(self.failure) end
  if not it.dead then it.response:destroy(self.failure) end
end

local connection = {}

--- Serves a socket.
function connection.open(server, socket)
  local self = setmetatable({ server = server, socket = socket, step = "head", count = 0,
    flushing = {}, blocked = false }, Connection)
  self.on_written = function(err) self:wrote(err) end
  socket:on("data", function(data) self:receive(data) end)
  socket:on("end", function() self:ended() end)
  socket:on("drain", function() self:drained() end)
  socket:on("error", function(err)
    if err.code == "ECONNRESET" then self.failure = self.failure or err end
  end)
  socket:on("close", function() self:closed() end)
  self:wait_for "head"
  return self
end

return connection
