--- weir.compose: streams in a row as one duplex: what is written goes into the first, what is read
--- comes out of the last.
local core = require "weir.core"
local errors = require "weir.errors"
local finished = require "weir.finished"
local options = require "weir.options"
local pipeline = require "weir.pipeline"
local stage = require "weir.stage"

local compose = {}

local Composed = {}
Composed.__index = Composed

-- Calls, once, the function kept under this name.
function Composed:fire(name, err)
  local act = self[name]
  self[name] = nil
  if act then act(err) end
  return act ~= nil
end

-- The writable side: into the head.
function Composed:join_head(hooks)
  local head, tail = self.head, self.tail
  function hooks.write(_, chunk, done)
    local go_on, err = head:write(chunk)
    if go_on == nil then done(err) elseif go_on then done() else self.on_drain = done end
  end
  function hooks.final(_, done)
    self.on_finish = done
    head:end_()
  end
  head:on("drain", function() self:fire "on_drain" end)
  finished.watch(tail, {}, function() self:fire "on_finish" end)
end

-- The readable side: out of the tail.
function Composed:join_tail(hooks)
  local tail = self.tail
  function hooks.read(stream)
    local chunk = tail:read()
    while chunk ~= nil do
      if not stream:push(chunk) then return end
      chunk = tail:read()
    end
    self.on_readable = function() hooks.read(stream) end
  end
  tail:on("readable", function() self:fire "on_readable" end)
  tail:on("end", function() self.stream:push(nil) end)
end

-- All stages are through.
function Composed:through(err)
  self.is_through = true
  if self:fire("on_close", err) then return end
  if err ~= nil then self.stream:destroy(err)
  elseif not self.reads and not self.writes then self.stream:destroy() end
end

function Composed:destroy_hook(hooks)
  function hooks.destroy(_, err, done)
    self.on_readable, self.on_drain, self.on_finish = nil, nil, nil
    if self.is_through then return done(err) end
    -- What the stages say to a destroy() without an error is no error of this one.
    self.on_close = function(failure)
      if err == nil and errors.is(failure, "ERR_STREAM_PREMATURE_CLOSE") then failure = nil end
      done(err ~= nil and err or failure)
    end
    self.tail:destroy(err)
  end
end

local function as_streams(stages)
  local streams = {}
  for i = 1, #stages do
    if type(stages[i]) == "function" then streams[i] = stage.new(stages[i])
    else streams[i] = stages[i] end
  end
  return streams
end

local function check_stages(stages)
  for i = 1, #stages do
    local value = stages[i]
    if type(value) ~= "function" then
      if not core.is_stream(value) then
        errors.bad_argument(i, "compose", "stream or function", value, 2)
      end
      local lacks = (i < #stages and not value:readable() and "read")
        or (i > 1 and not value:writable() and "written to")
      if lacks then
        error(("bad argument #%d to 'compose' (a stream that can be %s expected)"):format(i, lacks),
          3)
      end
    end
  end
end

local function options_for(self)
  local head, tail = self.head, self.tail
  return options.duplex {
    writable = self.writes, readable = self.reads,
    writable_object_mode = head:writable_object_mode() or false,
    readable_object_mode = tail:readable_object_mode() or false,
  }
end

--- weir.compose(a, b, ...) -> duplex
function compose.compose(...)
  local stages = { ... }
  if #stages == 0 then
    error(core.make_error("ERR_MISSING_ARGS", "compose needs at least one stream"), 2)
  end
  check_stages(stages)
  local streams = as_streams(stages)
  if #streams == 1 then return streams[1] end
  local self = setmetatable({ head = streams[1], tail = streams[#streams] }, Composed)
  self.writes, self.reads = self.head:writable(), self.tail:readable()
  pipeline.join(streams, function(err) self:through(err) end)
  local checked = options_for(self)
  if self.writes then self:join_head(checked) end
  if self.reads then self:join_tail(checked) end
  self:destroy_hook(checked)
  self.stream = core.duplex(checked, options.hooks_of(checked))
  return self.stream
end

return compose
