-- Made by `make rockspecs` from lua/weir/http/weir-http-scm-1.rockspec.
-- The optional part that needs lpeg and lpeg_patterns, as a rock of its own, so that weir installs
-- without them. From the top of the checkout: luarocks make lua/weir/http/weir-http-scm-1.rockspec
rockspec_format = "3.0"
package = "weir-http"
version = "0.1.0-1"
source = { url = "git+https://github.com/weir-lua/weir.git", tag = "v0.1.0" }
description = {
  summary = "HTTP servers for weir",
  detailed = [[
The module weir.http: servers that speak HTTP/1.1 and 1.0, whose requests and responses are streams
of weir, with backpressure from the client's socket up to the code that produces the data.]],
  homepage = "https://github.com/weir-lua/weir",
  issues_url = "https://github.com/weir-lua/weir/issues",
  maintainer = "The weir authors",
  license = "MIT",
  labels = { "http", "server", "streams", "async" },
}
supported_platforms = { "unix" }
dependencies = { "lua >= 5.1, < 5.6", "weir", "lpeg", "lpeg_patterns" }
build = {
  type = "builtin",
  modules = {
    ["weir.http"] = "lua/weir/http/init.lua",
    ["weir.http.body"] = "lua/weir/http/body.lua",
    ["weir.http.connection"] = "lua/weir/http/connection.lua",
    ["weir.http.date"] = "lua/weir/http/date.lua",
    ["weir.http.fields"] = "lua/weir/http/fields.lua",
    ["weir.http.framing"] = "lua/weir/http/framing.lua",
    ["weir.http.headers"] = "lua/weir/http/headers.lua",
    ["weir.http.parser"] = "lua/weir/http/parser.lua",
    ["weir.http.patterns"] = "lua/weir/http/patterns.lua",
    ["weir.http.reading"] = "lua/weir/http/reading.lua",
    ["weir.http.request"] = "lua/weir/http/request.lua",
    ["weir.http.response"] = "lua/weir/http/response.lua",
    ["weir.http.server"] = "lua/weir/http/server.lua",
    ["weir.http.settings"] = "lua/weir/http/settings.lua",
    ["weir.http.status"] = "lua/weir/http/status.lua",
    ["weir.types_http"] = "lua/weir/types_http.lua",
  },
}
