-- What the specs of sockets share: peers that behave as they are told (spec/peers/peer.c), and logs
-- of what happens. No spec of its own.
--
--   local peer = support.peer "collect"
--   local s, log = support.connect(peer)
--   s:end_("abc")
--   support.close(s)
--   assert.equal("3 " .. support.sum "abc", peer.said())
local weir = require "weir"
local paths = require "spec.support.paths"
local rounds = require "spec.support.rounds"
local sinks = require "spec.sinks.support"

local support = {
  new_log = sinks.new_log,
  name = sinks.name,
  settle = sinks.settle,
  slow = sinks.slow,
  sh = sinks.sh,
  quote = sinks.quote,
  open_folder = sinks.open_folder,
  remove_folder = sinks.remove_folder,
  new_path = sinks.new_path,
  put = sinks.put,
  read = sinks.read,
  exists = sinks.exists,
  mode = sinks.mode,
  descriptors = sinks.descriptors,
  memory = sinks.memory,
  run_until = sinks.run_until,
  close = sinks.close,
  write_all = sinks.write_all,
  lacks_command = sinks.lacks_command,
  child = sinks.child,
  command = sinks.command,
  library = sinks.library,
  preloading = sinks.preloading,
}

-- Why the name "localhost" cannot be looked up, as in a chroot without /etc; nil: it can.
function support.lacks_localhost()
  local lacks
  local s = weir.connect { host = "localhost", port = 9 }
  s:on("lookup", function(err) lacks = err and "localhost is not known here: " .. err.code end)
  s:on("error", function() end)
  support.close(s)
  return lacks
end

-- Adler's sum of a text, as the peer says it.
function support.sum(text)
  local a, b = 1, 0
  for i = 1, #text do
    a = (a + text:byte(i)) % 65521
    b = (b + a) % 65521
  end
  return ("%.0f"):format(b * 65536 + a)
end

-- What a peer says that has read this text.
function support.heard(text) return #text .. " " .. support.sum(text) end

local build = paths.build:match "^(.*)/[^/]*$"
local life = rounds("", "-l 300 ") -- where connections fail, it would wait for one

-- Starts a peer; `way` and options as in spec/peers/peer.c ("-r 4096 never"). It has host and port,
-- or path; said() waits for its end and returns its last words, kill() makes one.
function support.peer(way)
  local pipe = assert(io.popen(build .. "/peer " .. life .. way))
  local process, where = (pipe:read "*l" or ""):match "^(%d+) (.+)$"
  assert(where, "the peer did not start")
  local peer = {}
  if where:find "^%d+$" then peer.host, peer.port = "127.0.0.1", tonumber(where)
  else peer.path = where end
  function peer.said()
    local words = pipe:read "*a":gsub("\n$", "")
    pipe:close()
    return words
  end
  -- Ends it, where it would not end by itself.
  function peer.kill()
    os.execute("kill " .. process)
    pipe:close()
  end
  return peer
end

local EVENTS = { "connect", "ready", "timeout", "drain", "prefinish", "finish", "end" }

-- Logs the events of a socket by name; `close(true)` is one after an error.
function support.listen(s, log)
  for _, event in ipairs(EVENTS) do
    s:on(event, function() log.add(event) end)
  end
  s:on("error", log.cb "error")
  s:on("close", function(had_error) log.add("close(" .. tostring(had_error) .. ")") end)
end

-- A socket to a peer, and the log of its events.
function support.connect(peer, options)
  local given = { host = peer.host, port = peer.port, path = peer.path }
  for name, value in pairs(options or {}) do given[name] = value end
  local s, log = weir.connect(given), support.new_log()
  support.listen(s, log)
  return s, log
end

-- A port of the loopback where nobody listens.
function support.deserted_port()
  local peer = support.peer "-q close 0"
  local port = peer.port
  local s = weir.connect { host = "127.0.0.1", port = port }
  s:on("error", function() end)
  s:end_()
  support.close(s)
  peer.said()
  return port
end

return support
