-- A filter for the shell: numbers the lines of its standard input. A reader that is slow, or a
-- terminal that is stopped, slows down what is read; memory stays as it is. When the reader has
-- gone, as `head` does, it ends quietly.
--
--   seq 1000000 | lua examples/stdout_pipe.lua | head -3
local weir = require "weir"

local count = 0

local number = weir.transform {
  readable_object_mode = false,
  writable_object_mode = true, -- a line, as it comes from weir.lines()
  transform = function(self, line, done)
    count = count + 1
    self:push(("%6d  %s\n"):format(count, line))
    done()
  end,
}

weir.pipeline(weir.stdin, weir.lines(), number, weir.stdout, function(err)
  if err == nil or err.code == "EPIPE" then return end
  io.stderr:write(tostring(err), "\n")
  os.exit(1, true)
end)
weir.run()
