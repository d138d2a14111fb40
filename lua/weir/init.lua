--- weir: writable streams for Lua, as Node.js has them. The public face of the module.
local core = require "weir.core"
local flush = require "weir.flush"
local front = require "weir.front"
local options = require "weir.options"
local tasks = require "weir.tasks"
require "weir.bridge"

local require = require

-- What many programs never need is loaded when it is first called: a script's heap stays small, and
-- its start short. It is looked for where weir itself was found.
local own_path = package.path
local function load_part(module)
  local loaded = package.loaded[module]
  if type(loaded) == "table" then return loaded end -- Lua 5.1 leaves a mark of what has failed
  local path_now = package.path
  package.path = own_path
  local found, part = pcall(require, module)
  package.path = path_now
  if not found then error(part, 0) end
  return part
end

-- A tail call, so that errors are raised at the caller as ever. Lua 5.1 counts a tail call as a
-- level of its own, and has all parts loaded now.
local counts_tail_calls = _VERSION == "Lua 5.1" and not rawget(_G, "jit")
local function later(module, name, field)
  local function find()
    local part = load_part(module)
    return (field and part[field] or part)[name]
  end
  if counts_tail_calls then return find() end
  return function(...) return find()(...) end
end

local function methods_later(module, ...)
  local methods = {}
  for _, name in ipairs { ... } do methods[name] = later(module, name, "methods") end
  return methods
end

core.add_methods(tasks.methods)
core.add_methods(front.methods)
core.add_methods(methods_later("weir.file", "as_file"))
core.add_methods(methods_later("weir.pipe", "pipe", "unpipe"))
core.add_methods(methods_later("weir.iterate", "read_chunk", "read_line", "chunks", "lines"))

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
  set_close_timeout = core.set_close_timeout,
  loop_info = core.loop_info,
  use = core.use,
  flush_all = flush.flush_all,
  backend_fd = core.backend_fd,
  backend_timeout = core.backend_timeout,
  inspect = later("weir.inspect", "inspect"),
  debug = later("weir.debug", "debug"),
  transform = later("weir.transform", "transform"),
  passthrough = later("weir.transform", "passthrough"),
  gzip = later("weir.gzip", "gzip"),
  gunzip = later("weir.gzip", "gunzip"),
  lines = later("weir.lines", "lines"),
  finished = later("weir.finished", "finished"),
  pipeline = later("weir.pipeline", "pipeline"),
  compose = later("weir.compose", "compose"),
  ltn12_sink = later("weir.file", "ltn12_sink"),
  readable_from = later("weir.source", "readable_from"),
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

local write_options = later("weir.options.files", "write")
local read_options = later("weir.options.files", "read")
local connect_options = later("weir.options.sockets", "connect")

--- Makes a stream that writes into a file.
function weir.create_write_stream(path, given)
  return core.file(write_options(path, given))
end

--- Makes a stream to a peer: a TCP or unix socket.
function weir.connect(given)
  return core.connect(connect_options(given))
end

--- Makes a server, which listens for peers.
weir.create_server = later("weir.server", "create")

--- Makes a stream that reads from a file.
function weir.create_read_stream(path, given)
  return core.read_file(read_options(path, given))
end

--- As io.open, with a stream behind the file.
local open
local io_open = io.open -- a script may put weir.open in its place
local function get_open()
  if not open then
    local opener = load_part("weir.file").opener
    open = opener(weir.create_write_stream, weir.create_read_stream, io_open)
  end
  return open
end
weir.open = counts_tail_calls and get_open() or function(...) return get_open()(...) end

-- The standard streams are made when they are first asked for, and so is the optional part.
local STANDARD = { stdin = 0, stdout = 1, stderr = 2 }

setmetatable(weir, { __index = function(self, name)
  if name == "http" then return load_part "weir.http" end
  local fd = STANDARD[name]
  if not fd then return nil end
  local check = fd == 0 and read_options or write_options
  local stream = core.standard(check(nil, { fd = fd }))
  rawset(self, name, stream)
  return stream
end })

local wants_debugging = os and os.getenv and os.getenv "WEIR_DEBUG" or ""
if wants_debugging ~= "" and wants_debugging ~= "0" then weir.debug(true) end

return weir
