-- Abuses the public API at random: every function of the module and every method and metamethod of
-- what they return, found by looking, with hostile values, in callbacks, in coroutines, with forced
-- collections, and errors out of every callback. Whatever is added to weir takes part by itself.
--
--   lua5.4 spec/fuzz/abuse.lua SEED ROUNDS FOLDER       (make fuzz-lua)
--
-- It may raise as it likes; it must not crash, hang, tell a callback twice, forget one of a stream
-- that closed, or keep a descriptor. FOLDER is for scratch files. An error names the SEED of its
-- round, which repeats it with ROUNDS = 1; TRACE=1 names each before it begins, should one hang.
package.loaded["spec.support.paths"] = dofile "spec/support/paths.lua"
local weir = require "weir"

local first_seed, rounds, folder = tonumber(arg[1]) or 1, tonumber(arg[2]) or 100, arg[3] or "."
local unpack = unpack or table.unpack
local ACTS, DEPTH_MAX, POOL_MAX = 60, 4, 24

-- Numbers ----------------------------------------------------------------------------------------

local state = 1
local function below(n) -- Park and Miller's: the same on every Lua
  state = state * 16807 % 2147483647
  return state % n
end
local function pick(list) return list[below(#list) + 1] end
local function one_in(n) return below(n) == 0 end

-- Values -----------------------------------------------------------------------------------------

local pool          -- streams, timers and whatever else was returned
local all = setmetatable({}, { __mode = "k" }) -- the same, also those that left it
local calls = 0     -- of the public API
local owed          -- [callback] = { stream =, told = }
local depth = 0
local act           -- one random act

local new_proxy = newproxy -- luacheck: ignore
local evil = { __index = function() error "evil index" end, __newindex = error,
  __len = function() error "evil length" end, __call = function() error "evil call" end,
  __tostring = function() error "evil tostring" end, __eq = error, __concat = error,
  __name = 7, __gc = function() end, __metatable = "none of your business" }

local TEXTS = { "", "x", "nul\0nul", ("k"):rep(4096), ("b"):rep(65536), "error", "drain", "finish",
  "close", "data", "end", "default", "once", "nowait", "1e3", "-1", "high_water_mark", "w", "a",
  "../x", "name", "\255\254", "%s%n%d" }
local NUMBERS = { 0, -0.0, 1, -1, 0.5, 16, 255, 1e3, 2 ^ 31, 2 ^ 32, 2 ^ 53, 2 ^ 63, -2 ^ 63, 1e308,
  1 / 0, -1 / 0, 0 / 0 }

local callback -- a function that does something random

local function some_stream() return pool[below(#pool + 1) + 1] end

local MAKERS = {
  function() return nil end,
  function() return one_in(2) end,
  function() return pick(TEXTS) end,
  function() return pick(TEXTS) end,
  function() return pick(NUMBERS) end,
  function() return callback() end,
  function() return callback() end,
  some_stream,
  some_stream,
  function() return setmetatable({}, evil) end,
  function() return {} end,
  function() return coroutine.create(function() end) end,
  function() return io.stdout end,
  function() return type end,
  function() return debug.getmetatable(some_stream()) end,
  function() return weir end,
  function()
    return new_proxy and new_proxy(true) or setmetatable({}, { __name = "weir.stream" })
  end,
}
local function value() return pick(MAKERS)() end

local function values(count)
  local list = {}
  for i = 1, count do list[i] = value() end
  return list
end

-- Calling ----------------------------------------------------------------------------------------

local births, order = 0, setmetatable({}, { __mode = "k" })
local function keep(...)
  for i = 1, select("#", ...) do
    local thing = select(i, ...)
    if type(thing) == "userdata" and io.type(thing) == nil then
      births = births + 1
      all[thing], order[thing] = true, order[thing] or births
      if #pool < POOL_MAX then pool[#pool + 1] = thing else pool[below(POOL_MAX) + 1] = thing end
    end
  end
  return ...
end

local function call(fn, ...)
  calls = calls + 1
  return select(2, keep(pcall(fn, ...)))
end

-- What a method or a hook may do instead of its work.
local function misbehave()
  local kind = below(12)
  if kind == 0 then error(value(), 0)
  elseif kind == 1 then error(setmetatable({}, evil))
  elseif kind == 2 then collectgarbage()
  elseif kind == 3 then coroutine.yield(value())
  elseif kind == 4 then collectgarbage "step"
  elseif kind == 5 then return value()
  elseif kind < 9 and depth < DEPTH_MAX then
    depth = depth + 1
    pcall(act)
    depth = depth - 1
  end
end

function callback()
  return function(...)
    keep(...)
    return misbehave()
  end
end

-- A hook of a sink; its last argument answers: now, twice, later, never.
local function hook()
  return function(...)
    local done = select(select("#", ...), ...)
    local how = below(8)
    if how < 4 then call(done, one_in(6) and value() or nil) end
    if how == 0 then call(done) end
    if how == 5 then call(weir.next_tick, done) end
    if how == 6 then call(weir.set_timeout, function() done() end, below(3)) end
    return misbehave()
  end
end

-- Options: mostly good, so that something comes of them.
local path_count = 0
local GOOD = {
  high_water_mark = function() return below(40) end,
  low_water_mark = function() return below(3) end,
  max_buffered = function() return 1000 + below(100000) end,
  object_mode = function() return one_in(2) end,
  auto_destroy = function() return one_in(2) end,
  emit_close = function() return one_in(2) end,
  write = hook, writev = hook, final = hook, construct = hook, destroy = hook, read = hook,
  transform = hook, flush = hook,
  sync = function() return pick { "none", "data", "full" } end,
  atomic = function() return one_in(2) end,
  flags = function() return pick { "w", "a", "wx", "r+", "a+" } end,
  mode = function() return pick { 384, "0644" } end,
  start = function() return below(100) end,
}
local COMMON = { "high_water_mark", "low_water_mark", "max_buffered", "auto_destroy", "emit_close" }
local HOOKS = { "writev", "final", "construct", "destroy", "object_mode" }
local FILES = { "sync", "atomic", "flags", "mode", "start" }

local function options(...)
  local given = {}
  for i = 1, select("#", ...) do
    for _, name in ipairs((select(i, ...))) do
      if one_in(4) then given[name] = GOOD[name]() end
      if one_in(40) then given[name] = value() end
    end
  end
  if one_in(30) then given[pick(TEXTS)] = value() end
  if one_in(20) then setmetatable(given, evil) end
  return given
end

local function new_path()
  path_count = path_count + 1
  return folder .. "/" .. path_count % 50
end

-- Makers of streams that work; more of them join where weir has them.
local NEW = {
  function()
    local given = options(COMMON, HOOKS)
    given.write = hook()
    return call(weir.writable, given)
  end,
  function() return call(weir.create_write_stream, new_path(), options(COMMON, FILES)) end,
  function() return call(weir.create_write_stream, "/dev/full", options(COMMON)) end,
  function() return call(weir.create_write_stream, folder .. "/no/such", options(COMMON)) end,
  function() return call(weir.set_timeout, callback(), below(3)) end,
}
local function join(name, make)
  if weir[name] then NEW[#NEW + 1] = function() return call(weir[name], make()) end end
end
local function with(hooks)
  return function()
    local given = options(COMMON, HOOKS)
    for _, name in ipairs(hooks) do given[name] = hook() end
    return given
  end
end
join("readable", with { "read" })
join("transform", with { "transform" })
join("duplex", with { "read", "write" })
join("passthrough", with {})
join("create_read_stream", new_path)
join("connect", function()
  local given = options(COMMON)
  if one_in(2) then given.path = new_path() else given.host, given.port = "127.0.0.1", 1 end
  return given
end)

-- What must not be called at random: it would change the process, wait for ever, or ask the
-- network, or has a maker of its own above.
local SPARED = {}
for name in ("debug inspect pipeline set_sigpipe run stdout stderr stdin use connect lookup "
  .. "backend_fd flush_all create_read_stream create_write_stream"):gmatch "%S+" do
  SPARED[name] = true
end
local FUNCTIONS, MODULE = {}, {}
for name, fn in pairs(weir) do
  if type(fn) == "function" and not SPARED[name] then MODULE[#MODULE + 1] = name end
end
table.sort(MODULE)
for i, name in ipairs(MODULE) do FUNCTIONS[i] = weir[name] end

local function sorted_keys(t)
  local keys = {}
  for key in pairs(t) do if type(key) == "string" then keys[#keys + 1] = key end end
  table.sort(keys)
  return keys
end

-- A later stream, or nil: pipes that lead in a circle are work without an end.
local function one_behind(stream)
  local other = some_stream()
  return order[other] and order[other] > order[stream] and other or nil
end

local PIPES = { pipe = true, unpipe = true }

-- A method of a thing, or one of its metamethods.
local function method_of(thing)
  local meta = debug.getmetatable(thing)
  if type(meta) ~= "table" or rawget(meta, "__tostring") == evil.__tostring then return end
  local index = rawget(meta, "__index")
  local from = type(index) == "table" and not one_in(12) and index or meta
  local keys = sorted_keys(from)
  local key = #keys > 0 and pick(keys)
  return key and not PIPES[key] and rawget(from, key) or nil
end

-- Acts -------------------------------------------------------------------------------------------

local function make() NEW[below(#NEW) + 1]() end

local function write_with_callback()
  local stream, told = some_stream(), { told = 0 }
  local function on_told(...)
    told.told = told.told + 1
    if told.told > 1 then io.stderr:write "a callback was told twice\n" os.exit(3) end
    keep(...)
    return misbehave()
  end
  local write = type(stream) == "userdata" and stream.write
  if type(write) ~= "function" then return end
  local ok, taken = pcall(write, stream, pick(TEXTS), on_told)
  calls = calls + 1
  if ok and taken ~= nil then owed[#owed + 1] = { stream = stream, told = told } end
end

local function call_method()
  local thing = some_stream()
  if type(thing) ~= "userdata" then return end
  local method = method_of(thing)
  if type(method) ~= "function" then return end
  local self = one_in(10) and value() or thing
  call(method, self, unpack(values(below(4)), 1, 3))
end

local function pipe()
  local stream = some_stream()
  local to = order[stream] and one_behind(stream)
  if not to or type(stream.pipe) ~= "function" then return end
  call(one_in(4) and stream.unpipe or stream.pipe, stream, to, one_in(4) and value() or nil)
  if one_in(4) and weir.pipeline then call(weir.pipeline, stream, to, callback()) end
end

local function call_function() call(pick(FUNCTIONS), unpack(values(below(4)), 1, 3)) end

local function collect_by_hand()
  local thing = some_stream()
  local meta = type(thing) == "userdata" and debug.getmetatable(thing)
  if not meta or type(meta) ~= "table" or not one_in(4) then return end
  for _ = 1, 2 do call(rawget(meta, "__gc"), one_in(4) and value() or thing) end
end

local function forge()
  local thing = some_stream()
  if type(thing) ~= "userdata" then return end
  local meta = debug.getmetatable(thing)
  local fake = new_proxy and new_proxy(false) or io.tmpfile()
  local true_meta = debug.getmetatable(fake)
  if type(meta) ~= "table" then return end
  debug.setmetatable(fake, meta)
  local method = method_of(thing)
  if type(method) == "function" then call(method, fake, value()) end
  debug.setmetatable(fake, true_meta)
end

local function forget() table.remove(pool, below(#pool + 1) + 1) end

local function run()
  weir.set_timeout(weir.stop, below(4))
  call(weir.run, pick { "nowait", "nowait", "once", "default" })
end

local close = rawget(coroutine, "close") -- Lua 5.4

local function in_coroutine()
  local co = coroutine.create(function()
    act()
    misbehave()
    coroutine.yield()
    act()
  end)
  for _ = 1, below(3) do coroutine.resume(co) end
  if close and one_in(2) then pcall(close, co) end
end

local ACTIONS = { make, make, write_with_callback, write_with_callback, write_with_callback,
  call_method, call_method, call_method, call_method, call_function, pipe, collect_by_hand, forge,
  forget, run, run, in_coroutine, collectgarbage }

function act() pick(ACTIONS)() end

-- Rounds -----------------------------------------------------------------------------------------

-- What a stream that closed owes must have been told, unless its sink never answered.
local function is_over(stream)
  return stream:closed() and stream:stats().queued_writes == 0
end

local function check_owed()
  for _, debt in ipairs(owed) do
    local ok, over = pcall(is_over, debt.stream)
    if ok and over then
      for _ = 1, 20 do if debt.told.told == 0 then pcall(weir.run, "nowait") end end
      assert(debt.told.told == 1, "a callback of a closed stream was never told")
    end
  end
end

local function play(seed)
  state = seed % 2147483646 + 1
  pool, owed, depth = {}, {}, 0
  for _ = 1, ACTS do pcall(act) end
  for thing in pairs(all) do
    pcall(function() thing:destroy() end)
    pcall(function() thing:clear() end)
  end
  for _ = 1, 5 do run() end
  check_owed()
end

local function descriptors()
  local listing = io.popen "ls -l /proc/$PPID/fd 2>/dev/null | grep -v ' pipe:' | wc -l"
  local count = tonumber((listing:read "*a"))
  listing:close()
  return count
end

local function come_to_rest()
  pool, owed = {}, {}
  for _ = 1, 10 do
    collectgarbage()
    run()
  end
  collectgarbage() collectgarbage()
end

local function play_all()
  for seed = first_seed, first_seed + rounds - 1 do
    if os.getenv "TRACE" then io.stderr:write(seed, "\n") end
    local ok, err = xpcall(function() play(seed) end, debug.traceback)
    if not ok then error(("SEED=%d: %s"):format(seed, tostring(err)), 0) end
  end
end

weir.on_uncaught(function() end)
weir.create_write_stream(folder .. "/first"):end_ "x" -- opens what the loop needs
weir.run()
come_to_rest()
local before = descriptors()
play_all()
come_to_rest()
local after = descriptors()
if after > before then os.execute "ls -l /proc/$PPID/fd >&2" end
assert(after <= before, ("%d descriptors before, %d after"):format(before, after))
print(("abuse: %d rounds from seed %d, %d calls"):format(rounds, first_seed, calls))
