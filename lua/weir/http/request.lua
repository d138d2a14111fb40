--- The request: a readable whose source is the connection. What has not been read stops the reading
--- of the socket.
local core = require "weir.core"
local options = require "weir.options"

local request = { methods = {} }

local own, make_readable, become = core.own, core.readable, core.become

local class = core.subclass("weir.http.request", request.methods)
request.class = class

local function read(self)
  local it = own(self, class, "read")
  it.connection:body_wanted(it)
end

-- As the response's: see there.
local function destroy(self, err, done)
  local it = own(self, class, "destroy")
  it.connection:request_closed(it)
  done(it.connection:heard(self, err))
end

local checked, hooks = options.readable { read = read, destroy = destroy }

--- Makes the request of an exchange. `head`: as parser.head returns it.
function request.new(it, head)
  it.request = become(make_readable(checked, hooks), class, it, {
    method = head.method, target = head.target, version = head.version, headers = head.headers,
    socket = it.connection.socket,
  })
  return it.request
end

return request
