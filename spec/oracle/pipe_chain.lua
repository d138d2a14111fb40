-- Replays the programs of gen_pipe.js with several streams: all its profiles but paused. README.md
-- explains programs and traces.
local weir = require "weir"
local common = require "spec.oracle.pipe_common"

local bit, err_text = common.bit, common.err_text

local Run = setmetatable({}, { __index = common.Run })
Run.__index = Run

local function reader_state(r)
  local flowing = r:readable_flowing()
  return "l" .. r:readable_length() .. "f" .. (flowing == nil and "n" or bit(flowing))
    .. "e" .. bit(r:readable_ended()) .. "d" .. bit(r:destroyed()) .. "x" .. err_text(r:errored())
end

local function writer_state(w)
  return "L" .. w:writable_length() .. "N" .. bit(w:writable_need_drain())
    .. "E" .. bit(w:writable_ended()) .. "F" .. bit(w:writable_finished())
    .. "D" .. bit(w:destroyed()) .. "X" .. err_text(w:errored())
end

function Run:state()
  local parts = { reader_state(self.src) }
  if self.tr then parts[2] = writer_state(self.tr) .. reader_state(self.tr) end
  parts[#parts + 1] = writer_state(self.dst)
  if self.dst2 then parts[#parts + 1] = writer_state(self.dst2) end
  return "[" .. table.concat(parts, "/") .. "]"
end

function Run:name(chunk)
  if self.program.objectMode then return tostring(chunk.id) end
  return chunk:sub(1, 1) .. #chunk
end

function Run:push(size)
  if self.ended or self.src:destroyed() then return "no" end
  return bit(self.src:push(self:chunk(size)))
end

function Run:push_end()
  if self.ended or self.src:destroyed() then return "no" end
  self.ended = true
  return bit(self.src:push(nil))
end

-- The streams -------------------------------------------------------------------------------------

local sources = {}
function sources.s1(run) run:push(2 + run.chunks % 3) end
function sources.s2(run) run:push(1) run:push(3) end
function sources.t1(run) weir.next_tick(function() run:push(2) end) end
function sources.n(run) run:push_end() end
sources["-"] = function() end

function Run:make_source()
  local program = self.program
  self.src = weir.readable {
    high_water_mark = program.srcHwm, object_mode = program.objectMode,
    auto_destroy = program.autoDestroy,
    read = function()
      local act = self:next_of "source"
      self:put("R:" .. act)
      self:react "R"
      if self.chunks > 40 then self:push_end() else sources[act](self) end
    end,
  }
end

local function complete(mode, done, held)
  if mode == "s" then done()
  elseif mode == "t" then weir.next_tick(done)
  elseif mode == "se" then done "sinkfail"
  elseif mode == "te" then weir.next_tick(done, "sinkfail")
  else held[#held + 1] = done end
end

function Run:make_destination()
  local program = self.program
  local function sink_call(what, done)
    self:put(what)
    local mode = self:next_of "sink"
    self:react "sink"
    complete(mode, done, self.held)
  end
  local options = {
    high_water_mark = program.dstHwm, object_mode = program.objectMode,
    auto_destroy = program.autoDestroy,
    write = function(_, chunk, done) sink_call("W(" .. self:name(chunk) .. ")", done) end,
  }
  if program.writev then
    function options.writev(_, chunks, done)
      sink_call("V(" .. self:names(chunks) .. ")", done)
    end
  end
  self.dst = weir.writable(options)
end

function Run:make_second()
  local second = self.program.second
  if not second then return end
  self.dst2 = weir.writable {
    high_water_mark = second.hwm, object_mode = self.program.objectMode,
    write = function(_, chunk, done)
      self:put("Y(" .. self:name(chunk) .. ")")
      complete(self:next_of("second", second.sink), done, self.held2)
    end,
  }
end

local transforms = {}
function transforms.s(_, _, chunk, done) done(nil, chunk) end
function transforms.t(_, _, chunk, done) weir.next_tick(done, nil, chunk) end
function transforms.drop(_, _, _, done) done() end
function transforms.dup(_, stream, chunk, done)
  stream:push(chunk)
  done(nil, chunk)
end
function transforms.se(_, _, _, done) done "trfail" end
function transforms.m(run, _, chunk, done)
  table.insert(run.held_transforms, function() done(nil, chunk) end)
end

function Run:make_transform()
  local program = self.program
  if not program.transform then return end
  local options = {
    high_water_mark = program.dstHwm, object_mode = program.objectMode,
    auto_destroy = program.autoDestroy,
    transform = function(stream, chunk, done)
      local mode = self:next_of "tr"
      self:put("T(" .. self:name(chunk) .. "):" .. mode)
      transforms[mode](self, stream, chunk, done)
    end,
  }
  if program.flush ~= "none" then
    function options.flush(_, done)
      self:put("flush:" .. program.flush)
      local chunk = self:chunk(2)
      if program.flush == "s" then done(nil, chunk) else weir.next_tick(done, nil, chunk) end
    end
  end
  self.tr = weir.transform(options)
end

-- Watching and joining ----------------------------------------------------------------------------

-- Each stream by its letter in the traces, and its events.
function Run:streams()
  local writer = { "pipe", "unpipe", "drain", "finish", "close", "error" }
  local both = { "pipe", "unpipe", "drain", "finish", "end", "close", "error" }
  local list = { { "s", self.src, { "end", "close", "error", "pause", "resume" } } }
  if self.tr then list[2] = { "t", self.tr, both } end
  list[#list + 1] = { "d", self.dst, writer }
  if self.dst2 then list[#list + 1] = { "e", self.dst2, writer } end
  return list
end

function Run:note_pipes(stream, name)
  stream:on("pipe", function() self.piped[name] = true end)
  stream:on("unpipe", function() self.piped[name] = false end)
end

function Run:listen()
  local streams = self:streams()
  for _, it in ipairs(streams) do
    for _, event in ipairs(it[3]) do self:watch(it[2], event, it[1] .. "." .. event) end
  end
  self:note_pipes(self.first, "d")
  if self.dst2 then self:note_pipes(self.dst2, "e") end
  for _, it in ipairs(self.program.watch and streams or {}) do
    weir.finished(it[2], function(err) self:put("!fin." .. it[1] .. ":" .. err_text(err)) end)
  end
  function self.on_data(chunk)
    self:put("D(" .. self:name(chunk) .. ")")
    self:react "s.data"
  end
end

function Run:pipe_second() self.src:pipe(self.dst2, { end_ = self.program.second["end"] }) end

function Run:join_main()
  local src, tr, dst, program = self.src, self.tr, self.dst, self.program
  if program.join == "pipe" then
    if tr then src:pipe(tr) end
    (tr or src):pipe(dst, { end_ = program["end"] })
    return
  end
  local function callback(err) self:put("!pipeline:" .. err_text(err)) end
  if tr then weir.pipeline(src, tr, dst, callback) else weir.pipeline(src, dst, callback) end
end

function Run:join()
  local second, react = self.program.second, self.program.react
  if second and second.first then self:pipe_second() end
  self:join_main()
  if second and not second.first then self:pipe_second() end
  if self.program.listen or (react and react["s.data"]) then self.src:on("data", self.on_data) end
end

-- Steps -------------------------------------------------------------------------------------------

local steps = {}

function steps.p(run, n) return run:push(n) end
function steps.pn(run) return run:push_end() end
function steps.k(run) return run:answer(run.held) end
function steps.ke(run) return run:answer(run.held, "kfail") end
function steps.k2(run) return run:answer(run.held2) end
function steps.ke2(run) return run:answer(run.held2, "kfail") end
function steps.tk(run) return run:answer(run.held_transforms) end
function steps.pa(run) run.src:pause() end
function steps.re(run) run.src:resume() end
function steps.up(run) run.src:unpipe(run.first) end
function steps.up2(run) run.src:unpipe(run.dst2) end
function steps.upa(run) run.src:unpipe() end
function steps.pi(run)
  local first = run.first
  if run.piped.d or first:writable_ended() or first:destroyed() then return end
  run.src:pipe(first, { end_ = run.program["end"] })
end
function steps.pi2(run)
  local dst2 = run.dst2
  if not run.piped.e and not dst2:writable_ended() and not dst2:destroyed() then
    run:pipe_second()
  end
end
function steps.ds(run) run.src:destroy() end
function steps.dse(run) run.src:destroy "sboom" end
function steps.dd(run) run.dst:destroy() end
function steps.dde(run) run.dst:destroy "dboom" end
function steps.dd2(run) run.dst2:destroy() end
function steps.ld(run) run.src:on("data", run.on_data) end
function steps.xd(run) run.src:off("data", run.on_data) end
function steps.rd(run, n)
  local chunk = run.src:read(n)
  return chunk == nil and "nil" or run:name(chunk)
end
function steps.u(run, n)
  if run.src:readable_ended() or run.src:destroyed() then return "no" end
  return bit(run.src:unshift(run:chunk(n)))
end

function Run:step(step)
  if not self:may_step() then return end
  local op, n = step[1], step[2]
  self:put(">" .. op)
  self:put("<" .. (steps[op](self, n) or "") .. self:state())
end

return function(program)
  local run = setmetatable(common.new_run(program, 300), Run)
  run.held2, run.held_transforms, run.piped = {}, {}, {}
  run:make_source()
  run:make_destination()
  run:make_second()
  run:make_transform()
  run.first = run.tr or run.dst
  run:listen()
  run:join()
  return run:trace()
end
