--- weir.lines: a transform from bytes to lines, each a value of its own.
local options = require "weir.options"
local transform = require "weir.transform"

local byte, concat, find, sub = string.byte, table.concat, string.find, string.sub
local CR = 13

local lines = {}

local function without_cr(line)
  local size = #line
  if byte(line, size) == CR then return sub(line, 1, size - 1) end
  return line
end

-- Returns the hooks. What has come of a line stays in pieces until its end does, so that a long one
-- is put together once, however many chunks it comes in.
local function splitter()
  local pieces, count = {}, 0

  local function join(piece)
    count = count + 1
    pieces[count] = piece
    local line = concat(pieces, "", 1, count)
    pieces, count = {}, 0
    return line
  end

  local function split(self, chunk, done)
    local from, to = 1, find(chunk, "\n", 1, true)
    while to do
      local line = sub(chunk, from, to - 1)
      if count > 0 then line = join(line) end
      self:push(without_cr(line))
      from = to + 1
      to = find(chunk, "\n", from, true)
    end
    if from <= #chunk then
      count = count + 1
      pieces[count] = sub(chunk, from)
    end
    done()
  end

  local function flush(_, done)
    if count > 0 then done(nil, join "") else done() end
  end

  return split, flush
end

--- Makes the transform.
function lines.lines(given)
  local checked, split, flush = options.lines(given), splitter()
  checked.flush = flush
  return transform.make(checked, split)
end

return lines
