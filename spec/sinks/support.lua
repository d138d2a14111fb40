-- What the specs of the file sink share: a folder of their own, streams that write down what
-- happens, scripts that run in a Lua of their own, and system calls that fail. No spec of its own.
--
--   local ws, log = support.stream(path)
--   ws:write("abc", log.cb "a")
--   ws:end_()
--   support.close(ws)
--   assert.equal("open ready a prefinish finish close", log.take())
local weir = require "weir"
local paths = require "spec.support.paths"
local rounds = require "spec.support.rounds"
local semantics = require "spec.semantics.support"

local support = {
  new_log = semantics.new_log, -- words as in spec/semantics/support.lua
  name = semantics.name,
  settle = semantics.settle,
  slow = os.getenv "SPEC_TOOL" ~= nil, -- a sanitizer or valgrind: do fewer rounds
  counts = os.getenv "SPEC_TOOL" == "gcov", -- the code counts itself, and else is as it was
}
-- What watches the memory has to be in every process, and meets libuv once only.
support.watches = support.slow and not support.counts

-- Where things fail in turn, what is waited for may never come (make torture).
local DEADLINE_MS = rounds(support.slow and 120000 or 20000, 300)

local top
-- The folder of the checkout.
function support.top()
  top = top or support.sh "pwd":gsub("\n", "")
  return top
end

-- Files -------------------------------------------------------------------------------------------

local folder, count = nil, 0

local function quote(text) return "'" .. text:gsub("'", "'\\''") .. "'" end
support.quote = quote

-- Runs a line of shell. Returns all that it printed, and its exit code.
function support.sh(line)
  local pipe = assert(io.popen("{ " .. line .. "\n} 2>&1; echo \"|$?\""))
  local all = pipe:read "*a"
  pipe:close()
  local output, code = all:match "^(.*)|(%d+)\n$"
  return output, tonumber(code)
end

-- A fresh folder, for setup(); gone after remove_folder(), for teardown().
function support.open_folder()
  local name = os.tmpname()
  os.remove(name)
  folder = name .. ".d"
  support.sh("mkdir -m 755 " .. quote(folder))
end

-- A socket that a spec left open would keep the loop of all later ones going.
local function destroy_sockets()
  for _, entry in ipairs(weir.inspect()) do
    if entry.kind == "tcp" or entry.kind == "unix" then entry.stream:destroy() end
  end
  pcall(weir.run, "nowait")
end

function support.remove_folder()
  destroy_sockets()
  support.sh("rm -rf " .. quote(folder))
end

-- A path in the folder that nobody has used. (In a script: the folder is that of its parent.)
function support.new_path(suffix)
  count = count + 1
  return ("%s/%d%s"):format(folder, count, suffix or "")
end

function support.use_folder(path) folder = path end

function support.read(path)
  local file = io.open(path, "rb")
  if not file then return nil end
  local content = file:read "*a"
  file:close()
  return content
end

-- A file of this content; a new path if none is given. Returns the path.
function support.put(content, path)
  path = path or support.new_path()
  local file = assert(io.open(path, "wb"))
  file:write(content)
  file:close()
  return path
end

function support.append(path, content)
  local file = assert(io.open(path, "ab"))
  file:write(content)
  file:close()
end

function support.size(path)
  local file = io.open(path, "rb")
  if not file then return nil end
  local size = file:seek "end"
  file:close()
  return size
end

function support.exists(path) return support.size(path) ~= nil end

-- "rw-r--r--"
function support.mode(path)
  return support.sh("ls -ldn " .. quote(path)):match "^.(%S%S%S%S%S%S%S%S%S)"
end

