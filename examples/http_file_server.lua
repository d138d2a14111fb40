-- A server of files over HTTP: ranges, If-Modified-Since, gzip for who accepts it. No client that
-- reads slowly holds up another one, and no file is ever in memory as a whole.
--
--   lua examples/http_file_server.lua port [folder]
--   lua examples/http_file_server.lua                on a free port, for requests of its own
local weir = require "weir"

local port, folder = ...
folder = folder or "."
local has_gzip = pcall(require, "weir.zlib")

local TYPES = {
  html = "text/html; charset=utf-8", txt = "text/plain; charset=utf-8", css = "text/css",
  js = "text/javascript", json = "application/json", svg = "image/svg+xml", png = "image/png",
  jpg = "image/jpeg", gif = "image/gif", pdf = "application/pdf", lua = "text/plain; charset=utf-8",
}

local function type_of(path)
  local suffix = path:match "%.(%w+)$"
  return suffix and TYPES[suffix:lower()] or "application/octet-stream"
end

-- What gzip makes shorter.
local TEXTS = {}
for _, suffix in ipairs { "html", "txt", "css", "js", "json", "svg" } do
  TEXTS[TYPES[suffix]] = true
end

-- Where a file is ---------------------------------------------------------------------------------

local function quote(text) return "'" .. text:gsub("'", "'\\''") .. "'" end

local function output_of(command)
  local pipe = assert(io.popen(command))
  local text = pipe:read "*a"
  pipe:close()
  return text
end

-- The path within the folder that a target names, or nil. Refused after decoding: what goes up,
-- and what no name of a file holds.
local function path_of(target)
  local path = target:gsub("^%a+://[^/?]*", ""):match "^/[^?]*"
  if not path or path:gsub("%%%x%x", ""):find "%%" then return nil end
  path = path:gsub("%%(%x%x)", function(digits) return string.char(tonumber(digits, 16)) end)
  if path:find "%c" or (path .. "/"):find "/%.%.?/" then return nil end
  if path:find "/$" then path = path .. "index.html" end
  return path
end

-- What the system says of a path: where it is when all links are followed, how long, how old. Lua
-- itself cannot ask; a server of many files would ask luv's fs_stat and fs_realpath.
local STAT = [[p=$(realpath -- %s 2>/dev/null) && test -f "$p" && test -r "$p" &&
  printf '%%s\n' "$p" && { stat -c '%%s %%Y' -- "$p" 2>/dev/null || stat -f '%%z %%m' -- "$p"; }]]

local root

