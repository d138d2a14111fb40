-- The module, compiled by LuaRocks itself: no make, no pkg-config. spec/tidy_spec.lua checks that the
-- lists below are complete.
rockspec_format = "3.0"
package = "weir"
version = "scm-1"
source = { url = "git+https://github.com/weir-lua/weir.git", branch = "main" }
description = {
  summary = "Node-style writable streams for Lua on libuv",
  detailed = [[
Writable streams with backpressure, as Node has them: write() says when to slow down, `drain` when
to go on. Files, and sinks written in Lua, with bounded memory.]],
  homepage = "https://github.com/weir-lua/weir",
  issues_url = "https://github.com/weir-lua/weir/issues",
  maintainer = "The weir authors",
  license = "MIT",
  labels = { "io", "streams", "libuv", "async" },
}
supported_platforms = { "unix" }
dependencies = { "lua >= 5.1, < 5.6" }
external_dependencies = { LIBUV = { header = "uv.h", library = "uv" } }
build = {
  type = "builtin",
  modules = {
    ["weir"] = "lua/weir/init.lua",
    ["weir.compose"] = "lua/weir/compose.lua",
    ["weir.errors"] = "lua/weir/errors.lua",
    ["weir.finished"] = "lua/weir/finished.lua",
    ["weir.gzip"] = "lua/weir/gzip.lua",
    ["weir.lines"] = "lua/weir/lines.lua",
    ["weir.options"] = "lua/weir/options.lua",
    ["weir.pipe"] = "lua/weir/pipe.lua",
    ["weir.pipeline"] = "lua/weir/pipeline.lua",
    ["weir.source"] = "lua/weir/source.lua",
    ["weir.stage"] = "lua/weir/stage.lua",
    ["weir.tasks"] = "lua/weir/tasks.lua",
    ["weir.transform"] = "lua/weir/transform.lua",
    ["weir.types"] = "lua/weir/types.lua",
    ["weir.core"] = {
      sources = {
        "src/binding/address.c",
        "src/binding/anchors.c",
        "src/binding/chunk.c",
        "src/binding/codec.c",
        "src/binding/context.c",
        "src/binding/data.c",
        "src/binding/digits.c",
        "src/binding/descriptor_stream.c",
        "src/binding/emitter.c",
        "src/binding/error_object.c",
        "src/binding/file_stream.c",
        "src/binding/inner.c",
        "src/binding/lua_sink.c",
        "src/binding/lua_stream.c",
        "src/binding/module.c",
        "src/binding/options.c",
        "src/binding/pipe_writer.c",
        "src/binding/read_stream.c",
        "src/binding/readable_methods.c",
        "src/binding/small_write.c",
        "src/binding/socket_methods.c",
        "src/binding/socket_stream.c",
        "src/binding/standard_streams.c",
        "src/binding/stream_methods.c",
        "src/binding/ticks.c",
        "src/binding/timer.c",
        "src/binding/uncaught.c",
        "src/binding/waiting.c",
        "src/binding/yieldable.c",
        "src/core/entry.c",
        "src/core/error.c",
        "src/core/queue.c",
        "src/core/readable.c",
        "src/core/readable_flow.c",
        "src/core/slab.c",
        "src/core/stream.c",
        "src/core/tick.c",
        "src/core/writable.c",
        "src/core/writable_end.c",
        "src/core/writable_flow.c",
        "src/sinks/connector.c",
        "src/sinks/borrowed.c",
        "src/sinks/codec_stream.c",
        "src/sinks/file_io.c",
        "src/sinks/file_ring.c",
        "src/sinks/file_sink.c",
        "src/sinks/file_source.c",
        "src/sinks/handle.c",
        "src/sinks/job.c",
        "src/sinks/loop.c",
        "src/sinks/pool.c",
        "src/sinks/signals.c",
        "src/sinks/socket.c",
        "src/sinks/stream_clock.c",
        "src/sinks/stream_sink.c",
        "src/sinks/standard.c",
        "src/sinks/uv_api.c",
      },
      incdirs = { "src", "$(LIBUV_INCDIR)" },
      libdirs = { "$(LIBUV_LIBDIR)" },
      libraries = { "uv" },
    },
  },
  -- dladdr and threads are libraries of their own before glibc 2.34
  platforms = {
    linux = { modules = { ["weir.core"] = { libraries = { "uv", "pthread", "dl" } } } },
  },
  copy_directories = { "examples" },
}
test = { type = "command", script = "spec/run.lua" }
