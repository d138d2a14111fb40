-- Replays the programs of gen_pipe.js with one stream by itself: profile paused. README.md explains
-- programs and traces.
local weir = require "weir"
local common = require "spec.oracle.pipe_common"

local bit, err_text = common.bit, common.err_text

local Run = setmetatable({}, { __index = common.Run })
Run.__index = Run

local function state_of(st, two)
  local flowing = st:readable_flowing()
  local state = "l" .. st:readable_length() .. "f" .. (flowing == nil and "n" or bit(flowing))
    .. "p" .. bit(st:is_paused()) .. "h" .. st:readable_high_water_mark()
    .. "e" .. bit(st:readable_ended()) .. "r" .. bit(st:readable()) .. "d" .. bit(st:destroyed())
    .. "c" .. bit(st:closed()) .. "x" .. err_text(st:errored())
    .. "a" .. bit(st:readable_aborted())
  if not two then return state end
  return state .. "/L" .. st:writable_length() .. "N" .. bit(st:writable_need_drain())
    .. "E" .. bit(st:writable_ended()) .. "F" .. bit(st:writable_finished())
    .. "W" .. bit(st:writable())
end

function Run:state() return "[" .. state_of(self.st, self.two) .. "]" end

function Run:name(chunk)
  if chunk == nil then return "nil" end
  return self.program.objectMode and tostring(chunk.id) or chunk
end

function Run:may_push() return not self.ended and not self.st:destroyed() end

function Run:push(size)
  if not self:may_push() or (size == 0 and not self.program.objectMode) then return "no" end
  return bit(self.st:push(self:chunk(size)))
end

function Run:push_end()
  if not self:may_push() then return "no" end
  self.ended = true
  return bit(self.st:push(nil))
end

-- The hooks ---------------------------------------------------------------------------------------

local sources = {}
function sources.s1(run) run:push(2 + run.chunks % 3) end
function sources.s2(run) run:push(1) run:push(3) end
function sources.t1(run) weir.next_tick(function() run:push(2) end) end
function sources.t2(run) weir.next_tick(function() run:push(1) run:push(4) end) end
function sources.e(run) if not run.program.objectMode and not run.ended then run.st:push "" end end
function sources.n(run) run:push_end() end
function sources.sn(run) run:push(3) run:push_end() end
function sources.x() error("readfail", 0) end
sources["-"] = function() end

function Run:read()
  local act = self:next_of "source"
  self:put("R:" .. act)
  self:react "R"
  if self.chunks > 60 then self:push_end() else sources[act](self) end
end

local answers = {}
function answers.s(_, _, _, ok) ok() end
function answers.t(_, _, _, ok) weir.next_tick(ok) end
function answers.m(run, _, _, ok) table.insert(run.held, ok) end
function answers.drop(_, _, done) done() end
function answers.dup(run, chunk, _, ok)
  if run.program.kind == "transform" and run:may_push() then run.st:push(chunk) end
  ok()
end
answers["end"] = function(run, _, done, ok)
  if run.program.kind ~= "transform" then return ok() end
  run:push_end()
  done()
end
function answers.se(_, _, done) done "sinkfail" end
function answers.te(_, _, done) weir.next_tick(done, "sinkfail") end

function Run:sink_call(what, chunk, done)
  local mode = self:next_of "sink"
  self:put(what .. ":" .. mode .. self:state())
  self:react "W"
  local function ok()
    if self.program.kind == "transform" and chunk ~= nil then done(nil, chunk) else done() end
  end
  answers[mode](self, chunk, done, ok)
end

function Run:construct(done)
  local mode = self.program.construct
  self:put("construct:" .. mode)
  if mode == "s" then done()
  elseif mode == "t" then weir.next_tick(done)
  elseif mode == "se" then done "constructfail"
  else table.insert(self.held_construct, done) end
end

function Run:flush(done)
  local mode = self.program.flush
  self:put("flush:" .. mode)
  if self.ended then return done() end
  local chunk = self:chunk(2)
  if mode == "s" then done(nil, chunk)
  elseif mode == "se" then done "flushfail"
  else weir.next_tick(done, nil, chunk) end
end

-- The stream --------------------------------------------------------------------------------------

local makers = {}

function makers.readable(run, options)
  options.allow_half_open = nil
  function options.read() run:read() end
  return weir.readable(options)
end

