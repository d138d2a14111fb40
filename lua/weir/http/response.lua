--- The response: a writable whose sink is its turn on the connection.
---
--- `it` is the exchange (connection.lua): what is known of one request and its response. What was
--- written waits in it.content, a string or a list of them, it.bytes long, until the turn's end,
--- until enough has come together, or until the responses before it are through. A `done` is held
--- (it.held) while the connection is not ours or is full; so all marks together are the bound.
--- The head is final when it.status is set, and was sent when it.mode is.
local core = require "weir.core"
local errors = require "weir.errors"
local fields = require "weir.http.fields"
local framing = require "weir.http.framing"
local options = require "weir.options"

local response = { methods = {} }

local own, next_tick = core.own, core.next_tick
local concat = table.concat

local FLUSH_BYTES = 16384 -- so much is not gathered any longer
local LARGE_BYTES = 4096  -- a piece that is sent as it is

local class -- below

-- The sink ----------------------------------------------------------------------------------------

local function freeze(it)
  it.status = response.check_status(it.response.status, "write")
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

local function add_content(it, chunk)
  local content = it.content
  if not content then it.content = chunk
  elseif type(content) == "table" then content[#content + 1] = chunk
  else it.content = { content, chunk } end
  it.bytes = it.bytes + #chunk
end

-- The content that waits, as one string.
local function take_content(it)
  local content = it.content
  it.content, it.bytes = false, 0
  if type(content) == "table" then return concat(content) end
  return content or ""
end

-- Sends what waits, with the head if that is still to be sent; `written` is called when that is
-- done.
local function send(it, last, written)
  local size, head = it.bytes, ""
  if not it.mode then
    if it.expects or it.connection.server.closing then it.close = true end
    head = framing.head(it, last and size or nil)
  end
  local content = take_content(it)
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
  if it.bytes > 0 or not it.mode then send(it, false) end
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

-- The content was added, the last piece of it this long: sends it now, or later.
local function added(it, size, done)
  local connection = it.connection
  if connection.current ~= it or connection.blocked then
    it.held = done
  elseif it.bytes < FLUSH_BYTES and (size < LARGE_BYTES or not it.mode) then
    flush_later(it)
    done()
  elseif it.mode then
    it.held = done
    response.flush(it)
  else -- `end_` may follow, and then the length is known
    it.held = done
    flush_later(it)
  end
end

local function begin(self, method)
  local it = own(self, class, method)
  if not it.status then freeze(it) end
  return it
end

local function write(self, chunk, done)
  local it = begin(self, "write")
  local err = framing.count(it, #chunk)
  if err then return done(err) end
  if it.bodyless then return done() end
  add_content(it, chunk)
  added(it, #chunk, done)
end

local function writev(self, chunks, done)
  local it = begin(self, "write")
  for i = 1, #chunks do
    local err = framing.count(it, #chunks[i])
    if err then return done(err) end
    if not it.bodyless then add_content(it, chunks[i]) end
  end
  if it.bodyless then return done() end
  added(it, it.bytes, done)
end

--- It is the response's turn, or its end has come: sends all, and lets the next one have its turn.
function response.finish(it)
  local err = framing.check_end(it)
  if err then
    local done = it.final
    it.final = false
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
  it.dead, it.held, it.final = true, nil, false
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
  if it.status then
    error(core.make_error("ERR_HTTP_HEADERS_SENT",
      ("Cannot %s headers after they are sent to the client"):format(what)), 0)
  end
end

function methods:set_header(name, value)
  local it = own(self, class, "set_header")
  check_unsent(it, "set")
  it.headers = fields.set(it.headers, name, value, "set_header")
  return self
end

function methods:get_header(name)
  local it = own(self, class, "get_header")
  return fields.get(it.headers, name, "get_header")
end

function methods:remove_header(name)
  local it = own(self, class, "remove_header")
  check_unsent(it, "remove")
  fields.remove(it.headers, name, "remove_header")
  return self
end

function methods:headers_sent()
  return own(self, class, "headers_sent").status ~= false
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
    it.headers = fields.set_all(it.headers, headers, "write_head")
  end
  self.status = code
  it.status, it.reason = code, reason
  framing.freeze(it)
  return self
end

function methods:flush_headers()
  local it = own(self, class, "flush_headers")
  if it.dead then return self end
  if not it.status then freeze(it) end
  if it.connection.current == it and not it.mode then response.flush(it)
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
  it.trailers = fields.set_trailers(it.trailers, given, "add_trailers")
  return self
end

-- A body that is one string, with nothing before it, need not go through the queue.
local streams = core.meta().__index
local end_in_core, length_in_core, has_ended =
  streams.end_, streams.writable_length, streams.writable_ended

local function is_begun(self, it)
  return it.content or it.mode or it.dead or it.given > 0 or length_in_core(self) > 0
    or has_ended(self)
end

function methods:end_(...)
  local body = ...
  local it = own(self, class, "end_")
  if type(body) ~= "string" or select("#", ...) ~= 1 or is_begun(self, it) then
    return end_in_core(self, ...)
  end
  if not it.status then freeze(it) end
  if it.length and it.length ~= #body then return end_in_core(self, body) end
  it.given = #body
  if not it.bodyless and body ~= "" then it.content, it.bytes = body, #body end
  return end_in_core(self)
end

class = core.subclass("weir.http.response", methods)
response.class = class

-- Making one --------------------------------------------------------------------------------------

-- `false` is what the connection says: while that is not full, nothing waits here.
local checked, hooks = options.writable {
  high_water_mark = 1, write = write, writev = writev, final = final, destroy = destroy,
}
local make = core.response_maker(checked, hooks, class)

--- Makes the response of an exchange.
function response.new(it)
  local made = make(it)
  it.response = made
  return made
end

return response
