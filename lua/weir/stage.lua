--- A function as a stage of a pipeline: it runs as a coroutine, calls its argument for the next
--- chunk (nil at the end), and yields what it makes of it. What it returns is kept as its result; a
--- function it returns is an iterator of what it makes.
local core = require "weir.core"
local options = require "weir.options"

local WANTS = {} -- yielded when the next chunk is wanted

local Stage = {}
Stage.__index = Stage

-- Lets the coroutine go on as far as it can: until it wants a chunk that is not there yet, or what
-- it made has to be read first.
function Stage:advance()
  if self.running then return end
  self.running = true
  while not self.over and not self.full and (not self.wants or self.done or self.ended) do
    self:resume()
  end
  self.running = false
end

function Stage:resume()
  local done, chunk = nil, nil
  if self.wants and self.done then
    done, chunk = self.done, self.chunk
    self.done, self.chunk = nil, nil
  end
  self.wants = false
  self:went_on(coroutine.resume(self.co, chunk))
  if done then done() end
end

function Stage:went_on(ok, value)
  if not ok then return self:fail(value) end
  if coroutine.status(self.co) == "dead" then return self:finish(value) end
  if value == WANTS then
    self.wants = true
  elseif value ~= nil then
    self.pushed = true
    self.full = not self.stream:push(value)
  end
end

function Stage:fail(err)
  self.over = true
  if not err then err = "a stage of the pipeline raised " .. tostring(err) end
  self.stream:destroy(err)
end

function Stage:finish(value)
  self.over, self.result = true, value
  if self.is_last and not self.pushed then self.stream:resume() end -- nobody will read nothing
  self.stream:push(nil)
  if self.final_done then self.final_done() end
  if self.done then self.done() end
  self:leave()
end

-- Tells that no more input is wanted. Without memory it may raise halfway: then it is told again
-- when more comes, or an endless source would go on for nobody.
function Stage:leave()
  local on_left = self.on_left
  if self.ended or not on_left then return end
  on_left()
  self.on_left = nil
end

-- Runs in the coroutine. No `for`: in Lua 5.1 its iterator must not yield.
local function body(fn, next_chunk)
  local result = fn(next_chunk)
  if type(result) ~= "function" then return result end
  local chunk = result()
  while chunk ~= nil do
    coroutine.yield(chunk)
    chunk = result()
  end
end

local stage = {}

local function hooks(self)
  return {
    object_mode = true, auto_destroy = true, emit_close = true, high_water_mark = 1,
    readable_object_mode = true, readable_high_water_mark = 1, allow_half_open = true,
    write = function(_, chunk, done)
      if self.over then -- it has left early: nobody wants the rest
        self:leave()
        return done()
      end
      self.chunk, self.done = chunk, done
      self:advance()
    end,
    read = function()
      self.full = false
      self:advance()
    end,
    final = function(_, done)
      if self.over then return done() end
      self.ended, self.final_done = true, done
      self:advance()
    end,
    destroy = function(_, err, done)
      self.over = true
      done(err)
    end,
  }
end

--- Makes a duplex of the function. Returns it and what is known of it: `result`, what the function
--- returned; and two to be set: `on_left`, called if it returns before its input has ended, and
--- `is_last`.
function stage.new(fn)
  local self = setmetatable({ wants = false, full = false, over = false, ended = false }, Stage)
  local function next_chunk()
    return coroutine.yield(WANTS)
  end
  self.co = coroutine.create(function() return body(fn, next_chunk) end)
  local checked = hooks(self)
  self.stream = core.duplex(checked, options.hooks_of(checked))
  core.next_tick(function() self:advance() end)
  return self.stream, self
end

return stage
