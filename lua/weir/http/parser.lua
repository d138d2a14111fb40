--- From bytes to the head of a request, by the grammars of lpeg_patterns. What is not exactly a
--- request of HTTP/1.x is refused, with the status that says why: what one server takes for the end
--- of a request and another one does not is how requests are smuggled.
local headers = require "weir.http.headers"
local patterns = require "weir.http.patterns"

local parser = {}

local lpeg, core, http, uri = patterns.lpeg, patterns.core, patterns.http, patterns.uri
local C, Cp, Ct, P = lpeg.C, lpeg.Cp, lpeg.Ct, lpeg.P
local match = lpeg.match

-- The grammar -------------------------------------------------------------------------------------

local version = P "HTTP/" * C(core.DIGIT * P "." * core.DIGIT)
local request_line = http.token * core.SP * C(core.VCHAR ^ 1) * core.SP * version * core.CRLF
local field = http.token * P ":" * http.OWS * C(patterns.field_value) * http.OWS * core.CRLF

-- { method, target, version, name, value, ... }, and where the head ends.
local head = Ct(request_line * field ^ 0) * core.CRLF * Cp()
local trailers = Ct(lpeg.Cc(false) * lpeg.Cc(false) * lpeg.Cc(false) * field ^ 0) * core.CRLF * Cp()

-- The beginning of a request line.
local version_begins = (lpeg.R("AZ", "09") + lpeg.S "/.") ^ 0 * core.CR ^ -1 * -P(1)
local target_begins = -P(1) + core.VCHAR ^ 1 * (-P(1) + core.SP * version_begins)
local beginning = -P(1) + http.token * (-P(1) + core.SP * target_begins)

local whole_line = request_line * Cp()
local host = http.Host / 0 * -1
local authority = (core.VCHAR - lpeg.S "/?#@") ^ 1
local scheme = lpeg.S "hH" * lpeg.S "tT" * lpeg.S "tT" * lpeg.S "pP" * lpeg.S "sS" ^ -1
local absolute = scheme * P "://" * C(authority) * #(lpeg.S "/?" + -1)
local absolute_uri = uri.absolute_uri / 0 * -1
local connection_options = Ct(http.Connection) * -1
local codings = Ct(http.Transfer_Encoding) * -1
local expectation = http.Expect * -1

-- What is refused ---------------------------------------------------------------------------------

local function refuse(status, text)
  return nil, status, text
end

-- A request line has come.
local function refuse_line(text, from)
  local _, _, number = match(whole_line, text, from)
  if not number then return 400, "Invalid request line" end
  if number:sub(1, 1) ~= "1" then return 505, "HTTP/" .. number .. " is not spoken here" end
end

--- The text holds the beginning of a head, from `from` on, of which `seen` bytes were looked at
--- before. Returns a status and a text if no head will come of it. What comes byte by byte is not
--- gone through again and again.
function parser.refuse_early(text, from, seen)
  local new = from + seen
  if text:find("[^\r]\n", seen > 0 and new - 1 or from) or text:byte(from) == 10 then
    return 400, "a line ends without CR"
  end
  local cr = text:find("\r\n", from, true)
  if cr and cr + 1 >= new then return refuse_line(text, from) end
  if cr then return nil end
  local fine = seen == 0 and match(beginning, text, from)
    or seen > 0 and not text:find("[^\r\32-\126]", new)
  if not fine then return 400, "Invalid request line" end
end

-- Hosts that were found to be valid. (Forgotten at a hundred.)
local hosts, host_count = {}, 0

local function is_host(text)
  if hosts[text] then return true end
  if not match(host, text) then return false end
  if host_count >= 100 then hosts, host_count = {}, 0 end
  hosts[text], host_count = true, host_count + 1
  return true
end

-- The checks get the exchange, the joined values of the headers, and the list of them all.

local function check_host(it, map, list)
  local given = map.host
  if given == nil then
    if it.version ~= "1.0" then return refuse(400, "Missing Host") end
    return true
  end
  if not is_host(given) or headers.count(list, "host") > 1 then
    return refuse(400, "Invalid Host")
  end
  return true
end

