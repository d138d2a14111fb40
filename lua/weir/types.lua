-- Types for LuaLS, and the reference of what each function promises. Never loaded at run time.
---@meta weir

---@class weir
local weir = {}

---One error, as everybody is told it. `tostring` gives `CODE: message, syscall 'path'`.
---@class weir.Error
---@field code string      "ENOSPC", "ERR_STREAM_DESTROYED", ...
---@field message string
---@field errno? integer   of a failed system call
---@field syscall? string  the call that failed
---@field path? string     the file, or unix socket, it was about
---@field address? string  the address, or the name, of the peer it was about
---@field port? integer    with an address
---@field others? any[]    uncaught errors that came after this one, in the same run

---Bytes: a string, or a number, which is the bytes that `..` makes of it.
---@alias weir.Piece string|number

---Called once; without an error on success.
---@alias weir.Callback fun(err?: any)

-- Options ------------------------------------------------------------------------------------------

---@class weir.Options
---@field high_water_mark? integer bytes (values, in object mode) from which `write` says false. 16384 (16)
---@field low_water_mark? integer  `drain` comes when the length has fallen to it; below the high mark. 0
---@field max_buffered? integer    a write beyond it is refused with ENOBUFS; at least the high mark. None
---@field auto_destroy? boolean    destroy the stream after its end, or an error. true
---@field emit_close? boolean      emit `close`. true

---The hooks of a sink written in Lua. Each calls its `done` exactly once, at once or later;
---`done(err)` with
---anything but nil and false is a failure, and so is raising an error.
---@class weir.WritableOptions : weir.Options
---@field object_mode? boolean  chunks are values, counted 1 each. false
---@field write? fun(self: weir.Writable, chunk: any, done: weir.Callback)     takes one chunk
---@field writev? fun(self: weir.Writable, chunks: any[], done: weir.Callback) takes all that is queued, two or more
---@field final? fun(self: weir.Writable, done: weir.Callback)     after the last write, before `finish`
---@field construct? fun(self: weir.Writable, done: weir.Callback) before the first write
---@field destroy? fun(self: weir.Writable, err: any, done: weir.Callback) the last call; done's error is emitted

---@class weir.FileOptions : weir.Options
---@field flags? "w"|"wx"|"w+"|"wx+"|"a"|"ax"|"a+"|"ax+"|"r+" how to open. "w"
---@field mode? integer|string of a new file: 0 to 4095, or octal as in "0644"; less the umask. 438 (0666)
---@field start? integer       the byte to write at first; not with appending
---@field fd? integer          a descriptor that is open already, instead of a path
---@field auto_close? boolean  close the descriptor after the end, or an error; the same as auto_destroy. true
---@field sync? "none"|"data"|"full" what `finish` waits for: the kernel; fdatasync (and the folder, if the file was created); fsync and the folder. "none"
---@field atomic? boolean      write beside the target, sync, rename over it before `finish`; the target is untouched on failure. false

---@class weir.FileReadOptions
---@field high_water_mark? integer bytes read at a time, 16 MiB at most, and kept ahead of who reads. 65536
---@field flags? "r"|"r+"|"w+"|"wx+"|"a+"|"ax+" how to open. "r"
---@field mode? integer|string of a new file: 0 to 4095, or octal as in "0644"; less the umask. 438 (0666)
---@field start? integer       the first byte to read, counted from 0. Without it a descriptor is read from where it stands
---@field end_? number         the last byte to read, as in Node; not before `start`. math.huge: to the end
---@field fd? integer          a descriptor that is open already, instead of a path
---@field auto_close? boolean  close the descriptor after the end, or an error; the same as auto_destroy. true
---@field auto_destroy? boolean destroy the stream after its end, or an error. true
---@field emit_close? boolean  emit `close`. true

---`high_water_mark` counts for both sides, unless one has its own.
---@class weir.CodecOptions : weir.Options
---@field readable_high_water_mark? integer bytes, of what comes out. 16384
---@field writable_high_water_mark? integer bytes, of what goes in. 16384

---@class weir.GzipOptions : weir.CodecOptions
---@field level? integer from 0 (stored) to 9 (smallest, slowest). zlib's default, 6

-- Constructors -------------------------------------------------------------------------------------

