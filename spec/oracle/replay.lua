-- Replays the programs of gen.js and gen_pipe.js on weir and compares each trace with the one Node
-- produced.
-- README.md explains programs and traces.
local weir = require "weir"
local trace_of_chain = require "spec.oracle.pipe_chain"
local trace_of_single = require "spec.oracle.pipe_single"

local replay = {}

local load = loadstring or load

local function err_text(err)
  if err == nil then return "-" end
  if type(err) == "table" or type(err) == "userdata" then
    local code = err.code
    if code and code ~= "" then return tostring(code) end
    return tostring(err.message or err)
  end
  return tostring(err)
end

local function bit(value) return value and "1" or "0" end

local function state_of(w)
  return "L" .. w:writable_length() .. "N" .. bit(w:writable_need_drain())
    .. "E" .. bit(w:writable_ended()) .. "F" .. bit(w:writable_finished())
    .. "K" .. w:writable_corked() .. "D" .. bit(w:destroyed()) .. "C" .. bit(w:closed())
    .. "X" .. err_text(w:errored()) .. "W" .. bit(w:writable())
end

-- Chunks have a letter and a size, or, as objects, an id.
local function chunk_of(program, id, size)
  if program.objectMode then return { id = id } end
  return string.rep(string.char(97 + (id % 26)), size)
end

