-- The examples of weir.http: "http_stream.lua" and "http_file_server.lua", as a user runs them, and
-- the server of files asked by curl.
local examples = require "spec.support.examples"
local support = require "spec.http.support"

local missing = support.missing()

describe("the example", function()
  before_each(examples.begin)
  after_each(examples.done)

  it("http_stream.lua feeds clients at their pace, in memory that does not grow", function()
    if missing then pending(missing) end
    local out = examples.run "http_stream.lua"
    local memory = out:match "\n([^\n]*)\nall clients have gone\n$"
    if support.slow then memory = "the memory is what it was" end -- that of a tool grows
    assert.equal("the memory is what it was", memory)
    assert.truthy(out:find "^2 MB or more later\n", out)
    assert.equal("", examples.files_left())
  end)

  it("http_file_server.lua answers what a browser asks", function()
    if missing then pending(missing) end
    assert.equal([[
GET /
  200 OK
  14 bytes
HEAD /numbers.txt
  200 OK
  0 bytes
GET /numbers.txt, Range: bytes=3-5
  206 Partial Content
  Content-Range: bytes 3-5/1000
  3 bytes
GET /numbers.txt, Range: bytes=-2
  206 Partial Content
  Content-Range: bytes 998-999/1000
  2 bytes
GET /numbers.txt, Range: bytes=2000-
  416 Range Not Satisfiable
  Content-Range: bytes */1000
GET /numbers.txt, If-Modified-Since: Fri, 31 Dec 2999 23:59:59 GMT
  304 Not Modified
GET /missing
  404 Not Found
GET /../secret
  400 Bad Request
GET /%2e%2e/secret
  400 Bad Request
GET /leads/outside
  404 Not Found
POST /
  405 Method Not Allowed
]], examples.run "http_file_server.lua")
    assert.equal("", examples.files_left())
  end)
end)

-- The server of files, on a folder of our own, for fn(url, curl): curl(arguments) returns what the
-- server said.
local function with_server(fn)
  local folder = examples.directory()
  local function put(name, content)
    local file = assert(io.open(folder .. "/" .. name, "wb"))
    file:write(content)
    file:close()
  end
  os.execute(("mkdir %s/www %s/www/sub"):format(folder, folder))
  put("secret", "secret")
  put("www/a b'c.txt", "quoted")
  put("www/empty.css", "")
  put("www/big.txt", ("line of text\n"):rep(100000))
  put("www/picture.PNG", ("\0\255"):rep(50000))
  put("www/sub/index.html", "<p>sub</p>")
  os.execute(("cd %s/www && ln -s ../secret link && ln -s .. up && ln -s sub/index.html inside"
    .. " && mkfifo pipe && mkdir ../www2 && ln -s ../../secret sub/deep"):format(folder))
  put("www2/neighbour", "secret") -- its folder's name begins as that of the root
  local command = examples.command_for("http_file_server.lua", "0", "www")
  local pid = examples.output_of(("cd %s && { %s > ../out 2> ../err < /dev/null & echo $!; }")
    :format(folder, command))
  local url
  for _ = 1, support.slow and 1200 or 200 do
    url = examples.read_file(examples.output_file()):match "(http://[%d.:]+)"
    if url then break end
    os.execute "sleep 0.05"
  end
  local ok, err = pcall(fn, url, function(path, arguments)
    local line = "unset LD_PRELOAD; cd %s && curl -s --path-as-is --max-time 60 %s '%s%s'"
    return examples.output_of(line:format(folder, arguments or "", url, path))
  end, folder)
  os.execute("kill " .. pid)
  if not ok then error(err, 0) end
  assert.equal("", examples.read_file(examples.output_file():gsub("out$", "err")))
end

