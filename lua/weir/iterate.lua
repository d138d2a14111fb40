--- Reading in coroutines: read_chunk and read_line wait for what they return; chunks and lines are
--- loops around them.
local core = require "weir.core"

local iterate = {}
local methods = {}
iterate.methods = methods

local find, sub = string.find, string.sub

-- What was read and not returned yet: `text` from `at` on.
local function state_of(stream)
  local private = core.private(stream)
  if not private.reading then private.reading = { text = "", at = 1 } end
  return private.reading
end

local function check(stream, method)
  if not core.state(stream, method).has_readable then
    error(("calling '%s' on a stream that is only written"):format(method), 3)
  end
end

-- The next chunk of the stream; nil at its end; nil and the error.
local function next_chunk(stream, method)
  local way, err = core.way_to_wait(method)
  if not way then return nil, err end
  while true do
    local chunk = stream:read()
    if chunk ~= nil then return chunk end
    local event = core.input_ended(stream) and "end" or "readable"
    local come, why = stream:wait(event)
    if not come then return nil, why end
    if event == "end" then return nil end
  end
end

--- The next chunk: what is there, as one string, or one value in object mode.
function methods.read_chunk(self)
  check(self, "read_chunk")
  local state = state_of(self)
  if state.at <= #state.text then
    local rest = sub(state.text, state.at)
    state.text, state.at = "", 1
    return rest
  end
  return next_chunk(self, "read_chunk")
end

-- Takes what there is of a line. Returns it, and whether that is all of it.
local function take_line(state)
  local text, at = state.text, state.at
  local stop = find(text, "\n", at, true)
  if stop then
    state.at = stop + 1
    return sub(text, at, stop - 1), true
  end
  state.text, state.at = "", 1
  return sub(text, at), false
end

local function without_return(line)
  return sub(line, -1) == "\r" and sub(line, 1, -2) or line
end

--- The next line, without its `\n` or `\r\n`.
function methods.read_line(self)
  check(self, "read_line")
  if self:readable_object_mode() then
    error("calling 'read_line' on a stream of values (bytes expected)", 2)
  end
  local state, parts = state_of(self), {}
  while true do
    local part, is_whole = take_line(state)
    if is_whole then
      if #parts == 0 then return without_return(part) end
      parts[#parts + 1] = part
      return without_return(table.concat(parts))
    end
    if part ~= "" then parts[#parts + 1] = part end
    local chunk, err = next_chunk(self, "read_line")
    if chunk == nil then
      local rest = table.concat(parts)
      if err == nil then return rest ~= "" and rest or nil end
      state.text = rest -- for whoever can wait
      return nil, err
    end
    state.text, state.at = chunk, 1
  end
end

-- Lua 5.1 cannot yield within an iterator.
local yields_in_for = not (_VERSION == "Lua 5.1" and not rawget(_G, "jit"))

local function iterator(stream, name, method)
  local way, err = core.way_to_wait(name)
  if not way then error(err, 3) end
  if way == "yield" and not yields_in_for then
    error(("'%s' cannot wait in a coroutine of Lua 5.1; '%s' can"):format(name, method), 3)
  end
  local read = methods[method]
  return function()
    local value, failure = read(stream)
    if value == nil and failure ~= nil then error(failure, 0) end
    return value
  end
end

--- for chunk in stream:chunks() do. An error of the stream is raised.
function methods.chunks(self)
  check(self, "chunks")
  return iterator(self, "chunks", "read_chunk")
end

--- for line in stream:lines() do. An error of the stream is raised.
function methods.lines(self)
  check(self, "lines")
  return iterator(self, "lines", "read_line")
end

return iterate