function makers.duplex(run, options)
  function options.read() run:read() end
  function options.write(_, chunk, done)
    run:sink_call("W(" .. run:name(chunk) .. ")", nil, done)
  end
  if run.program.writev then
    function options.writev(_, chunks, done)
      run:sink_call("V(" .. run:names(chunks) .. ")", nil, done)
    end
  end
  local final = run.program.final
  if final ~= "none" then
    function options.final(_, done)
      run:put("final:" .. final)
      if final == "s" then done() else weir.next_tick(done) end
    end
  end
  return weir.duplex(options)
end

function makers.transform(run, options)
  function options.transform(_, chunk, done)
    run:sink_call("T(" .. run:name(chunk) .. ")", chunk, done)
  end
  if run.program.flush ~= "none" then
    function options.flush(_, done) run:flush(done) end
  end
  return weir.transform(options)
end

function makers.passthrough(_, options) return weir.passthrough(options) end

function Run:options()
  local program = self.program
  local options = {
    object_mode = program.objectMode, auto_destroy = program.autoDestroy,
    emit_close = program.emitClose, allow_half_open = program.half,
  }
  if program.whwm ~= nil then
    options.readable_high_water_mark = program.hwm
    options.writable_high_water_mark = program.whwm
  else
    options.high_water_mark = program.hwm
  end
  if program.construct ~= "none" then
    function options.construct(_, done) self:construct(done) end
  end
  return options
end

function Run:listen()
  for _, event in ipairs { "end", "close", "error", "pause", "resume", "finish", "drain",
    "prefinish" } do
    self:watch(self.st, event, event)
  end
  function self.on_data(chunk)
    self:put("*data(" .. self:name(chunk) .. ")" .. self:state())
    self:react "data"
  end
  function self.on_readable() self:readable() end
end

-- What a `readable` listener does.
function Run:readable()
  local mode = self:next_of "readable"
  self:put("*readable:" .. mode .. self:state())
  self:react "readable"
  if mode == "-" then return end
  local chunk = self.st:read(tonumber(mode))
  if mode ~= "all" then return self:put("got(" .. self:name(chunk) .. ")") end
  while chunk ~= nil do
    self:put("got(" .. self:name(chunk) .. ")")
    chunk = self.st:read()
  end
end

function Run:finished(options)
  self.watches = self.watches + 1
  local id = self.watches
  weir.finished(self.st, options, function(err)
    self:put("!fin" .. id .. ":" .. err_text(err) .. self:state())
  end)
end

-- Steps -------------------------------------------------------------------------------------------

local steps = {}

function steps.p(run, n) return run:push(n) end
function steps.pn(run) return run:push_end() end
function steps.pe(run)
  if not run.program.objectMode and run:may_push() then return bit(run.st:push "") end
end
function steps.pz(run, n) if n > 3 then return bit(run.st:push(run:chunk(n))) end end
function steps.u(run, n)
  if n > 0 and not run.st:readable_ended() and not run.st:destroyed() then
    return bit(run.st:unshift(run:chunk(n)))
  end
end
function steps.rd(run, n) return run:name(run.st:read(n)) end
function steps.ra(run) return run:name(run.st:read()) end
function steps.pa(run) run.st:pause() end
function steps.re(run) run.st:resume() end
function steps.lr(run) run.st:on("readable", run.on_readable) end
steps["or"] = function(run) run.st:once("readable", run.on_readable) end
function steps.xr(run) run.st:off("readable", run.on_readable) end
function steps.xra(run) run.st:remove_all_listeners "readable" end
function steps.ld(run) run.st:on("data", run.on_data) end
function steps.od(run) run.st:once("data", run.on_data) end
function steps.xd(run) run.st:off("data", run.on_data) end
function steps.w(run, n)
  local st, is_nothing = run.st, n == 0 and not run.program.objectMode
  if st:writable_ended() or st:destroyed() or is_nothing then return end
  return bit(st:write(run:chunk(n)))
end
function steps.e(run) if not run.st:destroyed() then run.st:end_() end end
function steps.k(run) return run:answer(run.held) end
function steps.kc(run) return run:answer(run.held_construct) end
function steps.ds(run) run.st:destroy() end
function steps.dse(run) run.st:destroy "boom" end
local watched = { [0] = { readable = false }, { writable = false }, { error = false } }
function steps.fin(run, n) run:finished(watched[n] or {}) end

function Run:step(step)
  if not self:may_step() then return end
  local op, n = step[1], step[2]
  self:put(">" .. op .. n)
  self:put("<" .. (steps[op](self, n) or "") .. self:state())
end

return function(program)
  local run = setmetatable(common.new_run(program, 250), Run)
  run.held_construct, run.watches, run.two = {}, 0, program.kind ~= "readable"
  run.st = makers[program.kind](run, run:options())
  run:listen()
  if program.watch then run:finished {} end
  return run:trace()
end
