--- The response: a writable whose sink is its turn on the connection.
---
--- `it` is the exchange (connection.lua): what is known of one request and its response. What was
--- written waits in it[1] to it[it.count], it.bytes long, until the turn's end, until enough has
--- come together, or until the responses before it are through. A `done` is held (it.held) while
--- the connection is not ours or is full; so all marks together are the bound.
local core = require "weir.core"
local errors = require "weir.errors"
local fields = require "weir.http.fields"
local framing = require "weir.http.framing"
local options = require "weir.options"

local response = { methods = {} }

local own, make_writable, become, next_tick = core.own, core.writable, core.become, core.next_tick
local concat = table.concat

local FLUSH_BYTES = 16384 -- so much is not gathered any longer

local class -- below

-- The sink ----------------------------------------------------------------------------------------

local function freeze(it)
  it.status = it.status or response.check_status(it.response.status, "write")
  framing.freeze(it)
end

-- Lets the writer go on, if nothing is in its way.
local function release(it)
  local done = it.held
  if not done or it.connection.blocked then return end
  it.held = nil
  done()
end
response.release = release

-- The content that waits, as one string.
local function take_content(it)
  local count = it.count
  local content = count == 1 and it[1] or concat(it, "", 1, count)
  for i = 1, count do it[i] = nil end
  it.count, it.bytes = 0, 0
  return content
end

-- Sends what waits, with the head if that is still to be sent; `written` is called when that is
-- done.
local function send(it, last, written)
  local size = it.bytes
  local head = ""
  if not it.head_sent then
    if it.expects or it.connection.server.closing then it.close = true end
    head = framing.head(it, last and size or nil)
    it.head_sent = true
  end
  local content = ""
  if size > 0 then content = take_content(it) end
  if it.mode == "chunked" then
    local before, behind = framing.before(it, size), framing.behind(it, size, last)
    it.connection:write(head .. before, content, behind, written)
  elseif size < 4096 then
    it.connection:write(head .. content, "", "", written)
  else
    it.connection:write(head, content, "", written)
  end
end

--- Sends what waits, if it is the response's turn.
function response.flush(it)
  if it.dead or it.connection.current ~= it or it.final then return end
  if it.bytes > 0 or not it.head_sent then send(it, false) end
  release(it)
end

-- At the end of the turn in which something was written.
local function flush_tick(it)
  it.ticking = false
  if it.final or it.dead or it.connection.blocked then return end
  response.flush(it)
end

local function flush_later(it)
  if it.ticking then return end
  it.ticking = true
  next_tick(flush_tick, it)
end

-- The content was added: sends it now, or later.
local function added(it, done)
  local connection = it.connection
  if connection.current ~= it or connection.blocked then
    it.held = done
  elseif it.bytes < FLUSH_BYTES then
    flush_later(it)
    done()
  elseif it.head_sent then
    it.held = done
    response.flush(it)
  else -- `end_` may follow, and then the length is known
    it.held = done
    flush_later(it)
  end
end

local function begin(self, method)
  local it = own(self, class, method)
  if not it.frozen then freeze(it) end
  return it
end

