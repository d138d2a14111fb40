--- The half of a connection that reads: requests come off the socket, one after the other, and
--- their bodies, as far as somebody takes them.
local body = require "weir.http.body"
local core = require "weir.core"
local parser = require "weir.http.parser"
local request = require "weir.http.request"
local response = require "weir.http.response"

local Reading = {} -- methods of connections

local push = core.meta().__index.push

local PIPELINED_MAX = 8          -- requests that are answered at a time; more wait in the socket
local DISCARD_MAX = 256 * 1024   -- of a body that nobody reads; then the connection is closed
local DROP_MAX = 64 * 1024 ^ 2   -- of what still comes then, so that the client hears the answer

-- Exchanges ---------------------------------------------------------------------------------------

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

-- A request begins.
function Reading:begin(it, fields)
  local server = self.server
  local size, max_body = it.size, server.limits.max_body
  self.first = true
  if it.close then self.has_last = true end
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

-- Bytes -------------------------------------------------------------------------------------------

-- Each step takes a part of the data, from `from` on. Returns where it has come to; nil: more has
-- to come first.
local steps = {}

function Reading:receive(data)
  if self.rest then
    data = self.rest .. data
    self.rest = nil
  end
  self:consume(data)
end

function Reading:consume(data)
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
function Reading:go_on()
  if self.consuming then return end
  local rest = self.rest
  self.rest, self.held = nil, false
  if rest then self:consume(rest) end
  if self.held then return end
  if not self.full and self.step ~= "closing" then self:resume() end
  if self.input_ended then self:check_input_ended() end
end

function Reading:pause()
  if self.paused then return end
  self.paused = true
  self.socket:pause()
end

function Reading:resume()
  if not self.paused then return end
  self.paused = false
  self.socket:resume()
end

-- Whether no head is to be read now: so many are under way, or so much waits for the client.
local function holds_back(self)
  if self.has_last then -- the client said that it was
    self.step = "closing"
  elseif self.count >= PIPELINED_MAX or self.blocked then
    self.held = true
    self:pause()
  else
    return false
  end
  return true
end

-- The end of the head has not come yet.
local function await_head(self, data, from)
  if from == #data and data:byte(from) == 13 then return nil end
  local code, why = parser.refuse_early(data, from, self.seen or 0)
  if code then return self:refuse(code, why) end
  self.seen = #data - from + 1
  if self.waits_for ~= "head" then self:wait_for "head" end
  return nil
end

function steps.head(self, data, from)
  if holds_back(self) then return self.step == "closing" and from or nil end
  while data:find("^\r\n", from) do from = from + 2 end
  if from > #data then return from end
  local limits = self.server.limits
  local _, last = data:find("\r\n\r\n", from, true)
  if (last or #data) - from >= limits.max_head then return self:refuse_long(data, from) end
  if not last then return await_head(self, data, from) end
  self.seen = nil
  local it = new_exchange(self)
  local fields, behind, why = parser.head(data, from, limits.max_headers, it)
  if not fields then return self:refuse(behind, why) end
  self:begin(it, fields)
  return behind
end

function Reading:refuse_long(data, from)
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
  if self.dropped > DROP_MAX then
    if self.current then self:pause() else self:abort() end
  end
  return #data + 1
end

-- The body ----------------------------------------------------------------------------------------

function Reading:got(it, content)
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

function Reading:got_all(it)
  self.receiving, self.full = nil, false
  self.step = "head"
  it.complete, it.expects = true, false
  self:resume()
  self:wait_for(nil)
  if it.body and it.body.trailers then it.request.trailers = it.body.trailers end
  if not it.discards then push(it.request, nil) end
  self:check_idle()
end

function Reading:body_wanted(it)
  if it.size == 0 then return push(it.request, nil) end
  if it.expects then self:continue(it) end
  if self.full and self.receiving == it then
    self.full = false
    if self.rest then core.next_tick(self.go_on, self) else self:resume() end
  end
end

-- Nobody wants what is still to come of the body: a little of it is dropped, more closes.
function Reading:discard(it)
  if it.complete or it.discards then return end
  it.discards, it.discarded = true, 0
  local left = it.body.left
  if it.expects or (it.body.step == "fixed" and left > DISCARD_MAX) then it.close = true end
  if self.receiving == it and self.full then
    self.full = false
    self:resume()
  end
end

function Reading:request_closed(it)
  it.request_dead = true
  if not it.complete then self:discard(it) end
end

-- Too much came that nobody wants.
function Reading:give_up(it)
  it.close = true
  if it.sent_all and not self.current then return self:end_output() end
  self.full = true
  self:pause()
end

return Reading