local function find(path)
  local real, size, time = output_of(STAT:format(quote(root .. path))):match "^(.*)\n(%d+) (%d+)\n$"
  if not real or real:sub(1, #root + 1) ~= root .. "/" then return nil end -- a link leads outside
  return { path = real, size = tonumber(size), time = tonumber(time), type = type_of(path) }
end

-- What of it is wanted ----------------------------------------------------------------------------

local MONTHS = {}
for i, name in ipairs { "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov",
  "Dec" } do MONTHS[name] = i end

-- A date as a text that sorts; nil: it is none.
local function sortable(date)
  local day, month, year, hour, minute, second =
    date:match "^%a+, (%d%d) (%a+) (%d%d%d%d) (%d%d):(%d%d):(%d%d) GMT$"
  if not MONTHS[month] then return nil end
  return ("%s%02d%s%s%s%s"):format(year, MONTHS[month], day, hour, minute, second)
end

local function is_unchanged(headers, file)
  local since = not headers["if-none-match"] and headers["if-modified-since"]
  since = since and sortable(since)
  return since and os.date("!%Y%m%d%H%M%S", file.time) <= since
end

-- The first and the last byte; nil: all of it; false: there are no such bytes. One range only: a
-- server may ignore what it does not want to know.
local function range_of(request, file)
  local range, condition = request.headers.range, request.headers["if-range"]
  if not range or request.method ~= "GET" then return nil end
  if condition and condition ~= weir.http.date(file.time) then return nil end
  local from, to = range:match "^bytes=(%d*)%-(%d*)$"
  if not from or from .. to == "" then return nil end
  if from == "" then -- the last so many
    local count = math.min(tonumber(to), file.size)
    if count == 0 then return false end
    return file.size - count, file.size - 1
  end
  from, to = tonumber(from), tonumber(to) or math.huge
  if from > to then return nil end
  if from >= file.size then return false end
  return from, math.min(to, file.size - 1)
end

local function accepts_gzip(request)
  for element in ((request.headers["accept-encoding"] or "") .. ","):lower():gmatch "([^,]*)," do
    local quality = element:match ";%s*q%s*=%s*([%d.]*)"
    if element:match "^%s*([^;%s]*)" == "gzip" then
      return not quality or (tonumber(quality) or 0) > 0
    end
  end
  return false
end

-- Answers -----------------------------------------------------------------------------------------

local function refuse(response, status, headers)
  response:write_head(status, headers)
  response:end_(weir.http.status[status] .. "\n")
end

local function report(path, err)
  local is_client = not err or err.code == "ECONNRESET" or err.code == "ERR_STREAM_PREMATURE_CLOSE"
  if not is_client then io.stderr:write(path, ": ", tostring(err), "\n") end
end

-- From the disk, perhaps through gzip, into the response. The head goes when the file is open.
local function send(response, status, file, first, last, zipped)
  local source = weir.create_read_stream(file.path, { start = first, end_ = last })
  local function failed(err)
    report(file.path, err)
    if response:writable() then refuse(response, 500) end
  end
  source:once("error", failed)
  source:once("open", function()
    source:off("error", failed)
    response:write_head(status)
    local function done(err) report(file.path, err) end
    if zipped then weir.pipeline(source, weir.gzip(), response, done)
    else weir.pipeline(source, response, done)
    end
  end)
end

-- A whole file, or from the first to the last byte of it.
local function answer_with(request, response, file, first, last)
  response:set_header("Content-Type", file.type):set_header("Accept-Ranges", "bytes")
  local zipped = not first and has_gzip and TEXTS[file.type] and file.size > 0
    and accepts_gzip(request)
  local status, from, to = 200, first or 0, last or file.size - 1
  if first then
    status = 206
    response:set_header("Content-Range", ("bytes %.0f-%.0f/%.0f"):format(from, to, file.size))
  end
  if zipped then response:set_header("Content-Encoding", "gzip")
  else response:set_header("Content-Length", to - from + 1)
  end
  if request.method == "HEAD" or from > to then return response:write_head(status):end_() end
  send(response, status, file, from, to, zipped)
end

local function answer(request, response, file)
  response:set_header("Last-Modified", weir.http.date(file.time))
  if has_gzip and TEXTS[file.type] then response:set_header("Vary", "Accept-Encoding") end
  if is_unchanged(request.headers, file) then return response:write_head(304):end_() end
  local first, last = range_of(request, file)
  if first == false then
    return refuse(response, 416, { ["Content-Range"] = ("bytes */%.0f"):format(file.size) })
  end
  answer_with(request, response, file, first, last)
end

io.stdout:setvbuf "line" -- into a file, too

local server = weir.http.create_server({ write_timeout = 30000 }, function(request, response)
  if request.method ~= "GET" and request.method ~= "HEAD" then
    return refuse(response, 405, { Allow = "GET, HEAD" })
  end
  local path = path_of(request.target)
  local file = path and find(path)
  if file then answer(request, response, file)
  else refuse(response, path and 404 or 400)
  end
end)

local function serve(where)
  folder = where
  root = output_of(("cd %s && pwd -P"):format(quote(folder))):match "^(/.-)/?\n$"
  assert(root, "there is no such folder: " .. folder)
end

-- What a browser asks -----------------------------------------------------------------------------

local function put(path, content)
  local file = assert(io.open(path, "wb"))
  file:write(content)
  file:close()
end

local function ask(line, fields, show)
  local address, free_port = server:address()
  local socket, text = weir.connect { host = address, port = free_port }, ""
  socket:write(line, " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n", fields, "\r\n")
  socket:on("data", function(data) text = text .. data end)
  socket:on("close", function()
    local head, body = text:match "^(.-)\r\n\r\n(.*)$"
    show(head:match "^HTTP/1.1 ([^\r]*)", head, body)
  end)
end

local ASKED = {
  { "GET /", "" }, { "HEAD /numbers.txt", "" }, { "GET /numbers.txt", "Range: bytes=3-5\r\n" },
  { "GET /numbers.txt", "Range: bytes=-2\r\n" }, { "GET /numbers.txt", "Range: bytes=2000-\r\n" },
  { "GET /numbers.txt", "If-Modified-Since: Fri, 31 Dec 2999 23:59:59 GMT\r\n" },
  { "GET /missing", "" }, { "GET /../secret", "" }, { "GET /%2e%2e/secret", "" },
  { "GET /leads/outside", "" }, { "POST /", "" },
}

local function try_it()
  local place = os.tmpname()
  os.remove(place)
  os.execute("mkdir " .. place .. " " .. place .. "/served")
  os.execute("ln -s .. " .. place .. "/served/leads")
  put(place .. "/outside", "secret")
  put(place .. "/served/index.html", "<p>Hello.</p>\n")
  put(place .. "/served/numbers.txt", ("0123456789"):rep(100))
  serve(place .. "/served")
  local function next_one(i)
    if not ASKED[i] then
      os.execute("rm -r " .. place)
      return server:close()
    end
    local line, fields = ASKED[i][1], ASKED[i][2]
    ask(line, fields, function(status, head, body)
      local range = head:match "Content%-Range: [^\r]*"
      print(fields == "" and line or line .. ", " .. fields:match "[^\r]*")
      print("  " .. status)
      if range then print("  " .. range) end
      if status:find "^20" then print(("  %d bytes"):format(#body)) end
      next_one(i + 1)
    end)
  end
  next_one(1)
end

if port then serve(folder) end
server:listen({ host = "127.0.0.1", port = tonumber(port) or 0 }, function()
  local address, free_port = server:address()
  if port then print(("http://%s:%d/ serves %s"):format(address, free_port, folder))
  else try_it()
  end
end)
weir.run()
