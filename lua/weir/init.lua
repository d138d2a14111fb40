--- weir: writable streams for Lua, as Node.js has them. The public face of the module.
local core = require "weir.core"
local compose = require "weir.compose"
local debugging = require "weir.debug"
local file = require "weir.file"
local finished = require "weir.finished"
local flush = require "weir.flush"
local front = require "weir.front"
local gzip = require "weir.gzip"
local inspect = require "weir.inspect"
local iterate = require "weir.iterate"
local lines = require "weir.lines"
local options = require "weir.options"
local server = require "weir.server"
local pipe = require "weir.pipe"
local pipeline = require "weir.pipeline"
local source = require "weir.source"
local tasks = require "weir.tasks"
local transform = require "weir.transform"

core.add_methods(pipe.methods)
core.add_methods(tasks.methods)
core.add_methods(iterate.methods)
core.add_methods(file.methods)
core.add_methods(front.methods)
require "weir.bridge"

local weir = {
  _VERSION = "weir 0.1.0",
  run = tasks.run,
  spawn = tasks.spawn,
  stop = core.stop,
  next_tick = core.next_tick,
  set_timeout = core.set_timeout,
  hrtime = core.hrtime,
  on_uncaught = core.on_uncaught,
  set_sigpipe = core.set_sigpipe,
  loop_info = core.loop_info,
  use = core.use,
  flush_all = flush.flush_all,
  backend_fd = core.backend_fd,
  backend_timeout = core.backend_timeout,
  inspect = inspect.inspect,
  debug = debugging.debug,
  transform = transform.transform,
  passthrough = transform.passthrough,
  gzip = gzip.gzip,
  gunzip = gzip.gunzip,
  lines = lines.lines,
  finished = finished.finished,
  pipeline = pipeline.pipeline,
  compose = compose.compose,
  readable_from = source.readable_from,
  ltn12_sink = file.ltn12_sink,
}

--- Makes a stream whose sink is written in Lua.
function weir.writable(given)
  return core.writable(options.writable(given))
end

--- Makes a stream whose source is written in Lua.
function weir.readable(given)
  return core.readable(options.readable(given))
end

--- Makes a stream with both sides, written in Lua.
function weir.duplex(given)
  return core.duplex(options.duplex(given))
end

--- Makes a stream that writes into a file.
function weir.create_write_stream(path, given)
  return core.file(options.file(path, given))
end

--- Makes a stream to a peer: a TCP or unix socket.
function weir.connect(given)
  return core.connect(options.connect(given))
end

--- Makes a server, which listens for peers.
weir.create_server = server.create

--- Makes a stream that reads from a file.
function weir.create_read_stream(path, given)
  return core.read_file(options.read_file(path, given))
end

--- As io.open, with a stream behind the file.
weir.open = file.opener(weir.create_write_stream, weir.create_read_stream)

-- The standard streams are made when they are first asked for.
local STANDARD = { stdin = 0, stdout = 1, stderr = 2 }

setmetatable(weir, { __index = function(self, name)
  local fd = STANDARD[name]
  if not fd then return nil end
  local check = fd == 0 and options.read_file or options.file
  local stream = core.standard(check(nil, { fd = fd }))
  rawset(self, name, stream)
  return stream
end })

local wants_debugging = os and os.getenv and os.getenv "WEIR_DEBUG" or ""
if wants_debugging ~= "" and wants_debugging ~= "0" then weir.debug(true) end

return weir