---Makes a stream into a file. It is opened by the loop: writes may come at once, and wait for it.
---Raises for wrong arguments, with nothing created. All else arrives as an error.
---With `fd` it writes into a descriptor that is open already: of a file, pipe, terminal, socket or
---device. Whatever it is, the loop does not block, and O_NONBLOCK is not left set where others have the
---same open file. Descriptors 0, 1 and 2 are never closed.
---Events: open, ready, drain, prefinish, finish, error, close. Mirrors fs.createWriteStream.
---@param path? string no NUL byte; nil only with `fd`
---@param options? weir.FileOptions
---@return weir.Writable
function weir.create_write_stream(path, options) end

---Makes a stream out of a file. It is opened by the loop, and read a piece at a time, as fast as what
---it gives is taken. Raises for wrong arguments, with nothing created. All else arrives as an error.
---A FIFO or device that has nothing now is waited for, without holding up other files.
---Events: open(fd), ready, data(piece), readable, end, pause, resume, error, close. Mirrors
---fs.createReadStream.
---@param path? string no NUL byte; nil only with `fd`
---@param options? weir.FileReadOptions
---@return weir.Readable
function weir.create_read_stream(path, options) end

---Standard output, of whatever kind: made when it is first used, after C's own buffer was flushed; one
---for each Lua state. It is like any stream with `fd = 1`, but pipe() and pipeline() never end it.
---`end_` and `destroy` let go of descriptor 1 and leave it open. Idle, it does not keep the loop going.
---A reader that is gone is the error EPIPE. Mirrors process.stdout.
---@type weir.Writable
weir.stdout = nil

---Standard input, of whatever kind: made when it is first used, one for each Lua state. It is read when
---data is wanted of it, without blocking the loop, which it keeps going meanwhile, but not when it is
---paused. Descriptor 0 is never closed. It does not see what io.read has read ahead.
---Mirrors process.stdin.
---@type weir.Readable
weir.stdin = nil

---The same for standard error. Mirrors process.stderr.
---@type weir.Writable
weir.stderr = nil

---Makes a stream that compresses: what is written comes out as one member of gzip. It works on
---libuv's thread pool, and only while somebody reads. `finish` comes when all was compressed; `end`
---when it was read. Raises, and says what is missing, where the module weir.zlib is not. Mirrors
---zlib.createGzip.
---@param options? weir.GzipOptions
---@return weir.Duplex
function weir.gzip(options) end

