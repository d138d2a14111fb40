-- Where one can wait, and for what: wait, finish, calls outside of a coroutine, `<close>`.
local weir = require "weir"
local files = require "spec.sinks.support"
local settle = require("spec.semantics.support").settle
local support = require "spec.embedding.support"

local slow_stream, fast_stream = support.slow_stream, support.fast_stream
local failing_stream = support.failing_stream
local run, code_of = support.run, support.code_of

describe("where it cannot wait", function()
  before_each(settle)

  -- What send and finish answer within `around(body)`, which is called in a coroutine; what came.
  local function answers(around)
    local ws, sink = slow_stream()
    local sent, finished
    run(function()
      around(function()
        sent = { ws:send "a" }
        finished = { ws:finish "b" }
      end)
    end)
    assert.equal(0, #sink)
    assert.is_false(ws:writable_ended())
    return sent[2].code .. " " .. finished[2].code
  end

  it("takes nothing and answers ERR_CANNOT_WAIT: in a callback", function()
    assert.equal("ERR_CANNOT_WAIT ERR_CANNOT_WAIT", answers(function(body)
      weir.next_tick(body)
    end))
    assert.equal("ERR_CANNOT_WAIT ERR_CANNOT_WAIT", answers(function(body)
      fast_stream():write("x", body)
    end))
    local outside
    local ws = weir.writable { write = function(self, _, done)
      outside = { self:send "b" }
      done()
    end }
    ws:write "a" -- the loop does not run, but the sink is in the middle of a call
    assert.equal("ERR_CANNOT_WAIT", outside[2].code)
  end)

  it("takes nothing and answers ERR_CANNOT_WAIT: across a function of C", function()
    assert.equal("ERR_CANNOT_WAIT ERR_CANNOT_WAIT", answers(function(body)
      string.gsub("x", ".", function() body() end)
    end))
  end)

  it("takes nothing and answers ERR_CANNOT_WAIT: across pcall and metamethods of 5.1", function()
    if not (_VERSION == "Lua 5.1" and not jit) then pending "only Lua 5.1 has this limit" end
    assert.equal("ERR_CANNOT_WAIT ERR_CANNOT_WAIT", answers(function(body) assert(pcall(body)) end))
    assert.equal("ERR_CANNOT_WAIT ERR_CANNOT_WAIT", answers(function(body)
      local _ = setmetatable({}, { __index = function() body() end }).x
    end))
    assert.equal("ERR_CANNOT_WAIT ERR_CANNOT_WAIT", answers(function(body)
      for _ in function() body() end do error "one round only" end
    end))
  end)

  it("waits across pcall, metamethods and iterators elsewhere", function()
    if _VERSION == "Lua 5.1" and not jit then pending "Lua 5.1 cannot" end
    local ws, sink = slow_stream()
    local count = 0
    run(function()
      local function send()
        weir.set_timeout(function() sink.answer() end, 1)
        assert.is_true(ws:send "x")
        count = count + 1
      end
      assert(pcall(send))
      local _ = setmetatable({}, { __index = function() send() end }).x
      for _ in function() send() end do error "one round only" end
    end)
    assert.equal(3, count)
  end)
end)

describe("outside of a coroutine", function()
  setup(files.open_folder)
  teardown(files.remove_folder)
  before_each(settle)

  it("send and finish run the loop until they are answered", function()
    local path = files.new_path()
    local ws = weir.create_write_stream(path, { high_water_mark = 10 })
    local lines = {}
    for i = 1, 300 do
      lines[i] = "line " .. i
      assert.is_true(ws:send("line ", i, "\n"))
      assert.is_false(ws:writable_need_drain())
    end
    assert.is_true(ws:finish())
    assert.equal(table.concat(lines, "\n") .. "\n", files.read(path))
  end)

  it("wait runs it until the event comes, and returns its arguments", function()
    local ws = weir.create_write_stream(files.new_path())
    local ok, fd = ws:wait "open"
    assert.is_true(ok)
    assert.equal(ws:fd(), fd)
    ws:end_()
    assert.is_true((ws:wait "close"))
    assert.is_true(ws:closed())
  end)

  it("they answer ERR_STALLED when nothing is left to do", function()
    local ws = slow_stream()
    assert.equal("ERR_STALLED", code_of(ws:send "a"))
    assert.equal("ERR_STALLED", code_of(ws:wait "something"))
  end)

  it("they raise what a callback raised meanwhile, as run does", function()
    local ws = weir.create_write_stream(files.new_path())
    weir.next_tick(function() error("oops", 0) end)
    local ok, err = pcall(function() return ws:wait "open" end)
    assert.is_false(ok)
    assert.matches("^oops", err)
    assert.is_true(ws:finish())
  end)
end)

describe("wait", function()
  setup(files.open_folder)
  teardown(files.remove_folder)
  before_each(settle)

  it("answers at once what has already happened", function()
    run(function()
      local ws = weir.create_write_stream(files.new_path())
      assert.is_true(ws:wait "drain")
      assert.is_true((ws:wait "ready"))
      assert.same({ true, ws:fd() }, { ws:wait "open" })
      assert.is_true(ws:finish())
      assert.is_true((ws:wait "finish"))
      assert.is_true((ws:wait "close"))
      assert.is_true((ws:wait "close"))
      local answered
      weir.next_tick(function() answered = ws:wait "finish" end)
      weir.set_timeout(function() end, 1)
      ws:wait "close"
      slow_stream():wait "drain"
      weir.spawn(function() assert.is_true(answered) end)
    end)
  end)

  it("answers ERR_STREAM_PREMATURE_CLOSE where a close came first", function()
    run(function()
      local ws = fast_stream()
      weir.next_tick(function() ws:destroy() end)
      assert.equal("ERR_STREAM_PREMATURE_CLOSE", code_of(ws:wait "finish"))
      assert.equal("ERR_STREAM_PREMATURE_CLOSE", code_of(ws:wait "finish"))
      assert.is_true((ws:wait "close"))
    end)
  end)

  it("hears events of the script's own, with their arguments", function()
    run(function()
      local ws = fast_stream()
      weir.next_tick(function() ws:emit("mine", 1, nil, 3) end)
      local got = { ws:wait "mine" }
      assert.is_true(got[1])
      assert.equal(1, got[2])
      assert.equal(3, got[4])
    end)
  end)

  it("for `error` returns the error, which is told then", function()
    run(function()
      local ws = failing_stream "X"
      ws:write "a"
      assert.same({ true, "X" }, { ws:wait "error" })
      assert.same({ true, "X" }, { ws:wait "error" })
    end)
  end)

  it("raises for what is no event", function()
    local ok, err = pcall(function() fast_stream():wait(1) end)
    assert.is_false(ok)
    assert.matches("bad argument #1 to 'wait' %(string expected, got number%)", err)
    for _, method in ipairs { "wait", "send", "finish" } do
      ok, err = pcall(function() fast_stream()[method](io.stdout, "x") end)
      assert.is_false(ok)
      assert.matches("calling '" .. method .. "' on bad self", err)
    end
  end)
end)

describe("finish", function()
  before_each(settle)

  it("ends with a last chunk, and returns true when all of it is done", function()
    local ws, sink = slow_stream()
    run(function()
      weir.set_timeout(function() sink.answer() end, 1)
      assert.is_true(ws:finish("a", 1))
      assert.is_true(ws:writable_finished())
      assert.is_true(ws:finish())
      assert.equal("ERR_STREAM_WRITE_AFTER_END", code_of(ws:finish "late"))
    end)
    assert.equal("a1", sink[1])
  end)

  it("returns nil and the error of a write before it, or of the end", function()
    run(function()
      local ws = failing_stream "X"
      ws:write "a"
      assert.same({ nil, "X" }, { ws:finish() })
      ws = weir.writable { final = function(_, done) done "F" end }
      assert.same({ nil, "F" }, { ws:finish() })
    end)
  end)
end)

describe("an error on a stream that a coroutine uses", function()
  before_each(settle)

  it("is returned by the next call, although it came while nobody waited", function()
    run(function()
      local ws = failing_stream "X"
      assert.is_true(ws:send "a")
      local other, sink = slow_stream()
      weir.set_timeout(function() sink.answer() end, 2)
      assert.is_true(other:send "b")
      assert.is_true(ws:closed())
      assert.same({ nil, "X" }, { ws:send "c" })
    end)
  end)

  it("is uncaught when the stream has closed and nobody can ask any more", function()
    local ok, err = pcall(weir.run, function() failing_stream("X"):send "a" end)
    assert.is_false(ok)
    assert.equal("X", err)
    local ws = failing_stream "Y"
    assert.is_true(ws:send "a") -- outside of a coroutine
    ok, err = pcall(weir.run)
    assert.is_false(ok)
    assert.equal("Y", err)
    assert.is_false(weir.run "nowait")
  end)

  it("is not uncaught where somebody listens to it", function()
    local heard
    run(function()
      local ws = failing_stream "X"
      ws:on("error", function(err) heard = err end)
      ws:send "a"
    end)
    assert.equal("X", heard)
  end)
end)

describe("a variable of Lua 5.4 that is closed", function()
  before_each(settle)

  local function in_54(text, ...)
    return assert(load("local weir, make = ... " .. text))(weir, ...)
  end
  local function needs_54()
    if _VERSION ~= "Lua 5.4" then pending "only Lua 5.4 has <close>" end
  end

  it("ends the stream, and in a coroutine waits for its finish", function()
    needs_54()
    local ws = fast_stream()
    in_54([[weir.run(function()
      do
        local ws <close> = make
        ws:send "a"
      end
      assert(make:writable_finished())
    end)]], ws)
    local outside = fast_stream()
    in_54("do local ws <close> = make ws:write 'a' end assert(make:writable_ended())", outside)
    weir.run()
    assert.is_true(outside:writable_finished())
  end)

  it("destroys it with the error that leaves the block, which is told by that", function()
    needs_54()
    local ws = fast_stream()
    local ok, err = pcall(in_54, [[weir.run(function()
      local ws <close> = make
      error("oops", 0)
    end)]], ws)
    assert.is_false(ok)
    assert.matches("oops", err)
    assert.equal("oops", ws:errored())
    assert.is_false(weir.run "nowait")
  end)

  it("raises what its finish fails with, and does nothing for what is over", function()
    needs_54()
    local ok, err = pcall(in_54, [[weir.run(function()
      local ws <close> = make
      ws:write "a"
    end)]], failing_stream "X")
    assert.is_false(ok)
    assert.matches("^X", err)
    in_54([[weir.run(function()
      local a <close> = make
      assert(a:finish())
      local b <close> = weir.writable {}
      b:destroy()
    end)]], fast_stream())
  end)
end)
