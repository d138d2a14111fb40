--- Options of sockets and servers.
local reading = require "weir.options.reading"
local options = require "weir.options"

local fail, read = reading.fail, reading.read

local sockets = {}

local function with_socket(known)
  for name, kind in pairs {
    no_delay = "boolean", keep_alive = "boolean", keep_alive_delay = "whole",
    readable_high_water_mark = "whole", writable_high_water_mark = "whole",
    allow_half_open = "boolean", write_timeout = "whole", linger_timeout = "whole",
  } do known[name] = kind end
  return options.with_common(known)
end

local SOCKET = with_socket {
  host = "name", port = "port", family = "family", path = "name", abstract = "abstract",
  connect_timeout = "whole",
}
local SERVER = with_socket { max_connections = "whole" }
local LISTEN = {
  host = "name", port = "port", path = "name", abstract = "abstract", mode = "mode",
  backlog = "backlog",
}
local LINGER_DEFAULT = 2000

-- `abstract = true` makes the path the name of an abstract socket.
local function fill_name(checked)
  if checked.abstract == true then checked.abstract, checked.path = checked.path, nil end
  checked.abstract = checked.abstract or nil
end

local function fill_socket(check, checked)
  checked.linger_timeout = checked.linger_timeout or LINGER_DEFAULT
  if checked.allow_half_open == nil then checked.allow_half_open = false end
  return options.fill_both_sides(check, checked)
end

local function check_place(check, checked)
  local path, port = checked.path or checked.abstract, checked.port
  if path and (port or checked.host) then
    fail(check, "'host' and 'port' cannot be had with '%s'", checked.path and "path" or "abstract")
  end
  if checked.path and checked.abstract then
    fail(check, "'path' cannot be had with 'abstract', unless that is true")
  end
  if not path and not port then fail(check, "a 'port' or a 'path' is needed") end
end

--- Checks the options of weir.connect. Returns the options for the core.
function sockets.connect(given)
  local check = { constructor = "connect", position = 1 }
  if type(given) ~= "table" then fail(check, "table expected, got %s", type(given)) end
  local checked = read(check, given, SOCKET)
  fill_name(checked)
  check_place(check, checked)
  if checked.port == 0 then fail(check, "option 'port' must be above 0") end
  checked.host = checked.host or "localhost"
  return fill_socket(check, checked)
end

--- Checks the options of weir.create_server, which are those of its connections.
function sockets.server(given)
  local check = { constructor = "create_server", position = 1 }
  return fill_socket(check, read(check, given, SERVER))
end

--- Checks where a server shall listen: a table, or just a port.
function sockets.listen(given)
  local check = { constructor = "listen", position = 1 }
  if type(given) == "number" then given = { port = given } end
  if type(given) ~= "table" then fail(check, "table expected, got %s", type(given)) end
  local checked = read(check, given, LISTEN)
  fill_name(checked)
  check_place(check, checked)
  if checked.mode and not checked.path then fail(check, "'mode' is had only with 'path'") end
  return checked
end

--- As options.known.
sockets.known = { connect = SOCKET, create_server = SERVER, listen = LISTEN }

return sockets
