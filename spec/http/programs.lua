-- Programs that speak HTTP with a server of this process: started in the background while the loop
-- runs. No spec of its own.
--
--   local said, code, err = programs.run("curl -s %s/hello", server)
local weir = require "weir"
local support = require "spec.http.support"

local programs = {}

-- The URL of a server of support.serve.
function programs.url(server) return ("http://%s:%d"):format(server.host, server.port) end

local function exists(path)
  local file = io.open(path)
  if file then file:close() end
  return file ~= nil
end

-- Starts a line of shell, in which %s is the server's URL. over() says whether it has ended.
function programs.start(line, server)
  local out, err, code = support.new_path ".out", support.new_path ".err", support.new_path ".code"
  local url = server and programs.url(server)
  local command = url and (line:gsub("%%s", url)) or line
  local whole = "unset LD_PRELOAD; "
    .. "{ { %s\n} > %s 2> %s < /dev/null; echo $? > %s.new; mv %s.new %s; } &"
  os.execute(whole:format(command, out, err, code, code, code))
  local program = {}
  function program.over() return exists(code) end
  function program.result()
    return support.read(out), tonumber(support.read(code)), support.read(err)
  end
  return program
end

-- Runs the loop until a program has ended. Returns what it printed, its code, what it complained.
function programs.wait(program)
  local over, timer = false, nil
  local function look()
    over = program.over()
    timer = not over and weir.set_timeout(look, 5) or nil
  end
  look()
  support.run_until(function() return over end)
  if timer then timer:cancel() end
  return program.result()
end

function programs.run(line, server) return programs.wait(programs.start(line, server)) end

-- A server for programs: /hello; /echo; /size says how long the body was; /big/COUNT, writes of
-- 64 KiB; /drip/COUNT, lines that come one after the other; /refuse, whatever comes. It counts:
-- server.connections, server.most (bytes that waited in a response), server.closed (how they did).
function programs.serve(options)
  local server
  local piece = ("0123456789abcdef"):rep(4096)

  local function big(response, count)
    local i = 0
    local function more()
      while i < count do
        i = i + 1
        local go_on = response:write(piece)
        server.most = math.max(server.most, response:writable_length())
        if not go_on then return response:once("drain", more) end
      end
      response:end_()
    end
    more()
  end

  local function drip(response, count)
    local i = 0
    local function more()
      i = i + 1
      if i > count then return response:end_() end
      response:write("line ", i, "\n")
      weir.set_timeout(more, 1)
    end
    more()
  end

  local function size(request, response)
    local bytes = 0
    request:on("data", function(data) bytes = bytes + #data end)
    request:on("end", function() response:end_(("%d"):format(bytes)) end)
  end

  local function closes(name)
    return function(err)
      server.closed = ("%s%s %s, "):format(server.closed, name, err and err.code or "ok")
    end
  end

  server = support.serve(options or {}, function(request, response)
    weir.finished(request, closes "request")
    weir.finished(response, closes "response")
    local what, count = request.target:match "^/(%a*)/?(%d*)"
    if what == "echo" then request:pipe(response)
    elseif what == "size" then size(request, response)
    elseif what == "big" then big(response, tonumber(count))
    elseif what == "drip" then drip(response, tonumber(count))
    elseif what == "refuse" then response:write_head(403):end_ "no"
    else response:end_ "hello\n"
    end
  end)
  server.connections, server.most, server.closed = 0, 0, ""
  server.http:on("connection", function() server.connections = server.connections + 1 end)
  return server
end

return programs
