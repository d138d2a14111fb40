-- What is raised, yielded, required or forgotten where weir calls: nobody else loses his call, and
-- the process lives.
local weir = require "weir"
local support = require "spec.sinks.support"

local unprintable = setmetatable({}, { __tostring = function() error "no name" end })
local RAISED = { "a string", 17, {}, false, unprintable, io.stdout }

-- Lua 5.1 cannot raise nil to a handler, nor tell it from nothing.
local function raise(what) error(what, 0) end

-- Each makes a stream whose one callback calls `bad`, and others that call `good`; returns how many
-- goods there must be.
local WAYS = {
  ["a write's callback"] = function(ws, bad, good)
    ws:write("a", bad)
    ws:write("b", good)
    ws:end_(good)
    return 2
  end,
  ["the callback of end_"] = function(ws, bad, good)
    ws:write("a", good)
    ws:end_(bad)
    ws:on("close", good)
    return 2
  end,
  ["the callback of a write that fails"] = function(ws, bad, good)
    ws:cork()
    ws:write("a", bad)
    ws:write("b", good)
    ws:on("error", good)
    ws:on("close", good)
    ws:destroy "why"
    return 3
  end,
}
for _, event in ipairs { "prefinish", "finish", "close" } do
  WAYS["a listener of " .. event] = function(ws, bad, good)
    ws:on(event, bad)
    ws:on(event, good)
    ws:write(("x"):rep(100), good)
    weir.next_tick(function() ws:end_(good) end)
    return 3
  end
end
WAYS["a listener of drain"] = function(ws, bad, good)
  ws:on("drain", bad)
  ws:on("drain", function()
    good()
    ws:end_(good)
  end)
  ws:write(("x"):rep(100), good)
  return 3
end
WAYS["a listener of error"] = function(ws, bad, good)
  ws:on("error", bad)
  ws:on("error", good)
  ws:on("close", good)
  ws:destroy "why"
  return 2
end

local KINDS = {
  file = function()
    return weir.create_write_stream(support.new_path(), { high_water_mark = 10 })
  end,
  ["sink of Lua"] = function()
    local function write(_, _, done) weir.next_tick(done) end
    return weir.writable { high_water_mark = 10, write = write }
  end,
}

describe("an error raised in", function()
  setup(support.open_folder)
  teardown(support.remove_folder)
  before_each(support.settle)

  for kind, new in pairs(KINDS) do
    for way, act in pairs(WAYS) do
      it(("%s of a %s costs nobody else his call, whatever it is; run raises it"):format(way, kind),
        function()
          for _, what in ipairs(RAISED) do
            local bads, goods = 0, 0
            local ws = new()
            local function bad()
              bads = bads + 1
              raise(what)
            end
            local expected = act(ws, bad, function() goods = goods + 1 end)
            local raised = {}
            for _ = 1, 20 do
              local ok, err = pcall(weir.run)
              if ok then break end
              raised[#raised + 1] = { err }
            end
            assert.equal(1, bads)
            assert.equal(expected, goods)
            assert.equal(1, #raised)
            if type(what) ~= "string" then assert.is_true(rawequal(what, raised[1][1])) end
            assert.is_true(ws:closed())
          end
        end)
    end
  end

  it("a hook of a sink is that hook's answer, whichever it is and whatever is raised", function()
    for _, hook in ipairs { "construct", "write", "writev", "final", "destroy" } do
      for _, what in ipairs(RAISED) do
        local errors = {}
        local given = { write = function(_, _, done) done() end }
        given[hook] = function() raise(what) end
        local ws = weir.writable(given)
        ws:on("error", function(err) errors[#errors + 1] = { err } end)
        ws:cork()
        ws:write "a"
        ws:write "b"
        ws:end_()
        pcall(weir.run, "nowait")
        weir.run "nowait"
        assert.is_true(ws:closed(), hook)
        assert.is_true(#errors <= 1, hook)
        if what then assert.is_true(rawequal(what, errors[1][1]), hook) end
      end
    end
  end)
end)

describe("a callback that yields", function()
  before_each(support.settle)

  it("raises, as across any call of C, and the others are called", function()
    local told = 0
    local ws = weir.writable { write = function(_, _, done) weir.next_tick(done) end }
    ws:write("a", function() coroutine.yield() end)
    ws:write("b", function() told = told + 1 end)
    local ok, err = pcall(weir.run)
    assert.is_false(ok)
    assert.truthy(tostring(err):find("yield", 1, true), tostring(err))
    weir.run()
    assert.equal(1, told)
  end)
end)

describe("a coroutine that is gone", function()
  setup(support.open_folder)
  teardown(support.remove_folder)

  it("may have required weir first, and made the streams: they work on", function()
    assert.equal("open ready a finish close 3", support.output_of([[
      local log = support.new_log()
      package.loaded.weir, package.loaded["weir.core"] = nil, nil
      local ws
      local co = coroutine.create(function()
        local own = require "weir"
        ws = own.create_write_stream(path)
        for _, event in ipairs { "open", "ready", "finish", "close" } do
          ws:on(event, function() log.add(event) end)
        end
        ws:write("abc", log.cb "a")
        ws:end_()
        error "it dies"
      end)
      coroutine.resume(co)
      co = nil
      for _ = 1, 3 do collectgarbage() end
      local garbage = {}
      for i = 1, 10000 do garbage[i] = { i } end
      support.close(ws)
      io.write(log.take(), " ", support.size(path))
    ]]))
  end)
end)

describe("weir required anew", function()
  setup(support.open_folder)
  teardown(support.remove_folder)

  it("shares the loop with what is there: nothing crashes, all is written", function()
    assert.equal("abc abc", support.output_of([[
      local first = weir.create_write_stream(path)
      first:write "abc"
      for name in pairs(package.loaded) do
        if name:find "^weir" then package.loaded[name] = nil end
      end
      local again = require "weir"
      local second = again.create_write_stream(path .. ".2")
      second:write "abc"
      collectgarbage()
      first:end_()
      second:end_()
      again.run()
      io.write(support.read(path), " ", support.read(path .. ".2"))
    ]]))
  end)
end)
