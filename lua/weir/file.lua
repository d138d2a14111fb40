--- A stream with the face of a file of `io`: for loggers and libraries that write to one, and for
--- ltn12. Where it may wait it does, as `io` would; elsewhere what is written gathers.
local core = require "weir.core"
local errors = require "weir.errors"
local tasks = require "weir.tasks"

local file = {}

local File = {}
File.__index = File

local unpack = table.unpack or unpack

-- nil, message, code: as `io` has it
local function refused(err)
  local code = type(err) == "table" and (rawget(err, "errno") or rawget(err, "code")) or nil
  return nil, tostring(err), code
end

local function stream_of(self)
  if type(self) ~= "table" or getmetatable(self) ~= File then
    error("calling a method of a file on bad self", 3)
  end
  if self.is_closed then error("attempt to use a closed file", 3) end
  return self.stream
end

local function can_wait() return core.way_to_wait "write" ~= nil end

-- Writing -----------------------------------------------------------------------------------------

function File:write(...)
  local stream = stream_of(self)
  if select("#", ...) == 0 then return self end
  local ok, err
  if can_wait() then ok, err = stream:send(...) else ok, err = stream:write(...) end
  if ok == nil then return refused(err) end
  return self
end

function File:flush()
  local stream = stream_of(self)
  if self.reads then return self end
  if stream:errored() ~= nil then return refused(stream:errored()) end
  if can_wait() then
    local ok, err = tasks.wait_until_written(stream)
    if not ok then return refused(err) end
  end
  return self
end

function File:close()
  local stream = stream_of(self)
  self.is_closed = true
  if self.reads then
    stream:destroy()
    return true
  end
  if can_wait() then
    local ok, err = stream:finish()
    if not ok then return refused(err) end
  else
    stream:end_()
  end
  return true
end

function File:setvbuf()
  stream_of(self)
  return true
end

-- Where the next byte goes or comes from can be told, and not changed.
function File:seek(whence, offset)
  local stream = stream_of(self)
  if (whence or "cur") == "set" or (whence == "end" and self.reads) or (offset or 0) ~= 0 then
    return nil, "a stream cannot seek", "ESPIPE"
  end
  if self.reads then return self.received - #self.over end
  return self.base + stream:stats().bytes_accepted
end

-- Reading -----------------------------------------------------------------------------------------

-- Reads one more chunk behind what is left over. False at the end; nil and the error.
local function fill(self)
  local chunk, err = self.stream:read_chunk()
  if err ~= nil then return nil, err end
  if chunk == nil then return false end
  self.received = self.received + #chunk
  self.over = self.over .. chunk
  return true
end

-- Takes `count` bytes of what is left over, or all if there are fewer; nil where there is nothing.
local function take(self, count)
  local text = self.over
  if text == "" and count > 0 then return nil end
  self.over = text:sub(count + 1)
  return text:sub(1, count)
end

local function read_line(self, keeps_end)
  local from = 1
  while true do
    local at = self.over:find("\n", from, true)
    if at then
      local line = take(self, at)
      return keeps_end and line or line:sub(1, -2)
    end
    from = #self.over + 1
    local more, err = fill(self)
    if err ~= nil then return nil, err end
    if not more then return take(self, #self.over + 1) end
  end
end

local formats = {}

function formats.l(self) return read_line(self, false) end
function formats.L(self) return read_line(self, true) end

function formats.a(self)
  local parts = { self.over }
  self.over = ""
  while true do
    local chunk, err = self.stream:read_chunk()
    if chunk == nil then
      if err == nil then return table.concat(parts) end
      self.over = table.concat(parts)
      return nil, err
    end
    self.received = self.received + #chunk
    parts[#parts + 1] = chunk
  end
end

local function read_bytes(self, count)
  while #self.over < count or (count == 0 and self.over == "") do
    local more, err = fill(self)
    if err ~= nil then return nil, err end
    if not more then
      if self.over == "" then return nil end
      break
    end
  end
  return take(self, count)
end

local function read_one(self, format)
  if type(format) == "number" then return read_bytes(self, format) end
  local name = tostring(format):gsub("^%*", ""):sub(1, 1)
  if not formats[name] then
    errors.bad_argument(1, "read", "format l, L, a or a number", format, 2)
  end
  return formats[name](self)
end

function File:read(...)
  stream_of(self)
  local wanted, got = { ... }, {}
  if #wanted == 0 then wanted[1] = "l" end
  for i = 1, #wanted do
    local value, err = read_one(self, wanted[i])
    if err ~= nil then return refused(err) end
    if value == nil then return unpack(got, 1, i) end
    got[i] = value
  end
  return unpack(got, 1, #wanted)
end

function File:lines(...)
  stream_of(self)
  local wanted, count = { ... }, select("#", ...)
  return function()
    local value, message = self:read(unpack(wanted, 1, count))
    if value == nil and message then error(message, 2) end
    return value
  end
end

-- The face ----------------------------------------------------------------------------------------

function File:__tostring()
  return self.is_closed and "file (closed)" or ("file (%s)"):format(tostring(self.stream))
end

function File:__close()
  if not self.is_closed then self:close() end
end

local function face(stream, base)
  local reads = not core.state(stream).has_writable
  local self = { stream = stream, reads = reads, base = base or 0, over = "", received = 0 }
  return setmetatable(self, File)
end

file.methods = {}

function file.methods.as_file(self)
  if not core.is_stream(self) then
    error("calling 'as_file' on bad self (weir stream expected)", 2)
  end
  return face(self)
end

-- Where appending begins.
local function size_of(path, io_open)
  local there = io_open(path, "rb")
  if not there then return 0 end
  local size = there:seek "end"
  there:close()
  return size or 0
end

local FLAGS = { w = "w", a = "a", ["w+"] = "w+", ["a+"] = "a+", ["r+"] = "r+" }

--- As io.open, with `make` and `read` for the two kinds of streams; `io_open` is io's own.
function file.opener(make, read, io_open)
  return function(path, mode)
    mode = mode or "r"
    if type(path) ~= "string" then errors.bad_argument(1, "open", "string", path) end
    local bare = type(mode) == "string" and mode:gsub("b", "", 1)
    if bare ~= "r" and not FLAGS[bare] then
      errors.bad_argument(2, "open", "mode of io.open", mode)
    end
    local base = bare:sub(1, 1) == "a" and size_of(path, io_open) or 0
    local stream
    if bare == "r" then stream = read(path) else stream = make(path, { flags = FLAGS[bare] }) end
    if can_wait() then
      local ok, err = stream:wait "open"
      if not ok then return refused(err) end
    end
    return face(stream, base)
  end
end

--- A sink of ltn12: its end ends the stream, an error destroys it.
function file.ltn12_sink(stream)
  if not core.is_stream(stream) then errors.bad_argument(1, "ltn12_sink", "stream", stream) end
  local self = face(stream)
  return function(chunk, err)
    local ok, message
    if chunk then
      ok, message = self:write(chunk)
    elseif err ~= nil then
      stream:on("error", function() end) -- who pumps has it already
      stream:destroy(err)
      return nil, err
    else
      ok, message = self:close()
    end
    if not ok then return nil, message end
    return 1
  end
end

return file