local function write(self, chunk, done)
  local it = begin(self, "write")
  local err = framing.count(it, #chunk)
  if err then return done(err) end
  if it.bodyless then return done() end
  local count = it.count + 1
  it[count], it.count, it.bytes = chunk, count, it.bytes + #chunk
  added(it, done)
end

local function writev(self, chunks, done)
  local it = begin(self, "write")
  for i = 1, #chunks do
    local err = framing.count(it, #chunks[i])
    if err then return done(err) end
    if not it.bodyless then
      local count = it.count + 1
      it[count], it.count, it.bytes = chunks[i], count, it.bytes + #chunks[i]
    end
  end
  if it.bodyless then return done() end
  added(it, done)
end

--- It is the response's turn, or its end has come: sends all, and lets the next one have its turn.
function response.finish(it)
  local err = framing.check_end(it)
  if err then
    local done = it.final
    it.final = nil
    return done(err)
  end
  it.sent_all = true
  it.connection:flushes(it)
  send(it, true, it.connection.on_written)
  it.connection:sent(it)
end

local function final(self, done)
  local it = begin(self, "end_")
  it.final = done
  if it.connection.current == it then response.finish(it) end
end

-- Errors of the connection are told to those who listen; nobody else could do anything about them.
local function destroy(self, err, done)
  local it = own(self, class, "destroy")
  local held = it.held or it.final
  it.dead, it.held, it.final = true, nil, nil
  it.connection:response_closed(it)
  if held then held(err or errors.destroyed "write") end -- who waits for it is told why
  done(it.connection:heard(self, err))
end

-- Methods -----------------------------------------------------------------------------------------

local methods = response.methods

methods.status = 200

function response.check_status(code, method)
  if type(code) ~= "number" then fields.bad_argument(1, method, "number", code) end
  if code % 1 ~= 0 or code < 100 or code > 999 then
    local message = ("Invalid status code: %s"):format(tostring(code))
    error(core.make_error("ERR_HTTP_INVALID_STATUS_CODE", message), 0)
  end
  return code
end

local function check_unsent(it, what)
  if it.frozen then
    error(core.make_error("ERR_HTTP_HEADERS_SENT",
      ("Cannot %s headers after they are sent to the client"):format(what)), 0)
  end
end

local function own_fields(it)
  local list = it.headers
  if not list then
    list = {}
    it.headers = list
  end
  return list
end

function methods:set_header(name, value)
  local it = own(self, class, "set_header")
  check_unsent(it, "set")
  fields.set(own_fields(it), name, value, "set_header")
  return self
end

function methods:get_header(name)
  local it = own(self, class, "get_header")
  return fields.get(it.headers or {}, name, "get_header")
end

function methods:remove_header(name)
  local it = own(self, class, "remove_header")
  check_unsent(it, "remove")
  fields.remove(own_fields(it), name, "remove_header")
  return self
end

function methods:headers_sent()
  return own(self, class, "headers_sent").frozen or false
end

local function check_reason(reason)
  if type(reason) ~= "string" then fields.bad_argument(2, "write_head", "string", reason) end
  fields.check_text(reason, "reason", "write_head")
end

function methods:write_head(code, reason, headers)
  local it = own(self, class, "write_head")
  if type(reason) == "table" and headers == nil then reason, headers = nil, reason end
  response.check_status(code, "write_head")
  check_unsent(it, "write")
  if reason ~= nil then check_reason(reason) end
  if headers ~= nil then
    if type(headers) ~= "table" then fields.bad_argument(3, "write_head", "table", headers) end
    fields.set_all(own_fields(it), headers, "write_head")
  end
  self.status = code
  it.status, it.reason = code, reason
  framing.freeze(it)
  return self
end

function methods:flush_headers()
  local it = own(self, class, "flush_headers")
  if it.dead then return self end
  if not it.frozen then freeze(it) end
  if it.connection.current == it and not it.head_sent then response.flush(it)
  else it.wants_head = true end
  return self
end

function methods:write_continue()
  local it = own(self, class, "write_continue")
  it.connection:continue(it)
  return self
end

function methods:add_trailers(given)
  local it = own(self, class, "add_trailers")
  if type(given) ~= "table" then fields.bad_argument(1, "add_trailers", "table", given) end
  it.trailers = it.trailers or {}
  fields.set_all(it.trailers, given, "add_trailers")
  return self
end

-- A body that is one string, with nothing before it, need not go through the queue.
local end_in_core = core.meta().__index.end_

local function takes_whole_body(self, it)
  return not it.dead and it.count == 0 and (it.given or 0) == 0 and not self:writable_ended()
    and self:writable_length() == 0
end

function methods:end_(...)
  local body = ...
  local it = own(self, class, "end_")
  if type(body) ~= "string" or select("#", ...) ~= 1 or not takes_whole_body(self, it) then
    return end_in_core(self, ...)
  end
  if not it.frozen then freeze(it) end
  if it.length and it.length ~= #body then return end_in_core(self, body) end
  it.given = #body
  if not it.bodyless and body ~= "" then it[1], it.count, it.bytes = body, 1, #body end
  return end_in_core(self)
end

class = core.subclass("weir.http.response", methods)
response.class = class

-- Making one --------------------------------------------------------------------------------------

local checked, hooks = options.writable { write = write, writev = writev, final = final,
  destroy = destroy }

--- Makes the response of an exchange.
function response.new(it)
  it.count, it.bytes = 0, 0
  it.response = become(make_writable(checked, hooks), class, it)
  return it.response
end

return response
