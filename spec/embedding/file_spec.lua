-- The face of a file of io: weir.open, as_file, ltn12_sink.
local weir = require "weir"
local settle = require("spec.semantics.support").settle
local support = require "spec.sinks.support"

describe("a file of weir.open", function()
  setup(support.open_folder)
  teardown(support.remove_folder)
  before_each(settle)

  it("is written, flushed and closed as one of io's", function()
    local path = support.new_path()
    local file = assert(weir.open(path, "w"))
    assert.is_true(file == file:write("a", 1, "\n"))
    assert.is_true(file:setvbuf("line"))
    assert.is_true(file == file:flush())
    assert.equal("a1\n", support.read(path))
    assert.equal(3, file:seek())
    assert.equal(3, file:seek("end", 0))
    assert.is_nil((file:seek("set", 0)))
    assert.matches("^file %(weir.stream", tostring(file))
    assert.is_true(file:write("b"):close())
    assert.equal("a1\nb", support.read(path))
    local ok, err = pcall(file.write, file, "late")
    assert.is_false(ok)
    assert.matches("closed file", err)
    file = assert(weir.open(path, "ab"))
    assert.equal(4, file:seek("end"))
    file:write("c")
    file:close()
    assert.equal("a1\nbc", support.read(path))
  end)

  it("answers nil, message and code where io's would", function()
    local file, message, code = weir.open("/no/such/file", "w")
    assert.is_nil(file)
    assert.matches("ENOENT", message)
    assert.equal(2, code)
    if support.lacks_file "/dev/full" then pending "there is no /dev/full" end
    file = assert(weir.open("/dev/full", "w"))
    file:write("x")
    local ok
    ok, message, code = file:flush()
    assert.is_nil(ok)
    assert.matches("ENOSPC", message)
    assert.equal(28, code)
    ok, message = file:write("y")
    assert.is_nil(ok)
    assert.matches("E%u+", message)
    weir.run() -- what was told is not raised as well
  end)

  it("is read by lines, whole, and by numbers of bytes", function()
    local path = support.put "one\ntwo\nthree"
    local file = assert(weir.open(path))
    assert.same({ "one", "two\n" }, { file:read("l", "*L") })
    assert.equal("thr", file:read(3))
    assert.equal("ee", file:read "a")
    assert.equal("", file:read "a")
    assert.is_nil(file:read "l")
    assert.equal(13, file:seek())
    file:close()
    file = assert(weir.open(path, "r"))
    local got = {}
    for line in file:lines() do got[#got + 1] = line end
    assert.equal("one two three", table.concat(got, " "))
    file:close()
    file = assert(weir.open(path, "rb"))
    assert.equal("on", file:read(2))
    assert.equal("e", file:read())
    assert.equal("two\nth", file:read(6))
    file:close()
  end)

  it("raises for a mode that io does not know", function()
    local ok, err = pcall(weir.open, support.new_path(), "q")
    assert.is_false(ok)
    assert.matches("bad argument #2 to 'open'", err)
  end)

  it("gathers where it cannot wait, and loses nothing", function()
    local path, ok = support.new_path(), nil
    weir.next_tick(function()
      local file = weir.open(path, "w")
      for i = 1, 10000 do ok = file:write("line ", i, "\n") == file end
      file:flush()
      file:close()
    end)
    weir.run()
    assert.is_true(ok)
    assert.matches("^line 1\n.*line 10000\n$", support.read(path))
  end)

  it("serves lua-logging, which knows nothing of it", function()
    local there = pcall(require, "logging.file")
    if not there then pending "there is no lua-logging for this Lua" end
    local content, path = support.output_of [[
      io.open = weir.open
      local logger = require "logging.file"(path, nil, "%level %message\n")
      for i = 1, 1000 do logger:info("message %d", i) end
      logger:error "the last one"
      weir.run()
    ]]
    assert.equal("", content)
    assert.matches("^INFO message 1\nINFO message 2\n.*ERROR the last one\n$", support.read(path))
  end)
end)

describe("a stream with the face of a file", function()
  setup(support.open_folder)
  teardown(support.remove_folder)
  before_each(settle)

  it("writes into whatever the stream does", function()
    local got = {}
    local ws = weir.writable { write = function(_, chunk, done)
      got[#got + 1] = chunk
      done()
    end }
    local file = ws:as_file()
    file:write("a", "b"):write "c"
    assert.is_true(file:close())
    assert.equal("ab c", table.concat(got, " "))
    assert.is_true(ws:writable_finished())
  end)

  it("ltn12_sink takes chunks, ends with the source, and is destroyed by its error", function()
    local path = support.new_path()
    local sink = weir.ltn12_sink(weir.create_write_stream(path))
    for i = 1, 1000 do assert.equal(1, (sink("chunk " .. i .. "\n"))) end
    assert.equal(1, (sink(nil)))
    assert.matches("^chunk 1\n.*chunk 1000\n$", support.read(path))
    local ws = weir.create_write_stream(support.new_path())
    sink = weir.ltn12_sink(ws)
    assert.same({ nil, "oops" }, { sink(nil, "oops") })
    weir.run()
    assert.equal("oops", ws:errored())
    local has, ltn12 = pcall(require, "ltn12")
    if not has then return end
    path = support.new_path()
    local source = ltn12.source.string(("x"):rep(100000))
    assert.equal(1, (ltn12.pump.all(source, weir.ltn12_sink(weir.create_write_stream(path)))))
    assert.equal(100000, support.size(path))
  end)
end)
