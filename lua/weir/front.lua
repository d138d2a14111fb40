--- The front of write() on LuaJIT: small pieces without a callback go to C through the FFI, which
--- costs a fraction of a call through Lua's C API; everything else goes on to the write() of C.
local front = { methods = {} }

local core = require "weir.core"

local function make(ffi)
  local one, some, streams, write_in_c = core.front()
  local write_one = ffi.cast("bool (*)(void *, const char *, uint32_t)", one)
  local write_some = ffi.cast("bool (*)(void *, int, const char *, double, const char *, double, "
    .. "const char *, double, const char *, double)", some)

  -- A piece as the function takes it: a string and its size, or nil and a number; else nothing.
  local function split(piece)
    local kind = type(piece)
    if kind == "string" then return piece, #piece end
    if kind == "number" then return nil, piece end
  end

  local function try_one(self, a)
    if type(a) == "string" then return write_one(self, a, #a) end
    if type(a) == "number" then return write_some(self, 1, nil, a, nil, 0, nil, 0, nil, 0) end
  end

  local function try_some(self, count, a, b, c, d)
    local a_bytes, a_size = split(a)
    local b_bytes, b_size = split(b)
    local c_bytes, c_size, d_bytes, d_size = nil, 0, nil, 0
    if count > 2 then c_bytes, c_size = split(c) end
    if count > 3 then d_bytes, d_size = split(d) end
    return a_size and b_size and c_size and d_size and write_some(self, count, a_bytes, a_size,
      b_bytes, b_size, c_bytes, c_size, d_bytes, d_size)
  end

  -- Only userdata that the binding itself has entered into `streams` gets through, and C does not
  -- call back: the two things the FFI does not check.
  return function(self, ...)
    if streams[self] then
      local count = select("#", ...)
      if count == 1 then
        if try_one(self, (...)) then return true end
      elseif count > 1 and count <= 4 then
        if try_some(self, count, ...) then return true end
      end
    end
    return write_in_c(self, ...)
  end
end

local has_ffi, ffi = pcall(require, "ffi")
if has_ffi and type(jit) == "table" and jit.status() then
  local made, write = pcall(make, ffi)
  if made then front.methods.write = write end
end

return front
