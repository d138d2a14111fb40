-- Clients as people have them: curl, and Node's own.
local weir = require "weir"
local programs = require "spec.http.programs"
local support = require "spec.http.support"

local missing = support.missing()

local function it_serves(command, sentence, fn)
  it(sentence, function()
    if missing then pending(missing) end
    if support.lacks_command(command) then pending(support.lacks_command(command)) end
    local server = programs.serve()
    fn(server)
    support.close(server)
  end)
end

describe("curl", function()
  setup(support.open_folder)
  teardown(support.remove_folder)
  after_each(support.settle)

  it_serves("curl", "gets, heads, and speaks HTTP/1.0", function(server)
    assert.equal("hello\n", programs.run("curl -s %s/", server))
    local head = programs.run("curl -sI %s/", server)
    assert.truthy(head:find "^HTTP/1.1 200 OK\r\n")
    assert.truthy(head:find "Content%-Length: 6\r\n")
    assert.equal("hello\n", programs.run("curl -s -0 %s/", server))
    assert.equal("line 1\nline 2\nline 3\n", programs.run("curl -s %s/drip/3", server))
    assert.equal("line 1\nline 2\nline 3\n", programs.run("curl -s -0 %s/drip/3", server))
    assert.equal("200 0", programs.run("curl -s -I -o /dev/null -w '%{http_code} %{size_download}' "
      .. "%s/drip/3", server))
  end)

  it_serves("curl", "makes many requests on one connection", function(server)
    local urls = ("%s/ "):rep(20) .. ("%s/drip/2 "):rep(5) .. "%s/big/1"
    local said = programs.run("curl -s -w '%{num_connects} %{http_code}\\n' -o /dev/null "
      .. urls:gsub(" ", " -o /dev/null "), server)
    assert.equal("1 200\n" .. ("0 200\n"):rep(25), said)
    assert.equal(1, server.connections)
  end)

  it_serves("curl", "takes a long answer at its own pace, and no more waits", function(server)
    local line = "curl -s --limit-rate 4M -o /dev/null -w '%{size_download}' %s/big/32"
    assert.equal(tostring(32 * 65536), (programs.run(line, server)))
    assert.is_true(server.most <= 2 * 65536 + 16384, server.most)
    local count = programs.run("curl -s %s/big/64 | wc -c", server)
    assert.equal(64 * 65536, tonumber(count))
  end)

  it_serves("curl", "uploads by length and in chunks, when it is told to go on", function(server)
    local path = support.put(("0123456789"):rep(200000))
    for _, how in ipairs { "", "-H 'Transfer-Encoding: chunked'", "-0" } do
      local line = ("curl -sv -T %s -H 'Expect: 100-continue' --expect100-timeout 60 %s %%s/size")
        :format(path, how)
      local said, code, told = programs.run(line, server)
      assert.equal("2000000", said, how)
      assert.equal(0, code)
      if how ~= "-0" then assert.truthy(told:find "< HTTP/1.1 100 Continue") end
    end
    local line = "curl -s -T F -H 'Transfer-Encoding: chunked' %s/echo | cmp - F"
    line = line:gsub("F", path)
    assert.equal(0, select(2, programs.run(line, server)))
  end)

  it_serves("curl", "does not upload what is refused", function(server)
    local path = support.put(("0123456789"):rep(200000))
    local line = ("curl -s -T %s -H 'Expect: 100-continue' --expect100-timeout 60 "
      .. "-w ' %%{http_code} %%{size_upload}' %%s/refuse"):format(path)
    assert.equal("no 403 0", programs.run(line, server))
  end)

  it_serves("curl", "that gives up is noticed, whichever way the bytes go", function(server)
    local _, code = programs.run("curl -s -m 0.3 --limit-rate 10k -o /dev/null %s/big/1000", server)
    assert.equal(28, code)
    support.run_until(function() return server.closed:find "response E" end)
    local path = support.put(("0123456789"):rep(200000))
    _, code = programs.run("curl -s -m 0.3 --limit-rate 10k -T " .. path .. " %s/size", server)
    assert.equal(28, code)
    support.run_until(function() return server.closed:find "request E.*request E" end)
  end)
end)

