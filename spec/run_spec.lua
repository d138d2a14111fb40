-- The runner itself: what it counts, what it says last, how it ends.
local paths = require "spec.support.paths"

describe("spec/run.lua", function()
  local file, output

  before_each(function()
    file, output = os.tmpname(), os.tmpname()
    os.rename(file, file .. ".lua")
    file = file .. ".lua"
  end)

  after_each(function()
    os.remove(file)
    os.remove(output)
  end)

  -- Runs a spec file of this text. Returns the last line, whether the exit code was 0, and all.
  local function run(text, options)
    local out = assert(io.open(file, "w"))
    out:write(text)
    out:close()
    local command = ("%s spec/run.lua %s %s > %s 2>&1"):format(paths.interpreter, options or "",
      file, output)
    local status = os.execute(command) -- 0 on Lua 5.1, true or nil elsewhere
    local all = assert(io.open(output)):read "*a"
    return all:match "([^\n]*)\n$", status == 0 or status == true, all
  end

  local function it_with_both(sentence, text, last, success, ...)
    local patterns = { ... }
    for _, options in ipairs { "", "--mini" } do
      it(sentence .. " " .. options, function()
        local last_line, ended_well, all = run(text, options)
        assert.equal(last, last_line, all)
        assert.equal(success, ended_well)
        for _, pattern in ipairs(patterns) do assert.matches(pattern, all) end
      end)
    end
  end

  it_with_both("counts what passed", [[
    describe("a", function()
      it("b", function() assert.equal(1, 1) end)
      it("c", function() assert.is_not_nil(1) end)
    end)]], "2 passed, 0 failed", true)

  it_with_both("counts what failed, by a check or by an error, and says where", [[
    describe("a", function()
      it("b", function() assert.same({ 1 }, { 2 }) end)
      it("c", function() error "no luck" end)
      it("d", function() end)
    end)]], "1 passed, 2 failed", false, "a b", "no luck", "%.lua:2")

  it_with_both("counts a file that cannot be read as failed", "it is not Lua",
    "0 passed, 1 failed", false)

  it_with_both("counts a block that raises as failed, and goes on with the next", [[
    describe("a", function() error "in the block" end)
    describe("b", function() it("c", function() end) end)]],
    "1 passed, 1 failed", false, "in the block")

  it_with_both("tells what is pending, and why, outside the closing line", [[
    describe("a", function()
      it("b", function() pending "the moon is full" end)
      it("c", function() end)
    end)]], "1 passed, 0 failed", true, "a b", "the moon is full")

  it_with_both("runs hooks from the outside in, and cleans up from the inside out", [[
    local log = {}
    local function add(word) return function() log[#log + 1] = word end end
    describe("a", function()
      setup(add "setup")
      before_each(add "outer")
      after_each(add "after-outer")
      teardown(add "teardown")
      describe("b", function()
        before_each(add "inner")
        after_each(add "after-inner")
        it("c", function() finally(add "finally"); log[#log + 1] = "c" end)
        it("d", add "d")
      end)
    end)
    describe("then", function()
      it("is", function()
        assert.equal("setup outer inner c finally after-inner after-outer "
          .. "outer inner d after-inner after-outer teardown", table.concat(log, " "))
      end)
    end)]], "3 passed, 0 failed", true)

  it_with_both("knows the checks that the specs use", [[
    it("x", function()
      assert.equal(1, 1)
      assert.are_not.equal(1, 2)
      assert.same({ a = { 1, "b" } }, { a = { 1, "b" } })
      assert.are_not.same({ a = 1 }, { a = 1, b = 2 })
      assert.is_true(true)
      assert.is_false(false)
      assert.is_nil(nil)
      assert.is_not_nil(false)
      assert.truthy(0)
      assert.is_falsy(nil)
      assert.near(1, 1.01, 0.1)
      assert.matches("^a%d$", "a1")
      assert.not_matches("b", "a")
      assert.is_string("a")
      assert.is_function(print)
      assert.is_table {}
      assert.has_error(function() error "a" end)
      assert.has_error(function() error "a" end, "a")
      assert.has_error(function() error { code = 1 } end, { code = 1 })
      assert.has_no.errors(function() end)
      assert.has_no_error(function() end)
      assert.error_matches(function() error "abc" end, "b")
      assert.equal("kept", assert("kept"))
    end)]], "1 passed, 0 failed", true)

  it_with_both("fails each of these checks when it does not hold", [[
    local function fails(check, ...)
      local arguments, count = { ... }, select("#", ...)
      it(check, function()
        local ok = pcall(function()
          assert[check]((unpack or table.unpack)(arguments, 1, count))
        end)
        if ok then error "held" end
      end)
    end
    fails("equal", 1, 2)
    fails("not_equal", 1, 1)
    fails("same", { 1 }, { 1, 2 })
    fails("is_true", 1)
    fails("is_false", nil)
    fails("is_nil", false)
    fails("is_not_nil", nil)
    fails("truthy", false)
    fails("falsy", 0)
    fails("near", 1, 2, 0.5)
    fails("matches", "b", "a")
    fails("is_string", 1)
    fails("has_error", function() end)
    fails("has_error", function() error "b" end, "a")
    fails("has_no_error", error)
    fails("error_matches", function() error "a" end, "b")]], "16 passed, 0 failed", true)
end)
