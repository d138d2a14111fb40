-- The part of busted's language that the specs use, for machines without busted, and for runs where
-- busted's C modules would be in the way (sanitizers).
--
--   local passed, failed = dofile "spec/support/mini.lua"(files, options)
--
-- Options: wants(name), whether to run this `it`; around(body), called in the place of each body;
-- told(name, how, reason), how each ended: "ok", "skipped", "failed".
--
-- As with busted, a block is read first and run afterwards; words like `it` exist in spec files
-- only, not in what they require (there, `require "luassert"` gives this runner's assert).
local assertions = dofile "spec/support/mini_assert.lua"

local unpack = unpack or table.unpack

-- A block: what `describe` read. A file is a block too.
local function new_block(name, parent)
  return {
    name = name, parent = parent, children = {},
    setup = {}, teardown = {}, before_each = {}, after_each = {},
  }
end

local reading    -- the block that is being read
local finalizers -- of the `it` that runs; nil outside
local passed, failures = 0, {}
local options = {}

-- What pending("reason") raises within an `it`.
local Pending = {}

local function full_name(block, name)
  while block and block.name do
    name = block.name .. " " .. name
    block = block.parent
  end
  return name
end

local function say(what, name, text)
  io.write("\n", what, "  ", name, "\n")
  if text then io.write("  ", (tostring(text):gsub("\n", "\n  ")), "\n") end
end

local function tell(...)
  if options.told then options.told(...) end
end

local function fail(name, err)
  failures[#failures + 1] = { name, err }
  tell(name, "failed", tostring(err))
  say("FAILED", name, err)
end

-- Where it was raised, down to the spec; what called the spec is this file.
local function traceback(err)
  local text = debug.traceback(assertions.show_error(err), 3)
  return (text:gsub("\n[^\n]*'xpcall'\n[^\n]*mini%.lua.*$", ""))
end

-- Calls fn; returns nil, or { what it raised, with a traceback }.
local function attempt(fn, ...)
  local arguments, count = { ... }, select("#", ...)
  local ok, raised = xpcall(function() return fn(unpack(arguments, 1, count)) end, function(err)
    if getmetatable(err) == Pending then return err end
    return { assertions.message(err) or traceback(err) }
  end)
  if ok then return nil end
  return type(raised) == "table" and raised or { tostring(raised) } -- the stack may have run out
end

-- The hooks of a kind, of the outermost block first.
local function hooks_of(block, kind)
  local hooks = block.parent and hooks_of(block.parent, kind) or {}
  for _, hook in ipairs(block[kind]) do hooks[#hooks + 1] = hook end
  return hooks
end

local function conclude(name, problem)
  if not problem then
    passed = passed + 1
    tell(name, "ok")
  elseif getmetatable(problem) == Pending then
    tell(name, "skipped", problem.reason)
    say("pending", name, problem.reason)
  else
    fail(name, problem[1])
  end
end

local function run_test(block, test)
  local name = full_name(block, test.name)
  if options.wants and not options.wants(name) then return end
  if not test.body then return say("pending", name, test.reason) end
  local problem
  finalizers = {}
  for _, hook in ipairs(hooks_of(block, "before_each")) do problem = problem or attempt(hook) end
  problem = problem or attempt(options.around or test.body, test.body)
  -- These clean up, so they run whatever happened; the first problem is the one that is told.
  local cleaners, after = finalizers, hooks_of(block, "after_each")
  for i = #after, 1, -1 do cleaners[#cleaners + 1] = after[i] end
  for _, clean in ipairs(cleaners) do
    local later = attempt(clean)
    problem = problem or later
  end
  finalizers = nil
  conclude(name, problem)
end

local function run_block(block)
  for _, hook in ipairs(block.setup) do
    local problem = attempt(hook)
    if problem then return fail(full_name(block, "setup"), problem[1]) end
  end
  for _, child in ipairs(block.children) do
    if child.children then run_block(child) else run_test(block, child) end
  end
  for _, hook in ipairs(block.teardown) do
    local problem = attempt(hook)
    if problem then fail(full_name(block, "teardown"), problem[1]) end
  end
end

-- The words of a spec file.
local words = { assert = assertions.assert }

function words.describe(name, body)
  local outer = reading
  local block = new_block(name, outer)
  outer.children[#outer.children + 1] = block
  reading = block
  local problem = attempt(body)
  reading = outer
  if problem then
    block.children = {}
    fail(full_name(block, "(reading it)"), problem[1])
  end
end

function words.it(name, body)
  reading.children[#reading.children + 1] = { name = name, body = body }
end

-- In an `it`: gives up, with a reason. In a block: an `it` that is not to run.
function words.pending(text)
  if finalizers then error(setmetatable({ reason = text }, Pending)) end
  reading.children[#reading.children + 1] = { name = text }
end

function words.finally(fn) finalizers[#finalizers + 1] = fn end

for _, kind in ipairs { "setup", "teardown", "before_each", "after_each" } do
  words[kind] = function(hook) table.insert(reading[kind], hook) end
end

words.context, words.insulate, words.expose = words.describe, words.describe, words.describe
words.spec, words.test = words.it, words.it
words.strict_setup, words.lazy_setup = words.setup, words.setup
words.strict_teardown, words.lazy_teardown = words.teardown, words.teardown

-- Globals that a spec file sets stay in that file, as with busted.
local function load_spec(file)
  local environment = setmetatable({}, {
    __index = function(_, name)
      local word = words[name]
      if word ~= nil then return word end
      return _G[name]
    end,
  })
  if not setfenv then return loadfile(file, "t", environment) end
  local chunk, problem = loadfile(file)
  return chunk and setfenv(chunk, environment), problem
end

local function run_file(file)
  local block = new_block()
  reading = block
  local chunk, problem = load_spec(file)
  problem = chunk and attempt(chunk) or problem and { problem }
  if problem then return fail(file, problem[1]) end
  run_block(block)
end

return function(files, given)
  options = given or {}
  package.loaded.luassert = package.loaded.luassert or assertions.assert
  if #files == 0 then fail("spec/run.lua", "no spec files found") end
  for _, file in ipairs(files) do
    local before = passed
    io.write(file)
    io.flush() -- should it hang or crash, this is what it was
    run_file(file)
    io.write("  ", passed - before, " passed\n")
  end
  -- Once more, where the end of a long log shows them.
  if #files > 1 then
    for _, failure in ipairs(failures) do say("FAILED", failure[1], failure[2]) end
  end
  return passed, #failures
end