-- What the script of Node says, a line for each thing; it has get(path, options, body).
local NODE = [[
const http = require('http');
const base = process.argv[2];
const agent = new http.Agent({ keepAlive: true, maxSockets: 4 });
const get = (path, options = {}, body) => new Promise((resolve, reject) => {
  const req = http.request(base + path, { agent, ...options }, (res) => {
    let size = 0, text = '';
    res.on('data', (d) => { size += d.length; if (text.length < 100) text += d; });
    res.on('end', () => resolve({ status: res.statusCode, size, text, trailers: res.trailers }));
    res.on('error', reject);
  });
  req.on('error', reject);
  if (typeof body === 'function') body(req); else req.end(body);
});
(async () => {
  const many = await Promise.all(Array.from({ length: 100 }, (_, i) =>
    get(i % 3 ? '/hello' : '/drip/2')));
  const isRight = (r) => r.status === 200 && r.size === (r.text[0] === 'h' ? 6 : 14);
  console.log(many.filter(isRight).length);
  console.log((await get('/big/32')).size);
  const chunked = await get('/size', { method: 'POST' }, (req) => {
    let i = 0;
    (function more() {
      while (i++ < 64) if (!req.write(Buffer.alloc(65536))) return req.once('drain', more);
      req.end();
    })();
  });
  console.log(chunked.text);
  const put = { method: 'PUT', headers: { 'Content-Length': 5 } };
  console.log((await get('/size', put, 'hello')).text);
  const asking = { method: 'POST', headers: { Expect: '100-continue' } };
  console.log((await get('/size', asking, (req) => {
    req.flushHeaders();
    req.on('continue', () => req.end('continued'));
  })).text);
  await new Promise((resolve) => { // it goes in the midst of an answer
    const req = http.get(base + '/big/100000', (res) => {
      res.once('data', () => { req.destroy(); resolve(); });
      res.on('error', () => {});
    });
  });
  await new Promise((resolve) => { // and in the midst of what it sends
    const req = http.request(base + '/size', { method: 'POST' });
    req.on('error', () => {});
    req.write('some', () => { req.destroy(); resolve(); });
  });
  console.log((await get('/hello')).text.trim());
  agent.destroy();
})();
]]

describe("node's client", function()
  setup(support.open_folder)
  teardown(support.remove_folder)
  after_each(support.settle)

  it_serves("node", "keeps connections, sends chunks, goes in the midst of both", function(server)
    local script = support.put(NODE, support.new_path ".js")
    local said, code, told = programs.run("node " .. script .. " %s", server)
    assert.equal("", told)
    assert.equal("100\n2097152\n4194304\n5\n9\nhello\n", said)
    assert.equal(0, code)
    assert.is_true(server.connections <= 6, server.connections)
    support.run_until(function()
      local text = server.closed
      return select(2, text:gsub("request E", "")) == 2
    end)
  end)

  it_serves("node", "is told when the server breaks off, either way", function(server)
    server.http:remove_all_listeners "request"
    server.http:on("request", function(request, response)
      if request.method == "GET" then
        response:write "some"
        weir.set_timeout(function() response:destroy() end, 10)
      else
        request:once("data", function() request:destroy() request.socket:destroy() end)
      end
    end)
    local script = support.put([[
const http = require('http');
const base = process.argv[2];
http.get(base, (res) => {
  res.on('data', () => {});
  res.on('error', (err) => {
    console.log(err.code);
    const req = http.request(base, { method: 'POST' });
    req.on('error', (e) => console.log(/^(ECONNRESET|EPIPE)$/.test(e.code) ? 'gone' : e.code));
    req.write('some');
  });
});
]], support.new_path ".js")
    local said, code, told = programs.run("node " .. script .. " %s", server)
    assert.equal("", told)
    assert.equal("ECONNRESET\ngone\n", said)
    assert.equal(0, code)
  end)
end)
