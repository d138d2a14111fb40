-- A scenario: what is called once, and seldom, while memory fails. It is small, so that each of its
-- allocations is tried also where torture is shallow. Whatever fails, the same goes well after it.
package.loaded["spec.support.paths"] = dofile "spec/support/paths.lua"
local torture = torture -- luacheck: ignore
local path = torture.folder .. "/methods"

local way = torture[1]
local weir = way ~= "begin" and require "weir" or nil
local streams = {}
local patience_ns = 100e6 -- while something fails: what does not come by then will not

local function keep(stream)
  streams[#streams + 1] = stream
  stream:on("error", function() end)
  return stream
end

local function turn(mode) pcall(weir.run, mode or "nowait") end

local function run_until(done)
  local deadline = weir.hrtime() + patience_ns
  while not done() and weir.hrtime() < deadline do turn() end
  return done()
end

-- What each does; true: all of it went well.
local WAYS = {}

-- The module is loaded, and its loop begins.
function WAYS.begin()
  weir = require "weir"
  local ws = keep(weir.create_write_stream(path))
  ws:end_ "abc"
  run_until(function() return ws:closed() end)
  return ws:writable_finished()
end

function WAYS.timer()
  local fired
  local timer = weir.set_timeout(function() fired = true end, 1)
  timer:unref():ref()
  return run_until(function() return fired end)
end

-- A reader that takes parts of what was pushed.
function WAYS.read()
  local rs = keep(weir.readable { read = function() end })
  rs:push "abcdef"
  rs:push "ghi"
  local parts = { rs:read(2), rs:read(5), rs:read() }
  rs:push(nil)
  rs:read()
  turn()
  return table.concat(parts) == "abcdefghi" and rs:readable_ended()
end

-- A chunk after which nothing comes is answered later.
function WAYS.transform()
  local told
  local t = keep(weir.transform {
    transform = function(self, chunk, done)
      self:push(chunk)
      self:push(nil)
      done()
    end,
  })
  t:write("abc", function(err) told = not err end)
  local data = t:read()
  turn()
  return told and data == "abc"
end

function WAYS.reopen()
  local ws, told = keep(weir.create_write_stream(path)), nil
  ws:write "abc"
  ws:reopen(path .. ".2", function(err) told = not err end)
  ws:end_ "def"
  run_until(function() return ws:closed() end)
  return told and ws:writable_finished()
end

-- A pipe of bytes into a stream that is full at once, and into one that refuses.
function WAYS.pipe()
  local file = assert(io.open(path, "wb"))
  file:write(("x"):rep(200000))
  file:close()
  local got = 0
  local rs = keep(weir.create_read_stream(path, { high_water_mark = 30000 }))
  local ws = keep(weir.create_write_stream(path .. ".2", { high_water_mark = 40000 }))
  local other = keep(weir.create_write_stream(path .. ".3",
    { high_water_mark = 10, max_buffered = 40000 }))
  rs:on("data", function(data) got = got + #data end)
  rs:pipe(ws)
  rs:pipe(other)
  run_until(function() return ws:closed() end)
  return got == 200000 and ws:writable_finished()
end

function WAYS.socket()
  local answered
  local server = weir.create_server({}, function(s)
    keep(s)
    s:set_timeout(1000, function() end)
    s:pipe(s)
  end)
  server:on("error", function() end)
  server:listen { path = path }
  local client
  if run_until(function() return server:listening() end) then
    client = keep(weir.connect { path = path })
    client:set_timeout(1000, function() end)
    client:on("data", function(data) answered = data end)
    client:end_ "abc"
    run_until(function() return client:closed() end)
  end
  server:close()
  turn()
  return answered == "abc"
end

local function end_all()
  for _, stream in ipairs(streams) do pcall(stream.destroy, stream) end
  run_until(function()
    for _, stream in ipairs(streams) do
      if not stream:closed() then return false end
    end
    return true
  end)
  streams = {}
  os.execute(("rm -f '%s' '%s.2' '%s.3'"):format(path, path, path))
end

local function body() pcall(WAYS[way]) end

local function check()
  patience_ns = 10e9
  if way == "begin" then
    for name in pairs(package.loaded) do -- older Luas take what failed for a circle
      if name:find "^weir" then package.loaded[name] = nil end
    end
    weir = require "weir"
  end
  end_all()
  assert(WAYS[way](), "it does not go well afterwards")
  end_all()
end

return body, check
