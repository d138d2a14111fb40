--- What is better said in Lua about servers: the arguments of their methods.
local core = require "weir.core"
local options = require "weir.options.sockets"

local server = {}

local function check_callback(callback, position, method)
  if callback ~= nil and type(callback) ~= "function" then
    error(("bad argument #%d to '%s' (function expected, got %s)"):format(position, method,
      type(callback)), 3)
  end
end

function core.server_methods:listen(given, callback)
  local checked = options.listen(given)
  check_callback(callback, 2, "listen")
  core.server_listen(self, checked)
  if callback then self:once("listening", callback) end
  return self
end

function core.server_methods:close(callback)
  check_callback(callback, 1, "close")
  local closing, err = core.server_close(self)
  if callback and closing then self:once("close", callback)
  elseif callback then core.next_tick(callback, err)
  end
  return self
end

--- Makes a server; `on_connection` listens to its `connection`.
function server.create(given, on_connection)
  if type(given) == "function" and on_connection == nil then given, on_connection = nil, given end
  local checked = options.server(given)
  check_callback(on_connection, 2, "create_server")
  local made = core.server(checked)
  if on_connection then made:on("connection", on_connection) end
  return made
end

return server