---Makes a stream that decompresses. Members that follow each other are read as one; zero bytes
---behind one are padding. However much comes of little, it comes in pieces of up to 64 KiB, as fast as
---it is read. Errors: Z_DATA_ERROR for what is no gzip or is damaged, Z_BUF_ERROR ("unexpected end of
---file") where the input ends too early, with zlib's number in `errno`. Raises where the module
---weir.zlib is not. Mirrors zlib.createGunzip.
---@param options? weir.CodecOptions
---@return weir.Duplex
function weir.gunzip(options) end

---Makes a transform from bytes to lines, each one `data` event (its readable side is in object mode).
---A line ends at LF or CR LF, which is left out; the last one needs no end. A line is held in memory
---until its end has come, however long it is.
---@param options? weir.CodecOptions the readable mark counts lines. 16
---@return weir.Duplex
function weir.lines(options) end

---Makes a stream into a sink written in Lua. Mirrors `new stream.Writable(options)`.
---@param options? weir.WritableOptions
---@return weir.Writable
function weir.writable(options) end

-- The loop -----------------------------------------------------------------------------------------

---Runs ticks and the loop. Raises the first error of a callback that nobody caught, unchanged but
---for a
---traceback added to strings. Returns whether work is left; nil and ERR_LOOP_RUNNING when it is
---nested.
---With a function: runs it as a coroutine, and the loop until nothing is left, and returns what it
---returned; raises what it raised. nil and ERR_STALLED, naming stream and event, when nothing is left
---to do and it still waits.
---@param mode? "default"|"once"|"nowait"|function until nothing is left; one event; no waiting. "default"
---@param ... any the function's arguments
---@return boolean? alive
---@return weir.Error? err
function weir.run(mode, ...) end
---Runs a function as a coroutine, from the end of this turn on. What it raises is an uncaught error.
---@param fn function
---@param ... any its arguments
---@return thread
function weir.spawn(fn, ...) end
---Makes the current run return soon. Nothing outside of one.
function weir.stop() end
---Queues a call for the end of the current callback, before the loop goes on. Mirrors
---process.nextTick.
---@param fn function
---@param ... any its arguments
function weir.next_tick(fn, ...) end
---Calls `fn` once, after `ms` milliseconds, at least 1.
---@param fn function
---@param ms number
---@return weir.Timer
function weir.set_timeout(fn, ms) end

---@class weir.Timer
local Timer = {}
---Lets it not fire. Nothing when it has.
function Timer:clear() end
---It keeps `weir.run` running until it has fired; that is the default. Mirrors Timeout.ref.
---@return weir.Timer self
function Timer:ref() end
---It does not. Mirrors Timeout.unref.
---@return weir.Timer self
function Timer:unref() end

---A clock that only goes forward.
---@return integer nanoseconds (a float on Lua 5.1, 5.2 and LuaJIT)
function weir.hrtime() end

---Sets who gets the uncaught errors of a run after the first, which `weir.run` raises. Without it
---they are
---in the first one's `others`.
---@param fn? fun(err: any)
function weir.on_uncaught(fn) end

---SIGPIPE and SIGXFSZ end a process by default. weir catches them when its loop is made, if they were
---default, so that they become the errors EPIPE and EFBIG. They are caught and not ignored, so a program
---that the script starts (io.popen, os.execute) has them default as ever. `set_sigpipe(false)` leaves
---them alone, or sets them back to the default; it is a setting of the whole process.
---@param on boolean
function weir.set_sigpipe(on) end

---How long the end of the Lua state, or of the process, may take to flush what was accepted; what is
---stuck beyond it is dropped. A write that the system is at already, into a regular file, is waited
---for all the same. Raises for anything but a number of 0 or more. Node has nothing like it: there
---`process.exit()` drops what is queued.
---@param ms number milliseconds; 2000 unless this is called
function weir.set_close_timeout(ms) end

---Whose loop the streams run on; decides it, if nothing has yet.
---@return { kind: "own"|"host"|"luv"|"luv-rebound"|"bridge" }
function weir.loop_info() end
---Which loop the streams shall run on: luv's, by its module (Neovim's is `vim.uv`), or false for one of
---weir's own. Without it: a program's own loop, else luv's where it is loaded already, else weir's own.
---Raises when the choice has been made, at the first need of a loop.
---@param loop table|false the module luv
function weir.use(loop) end
---Writes out what all streams have accepted, without ending them.
---@param ms? number for how many milliseconds at most. 2000
---@return boolean? flushed true: all is written. false: the time is over. nil: the loop cannot be run here
---@return weir.Error? err
function weir.flush_all(ms) end
---For a loop of another kind that shall drive weir's: a descriptor that is readable when there is something
---to do, by `weir.run "nowait"`.
---@return integer fd
function weir.backend_fd() end
---For the same: for how many milliseconds at most it may wait for that.
---@return integer ms -1: for ever
function weir.backend_timeout() end

-- Looking at it ------------------------------------------------------------------------------------

---What weir.inspect says of one stream. Fields about a side that the stream lacks are nil.
---@class weir.Inspection
---@field stream weir.Writable
---@field kind string            "file", "tcp", "unix", "lua", "duplex", "transform", "readable", "stdout", ...
---@field state "opening"|"open"|"ended"|"finished"|"errored"|"destroyed"
---@field path? string           of a file or a unix socket
---@field address? string        of the peer of a TCP socket that is connected
---@field port? integer          the same
---@field buffered? integer      writable_length: bytes (values, in object mode) accepted and not yet written
---@field high_water_mark? integer
---@field low_water_mark? integer
---@field need_drain? boolean    a `drain` is owed
---@field corked? integer        how deep it is corked
---@field accepted? integer      bytes (values) accepted so far
---@field written? integer       bytes (values) written so far
---@field queued_writes? integer accepted and not yet written
---@field oldest_write_ms? integer for how long the oldest of them has been waiting, in milliseconds, from the turn of the loop it was made in; nil: none waits
---@field waits_for? string      the hook of a sink in Lua that has not called its `done`: "write", "writev", "final", "construct", "destroy"
---@field read_buffered? integer bytes (values) that wait to be read
---@field read_high_water_mark? integer
---@field error? any             the first error

---All streams of this Lua state that are not closed, the oldest first. A snapshot for people and for
---monitoring; it makes a table for each stream. weir's own.
---@return weir.Inspection[]
function weir.inspect() end

