--- The body of a request, as it comes: by its length, or in chunks. A body is a table of where in
--- it we are; `take` goes through bytes and says what of them is content.
local parser = require "weir.http.parser"
local patterns = require "weir.http.patterns"

local body = {}

local lpeg, core, http = patterns.lpeg, patterns.core, patterns.http
local match = lpeg.match

local SIZE_LINE_MAX = 4096         -- with its extensions
local EXTENSIONS_MAX = 16 * 1024   -- of all chunks
local DIGITS_MAX = 13              -- of a size: exact on every Lua

local P, BWS = lpeg.P, http.BWS
local extension_value = BWS * P "=" * BWS * (http.token + http.quoted_string)
local extension = BWS * P ";" * BWS * http.token * extension_value ^ -1
local size_line = lpeg.C(core.HEXDIG ^ 1) * (extension ^ 0 / 0) * core.CRLF * lpeg.Cp()

--- A body of `size` bytes; -1: in chunks.
function body.new(size, limits)
  if size < 0 then return { step = "size", received = 0, extensions = 0, limits = limits } end
  return { step = "fixed", left = size, received = 0, limits = limits }
end

-- Each step returns where it has come to, and perhaps how many bytes before that are content; nil:
-- more has to come first; false, a status and a text: it is no body.
local steps = {}

function steps.fixed(self, text, from)
  local available = #text - from + 1
  local size = available < self.left and available or self.left
  self.left = self.left - size
  if self.left == 0 then self.step = "done" end
  return from + size, size
end

function steps.size(self, text, from)
  local lf = text:find("\n", from, true)
  if not lf then
    if #text - from >= SIZE_LINE_MAX then return false, 400, "the line of a chunk is too long" end
    if not text:find("^%x*;?", from) or text:find("^[^%x]", from) then
      return false, 400, "Invalid size of a chunk"
    end
    return nil
  end
  local digits, behind = match(size_line, text, from)
  if not digits or #digits > DIGITS_MAX then return false, 400, "Invalid size of a chunk" end
  self.extensions = self.extensions + (behind - from - #digits - 2)
  if lf - from > SIZE_LINE_MAX or self.extensions > EXTENSIONS_MAX then
    return false, 400, "too many extensions of chunks"
  end
  self.left = tonumber(digits, 16)
  self.step = self.left > 0 and "data" or "trailers"
  return behind
end

function steps.data(self, text, from)
  local available = #text - from + 1
  local size = available < self.left and available or self.left
  self.left = self.left - size
  if self.left == 0 then self.step = "data_end" end
  return from + size, size
end

function steps.data_end(self, text, from)
  if text:byte(from) ~= 13 then return false, 400, "a chunk is longer than its size" end
  if #text == from then return nil end
  if text:byte(from + 1) ~= 10 then return false, 400, "a chunk is longer than its size" end
  self.step = "size"
  return from + 2
end

function steps.trailers(self, text, from)
  if text:find("^\r\n", from) then
    self.step = "done"
    return from + 2
  end
  local _, last = text:find("\r\n\r\n", from, true)
  local size = (last or #text) - from + 1
  if size > self.limits.max_head then return false, 431, "the trailers are too long" end
  if not last then
    if text:find("^\n", from) or text:find("[^\r]\n", from) then
      return false, 400, "a line ends without CR"
    end
    return nil
  end
  local trailers, behind, why = parser.trailers(text, from, self.limits.max_headers)
  if not trailers then return false, behind, why end
  self.trailers = trailers
  self.step = "done"
  return behind
end

--- Goes one step through `text`, from `from` on. Returns where it has come to, and how many bytes
--- before that are content; nil: more has to come first; false, a status and a text: it is refused.
function body.take(self, text, from)
  local to, size, why = steps[self.step](self, text, from)
  if to and size then
    self.received = self.received + size
    local max_body = self.limits.max_body
    if max_body and self.received > max_body then return false, 413, "the body is too long" end
  end
  return to, size, why
end

return body
