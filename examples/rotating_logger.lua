-- A log that goes on in a new file whenever the old one is large enough, and keeps the last few.
--
--   lua examples/rotating_logger.lua [path]
--
-- reopen() loses nothing: lines that were accepted before it are in the old file, later ones in the
-- new one, and no line is split between them. Here each file has a name of its own: path.1, path.2,
-- ... To rename the file in use instead, as logrotate does: rename it, call reopen() without a
-- path, and wait for its callback before you rename the next.
local weir = require "weir"

local given_path = ... -- what follows the script's name on the command line
local path = given_path or os.tmpname()
local SIZE_MAX, KEPT = 1000, 3

local Log = {}
Log.__index = Log

local function numbered(number) return ("%s.%d"):format(path, number) end

local function new_log()
  local self = setmetatable({ number = 1, size = 0 }, Log)
  self.stream = weir.create_write_stream(numbered(1), { flags = "a" }) -- what is there stays
  self.stream:on("error", function(err) io.stderr:write("log: ", tostring(err), "\n") end)
  return self
end

function Log:rotate()
  self.number, self.size = self.number + 1, 0
  local outdated = numbered(self.number - KEPT)
  self.stream:reopen(numbered(self.number), function(err)
    if not err then os.remove(outdated) end
  end)
end

-- Returns what write() does: false asks the caller to wait for `drain`.
function Log:line(text)
  if self.size + #text + 1 > SIZE_MAX then self:rotate() end
  self.size = self.size + #text + 1
  return self.stream:write(text, "\n")
end

local log, sent = new_log(), 0

local function go_on()
  while sent < 200 do
    sent = sent + 1
    if not log:line(("%04d something happened"):format(sent)) then
      return log.stream:once("drain", go_on)
    end
  end
  log.stream:end_()
end

go_on()
weir.run()

print(("%d lines went into %d files, the last %d are kept"):format(sent, log.number, KEPT))
for number = log.number - KEPT + 1, log.number do
  local first, last, size = nil, nil, 0
  for line in io.lines(numbered(number)) do
    first, last, size = first or line, line, size + #line + 1
  end
  local range = first:sub(1, 4) .. " to " .. last:sub(1, 4)
  print(("file %d: %4d bytes, lines %s"):format(number, size, range))
  if not given_path then os.remove(numbered(number)) end
end
if not given_path then os.remove(path) end