---Debugging: warns once of each mistake that is easily made, and says where: `false` is ignored again
---and again; a hook of a sink does not call its `done` for long, or never will; a stream is collected
---that nobody has ended. The environment's WEIR_DEBUG=1 turns it on from the start. While it is off it
---costs nothing. weir's own.
---@param to boolean|fun(warning: string) true: warnings go to io.stderr; a function gets them instead
---@param options? { done_ms?: number } for how many milliseconds a hook may keep its `done`: 5000
function weir.debug(to, options) end

---The release: "weir 0.1.0".
---@type string
weir._VERSION = "weir 0.1.0"
---As io.open, with a stream behind the file.
---@param path string
---@param mode? string as for io.open. "r"
---@return weir.File? file
---@return string? message
function weir.open(path, mode) end
---A sink of ltn12: takes chunks, ends the stream at the end, destroys it on an error.
---@param stream weir.Writable
---@return fun(chunk?: string, err?: any): 1|nil, any
function weir.ltn12_sink(stream) end

---The face of a file of `io`. Where it may wait it does; what fails answers nil, a message and a code.
---@class weir.File
---@field write fun(self: weir.File, ...: string|number): weir.File?, string?, integer|string?
---@field flush fun(self: weir.File): weir.File?, string?, integer|string?
---@field close fun(self: weir.File): true?, string?, integer|string?
---@field read fun(self: weir.File, ...: string|integer): string? "l", "L", "a", or a number of bytes
---@field lines fun(self: weir.File, ...: string|integer): fun(): string?
---@field seek fun(self: weir.File, whence?: string, offset?: integer): integer?, string?, string?
---@field setvbuf fun(self: weir.File, ...: any): true

-- Streams ------------------------------------------------------------------------------------------

---@class weir.Writable
local Writable = {}

---Accepts one chunk made of the pieces. In object mode: one value, then perhaps a callback.
---Raises "bad argument" for other types, with nothing taken.
---@param ... weir.Piece|weir.Callback|any pieces, then perhaps a callback, called when the chunk was handled
---@return boolean? go_on true: go on. false: accepted, wait for `drain`. nil: refused, nothing was taken
---@return weir.Error? err why: ERR_STREAM_WRITE_AFTER_END, ERR_STREAM_DESTROYED, ENOBUFS, or the stream's error
function Writable:write(...) end

---Files and sockets: the bytes that were read. nil for other streams.
---@return integer? bytes
function Writable:bytes_read() end

---No more writes: flushes, then `finish`, then `close`. A last chunk may come along. The callback
---comes right
---before `finish`, or gets the error.
---@param ... weir.Piece|weir.Callback|any
---@return weir.Writable? self nil only when the last chunk was refused with ENOBUFS; then it has not ended
---@return weir.Error? err
function Writable:end_(...) end

---Holds writes back until the matching uncork, or the end. Nests.
function Writable:cork() end
---Undoes one cork; the last one lets all writes go together. Nothing when not corked.
function Writable:uncork() end

---Stops now: what is queued fails, with `err` or ERR_STREAM_DESTROYED; `error` (if given) and
---`close` follow.
---Nothing the second time.
---@param err? any
---@return weir.Writable self
function Writable:destroy(err) end

---Beside them any name of the script's own may be emitted and listened to. Which kinds of stream emit
---what, and with which arguments, stands with their constructors.
---@alias weir.Event "open"|"ready"|"drain"|"prefinish"|"finish"|"error"|"close"|"data"|"readable"|"end"|"pause"|"resume"|"pipe"|"unpipe"|"lookup"|"connect"|"timeout"|"listening"|"connection"|"drop"|string

---@param event weir.Event
---@param fn function
---@return weir.Writable self
function Writable:on(event, fn) end
---The same, for one event only.
---@param event weir.Event
---@param fn function
---@return weir.Writable self
function Writable:once(event, fn) end
---Takes away the latest listener that is `fn`, if there is one.
---@param event weir.Event
---@param fn function
---@return weir.Writable self
function Writable:off(event, fn) end
---As `on`, before those that are there.
---@param event weir.Event
---@param fn function
---@return weir.Writable self
function Writable:prepend_listener(event, fn) end
---As `once`, before those that are there.
---@param event weir.Event
---@param fn function
---@return weir.Writable self
function Writable:prepend_once_listener(event, fn) end
---@param event? weir.Event nil: of all events
---@return weir.Writable self
function Writable:remove_all_listeners(event) end
---@param event weir.Event
---@return function[]
function Writable:listeners(event) end
---@param event weir.Event
---@return integer
function Writable:listener_count(event) end
---Calls the listeners; what one raises ends it. `error` without a listener raises its argument.
---@param event weir.Event
---@param ... any
---@return boolean heard
function Writable:emit(event, ...) end

