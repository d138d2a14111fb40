--- The server: a server of weir's whose connections speak HTTP, their limits, and its clock.
local core = require "weir.core"
local connection = require "weir.http.connection"
local settings = require "weir.http.settings"
local weir_server = require "weir.server"

local step = next -- why: see weir.options.reading

local Server = {}
Server.__index = Server

-- Errors ------------------------------------------------------------------------------------------

local handles_arguments = _VERSION ~= "Lua 5.1" or rawget(_G, "jit") ~= nil

local function with_traceback(err)
  return type(err) == "string" and debug and debug.traceback and debug.traceback(err, 2) or err
end

-- Calls as weir calls its callbacks: what is raised is uncaught. Returns whether it went well, and
-- what it returned.
local function guarded(fn, ...)
  local ok, result
  if handles_arguments then ok, result = xpcall(fn, with_traceback, ...)
  else ok, result = pcall(fn, ...)
  end
  if not ok then core.uncaught(result) end
  return ok, result
end

-- Time --------------------------------------------------------------------------------------------

-- One timer for all connections: it counts, and a deadline is a count. So nothing is asked of a
-- clock for a request, and a loop that was held up blames no peer for it.
function Server:deadline(what)
  return self.ticks + self.waits[what]
end

function Server:wind()
  if self.timer then return end
  self.timer = core.set_timeout(function()
    self.timer = nil
    self:tick()
  end, self.tick_ms)
  self.timer:unref()
end

function Server:tick()
  local ticks = self.ticks + 1
  self.ticks = ticks
  local late = {}
  for it in step, self.open do
    if it.deadline and it.deadline <= ticks then late[#late + 1] = it end
  end
  for i = 1, #late do late[i]:expire() end
  if next(self.open) then self:wind() end
end

-- For the connections -----------------------------------------------------------------------------

function Server:forget(it)
  self.open[it] = nil
end

local function respond(self, it, req, res)
  local event = "request"
  if it.expects and self.inner:listener_count "check_continue" > 0 then event = "check_continue" end
  if not self.inner:emit(event, req, res) then res:write_head(404):end_() end
end

--- A request has come.
function Server:dispatch(it, req, res)
  if guarded(respond, self, it, req, res) or it.gone then return end
  local its_connection = it.connection
  if not it.sent_all then its_connection:answer_instead(it, 500)
  elseif not its_connection.current then its_connection:end_output() end
end

--- Tells that what came is no request. Returns whether that is still to be answered.
function Server:client_error(err, socket)
  local before = socket:writable_length()
  guarded(self.inner.emit, self.inner, "client_error", err, socket)
  return socket:writable() and socket:writable_length() == before
end

-- Methods -----------------------------------------------------------------------------------------

local http = {}

-- The server behind the table that a script has. Weak: they go together.
local servers = setmetatable({}, { __mode = "k" })

local Face = {}
local face_meta = { __index = Face, __name = "weir.http.server" }
http.methods = Face

local function check(face, method)
  local self = servers[face]
  if self then return self end
  error(("calling '%s' on bad self (weir.http.server expected)"):format(method), 3)
end

for _, name in ipairs {
  "on", "once", "off", "prepend_listener", "prepend_once_listener", "remove_all_listeners",
  "listeners", "listener_count", "emit", "address", "listening", "connections", "ref", "unref",
} do
  Face[name] = function(face, ...)
    local inner = check(face, name).inner
    local result, second, third = inner[name](inner, ...)
    if rawequal(result, inner) then return face end
    return result, second, third
  end
end

function Face.listen(face, where, callback)
  local self = check(face, "listen")
  self.closing = false
  self.inner:listen(where, callback)
  return face
end

function Face.close(face, callback)
  local self = check(face, "close")
  self.inner:close(callback)
  self.closing = true
  local idle = {}
  for it in step, self.open do
    if it:is_idle() then idle[#idle + 1] = it end
  end
  for i = 1, #idle do idle[i]:close() end
  return face
end

function Face.close_all_connections(face)
  local self = check(face, "close_all_connections")
  local all = {}
  for it in step, self.open do all[#all + 1] = it end
  for i = 1, #all do all[i]:abort() end
  return face
end

function face_meta.__tostring(face)
  local self = servers[face]
  return (tostring(self and self.inner):gsub("^weir%.", "weir.http."))
end

--- Makes a server; `on_request` listens to its `request`.
function http.create_server(given, on_request)
  if type(given) == "function" and on_request == nil then given, on_request = nil, given end
  local checked, socket_options = settings.check(given)
  if on_request ~= nil and type(on_request) ~= "function" then
    error(("bad argument #2 to 'create_server' (function expected, got %s)"):format(
      type(on_request)), 2)
  end
  local self = setmetatable({ limits = checked.limits, waits = checked.waits,
    tick_ms = checked.tick_ms, ticks = 0, open = {}, closing = false }, Server)
  local face = setmetatable({}, face_meta)
  self.inner = weir_server.create(socket_options, function(socket)
    self.open[connection.open(self, socket)] = true
    self:wind()
  end)
  if on_request then self.inner:on("request", on_request) end
  servers[face] = self
  return face
end

return http
