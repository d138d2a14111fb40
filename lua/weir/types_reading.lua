-- Types for LuaLS of what is read, and of what joins streams; see types.lua. Never loaded at run time.
---@meta weir

---@class weir
local weir = {}

-- Options ------------------------------------------------------------------------------------------

---@class weir.ReadableOptions
---@field high_water_mark? integer bytes (values, in object mode) to read ahead. 16384 (16)
---@field object_mode? boolean  chunks are values, counted 1 each. false
---@field auto_destroy? boolean destroy the stream after its end, or an error. true
---@field emit_close? boolean   emit `close`. true
---@field read? fun(self: weir.Readable, size: integer) asks for more, which comes by `self:push()`, at once or later
---@field construct? fun(self: weir.Readable, done: weir.Callback) before the first read
---@field destroy? fun(self: weir.Readable, err: any, done: weir.Callback) the last call

---@class weir.ReadableFromOptions
---@field high_water_mark? integer how many values to take ahead. 1; bytes without object_mode: 16384
---@field object_mode? boolean  true
---@field auto_destroy? boolean true
---@field emit_close? boolean   true

---@class weir.BothSidesOptions : weir.Options
---@field object_mode? boolean  of both sides. false
---@field readable_object_mode? boolean of that side. false
---@field writable_object_mode? boolean of that side. false
---@field readable_high_water_mark? integer of that side; `high_water_mark`, for both, wins. 16384 (16)
---@field writable_high_water_mark? integer of that side. 16384 (16)
---@field readable? boolean     false: it has no readable side
---@field writable? boolean     false: it has no writable side
---@field allow_half_open? boolean false: the end of reading ends the writing. true
---@field final? fun(self: weir.Duplex, done: weir.Callback)     after the last write, before `finish`
---@field construct? fun(self: weir.Duplex, done: weir.Callback) before all else
---@field destroy? fun(self: weir.Duplex, err: any, done: weir.Callback) the last call

---@class weir.DuplexOptions : weir.BothSidesOptions
---@field read? fun(self: weir.Duplex, size: integer)                      as of ReadableOptions
---@field write? fun(self: weir.Duplex, chunk: any, done: weir.Callback)     as of WritableOptions
---@field writev? fun(self: weir.Duplex, chunks: any[], done: weir.Callback) as of WritableOptions

---@class weir.PassthroughOptions : weir.BothSidesOptions
---@field flush? fun(self: weir.Duplex, done: fun(err?: any, out?: any)) after the last chunk, before the end

---@class weir.TransformOptions : weir.PassthroughOptions
---@field transform? fun(self: weir.Duplex, chunk: any, done: fun(err?: any, out?: any)) what comes in; what goes out by `done(nil, out)` or `self:push(out)`

-- Constructors -------------------------------------------------------------------------------------

---Makes a stream whose source is written in Lua. Mirrors `new stream.Readable(options)`.
---Events: data(chunk), readable, end, pause, resume, error, close.
---@param options? weir.ReadableOptions
---@return weir.Readable
function weir.readable(options) end

---Makes a stream of what is in a list, what an iterator gives or what a coroutine yields, one value after
---the other, as fast as they are taken. Mirrors Readable.from.
---@param source any[]|string|thread|fun(): any a list; one chunk; a coroutine; a function that returns the next value, and nil at the end
---@param options? weir.ReadableFromOptions
---@return weir.Readable
function weir.readable_from(source, options) end

---Makes a stream with both sides, each written in Lua. Mirrors `new stream.Duplex(options)`.
---@param options? weir.DuplexOptions
---@return weir.Duplex
function weir.duplex(options) end

---Makes a stream whose output is computed from its input. It is asked for more only as fast as its
---output is read. Mirrors `new stream.Transform(options)`.
---@param options? weir.TransformOptions
---@return weir.Duplex
function weir.transform(options) end

---Makes a transform that passes everything on. Mirrors `new stream.PassThrough(options)`.
---@param options? weir.PassthroughOptions
---@return weir.Duplex
function weir.passthrough(options) end

-- Joining ------------------------------------------------------------------------------------------

---Joins streams in a row, so that they end or fail together: the first error destroys all that are not
---through, and is told once. Every stage may be a function instead: the first one an iterator, the last
---one a consumer, those between transforms. The standard streams are never ended. Mirrors
---stream.pipeline.
---@param ... weir.Stream|function|fun(err?: any) the stages, two or more, or one list of them, then the callback
---@return weir.Stream last
function weir.pipeline(...) end

