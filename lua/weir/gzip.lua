--- gzip and gunzip: streams through the codecs of weir.zlib, a C module of its own that is built
--- only where zlib is.
local core = require "weir.core"
local options = require "weir.options"

local gzip = {}

-- What require says when it has looked everywhere and found no such module.
local function is_missing(message)
  return tostring(message):find("module 'weir.zlib' not found", 1, true) ~= nil
end

-- Returns the module; raises, in the name of the constructor and at its caller, what is missing.
local function zlib_for(constructor)
  local found, zlib = pcall(require, "weir.zlib")
  if found then return zlib end
  if not is_missing(zlib) then
    error(("weir.%s needs the module weir.zlib, which cannot be loaded: %s"):format(constructor,
      tostring(zlib)), 3)
  end
  error(("weir.%s needs the module weir.zlib: install zlib's headers (Debian: zlib1g-dev) and "
    .. "build weir again, or the rock weir-zlib"):format(constructor), 3)
end

--- Makes a stream that compresses.
function gzip.gzip(given)
  local checked = options.gzip(given)
  return core.codec(checked, zlib_for("gzip").gzip(checked.level))
end

--- Makes a stream that decompresses.
function gzip.gunzip(given)
  local checked = options.gunzip(given)
  return core.codec(checked, zlib_for("gunzip").gunzip())
end

return gzip
