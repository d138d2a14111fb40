-- A stream over a scripted sink, and a log of what happened, so that a spec reads: do things,
-- compare one line. No spec of its own.
--
--   local ws, log, sink = support.stream { high_water_mark = 3 }
--   log.add(ws:write("abc", log.cb "a"))
--   sink.answer()
--   assert.equal("write(abc) false drain a", log.take())
--
-- In a log: `write(abc)`, `writev(b,c)`, `final`, `construct`, `destroy(X)` are calls of the sink;
-- `drain`, `finish`, `error(X)` ... events; `a` a callback without error, `a(X)` one with error X;
-- `true`, `false` what write() returned, `refused(X)` its `nil, X`; `|` the end of the user's turn.
local weir = require "weir"

local support = {}

-- A short name for an error value: ERR_STREAM_DESTROYED is DESTROYED here.
function support.name(err)
  if type(err) ~= "table" then return tostring(err) end
  local code = tostring(err.code):gsub("^ERR_", ""):gsub("^STREAM_", "")
  return code
end

local function entry(what, err)
  if err == nil then return what end
  return what .. "(" .. support.name(err) .. ")"
end

function support.new_log()
  local log, entries = {}, {}

  -- Adds a word, or what write() returned.
  function log.add(what, refusal)
    entries[#entries + 1] = what == nil and entry("refused", refusal) or tostring(what)
  end

  -- A callback that adds its name, and its error.
  function log.cb(name)
    return function(err) log.add(entry(name, err)) end
  end

  function log.tick(name) weir.next_tick(log.add, name) end

  -- What was logged since the last take.
  function log.take()
    local text = table.concat(entries, " ")
    entries = {}
    return text
  end

  return log
end

-- Lets everything happen that can happen without the sink's answers.
function support.run() weir.run("nowait") end

-- Forgets what an earlier spec left behind.
function support.settle()
  for _ = 1, 10 do
    if pcall(weir.run, "nowait") then return end
  end
end

-- How a hook answers: "now", "tick", "later" (when the spec says so), "never"; "now:X" fails with
-- X; "now:none" gives no error where the hook would pass one on.
local function answer(mode, held, done, passed)
  local when, err = mode:match("^(%a+):?(.*)$")
  if err == "" then err = passed elseif err == "none" then err = nil end
  if when == "now" then done(err)
  elseif when == "tick" then weir.next_tick(done, err)
  elseif when == "later" then held[#held + 1] = done
  end
end

local function names(chunks)
  local texts = {}
  for i = 1, #chunks do texts[i] = tostring(chunks[i]) end
  return table.concat(texts, ",")
end

-- A hook that logs its call and answers by its mode.
local function final_or_construct(name, mode, log, held)
  return function(_, done)
    log.add(name)
    answer(mode, held, done)
  end
end

local function destroy_hook(mode, log, held)
  return function(_, err, done)
    log.add(entry("destroy", err))
    answer(mode, held, done, err)
  end
end

-- write and writev in one: a function of what to log and done. `script`: a mode, or a list of
-- modes, one for each call.
local function sink_operation(script, log, held, dones)
  local modes = type(script) == "table" and script or { script }
  return function(what, done)
    dones[#dones + 1] = done
    log.add(what)
    answer(modes[math.min(#dones, #modes)], held, done)
  end
end

local function hooks(options, log, held, dones)
  local script = options.write
  if not script or type(script) == "function" then script = "later" end
  local operate = sink_operation(script, log, held.write, dones)
  if options.write == false then
    options.write = nil
  elseif type(options.write) ~= "function" then
    options.write = function(_, chunk, done) operate("write(" .. tostring(chunk) .. ")", done) end
  end
  if options.writev == true then
    options.writev = function(_, chunks, done) operate("writev(" .. names(chunks) .. ")", done) end
  end
  for _, name in ipairs { "final", "construct" } do
    if type(options[name]) == "string" then
      options[name] = final_or_construct(name, options[name], log, held[name])
    end
  end
  if type(options.destroy) == "string" then
    options.destroy = destroy_hook(options.destroy, log, held.destroy)
  end
end

-- Options are those of weir.writable, but a hook may be a mode instead of a function; `write` may
-- be a list of modes, one for each call of the sink (the last one stays), and writev = true
-- answers as write does. Default: write = "later". write = false: no such hook.
-- Returns the stream, its log, and the sink: dones (all that write and writev got), and answer(),
-- answer_final(), answer_construct(), answer_destroy(), which answer the oldest held call.
function support.stream(given)
  local log, sink, options = support.new_log(), { dones = {} }, {}
  local held = { write = {}, final = {}, construct = {}, destroy = {} }
  for name, value in pairs(given or {}) do options[name] = value end
  hooks(options, log, held, sink.dones)

  local function answerer(kind)
    return function(err) table.remove(held[kind], 1)(err) end
  end
  sink.answer, sink.answer_final = answerer "write", answerer "final"
  sink.answer_construct, sink.answer_destroy = answerer "construct", answerer "destroy"

  local ws = weir.writable(options)
  for _, event in ipairs { "drain", "prefinish", "finish", "close" } do
    ws:on(event, function() log.add(event) end)
  end
  ws:on("error", log.cb "error")
  return ws, log, sink
end

return support