local function name_of(program, chunk)
  if program.objectMode then return tostring(chunk.id) end
  return (#chunk > 0 and chunk:sub(1, 1) or "") .. #chunk
end

-- A program while it runs: its log, the answers it holds back, and the stream under test.
local Run = {}
Run.__index = Run

local function new_run(program)
  return setmetatable({
    program = program,
    log = {},
    ops_left = 400,                             -- programs may feed themselves; this ends them
    reacting = 0,
    sink_calls = 0,
    held = { k = {}, kf = {}, kc = {}, kd = {} }, -- answers to write, final, construct, destroy
    last_done = nil,
  }, Run)
end

function Run:put(text) self.log[#self.log + 1] = text end

-- Puts the text and the visible state.
function Run:put_state(text) self:put(text .. "[" .. state_of(self.stream) .. "]") end

-- Does the next steps that the program has for this occasion.
function Run:react(occasion)
  local waiting = self.program.react[occasion]
  if not waiting or #waiting == 0 or self.reacting > 2 then return end
  local steps = table.remove(waiting, 1)
  self.reacting = self.reacting + 1
  for _, step in ipairs(steps) do self:step(step) end
  self.reacting = self.reacting - 1
end

-- Answers as the mode says: s at once, t with a tick, m when a step says so; e with an error, and
-- ss twice.
function Run:answer(mode, held, done, label)
  if mode == "s" then done()
  elseif mode == "ss" then done(); done()
  elseif mode == "se" then done(label)
  elseif mode == "t" then weir.next_tick(done)
  elseif mode == "te" then weir.next_tick(done, label)
  else table.insert(self.held[held], done)
  end
end

function Run:sink_call(what, done)
  self:put_state(what)
  local modes = self.program.sink
  local mode = modes[self.sink_calls % #modes + 1]
  self.sink_calls = self.sink_calls + 1
  self:react(mode:sub(1, 1) == "s" and "sink" or "hold")
  self:answer(mode, "k", function(err)
    self.last_done = done
    done(err)
  end, "sinkfail")
end

function Run:callback(name)
  return function(err)
    self:put_state("cb" .. name .. ":" .. err_text(err))
    self:react "cb"
  end
end

function Run:user_tick(name, again)
  self:put(name)
  if again > 0 then weir.next_tick(self.user_tick, self, name, again - 1) end
  self:react "tick"
end

local steps = {}

-- In each: id and size of the chunk, and its callback: 0 none, 1 its own, 2 the shared one.
function steps.w(run, id, size, callback)
  local chunk = chunk_of(run.program, id, size)
  if callback == 0 then return bit(run.stream:write(chunk)) end
  return bit(run.stream:write(chunk, callback == 2 and run.shared or run:callback(id)))
end

function steps.e(run, id)
  if id and id ~= 0 then run.stream:end_(run:callback(id)) else run.stream:end_() end
end

function steps.ew(run, id, size, callback)
  local chunk = chunk_of(run.program, id, size)
  if callback == 1 then run.stream:end_(chunk, run:callback(id)) else run.stream:end_(chunk) end
end

function steps.c(run) run.stream:cork() end
function steps.u(run) run.stream:uncork() end
function steps.d(run) run.stream:destroy() end
function steps.de(run) run.stream:destroy("boom") end
function steps.nt(run, id, again) weir.next_tick(run.user_tick, run, "t" .. id, again) end

function steps.kk(run)
  if not run.last_done then return "none" end
  run.last_done()
end

-- k, kf, kc, kd answer the oldest held call, and ke, kfe, kce, kde with an error.
local function answer_held(run, op)
  local held = (#op > 1 and op:sub(-1) == "e") and op:sub(1, -2) or op
  local done = table.remove(run.held[held], 1)
  if not done then return "none" end
  if op == held then done() else done(held .. "fail") end
end

function Run:step(step)
  if self.ops_left <= 0 then return end
  self.ops_left = self.ops_left - 1
  local op, id = step[1], step[2]
  self:put(">" .. op .. (id or ""))
  local result
  if steps[op] then
    result = steps[op](self, id, step[3], step[4])
  else
    result = answer_held(self, op)
  end
  self:put_state("<" .. (result or ""))
end

function Run:options()
  local program = self.program
  local options = {
    high_water_mark = program.hwm,
    object_mode = program.objectMode,
    auto_destroy = program.autoDestroy,
    emit_close = program.emitClose,
    write = function(_, chunk, done)
      self:sink_call("W(" .. name_of(program, chunk) .. ")", done)
    end,
  }
  if program.writev then
    options.writev = function(_, chunks, done)
      local names = {}
      for i = 1, #chunks do names[i] = name_of(program, chunks[i]) end
      self:sink_call("V(" .. table.concat(names, ",") .. ")", done)
    end
  end
  if program.final ~= "none" then
    options.final = function(_, done)
      self:put_state "final"
      self:answer(program.final, "kf", done, "finalfail")
    end
  end
  if program.construct ~= "none" then
    options.construct = function(_, done)
      self:put "construct" -- there is no stream yet whose state could be told
      self:answer(program.construct, "kc", done, "constructfail")
    end
  end
  if program.destroyMode ~= "none" then
    options.destroy = function(_, err, done)
      self:put_state("_destroy:" .. err_text(err))
      self:answer(program.destroyMode, "kd", function(failure)
        if failure == nil then failure = err end
        done(failure)
      end, "destroyfail")
    end
  end
  return options
end

function Run:listen()
  for _, event in ipairs { "drain", "prefinish", "finish", "close" } do
    self.stream:on(event, function()
      self:put_state("*" .. event)
      self:react(event)
    end)
  end
  self.stream:on("error", function(err)
    self:put_state("*error:" .. err_text(err))
    self:react "error"
  end)
end

-- A turn of Node is the steps, and then all that can happen without the loop waiting.
function Run:turn(turn_steps)
  for _, step in ipairs(turn_steps or {}) do self:step(step) end
  weir.run "nowait"
end

local function trace_of_writable(program)
  local run = new_run(program)
  run.shared = run:callback ""
  run.stream = weir.writable(run:options())
  run:listen()
  run:put "new"
  run:turn(program.now and program.turns[1])
  for i = program.now and 2 or 1, #program.turns + 2 do
    run:put "|"
    run:turn(program.turns[i])
  end
  return table.concat(run.log, " ")
end

-- Node's trace, with what gen.js --short left out put back.
local function expand(trace)
  local state = {}
  return (trace:gsub("%[([^%]]*)%]", function(changed)
    for name in ("LNEFKDC"):gmatch "." do
      local value = changed:match("^" .. name .. "(%-?%d+)")
      if value then
        state[name] = value
        changed = changed:sub(#name + #value + 1)
      end
    end
    state.W = changed:match "W(%d)$" or state.W
    state.X = changed:gsub("W%d$", ""):match "^X(.+)$" or state.X
    local whole = ("LNEFKDCXW"):gsub(".", function(name) return name .. state[name] end)
    return "[" .. whole .. "]"
  end))
end

-- The same of gen_pipe.js: a part of a state that is left out is as in the state before.
local function expand_parts(trace)
  local before = {}
  return (trace:gsub("%[([^%]]*)%]", function(changed)
    local parts = {}
    for part in (changed .. "/"):gmatch "([^/]*)/" do
      parts[#parts + 1] = part ~= "" and part or before[#parts + 1]
    end
    before = parts
    return "[" .. table.concat(parts, "/") .. "]"
  end))
end

-- How to run a program, and how to read its trace.
local function ways_of(program)
  if program.kind then return trace_of_single, expand_parts end
  if program.source then return trace_of_chain, expand_parts end
  return trace_of_writable, expand
end

local function first_difference(a, b)
  local i = 1
  while i <= #a and a:sub(i, i) == b:sub(i, i) do i = i + 1 end
  return i
end

-- Shows the program and both traces around the place where they part.
local function explain(number, program, want, got)
  local at = first_difference(want, got)
  local from, to = math.max(1, at - 160), at + 120
  return ("program %d differs at byte %d\n  program: %s\n  node: %s\n  weir: %s"):format(number, at,
    program:sub(1, 600), want:sub(from, to), got:sub(from, to))
end

-- Replays PREFIX.lua against PREFIX.expected. Returns how many programs there are, how many traces
-- differ, and of the first `show` of these a text that shows where.
function replay.compare(prefix, show)
  local expected = assert(io.open(prefix .. ".expected"))
  local total, differing, texts = 0, 0, {}
  for line in io.lines(prefix .. ".lua") do
    local program = assert(load(line))()
    local trace_of, expanded = ways_of(program)
    local want = expanded(expected:read "*l")
    local ok, got = pcall(trace_of, program)
    if not ok then got = "RAISED " .. tostring(got) end
    total = total + 1
    if got ~= want then
      differing = differing + 1
      if differing <= show then texts[differing] = explain(total, line, want, got) end
    end
  end
  expected:close()
  return total, differing, table.concat(texts, "\n")
end

return replay
