--- A connection: reads requests off the socket, one after the other, and gives each response its
--- turn to write. One request with its response is an exchange; those that are under way form a
--- queue, the first of which is `current`.
local core = require "weir.core"
local body = require "weir.http.body"
local parser = require "weir.http.parser"
local request = require "weir.http.request"
local response = require "weir.http.response"
local status = require "weir.http.status"
local date = require "weir.http.date"

local Connection = {}
Connection.__index = Connection

local push, is_untouched = core.meta().__index.push, core.is_untouched

local PIPELINED_MAX = 8          -- requests that are answered at a time; more wait in the socket
local DISCARD_MAX = 256 * 1024   -- of a body that nobody read; then the connection is closed

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
  self:wait_for(nil)
  if what == "head" or what == "request" then
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

-- Reading -----------------------------------------------------------------------------------------

-- One request and its response: all of its fields that most of them need are made at once.
local function new_exchange(self)
  return {
    connection = self, method = false, version = false, size = 0, complete = false,
    request = false, response = false, -- the streams
    bytes = 0, content = false,        -- of the body, that waits
    status = false, headers = false, mode = false, given = 0, -- see framing.lua
    final = false, sent_all = false,
  }
end

-- Each step takes a part of the data, from `from` on. Returns where it has come to; nil: more has
-- to come first.
local steps = {}

function Connection:receive(data)
  if self.rest then
    data = self.rest .. data
    self.rest = nil
  end
  self:consume(data)
end

function Connection:consume(data)
  local from, size = 1, #data
  self.consuming = true
  while from and from <= size do
    local to = steps[self.step](self, data, from)
    if not to then break end
    from = to
  end
  self.consuming = false
  if from <= size and self.step ~= "closing" then
    self.rest = from == 1 and data or data:sub(from)
  end
end

-- What was left when nothing more could be taken.
function Connection:go_on()
  if self.consuming then return end
  local rest = self.rest
  self.rest = nil
  if rest then self:consume(rest) end
  if not self.full and self.step ~= "closing" then self:resume() end
  if self.input_ended then self:check_input_ended() end
end

function Connection:pause()
  if self.paused then return end
  self.paused = true
  self.socket:pause()
end

function Connection:resume()
  if not self.paused then return end
  self.paused = false
  self.socket:resume()
end