describe("http_file_server.lua", function()
  before_each(examples.begin)
  after_each(examples.done)

  local function it_serves(sentence, fn)
    it(sentence, function()
      if missing then pending(missing) end
      if support.lacks_command "curl" then pending(support.lacks_command "curl") end
      with_server(fn)
    end)
  end

  local STATUS = "-o /dev/null -w '%{http_code}'"

  it_serves("serves files, with their types, and parts of them", function(_, curl, folder)
    assert.equal("quoted", curl "/a%20b%27c.txt?query=x")
    assert.equal("<p>sub</p>", curl "/sub/")
    assert.equal("<p>sub</p>", curl "/inside") -- a link within
    local function header(name, path, arguments)
      local head = curl(path, "-D - -o /dev/null " .. (arguments or "")):lower()
      return head:match("\n" .. name:gsub("%-", "%%-") .. ": ([^\r\n]*)")
    end
    assert.equal("image/png", header("content-type", "/picture.PNG"))
    assert.equal("text/css", header("content-type", "/empty.css"))
    assert.equal("0", header("content-length", "/empty.css"))
    assert.equal("application/octet-stream", header("content-type", "/inside"))
    assert.equal("1300000", header("content-length", "/big.txt", "-I"))
    assert.equal("", curl("/big.txt", "-I -o /dev/null"))
    curl("/picture.PNG", "-o copy")
    os.execute(("cmp %s/copy %s/www/picture.PNG"):format(folder, folder))
    assert.equal(100000, #examples.read_file(folder .. "/copy"))
    assert.equal("of text\nlin", curl("/big.txt", "-r 5-15"))
    assert.equal("text", curl("/big.txt", "-r -5"))
    assert.equal("text", curl("/big.txt", "-r 1299995-99999999"))
    for range, status in pairs { ["0-0"] = 206, ["1300000-"] = 416, ["-0"] = 416, ["5-2"] = 200,
      ["0-1,5-6"] = 200, ["-9999999"] = 206 } do
      assert.equal(tostring(status), curl("/big.txt", STATUS .. " -r " .. range), range)
    end
    assert.equal("416", curl("/empty.css", STATUS .. " -r 0-"))
  end)

  it_serves("says when nothing has changed, and what it does not do", function(_, curl, folder)
    os.execute(("touch -d '2020-02-03 04:05:06 UTC' '%s/www/big.txt'"):format(folder))
    assert.truthy(curl("/big.txt", "-I"):find "\nLast%-Modified: Mon, 03 Feb 2020 04:05:06 GMT\r")
    for date, status in pairs { ["Mon, 03 Feb 2020 04:05:06 GMT"] = 304,
      ["Mon, 03 Feb 2020 04:05:05 GMT"] = 200, ["Tue, 04 Jan 2022 00:00:00 GMT"] = 304,
      ["yesterday"] = 200 } do
      assert.equal(tostring(status),
        curl("/big.txt", STATUS .. (" -H 'If-Modified-Since: %s'"):format(date)), date)
    end
    local since = "-H 'If-Range: Mon, 03 Feb 2020 04:05:0%d GMT' -r 0-3 "
    assert.equal("206", curl("/big.txt", since:format(6) .. STATUS))
    assert.equal("200", curl("/big.txt", since:format(5) .. STATUS))
    assert.equal("405", curl("/big.txt", STATUS .. " -d x"))
    assert.equal("405", curl("/big.txt", STATUS .. " -X DELETE"))
  end)

  it_serves("compresses for who accepts it", function(_, curl)
    if not pcall(require, "weir.zlib") then pending "weir.zlib was not built" end
    local text = ("line of text\n"):rep(100000)
    assert.is_true(curl("/big.txt", "--compressed"):gsub("%s+$", "") == text:gsub("%s+$", ""))
    local function coding(accepted, path)
      local head = curl(path or "/big.txt",
        ("-D - -o /dev/null -H 'Accept-Encoding: %s'"):format(accepted))
      return head:match "Content%-Encoding: (%a+)"
    end
    for accepted, expected in pairs { ["gzip"] = true, ["br, GZIP;q=0.5"] = true,
      ["gzip;q=0"] = false, ["gzip; q=0.000, br"] = false, ["xgzip"] = false, [""] = false } do
      assert.equal(expected and "gzip" or nil, coding(accepted), accepted)
    end
    assert.is_nil(coding("gzip", "/picture.PNG"))
    assert.is_nil(coding("gzip", "/empty.css"))
  end)

  it_serves("serves nothing from outside its folder", function(url, curl)
    local paths = {
      "/../secret", "/%2e%2e/secret", "/%2E%2E%2Fsecret", "/..%2fsecret", "/sub/../../secret",
      "/./../secret", "/%2e/%2e%2e/secret", "/link", "/up/secret", "/sub/deep",
      "/up/www2/neighbour", "/../www2/neighbour", "/secret%00.txt", "/%00", "/big.txt%00",
      "/%252e%252e/secret", "/%zz", "/%2", "/..", "/%2e%2e", "/sub/..", "//../secret",
      "/%5c..%5csecret", "/sub", "/pipe", "/missing", "/big.txt/", "/%0a",
      "/%27;cat%20../secret;%27", "/$(cat%20../secret)",
    }
    local said = curl(table.concat(paths, "' '" .. url), "-g -w '= %{http_code}\n'")
    assert.is_nil(said:find "secret")
    local number = 0
    for status in (said .. "\n"):gmatch "= (%d+)\n" do
      number = number + 1
      assert.truthy(status == "400" or status == "404", tostring(paths[number]) .. ": " .. status)
    end
    assert.equal(#paths, number)
  end)
end)