-- The names in the folder of `path` that begin as its own does, with or without a dot in front.
function support.names_like(path)
  local parent, base = path:match "^(.*/)([^/]*)$"
  local names = {}
  for name in support.sh("ls -A " .. quote(parent)):gmatch "[^\n]+" do
    local bare = name:gsub("^%.", "")
    if bare == base or bare:sub(1, #base + 1) == base .. "." then names[#names + 1] = name end
  end
  return table.concat(names, " ")
end

-- How many descriptors this process has; nil where the system does not tell. Pipes do not count:
-- io.popen may not have closed the other end of its own yet.
function support.descriptors()
  local all = support.sh "ls -l /proc/$PPID/fd 2>/dev/null"
  local links = select(2, all:gsub(" %-> ", ""))
  return links > 0 and links - select(2, all:gsub(" %-> pipe:", "")) or nil
end

-- Bytes of memory that this process has in use by now; nil where the system does not tell.
function support.memory()
  local file = io.open "/proc/self/statm"
  if not file then return nil end
  local pages = file:read "*a":match "^%d+ (%d+)"
  file:close()
  return tonumber(pages) * 4096
end

-- What the system may lack ----------------------------------------------------------------------

-- Why there is no terminal to be had, as in a chroot without /dev/pts; nil: there is.
function support.lacks_terminal()
  local _, code = support.sh "test -c /dev/ptmx && test -e /dev/pts/ptmx"
  if code ~= 0 then return "this system gives out no terminals" end
end

-- What a descriptor may be that can be waited for.
function support.kinds()
  if support.lacks_terminal() then return { "pipe", "socket" } end
  return { "tty", "pipe", "socket" }
end

-- Libraries ---------------------------------------------------------------------------------------

local libraries = {}

-- Compiles spec/support/preload/<name>.c. Returns the library, or nil and why that cannot be done.
function support.library(name)
  if libraries[name] then return libraries[name] end
  local target = ("%s/%s/%s.so"):format(support.top(), paths.build, name)
  local output, code = support.sh(
    ("unset LD_PRELOAD; %s -shared -fPIC -o %s.$$ %s -ldl && mv %s.$$ %s"):format(
      os.getenv "CC" or "cc", target, "spec/support/preload/" .. name .. ".c", target, target))
  if code ~= 0 then return nil, name .. ".c cannot be compiled: " .. output end
  libraries[name] = target
  return target
end

-- What a child is run with (its option `around`) so that such a library comes before libc; or nil
-- and why that cannot be done.
function support.preloading(name)
  local library, lacks = support.library(name)
  if not library then return nil, lacks end
  return ("export LD_PRELOAD=\"$LD_PRELOAD %s\"; %%s"):format(library)
end

-- Streams -----------------------------------------------------------------------------------------

local EVENTS = { "open", "ready", "drain", "prefinish", "finish", "close" }

-- Logs the events of a stream by name.
function support.listen(ws, log)
  for _, event in ipairs(EVENTS) do
    ws:on(event, function() log.add(event) end)
  end
  ws:on("error", log.cb "error")
end

-- A stream, and the log of its events.
function support.stream(path, options)
  local ws, log = weir.create_write_stream(path, options), support.new_log()
  support.listen(ws, log)
  return ws, log
end

-- Runs the loop until `done()` is true; fails when that takes too long.
function support.run_until(done)
  local late = false
  local timer = weir.set_timeout(function() late = true end, DEADLINE_MS)
  local ok, err = pcall(function()
    while not (done() or late) do
      weir.run "nowait" -- what needs no waiting
      if not done() then weir.run "once" end
    end
  end)
  timer:clear()
  if not ok then error(err, 0) end
  assert(not late, "it took too long")
end

-- Runs the loop until these streams are closed, and everybody was told.
function support.close(...)
  local streams = { ... }
  support.run_until(function()
    for _, ws in ipairs(streams) do
      if not ws:closed() then return false end
    end
    return true
  end)
  weir.run "nowait"
end

-- Runs the loop until this stream is finished, and everybody was told.
function support.finish(ws)
  support.run_until(function() return ws:writable_finished() end)
  weir.run "nowait"
end

-- Ends a stream and waits for its close.
function support.end_and_close(ws)
  ws:end_()
  support.close(ws)
end

-- Writes the chunks, each as soon as the stream lets us, and ends. Returns how often it was full.
function support.write_all(ws, chunks)
  local i, full = 0, 0
  local function go_on()
    while i < #chunks do
      i = i + 1
      if not ws:write(chunks[i]) then
        full = full + 1
        return ws:once("drain", go_on)
      end
    end
    ws:end_()
  end
  go_on()
  support.close(ws)
  return full
end

-- What this system lacks --------------------------------------------------------------------------

function support.lacks_command(name)
  local _, code = support.sh("command -v " .. name)
  if code ~= 0 then return "there is no " .. name end
end

function support.lacks_file(path)
  local file = io.open(path, "rb")
  if not file then return "there is no " .. path end
  file:close()
end

-- Whoever runs the specs may ignore SIGPIPE and SIGXFSZ, and what this process ignores the scripts
-- that it starts ignore as well. What to put in front so that they do not; nil and why where that
-- cannot be had.
function support.default_signals()
  local words = "env --default-signal=PIPE --default-signal=XFSZ "
  local _, code = support.sh(words .. "true")
  if code ~= 0 then return nil, "env cannot set signals to their defaults" end
  return words
end

-- Faults: see spec/support/preload/fault_shim.c ---------------------------------------------------

local SHIM_SOURCE = "spec/support/preload/fault_shim.c spec/support/preload/fault_calls.c"
local shim, no_shim

local function build_shim()
  if support.sh "uname -s" ~= "Linux\n" then return nil, "only on Linux can system calls fail" end
  local target = paths.build .. "/fault_shim.so"
  local compiler = os.getenv "CC" or "cc"
  -- Compiled aside, so that another run of the specs never finds half of it.
  local output, code = support.sh(([[unset LD_PRELOAD
    [ "$(ls -t %s spec/support/preload/fault_* 2> /dev/null | head -n 1)" = %s ] || {
    %s -O1 -U_FORTIFY_SOURCE -shared -fPIC -o %s.$$ %s -ldl && mv %s.$$ %s; }]]):format(
    target, target, compiler, target, SHIM_SOURCE, target, target))
  if code ~= 0 then return nil, "fault_shim.c cannot be compiled: " .. output end
  return support.top() .. "/" .. target
end

-- Why no system call can be made to fail here; nil: it can.
function support.lacks_faults()
  if not shim and not no_shim then shim, no_shim = build_shim() end
  return no_shim
end

-- An `it` that is pending where no system call can be made to fail. (Both are words of spec files.)
function support.with_faults(it, pending)
  return function(sentence, body)
    it(sentence, function()
      local lacks = support.lacks_faults()
      if lacks then pending(lacks) end
      body()
    end)
  end
end

-- In a script with options.log: runs the loop until such a call is under way, delayed by a fault.
function support.run_until_delayed(call)
  local began = weir.hrtime()
  repeat
    weir.run "nowait"
    assert(weir.hrtime() - began < DEADLINE_MS * 1e6, "it was never called")
  until (support.read(os.getenv "FAULTS_LOG") or ""):find("delayed " .. call, 1, true)
end

-- Scripts -----------------------------------------------------------------------------------------

local PRELUDE = [[
package.path = %q .. package.path
package.cpath = %q .. package.cpath
local weir, support = require "weir", require "spec.sinks.support"
support.use_folder(%q)
local path = ...
]]

local function prelude()
  local lua = support.top() .. "/?.lua;" .. support.top() .. "/lua/?"
  return PRELUDE:format(lua .. ".lua;" .. lua:match ";(.*)$" .. "/init.lua;",
    ("%s/%s/?.so;"):format(support.top(), paths.build), folder)
end

local function fault_variables(options)
  local preload = "LD_PRELOAD=\"$LD_PRELOAD $SPEC_PRELOAD " -- see spec/support/ndl.c
  if not (options.faults or options.log) then
    return os.getenv "SPEC_PRELOAD" and preload .. "\"" or ""
  end
  assert(not support.lacks_faults(), "ask lacks_faults() before")
  local variables = { preload .. shim .. "\"" }
  local function add(name, value)
    if value then variables[#variables + 1] = name .. "=" .. quote(value) end
  end
  add("FAULTS", options.faults)
  add("FAULTS_LOG", options.log)
  add("FAULTS_PATH", options.on or options.path)
  return table.concat(variables, " ")
end

-- The shell line that runs `text` in a Lua of its own; options as for child().
function support.command(text, options)
  assert(rounds(true, false), "in a process of its own nothing would fail")
  options.path = options.path or support.new_path()
  local script = support.put(prelude() .. text, support.new_path ".lua")
  local limit = support.lacks_command "timeout" and "" or "timeout -k 1 " .. DEADLINE_MS / 1000
  local command = ("%s env %s %s %s %s"):format(limit, fault_variables(options),
    paths.interpreter, quote(script), quote(options.path))
  if options.cd then command = ("cd %s; %s"):format(quote(options.cd), command) end
  return ((options.around or "%s"):gsub("%%s", function() return command end))
end

-- Runs `text` in a Lua of its own, which has weir, support, and `path`: options.path, or a new one.
-- Options: faults = "pwritev:1:EIO", on files whose path begins with `on` (else `path`); log = a
-- file that gets a line for each such call; around = shell with "%s" where the script runs; cd = a
-- folder to run it in.
-- Returns { output =, code = (124: it did not end), seconds =, path = }.
function support.child(text, options)
  options = options or {}
  local command = support.command(text, options)
  local began = weir.hrtime()
  local output, code = support.sh(command)
  return {
    output = output, code = code, seconds = (weir.hrtime() - began) / 1e9, path = options.path,
  }
end

-- The same for a script that must end well; returns what it printed.
function support.output_of(text, options)
  local child = support.child(text, options)
  assert(child.code == 0, ("exit code %d:\n%s"):format(child.code, child.output))
  return child.output, child.path
end

return support
