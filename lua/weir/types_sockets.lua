-- Types for LuaLS of sockets and servers; see types.lua. Never loaded at run time.
---@meta weir

---@class weir
local weir = {}

-- Options ------------------------------------------------------------------------------------------

---Of both ends of a connection.
---@class weir.ConnectionOptions : weir.Options
---@field allow_half_open? boolean the peer's end leaves our side open. false: it ends it, after what was written
---@field readable_high_water_mark? integer bytes to read ahead; high_water_mark sets both. 16384
---@field writable_high_water_mark? integer
---@field no_delay? boolean    as set_no_delay. false
---@field keep_alive? boolean  as set_keep_alive. false
---@field keep_alive_delay? integer milliseconds without traffic before the first probe
---@field write_timeout? integer    milliseconds in which the peer takes nothing of what waits, then ETIMEDOUT. 0: none
---@field linger_timeout? integer   milliseconds to wait for the peer's end, after ours, where nobody reads. 2000

---@class weir.ServerOptions : weir.ConnectionOptions
---@field max_connections? integer more are closed at once, with `drop(address, port)`. None

---@class weir.SocketOptions : weir.ConnectionOptions
---@field host? string         a name or an address, no NUL byte. "localhost"
---@field port? integer        1 to 65535; or a path
---@field family? 0|4|6        only addresses of IPv4, or of IPv6. 0: both
---@field path? string         of a unix socket; at most 107 bytes, else ENAMETOOLONG
---@field abstract? string|true  the name of an abstract socket (Linux); true: the path is one
---@field connect_timeout? integer  milliseconds for all of lookup and connecting, then ETIMEDOUT. 0: the system's

-- Constructors -------------------------------------------------------------------------------------

---Makes a stream to a peer. Writes may come at once, and wait until it is connected; the addresses of
---a name are tried in turn. If that fails, all that was written fails with the error (`syscall`,
---`address`, `port` or `path`), then `error`, then `close(true)`. Raises for wrong arguments.
---Events: lookup(err, address, family, host), connect, ready, drain, timeout, prefinish, finish, error,
---close(had_error). Mirrors net.connect.
---@param options weir.SocketOptions
---@return weir.Socket
function weir.connect(options) end

---Makes a server; it listens when it is told to. Events: listening, connection(socket),
---drop(address, port), error, close. Mirrors net.createServer.
---@param options? weir.ServerOptions of its connections
---@param on_connection? fun(socket: weir.Socket)
---@return weir.Server
---@overload fun(on_connection: fun(socket: weir.Socket)): weir.Server
function weir.create_server(options, on_connection) end

-- Sockets ------------------------------------------------------------------------------------------

---A stream to a peer; it has the methods and events of both sides.
---@class weir.Socket : weir.Duplex
local Socket = {}

---Whether it looks the peer up or connects.
---@return boolean
function Socket:connecting() end
---Small writes leave at once, instead of waiting for the acknowledgement of earlier ones (TCP_NODELAY).
---May be called before it is connected, as the next two.
---@param on? boolean true
---@return weir.Socket self
function Socket:set_no_delay(on) end
---Has the system probe whether the peer is still there.
---@param on? boolean true
---@param delay_ms? number milliseconds without traffic before the first probe; the system's if missing
---@return weir.Socket self
function Socket:set_keep_alive(on, delay_ms) end
---`timeout` is emitted after so many milliseconds without a byte either way, once until some come.
---Nothing else happens: it is the script that ends or destroys the socket.
---@param ms number 0: never
---@param fn? function a listener for the next `timeout`; with 0 one to take away
---@return weir.Socket self
function Socket:set_timeout(ms, fn) end
---Bytes that the peer has sent and we have taken.
---@return integer
function Socket:bytes_read() end
---This side's address; of a unix socket its path, "" if it has none. nil while not connected.
---@return string? address
---@return integer? port
---@return 4|6? family
function Socket:local_address() end
---The peer's address, likewise.
---@return string? address
---@return integer? port
---@return 4|6? family
function Socket:remote_address() end
---Closes at once, telling the peer "reset". Mirrors resetAndDestroy.
---@return weir.Socket self
function Socket:reset_and_destroy() end
---It keeps `weir.run` running while it waits for something; that is the default.
---@return weir.Socket self
function Socket:ref() end
---It does not.
---@return weir.Socket self
function Socket:unref() end

---Listens for peers. It has the emitter's methods of streams (on, once, off, ...).
---@class weir.Server
local Server = {}

---@class weir.ListenOptions
---@field host? string         a name or an address; any of this host's if missing
---@field port? integer        0: a free one
---@field backlog? integer     how many may wait to be taken. 511
---@field path? string         of a unix socket; at most 107 bytes, else ENAMETOOLONG
---@field mode? integer|string of the path, whatever the umask; if missing 0777 less the umask
---@field abstract? string|true  the name of an abstract socket (Linux); true: the path is one

---Listens. `listening` follows, or `error` (EADDRINUSE, ...) and nothing has happened. A socket that
---was left behind at the path is replaced, if it is ours and refuses connections. Raises
---ERR_SERVER_ALREADY_LISTEN if it listens already, or before it has told why it could not; after
---`close` it may listen anew at once, also while connections linger, whose `close` then comes with
---that of the new ones, as in Node.
---@param where weir.ListenOptions|integer or just a port
---@param fn? function a listener for the next `listening`
---@return weir.Server self
function Server:listen(where, fn) end
---Takes no more connections, and removes its path. `close` follows when the last connection has gone.
---@param fn? fun(err?: weir.Error) called then; with ERR_SERVER_NOT_RUNNING if it did not listen
---@return weir.Server self
function Server:close(fn) end
---Where it listens; of a unix socket its path. nil if it does not.
---@return string? address
---@return integer? port
---@return 4|6? family
function Server:address() end
---@return boolean
function Server:listening() end
---How many of its connections are open.
---@return integer
function Server:connections() end
---It keeps `weir.run` running while it listens; that is the default.
---@return weir.Server self
function Server:ref() end
---It does not.
---@return weir.Server self
function Server:unref() end

return weir