---Whether a write would be accepted: not ended, destroyed or failed.
---@return boolean
function Writable:writable() end
---Bytes (values, in object mode) accepted and not yet written, also those the sink has.
---@return integer
function Writable:writable_length() end
---@return integer
function Writable:writable_high_water_mark() end
---@return integer
function Writable:writable_low_water_mark() end
---Whether a `drain` is owed.
---@return boolean
function Writable:writable_need_drain() end
---Whether `end_` was called.
---@return boolean
function Writable:writable_ended() end
---Whether `finish` was emitted.
---@return boolean
function Writable:writable_finished() end
---How deep it is corked.
---@return integer
function Writable:writable_corked() end
---@return boolean
function Writable:writable_object_mode() end
---Destroyed or failed before it finished.
---@return boolean
function Writable:writable_aborted() end
---@return boolean
function Writable:destroyed() end
---Whether the sink has let go of everything; `close` comes then.
---@return boolean
function Writable:closed() end
---The first error, or nil.
---@return any
function Writable:errored() end

---What the kernel took, in bytes. nil for sinks written in Lua, as are the three below.
---@return integer?
function Writable:bytes_written() end
---Whether the file is not open (yet, or any more).
---@return boolean?
function Writable:pending() end
---@return string?
function Writable:path() end
---@return integer?
function Writable:fd() end

---Files: what is written from now on goes to another file, as log rotation needs it. The file before
---gets all that was accepted until now, is synced if `sync` says so, and closed; no chunk is split over
---two files. What the other file holds is kept: it is never truncated. An atomic stream makes each file
---appear whole, and needs a new path every time. If it fails, the stream does, as after a failed write.
---`open` and `ready` are emitted again. `bytes_written` counts all files together.
---@param path? string nil: the same path anew, which somebody may have renamed meanwhile
---@param callback? weir.Callback called when the other file is open, or with the error
---@return weir.Writable? self nil: it was refused, and the stream goes on as if it had not been asked
---@return weir.Error? err ERR_STREAM_WRITE_AFTER_END, ERR_STREAM_DESTROYED, or the stream's error
function Writable:reopen(path, callback) end

-- The three below wait: in a coroutine they yield, and wake first come, first served, when no tick is left.
-- Outside of one they run the loop, if it is weir's own. Where neither can be (in a callback, across a
-- function of C, in Lua 5.1 also across pcall) they answer nil and ERR_CANNOT_WAIT, with nothing taken.
-- An error that they return is told: not uncaught as well. One that came before is returned by the next.
---`write`, then waits while the stream asks to slow down.
---@param ... weir.Piece|weir.Callback|any as for write
---@return boolean? ok true: go on. nil: refused, or the stream has failed
---@return any err
function Writable:send(...) end
---`end_`, then waits until it has finished. Mirrors `await finished(ws.end())`.
---@param ... weir.Piece|any a last chunk
---@return boolean? ok
---@return any err
function Writable:finish(...) end
---Waits for an event; returns at once what has already happened: open, ready, connect, finish, end,
---close, and drain when none is owed. A close that comes first is ERR_STREAM_PREMATURE_CLOSE, an error
---comes back as `nil, err`. Mirrors events.once.
---@param event weir.Event|string
---@return boolean? ok
---@return any ... the event's arguments; or the error
function Writable:wait(event) end

---The same stream with the face of a file of `io`.
---@return weir.File
function Writable:as_file() end

---@class weir.Stats
---@field writes integer          accepted
---@field bytes_accepted integer  bytes, or values
---@field bytes_written integer
---@field queued_writes integer   accepted and not yet written
---@field flushes integer         times the sink was given work
---@field drains integer
---@field peak_buffered integer   the highest writable_length
---@field blocked_ns integer      between `false` and `drain`, all of it, the wait that lasts included
---@field longest_blocked_ns integer

---@return weir.Stats
function Writable:stats() end

return weir
