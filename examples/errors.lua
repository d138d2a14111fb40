-- What can go wrong, and who is told what. Every failure is told to the callbacks of the chunks
-- that it hit, then once by `error`; `close` always follows.
--
--   lua examples/errors.lua
local weir = require "weir"

-- An error is a table; tostring makes a sentence of it.
local function describe(err)
  if err == nil then return "no error" end
  return tostring(err)
end

-- Makes a stream that tells what happens to it.
local function open(path)
  local ws = weir.create_write_stream(path)
  for _, event in ipairs { "open", "finish", "close" } do
    ws:on(event, function() print("  event " .. event) end)
  end
  ws:on("error", function(err)
    print("  event error: " .. describe(err))
    -- The fields are for programs: `code` is the name to compare with.
    for _, field in ipairs { "code", "message", "errno", "syscall", "path" } do
      print(("    %-8s %s"):format(field, tostring(err[field])))
    end
  end)
  return ws
end

-- A callback that tells what it was told.
local function callback_of(name)
  return function(err) print(("  callback of %s: %s"):format(name, describe(err))) end
end

print "a disk that is full:"
-- A device on Linux that says so at every write. The file opens, the failure comes later: write has
-- long since said true, so one learns it from the callbacks and from `error`.
local full = io.open "/dev/full"
if full then
  full:close()
  local ws = open "/dev/full"
  ws:write("one\n", callback_of "write one")
  ws:write("two\n", callback_of "write two")
  ws:end_(callback_of "end_")
  weir.run()
else
  print "  (there is no /dev/full here)"
end

print "a directory that is not there:"
do
  -- Opening takes its time, writing may begin at once. That it failed hits all that was written.
  local ws = open "/no/such/directory/out.txt"
  ws:write("one\n", callback_of "write one")
  ws:end_(callback_of "end_")
  weir.run()
end

print "a write after the end:"
local path = os.tmpname()
do
  local ws = open(path)
  ws:end_("the last line\n", callback_of "end_")
  -- This is known at once: nothing is taken, write returns nil and the error. As in Node it is also
  -- an `error` of the stream, which destroys it.
  local answer, err = ws:write("late\n", callback_of "the late write")
  print("  write returns: " .. tostring(answer) .. ", " .. describe(err))
  weir.run()
end
os.remove(path)

print "an error that nobody listens to:"
do
  local ws = weir.create_write_stream "/no/such/directory/out.txt"
  ws:end_ "one\n"
  -- Nothing is lost silently: weir.run raises it.
  local ok, err = pcall(weir.run)
  print("  run: " .. (ok and "ok" or "raises " .. err.code))
end
