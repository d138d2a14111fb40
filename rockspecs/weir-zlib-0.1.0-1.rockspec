-- Made by `make rockspecs` from src/zlib/weir-zlib-scm-1.rockspec.
-- The optional part that needs zlib, as a rock of its own, so that weir installs without it. From the
-- top of the checkout: luarocks make src/zlib/weir-zlib-scm-1.rockspec
rockspec_format = "3.0"
package = "weir-zlib"
version = "0.1.0-1"
source = { url = "git+https://github.com/weir-lua/weir.git", tag = "v0.1.0" }
description = {
  summary = "gzip and gunzip for weir",
  detailed = [[
The module weir.zlib, which weir.gzip and weir.gunzip need: streams that compress and decompress on
libuv's thread pool.]],
  homepage = "https://github.com/weir-lua/weir",
  issues_url = "https://github.com/weir-lua/weir/issues",
  maintainer = "The weir authors",
  license = "MIT",
  labels = { "io", "streams", "gzip", "compression" },
}
supported_platforms = { "unix" }
dependencies = { "lua >= 5.1, < 5.6", "weir" }
external_dependencies = { ZLIB = { header = "zlib.h", library = "z" } }
build = {
  type = "builtin",
  modules = {
    ["weir.zlib"] = {
      sources = { "src/zlib/gzip.c", "src/zlib/module.c" },
      incdirs = { "src", "$(ZLIB_INCDIR)" },
      libdirs = { "$(ZLIB_LIBDIR)" },
      libraries = { "z" },
    },
  },
  -- dladdr is in a library of its own before glibc 2.34
  platforms = { linux = { modules = { ["weir.zlib"] = { libraries = { "z", "dl" } } } } },
}