function steps.head(self, data, from)
  if self.count >= PIPELINED_MAX then
    self:pause()
    return nil
  end
  while data:find("^\r\n", from) do from = from + 2 end
  if from > #data then return from end
  local limits = self.server.limits
  local _, last = data:find("\r\n\r\n", from, true)
  local size = (last or #data) - from + 1
  if size > limits.max_head then return self:refuse_long(data, from) end
  if not last then
    local code, why = parser.refuse_early(data, from)
    if code then return self:refuse(code, why) end
    if self.waits_for ~= "head" then self:wait_for "head" end
    return nil
  end
  local it = new_exchange(self)
  local fields, behind, why = parser.head(data, from, limits.max_headers, it)
  if not fields then return self:refuse(behind, why) end
  self:begin(it, fields)
  return behind
end

function Connection:refuse_long(data, from)
  local line = data:find("\r\n", from, true)
  if not line or line - from > self.server.limits.max_head then
    return self:refuse(414, "the target is too long")
  end
  return self:refuse(431, "the head is too long")
end

function steps.body(self, data, from)
  local it = self.receiving
  local to, size, why = body.take(it.body, data, from)
  if to == false then return self:refuse(size, why) end
  if not to then return nil end
  if size and size > 0 then
    self:got(it, from == 1 and size == #data and data or data:sub(from, from + size - 1))
  end
  if it.body.step == "done" and self.receiving == it then self:got_all(it) end
  return to
end

-- Drops all that comes: the connection will be closed.
function steps.closing(self, data)
  self.dropped = (self.dropped or 0) + #data
  if self.dropped > 4 * DISCARD_MAX then self:abort() end
  return #data + 1
end

-- The body ----------------------------------------------------------------------------------------

function Connection:got(it, content)
  it.expects = false -- it comes unasked
  if it.discards then
    it.discarded = it.discarded + #content
    if it.discarded > DISCARD_MAX then self:give_up(it) end
    return
  end
  if not push(it.request, content) and not self.full and not it.discards then
    self.full = true
    self:pause()
  end
end

function Connection:got_all(it)
  self.receiving, self.full = nil, false
  self.step = "head"
  it.complete, it.expects = true, false
  self:resume()
  self:wait_for(nil)
  if it.body and it.body.trailers then it.request.trailers = it.body.trailers end
  if not it.discards then push(it.request, nil) end
  self:check_idle()
end

function Connection:body_wanted(it)
  if it.size == 0 then return push(it.request, nil) end
  if it.expects then self:continue(it) end
  if self.full and self.receiving == it then
    self.full = false
    if self.rest then core.next_tick(self.go_on, self) else self:resume() end
  end
end

-- Nobody wants what is still to come of the body: a little of it is dropped, more closes.
function Connection:discard(it)
  if it.complete or it.discards then return end
  it.discards, it.discarded = true, 0
  local left = it.body.left
  if it.expects or (it.body.step == "fixed" and left > DISCARD_MAX) then it.close = true end
  if self.receiving == it and self.full then
    self.full = false
    self:resume()
  end
end

function Connection:request_closed(it)
  it.request_dead = true
  if not it.complete then self:discard(it) end
end

-- Too much came that nobody wants.
function Connection:give_up(it)
  it.close = true
  if it.sent_all and not self.current then return self:end_output() end
  self.full = true
  self:pause()
end

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

-- Exchanges ---------------------------------------------------------------------------------------

function Connection:add(it)
  self.count = self.count + 1
  if self.last then self.last.next = it else self.current = it end
  self.last = it
end

function Connection:begin(it, fields)
  local server = self.server
  local size, max_body = it.size, server.limits.max_body
  self.first = true
  if max_body and size > max_body then
    self:refuse(413, "the body is too long")
    return
  end
  local req, res = request.new(it, fields), response.new(it)
  self:add(it)
  if size == 0 then
    it.complete = true
    if self.waits_for then self:wait_for(nil) end
  else
    it.body = body.new(size, server.limits)
    self.step, self.receiving = "body", it
    self:wait_for "request"
  end
  server:dispatch(it, req, res)
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
end

function Connection:drained()
  self.blocked = false
  local it = self.current
  if not it or it.refusal then return end
  if it.bytes > 0 and not it.ticking then response.flush(it) else response.release(it) end
end

-- The bytes of the first that are on their way have been written, or will never be.
function Connection:wrote(err)
  local it = table.remove(self.flushing, 1)
  if not it or err or it.dead then return end
  local done = it.final
  it.final = false
  if done then done() end
end

-- Ending ------------------------------------------------------------------------------------------

-- Nothing more is said; what the peer still sends is dropped for a while, so that it hears the end.
function Connection:end_output()
  self.step = "closing"
  self.rest = nil
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
  self:wait_for "linger"
  if not self.server:client_error(err, self.socket) then return end
  if it and not it.gone then return self:answer_instead(it, code, err) end
  local exchange = { refusal = answer_of(code) }
  self:add(exchange)
  if self.current == exchange then self:turn(exchange) end
end

--- Answers in the place of the response, and closes; if that has begun, it just ends.
function Connection:answer_instead(it, code, err)
  if it.mode or it.sent_all then return self:abort(err) end
  it.gone, it.discards, it.refusal = true, true, answer_of(code)
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
  if not self.rest or self.count < PIPELINED_MAX then self:check_input_ended() end
end

function Connection:check_input_ended()
  if self.step == "closing" then return self.socket:end_() end
  local it = self.receiving
  if it then
    self.failure = self.failure or core.make_error("ECONNRESET", "aborted")
    self.step, self.rest, self.receiving = "closing", nil, nil
    return self:answer_instead(it, 400, self.failure)
  end
  if self.current then return self:wait_for "half_open" end
  if self.rest then return self:refuse(400, "the head has no end") end
  self:close()
end

-- The socket is closed.
function Connection:closed()
  self.server:forget(self)
  self.step, self.rest = "closing", nil
  self.failure = self.failure or core.make_error("ECONNRESET", "aborted")
  local it, flushing, receiving = self.current, self.flushing, self.receiving
  self.current, self.last, self.receiving, self.flushing = nil, nil, nil, {}
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
