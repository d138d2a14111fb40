--- weir.http: servers that speak HTTP/1.1 and 1.0, over weir's sockets. An optional part: it needs
--- lpeg and lpeg_patterns, and a rock of its own brings them along.
require "weir"
local date = require "weir.http.date"
local server = require "weir.http.server"
local status = require "weir.http.status"

local http = {
  create_server = server.create_server,
  status = status.reasons,
  date = date.format,
}

return http
