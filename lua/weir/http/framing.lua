--- How a response is framed: which of its headers say where it ends, and the bytes around its body.
local core = require "weir.core"
local date = require "weir.http.date"
local fields = require "weir.http.fields"
local status = require "weir.http.status"

local framing = {}

local concat = table.concat

-- The value of a header that was set, or nil.
local function given(it, key)
  local list = it.headers
  local i = list and list[key]
  return i and list[i + 1]
end

local function has_option(value, option)
  if type(value) == "table" then value = concat(value, ",") end
  return ("," .. value:lower():gsub("%s", "") .. ","):find("," .. option .. ",", 1, true) ~= nil
end

--- The headers are final from now on: decides what follows from them.
function framing.freeze(it)
  if it.method == "HEAD" or status.is_bodyless(it.status) then it.bodyless = true end
  if not it.headers then return end
  local length, connection = given(it, "content-length"), given(it, "connection")
  if length then it.length = tonumber(length) end
  if connection and has_option(connection, "close") then it.close = true end
end

local function length_line(size)
  return "Content-Length: " .. size .. "\r\n"
end

-- Of a response without a body: what a GET would have got; some statuses have no length either.
local function bodyless_line(it, known)
  it.mode = "none"
  if status.is_bodyless(it.status) or it.length or not known or it.given == 0 then return "" end
  return length_line(it.given)
end

-- The line that says where the body ends. `known`: how long it is, if nothing more comes.
local function framing_line(it, known)
  if it.bodyless then return bodyless_line(it, known) end
  if it.length then
    it.mode = "length"
    return ""
  end
  local wants_chunks = given(it, "transfer-encoding") or it.trailers
  if known and (not wants_chunks or it.version == "1.0") then
    it.mode = "length"
    return length_line(known)
  end
  if it.version == "1.0" then
    it.mode, it.close = "close", true
    return ""
  end
  it.mode = "chunked"
  return "Transfer-Encoding: chunked\r\n"
end

local function connection_line(it)
  local own = given(it, "connection")
  if it.close then return "Connection: close\r\n" end
  if own then
    return "Connection: " .. (type(own) == "table" and concat(own, ", ") or own) .. "\r\n"
  end
  return it.version == "1.0" and "Connection: keep-alive\r\n" or ""
end

--- The head of a response, as bytes. `known`: how long its body is, if nothing more comes.
function framing.head(it, known)
  local code = it.status
  local has_no_length = code < 200 or code == 204
  local lines = it.headers and fields.lines(it.headers, has_no_length and "content-length") or ""
  local date_line = it.headers and it.headers.date and "" or date.line()
  local length = framing_line(it, known)
  return status.line(code, it.reason) .. lines .. date_line .. length .. connection_line(it)
    .. "\r\n"
end

--- What comes before a piece of the body.
function framing.before(it, size)
  return it.mode == "chunked" and size > 0 and ("%x\r\n"):format(size) or ""
end

--- What comes behind it; `last`: nothing more comes.
function framing.behind(it, size, last)
  if it.mode ~= "chunked" then return "" end
  local text = size > 0 and "\r\n" or ""
  if not last then return text end
  return text .. "0\r\n" .. (it.trailers and fields.lines(it.trailers) or "") .. "\r\n"
end

--- More of the body comes. Returns an error if that is more than its Content-Length.
function framing.count(it, size)
  it.given = it.given + size
  if it.length and it.given > it.length and not it.bodyless then return framing.mismatch(it) end
end

--- Nothing more comes. Returns an error if that is less.
function framing.check_end(it)
  if it.length and it.given < it.length and not it.bodyless then return framing.mismatch(it) end
end

function framing.mismatch(it)
  return core.make_error("ERR_HTTP_CONTENT_LENGTH_MISMATCH",
    ("Response body's content-length of %.0f byte(s) does not match the content-length of %.0f "
      .. "byte(s) set in header"):format(it.given, it.length))
end

return framing