-- The four forms of a target. An absolute one says the host itself.
local function check_target(it, map, list)
  local target, method = list[2], it.method
  if target:find("#", 1, true) then return refuse(400, "Invalid target") end
  if method == "CONNECT" then
    if not is_host(target) or not target:find ":%d+$" then
      return refuse(400, "Invalid target")
    end
    return refuse(501, "CONNECT is not spoken here")
  end
  if target:byte() == 47 then return true end -- "/"
  if target == "*" then
    if method == "OPTIONS" then return true end
    return refuse(400, "Invalid target")
  end
  local its_host = match(absolute, target)
  if not its_host or not is_host(its_host) or not match(absolute_uri, target) then
    return refuse(400, "Invalid target")
  end
  map.host = its_host
  return true
end

-- Framing -----------------------------------------------------------------------------------------

local LENGTH_DIGITS = 15 -- exact on every Lua; more of them wrap around on some

-- "chunked" must be all there is: other codings are not spoken here, and where the last one is
-- another nobody knows where the body ends.
local function check_codings(it, map)
  if map["content-length"] then return refuse(400, "both Content-Length and Transfer-Encoding") end
  if it.version == "1.0" then return refuse(400, "Transfer-Encoding in HTTP/1.0") end
  local text = map["transfer-encoding"]
  local list = match(codings, text)
  if not list then return refuse(400, "Invalid Transfer-Encoding") end
  local last = list[#list]
  if last[1] ~= "chunked" or next(last, 1) then
    return refuse(400, "the last Transfer-Encoding is not chunked")
  end
  for i = 1, #list - 1 do
    if list[i][1] == "chunked" then return refuse(400, "chunked twice") end
  end
  if #list > 1 then return refuse(501, "Unknown Transfer-Encoding") end
  it.size = -1
  return true
end

local function check_length(it, map)
  local text = map["content-length"]
  if not text:find "^%d+$" then return refuse(400, "Invalid Content-Length") end
  local digits = text:match "^0*(%d*)$"
  if #digits > LENGTH_DIGITS then return refuse(400, "Invalid Content-Length") end
  it.size = tonumber(digits) or 0
  return true
end

local function check_framing(it, map)
  if map["transfer-encoding"] then return check_codings(it, map) end
  if map["content-length"] then return check_length(it, map) end
  return true
end

-- Whether the connection is closed behind the response.
local function check_connection(it, map)
  local text = map.connection
  if text == nil or text == "" then
    if it.version == "1.0" then it.close = true end
    return true
  end
  local options = match(connection_options, text)
  if not options then return refuse(400, "Invalid Connection") end
  local keeps = it.version ~= "1.0"
  for i = 1, #options do
    if options[i] == "keep-alive" then keeps = true end
    if options[i] == "close" then it.close = true end
  end
  if not keeps then it.close = true end
  return true
end

local function check_expectation(it, map)
  local text = map.expect
  if text == nil then return true end
  if not match(expectation, text) then return refuse(417, "Unknown expectation") end
  it.expects = it.version ~= "1.0" and it.size ~= 0
  return true
end

local function check_version(number)
  if number == "1.1" or number == "1.0" then return number end
  if number:sub(1, 1) == "1" then return "1.1" end -- the highest of them that is spoken here
  return refuse(505, "HTTP/" .. number .. " is not spoken here")
end

local CHECKS = { check_host, check_target, check_framing, check_connection, check_expectation }

-- Heads -------------------------------------------------------------------------------------------

--- The head that begins at `from` in `text`, where its end has been found. Fills in what the
--- exchange `it` has to know: method, version, size (0: no body, -1: in chunks), close, expects.
--- Returns the fields that the request will have, and where the head ends; nil, a status and a
--- text: it is refused.
function parser.head(text, from, max_headers, it)
  local list, behind = match(head, text, from)
  if not list then
    local status, why = parser.refuse_early(text, from, 0)
    return refuse(status or 400, why or "Invalid header")
  end
  local number, status, why = check_version(list[3])
  if not number then return refuse(status, why) end
  if #list > 2 * max_headers + 3 then return refuse(431, "Too many headers") end
  local fields, map = headers.new(list)
  it.method, it.version = list[1], number
  for i = 1, #CHECKS do
    local fine
    fine, status, why = CHECKS[i](it, map, list)
    if not fine then return refuse(status, why) end
  end
  return { method = list[1], target = list[2], version = number, headers = fields, socket = false },
    behind
end

--- The trailers that begin at `from`, where their end has been found. Returns them and where they
--- end; nil, a status and a text: they are refused.
function parser.trailers(text, from, max_headers)
  local list, behind = match(trailers, text, from)
  if not list then return refuse(400, "Invalid trailers") end
  if #list > 2 * max_headers + 3 then return refuse(431, "Too many trailers") end
  return headers.new(list), behind
end

return parser
