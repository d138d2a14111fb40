-- Types for LuaLS of weir.http; see types.lua. Never loaded at run time.
---@meta weir.http

---@class weir
local weir = {}

-- HTTP ---------------------------------------------------------------------------------------------

---The module weir.http, loaded when it is first used. It needs lpeg and lpeg_patterns, and raises,
---saying which of them is missing, where they are not.
---@type weir.HttpModule
weir.http = nil

---@class weir.HttpModule
---@field status table<integer, string> the reasons: status[404] is "Not Found"
local http = {}

---@class weir.HttpServerOptions
---@field max_head? integer        bytes of a request line with its headers; more: 431, or 414. 16384
---@field max_headers? integer     more: 431. 100
---@field max_body? integer        bytes of a request's body; more: 413. Any number
---@field head_timeout? integer    milliseconds for a head to come, then 408. 60000; 0: for ever
---@field request_timeout? integer for all of a request that has a body, then 408. 300000; 0: for ever
---@field idle_timeout? integer    between two requests of a connection, which is then closed. 5000; 0: for ever
---@field max_connections? integer more are closed at once, with `drop(address, port)`. None
---@field high_water_mark? integer bytes that wait for a client before `write` says `false`. 16384
---@field write_timeout? integer   milliseconds in which a client takes nothing of what waits, then it is gone. 0: for ever
---@field keep_alive? boolean      as set_keep_alive of sockets. false
---@field keep_alive_delay? integer milliseconds without traffic before the first probe

---Makes a server that speaks HTTP/1.1 and 1.0; it listens when it is told to. Requests are answered in
---the order they came, up to 8 at a time. Without a listener they get 404. What `on_request` raises
---is an uncaught error, as in other callbacks; the client gets 500 if nothing was sent, and the
---connection is closed.
---Events: listening, connection(socket), request(request, response), check_continue(request, response),
---client_error(err, socket), drop(address, port), error, close. Mirrors http.createServer.
---@param options? weir.HttpServerOptions
---@param on_request? fun(request: weir.HttpRequest, response: weir.HttpResponse) listens to `request`
---@return weir.HttpServer
---@overload fun(on_request: fun(request: weir.HttpRequest, response: weir.HttpResponse)): weir.HttpServer
function http.create_server(options, on_request) end
---A date as HTTP writes it: "Wed, 25 Nov 2026 15:56:29 GMT".
---@param time? integer as of os.time(); now
---@return string
function http.date(time) end

---It has the emitter's methods of streams (on, once, off, ...), and of servers: see weir.Server.
---`client_error` tells of what came and is no request, or came too slowly: `err` has `code`, `message`
---and `status`, the answer that follows unless the listener writes to the socket, ends or destroys it.
---`check_continue` gets the requests with `Expect: 100-continue` in the place of `request`; without a
---listener, "100 Continue" is sent when the body is first read.
---@class weir.HttpServer : weir.Server
local HttpServer = {}

---Listens, as weir.Server does.
---@param where weir.ListenOptions|integer or just a port
---@param fn? function a listener for the next `listening`
---@return weir.HttpServer self
function HttpServer:listen(where, fn) end
---Takes no more connections, closes those that are idle, and the others when they have been answered.
---`close` follows when the last one has gone.
---@param fn? fun(err?: weir.Error) called then; with ERR_SERVER_NOT_RUNNING if it did not listen
---@return weir.HttpServer self
function HttpServer:close(fn) end
---Closes all connections at once; what is under way fails with ECONNRESET. Mirrors closeAllConnections.
---@return weir.HttpServer self
function HttpServer:close_all_connections() end

---A readable of the request's body. What is not read stops the client; what is left when the answer has
---been sent is dropped, up to 256 KiB, or the connection is closed. When the client goes away, request
---and response are destroyed with ECONNRESET, which is told to `error` only where somebody listens; who
---waits for them gets ERR_STREAM_PREMATURE_CLOSE. A script may give it fields of its own.
---@class weir.HttpRequest : weir.Readable
---@field method string
---@field target string   as it came: "/path?query", or "*", or an absolute URI
---@field version "1.1"|"1.0"
---@field headers weir.HttpHeaders
---@field trailers? weir.HttpHeaders of a body in chunks, at its `end`
---@field socket weir.Socket

---The fields of a request; cannot be changed. Indexing by a name, in whatever case, gives what `get`
---does: `headers["content-type"]`.
---@class weir.HttpHeaders : { [string]: string }
local HttpHeaders = {}
---All values of the name, joined by ", " (those of `cookie` by "; ").
---@param name string in whatever case
---@return string? value nil: there is none
function HttpHeaders:get(name) end
---The values of the name, one for each field.
---@param name string in whatever case
---@return string[]
function HttpHeaders:all(name) end
---Iterates over the fields in the order they came: the name in lower case, the value, the name as it
---was sent.
---@return fun(): string?, string?, string?
function HttpHeaders:each() end

---A writable of the response's body; `false` and `drain` are those of the client's connection. The head
---goes out with the first bytes of the body. What is written and ended in one turn gets a
---Content-Length, all else goes in chunks, one for what a turn has written; to HTTP/1.0, until the
---connection is closed. HEAD, 1xx, 204 and 304 have no body: what is written is dropped. A body that is
---longer or shorter than its Content-Length is an error, ERR_HTTP_CONTENT_LENGTH_MISMATCH, and the
---connection is closed, as it is when a response is destroyed. `finish` comes when all was written
---to the socket. A script may give it fields of its own. Mirrors http.ServerResponse.
---@class weir.HttpResponse : weir.Writable
---@field status integer what an implicit head says. 200
local HttpResponse = {}

---Says the head: raises ERR_HTTP_HEADERS_SENT if that was said before, and for a status, reason, name or
---value that cannot be sent. Its headers replace those that were set.
---@param status integer 100 to 999
---@param reason? string the status's own
---@param headers? table<string, string|number|string[]> name -> value, or a list of { name, value }
---@return weir.HttpResponse self
---@overload fun(self: weir.HttpResponse, status: integer, headers: table): weir.HttpResponse
function HttpResponse:write_head(status, reason, headers) end
---Sets a header in the place of what it was. Raises ERR_INVALID_HTTP_TOKEN and ERR_INVALID_CHAR for
---names and values that cannot be sent (no CR, LF, NUL), ERR_HTTP_HEADERS_SENT when it is too late.
---@param name string
---@param value string|number|string[] a list: one field for each
---@return weir.HttpResponse self
function HttpResponse:set_header(name, value) end
---What was set.
---@param name string in whatever case
---@return string|string[]|nil value
function HttpResponse:get_header(name) end
---Takes a header back. Raises when it is too late.
---@param name string in whatever case
---@return weir.HttpResponse self
function HttpResponse:remove_header(name) end
---Whether the head is final: it was said, or something was written.
---@return boolean
function HttpResponse:headers_sent() end
---Sends the head now, before there is a body. Mirrors flushHeaders.
---@return weir.HttpResponse self
function HttpResponse:flush_headers() end
---Sends "100 Continue" to a client that waits for it, once.
---@return weir.HttpResponse self
function HttpResponse:write_continue() end
---Fields behind the body, which goes in chunks then. Nothing in HTTP/1.0. Raises as set_header, and
---ERR_HTTP_TRAILER_INVALID for one that has to be known before the body.
---@param trailers table<string, string|number|string[]>
---@return weir.HttpResponse self
function HttpResponse:add_trailers(trailers) end

return http
