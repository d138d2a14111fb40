-- What the replays of gen_pipe.js share: a program while it runs, its log, and what it holds back.
local weir = require "weir"

local common = {}

function common.err_text(err)
  if err == nil then return "-" end
  if type(err) == "table" then return tostring(err.code or err.message) end
  return tostring(err)
end

function common.bit(value) return value and "1" or "0" end

local Run = {}
common.Run = Run

function common.new_run(program, steps_left)
  return {
    program = program,
    log = {},
    steps_left = steps_left, -- programs may feed themselves; this ends them
    reacting = 0,
    chunks = 0,              -- made so far
    index = {},              -- how far each script has come
    held = {},               -- answers of the sink
  }
end

function Run:put(text) self.log[#self.log + 1] = text end

function Run:may_step()
  self.steps_left = self.steps_left - 1
  return self.steps_left >= 0
end

-- Chunks have a letter and a size, or, as objects, an id.
function Run:chunk(size)
  self.chunks = self.chunks + 1
  if self.program.objectMode then return { id = self.chunks } end
  return string.rep(string.char(97 + self.chunks % 26), size)
end

function Run:names(chunks)
  local names = {}
  for i = 1, #chunks do names[i] = self:name(chunks[i]) end
  return table.concat(names, ",")
end

-- The next entry of a script, which begins anew at its end.
function Run:next_of(script, list)
  list = list or self.program[script]
  local index = self.index[script] or 0
  self.index[script] = index + 1
  return list[index % #list + 1]
end

-- Does the next steps that the program has for this occasion.
function Run:react(occasion)
  local waiting = self.program.react and self.program.react[occasion]
  if not waiting or #waiting == 0 or self.reacting > 2 then return end
  local steps = table.remove(waiting, 1)
  self.reacting = self.reacting + 1
  for _, step in ipairs(steps) do self:step(step) end
  self.reacting = self.reacting - 1
end

-- Answers the oldest that is held.
function Run.answer(_, held, err)
  local done = table.remove(held, 1)
  if not done then return "none" end
  done(err)
end

function Run:watch(stream, event, name)
  stream:on(event, function(err)
    local text = event == "error" and ":" .. common.err_text(err) or ""
    self:put("*" .. name .. text .. self:state())
    self:react(name)
  end)
end

-- A turn of Node is the steps, and then all that can happen without the loop waiting.
function Run:trace()
  weir.run "nowait"
  for t = 1, #self.program.turns + 2 do
    self:put "|"
    for _, step in ipairs(self.program.turns[t] or {}) do self:step(step) end
    weir.run "nowait"
  end
  return table.concat(self.log, " ")
end

return common
