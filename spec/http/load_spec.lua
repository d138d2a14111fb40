-- A server behind nginx, under ab and wrk, and with clients that read slowly.
local weir = require "weir"
local paths = require "spec.support.paths"
local programs = require "spec.http.programs"
local support = require "spec.http.support"

local missing = support.missing()
local THOROUGH = os.getenv "THOROUGH" ~= nil

-- nginx, in front of a server ---------------------------------------------------------------------

local NGINX = [[
daemon on; worker_processes 1; pid @/nginx.pid; error_log @/nginx.log; $
events { worker_connections 256; }
http {
  access_log off; client_body_temp_path @/body; proxy_temp_path @/proxy;
  fastcgi_temp_path @/fastcgi; uwsgi_temp_path @/uwsgi; scgi_temp_path @/scgi;
  client_max_body_size 0;
  upstream weir { server 127.0.0.1:%d; keepalive 4; }
  server {
    listen unix:@/nginx.sock;
    proxy_buffering off; proxy_request_buffering off;
    location / {
      proxy_pass http://weir; proxy_http_version 1.1; proxy_set_header Connection "";
    }
    location /old/ { proxy_pass http://weir/; } # HTTP/1.0, one connection for each request
  }
}
]]

-- Starts it in a folder of its own. Returns the folder.
local function start_nginx(command, server)
  local folder = support.new_path ".nginx"
  support.sh("mkdir " .. support.quote(folder))
  local user = support.sh "id -u" == "0\n" and "user root;" or ""
  local config = NGINX:gsub("@", folder):gsub("%$", user):format(server.port)
  local path = support.put(config, folder .. "/nginx.conf")
  local line = "unset LD_PRELOAD; %s -c %s -p %s -e %s/nginx.log"
  local said, code = support.sh(line:format(command, path, folder, folder))
  assert.equal(0, code, said)
  return folder
end

describe("a server behind nginx", function()
  setup(support.open_folder)
  teardown(support.remove_folder)
  after_each(support.settle)

  it("gives and takes as without it, over few connections", function()
    if missing then pending(missing) end
    local why = support.lacks_command "curl"
    local command = support.lacks_command "nginx" and "/usr/sbin/nginx" or "nginx"
    why = why or support.lacks_command(command)
    if why then pending(why) end
    local server = programs.serve()
    local folder = start_nginx(command, server)
    local ok, err = pcall(function()
      local function curl(arguments)
        local said, code = programs.run(("curl -s --unix-socket %s/nginx.sock %s"):format(folder,
          (arguments:gsub("@", "http://weir"))))
        assert.equal(0, code, arguments)
        return said
      end
      local body = support.put(("0123456789"):rep(300000))
      assert.equal("hello\n", curl "@/hello")
      assert.truthy(curl "-I @/hello":find "Content%-Length: 6\r\n")
      assert.equal(("hello\n"):rep(50), curl(("@/hello "):rep(50)))
      assert.equal("line 1\nline 2\nline 3\n", curl "@/drip/3")
      assert.equal("line 1\nline 2\nline 3\n", curl "@/old/drip/3")
      assert.equal("4194304", curl "-o /dev/null -w '%{size_download}' @/big/64")
      assert.equal("4194304", curl "-o /dev/null -w '%{size_download}' @/old/big/64")
      assert.equal("3000000", curl("-T " .. body .. " @/size"))
      assert.equal("3000000", curl("-T " .. body .. " -H 'Transfer-Encoding: chunked' @/size"))
      -- (No /echo: nginx sends no more of a request when its answer has begun.)
      assert.is_true(server.most <= 2 * 65536 + 16384, server.most)
      assert.is_true(server.connections <= 20, server.connections)
    end)
    support.sh(("kill $(cat %s/nginx.pid)"):format(folder))
    if not ok then error(err, 0) end
    support.close(server)
  end)
end)

-- Load --------------------------------------------------------------------------------------------

describe("under load", function()
  setup(support.open_folder)
  teardown(support.remove_folder)
  after_each(support.settle)

  local function it_stands(command, sentence, fn)
    it(sentence, function()
      local why = missing or support.lacks_command(command)
      if why then pending(why) end
      local server = programs.serve()
      fn(server)
      support.close(server)
    end)
  end

  it_stands("ab", "every request of ab is answered, kept alive or not", function(server)
    local count = support.slow and 100 or THOROUGH and 10000 or 1000
    for _, how in ipairs { "-k", "" } do
      local said, code = programs.run(("ab -q %s -n %d -c 20 %%s/hello"):format(how, count), server)
      assert.equal(0, code, said)
      assert.equal(count, tonumber(said:match "Complete requests:%s*(%d+)"))
      assert.equal(0, tonumber(said:match "Failed requests:%s*(%d+)"))
      assert.is_nil(said:find "Non%-2xx")
      if how == "-k" then assert.truthy(said:find("Keep%-Alive requests:%s*" .. count)) end
    end
  end)

  it_stands("wrk", "every request of wrk is answered well", function(server)
    local seconds = THOROUGH and 8 or 1
    local said, code = programs.run(("wrk -t1 -c64 -d%ds --timeout 60s %%s/hello"):format(seconds),
      server)
    assert.equal(0, code, said)
    assert.truthy(said:find "Requests/sec")
    assert.is_nil(said:find "Non%-2xx", said)
    assert.is_nil(said:find "Socket errors", said)
  end)
end)

-- Slow clients ------------------------------------------------------------------------------------

-- The server of the benchmarks, in a process of its own, for fn(url, port, rss).
local function with_server(fn)
  local out, pid_file = support.new_path ".port", support.new_path ".pid"
  local environment = ("env LUA_PATH='lua/?.lua;lua/?/init.lua;;' LUA_CPATH='%s/?.so;;' %s"):format(
    paths.build, paths.interpreter)
  os.execute(("ulimit -n 4096; %s bench/http/server.lua > %s & echo $! > %s"):format(environment,
    out, pid_file))
  local pid, port = tonumber(support.read(pid_file)), nil
  local look
  function look()
    port = tonumber(support.read(out) or "")
    if not port then weir.set_timeout(look, 10) end
  end
  look()
  support.run_until(function() return port end)
  local function rss()
    return tonumber(support.read(("/proc/%d/status"):format(pid)):match "VmRSS:%s*(%d+)")
  end
  local ok, err = pcall(fn, "http://127.0.0.1:" .. port, port, rss, environment)
  os.execute("kill " .. pid)
  if not ok then error(err, 0) end
end

describe("clients that read slowly", function()
  setup(support.open_folder)
  teardown(support.remove_folder)
  after_each(support.settle)

  it("cost little memory, however much the others are given meanwhile", function()
    if missing then pending(missing) end
    if support.slow then pending "the memory of a tool is not ours" end
    if support.lacks_command "curl" then pending(support.lacks_command "curl") end
    if not support.memory() then pending "memory is not known here" end
    local count, mebibytes, seconds = 50, 64, 1
    if THOROUGH then count, mebibytes, seconds = 1000, 1024, 10 end
    with_server(function(url, port, rss, environment)
      programs.run(("curl -s -o /dev/null %s/stream/100"):format(url)) -- it has its memory
      local before = rss()
      local slow = programs.start(("ulimit -n 4096; %s bench/http/slow.lua %d %d %d"):format(
        environment, port, count, seconds))
      local fast = ("curl -s -o /dev/null -w '%%{size_download}' %s/stream/%d"):format(url,
        mebibytes * 16)
      assert.equal(mebibytes * 2 ^ 20, tonumber((programs.run(fast))))
      local said, code, told = programs.wait(slow)
      assert.equal(0, code, said .. told)
      assert.truthy(said:find "^ready\n")
      local grown = rss() - before
      assert.is_true(grown < 8192 + 40 * count, ("it grew by %d KiB"):format(grown))
    end)
  end)
end)
