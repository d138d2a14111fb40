--- The request: a readable whose source is the connection. What has not been read stops the reading
--- of the socket.
local core = require "weir.core"
local options = require "weir.options"

local request = { methods = {} }

local own = core.own

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
local make = core.request_maker(checked, hooks, class)

--- Makes the request of an exchange. `fields`: as parser.head returns them.
function request.new(it, fields)
  fields.socket = it.connection.socket
  local made = make(it, fields)
  it.request = made
  return made
end

return request
