-- lua/weir/types_http.lua against what weir.http really has.
local support = require "spec.http.support"
local reader = require "spec.support.types"

local types = reader.read()

local sorted = reader.sorted

local function documented(class)
  local names = {}
  for name in pairs(types.functions) do
    local match = name:match("^" .. class .. "[.:]([%w_]+)$")
    if match then names[match] = true end
  end
  return sorted(names)
end

describe("the types of weir.http", function()
  it("have every function and option, and no other", function()
    local missing = support.missing()
    if missing then pending(missing) end
    local http = require "weir.http"
    assert.equal(http, require "weir".http)
    local functions = {}
    for name, value in pairs(http) do
      if type(value) == "function" then functions[name] = true end
    end
    assert.same(sorted(functions), documented "http")
    assert.same(sorted(require "weir.http.settings".known),
      sorted(reader.all_fields(types, "weir.HttpServerOptions")))
  end)

  it("have every method of requests, responses, headers and servers", function()
    local missing = support.missing()
    if missing then pending(missing) end
    local methods, of_server = {}, {}
    for name, value in pairs(require "weir.http.response".methods) do
      if type(value) == "function" and name ~= "end_" then methods[name] = true end
    end
    assert.same(sorted(methods), documented "HttpResponse")
    assert.same(sorted(require "weir.http.request".methods), documented "HttpRequest")
    assert.same(sorted(require "weir.http.headers".methods), documented "HttpHeaders")
    for name in pairs(require "weir.http.server".methods) do
      if not types.functions["Server:" .. name] and not types.functions["Writable:" .. name] then
        of_server[name] = true
      end
    end
    of_server.listen, of_server.close = true, true
    assert.same(sorted(of_server), documented "HttpServer")
  end)
end)