---Makes one duplex out of streams in a row: what is written goes into the first, what is read comes out
---of the last. Mirrors stream.compose.
---@param ... weir.Stream|function the stages
---@return weir.Duplex
function weir.compose(...) end

---Calls back once when a stream is through: read to the end, finished, failed, or closed too early
---(ERR_STREAM_PREMATURE_CLOSE). Mirrors stream.finished.
---@param stream weir.Stream
---@param options? { readable?: boolean, writable?: boolean, error?: boolean } false: that side, or errors, do not matter
---@param callback fun(err?: any)
---@return fun() cleanup takes all listeners back; the callback is not called any more
function weir.finished(stream, options, callback) end

-- What is read -------------------------------------------------------------------------------------

---Every stream has all methods. Of a side that it lacks the state is nil, and the verbs raise.
---@alias weir.Stream weir.Readable|weir.Writable|weir.Duplex

---@class weir.Readable : weir.Writable
local Readable = {}

---A stream with both sides.
---@class weir.Duplex : weir.Readable

---Takes what is in the buffer, and asks the source for more. Returns nil when there is nothing, or less
---than was asked for and more may come. Mirrors readable.read.
---@param size? integer bytes; nil: all there is. In object mode one value comes, whatever is asked for
---@return any chunk
function Readable:read(size) end
---For sources: hands over a chunk, nil for the end. Mirrors readable.push.
---@param chunk any
---@return boolean more false: wait until you are asked again
function Readable:push(chunk) end
---Puts a chunk back in front of what is in the buffer.
---@param chunk any
---@return boolean more
function Readable:unshift(chunk) end
---Nothing flows until resume.
---@return weir.Readable self
function Readable:pause() end
---Data flows as `data` events, whether somebody listens or not.
---@return weir.Readable self
function Readable:resume() end
---@return boolean
function Readable:is_paused() end

---Writes all that is read into `dst`, as fast as that takes it. Errors are not passed on, nor does an
---error close the other stream: weir.pipeline does both. Mirrors readable.pipe.
---@param dst weir.Stream
---@param options? { end_?: boolean } false: `dst` is not ended when this stream is
---@return weir.Stream dst
function Readable:pipe(dst, options) end
---Undoes that.
---@param dst? weir.Stream nil: all of them
---@return weir.Readable self
function Readable:unpipe(dst) end

---Whether it can be read: not ended, destroyed or failed.
---@return boolean
function Readable:readable() end
---Bytes (values, in object mode) in the buffer.
---@return integer?
function Readable:readable_length() end
---@return integer?
function Readable:readable_high_water_mark() end
---Whether `end` was emitted.
---@return boolean?
function Readable:readable_ended() end
---nil: not decided yet; true: data flows; false: it was paused.
---@return boolean?
function Readable:readable_flowing() end
---@return boolean?
function Readable:readable_object_mode() end
---Destroyed or failed before its end.
---@return boolean?
function Readable:readable_aborted() end
---Whether anything was read of it.
---@return boolean?
function Readable:readable_did_read() end

-- In coroutines ------------------------------------------------------------------------------------

---Waits for the next chunk: what is in the buffer, as one string, or one value in object mode. Outside
---of a coroutine it runs the loop meanwhile. Mirrors one step of `for await (const chunk of readable)`.
---@return any chunk nil at the end, or on failure
---@return any err the stream's error; ERR_STREAM_PREMATURE_CLOSE; ERR_CANNOT_WAIT, with nothing taken
function Readable:read_chunk() end
---Waits for the next line, without its `\n` or `\r\n`; the last one may lack it. What is behind it stays
---for the next call, of this or of read_chunk. Mirrors one step of node:readline. Raises for a stream in
---object mode.
---@return string? line nil at the end, or on failure
---@return any err as read_chunk
function Readable:read_line() end
---`for chunk in stream:chunks() do`: read_chunk as a loop, which raises the stream's error. Leaving it
---leaves the stream open. Raises where it cannot wait, as in coroutines of Lua 5.1.
---@return fun(): any
function Readable:chunks() end
---`for line in stream:lines() do`: the same with read_line.
---@return fun(): string?
function Readable:lines() end

return weir
