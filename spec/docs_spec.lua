-- README and docs: every program in them runs and prints what they say, every link leads somewhere,
-- and the reference is that of the types. How blocks are marked: spec/support/pages.lua.
local pages = require "spec.support.pages"
local paths = require "spec.support.paths"
local support = require "spec.sinks.support"

local load_text = loadstring or load
local HAS_CLOSE = load_text "local x <close> = nil" ~= nil

-- Why a block cannot be run here; nil: it can.
local function lacks(block)
  if block.kind == "lua 5.4" and not HAS_CLOSE then return "needs Lua 5.4" end
  if block.text:find("weir.http", 1, true) and not pcall(require, "weir.http") then
    return "weir.http needs lpeg and lpeg_patterns"
  end
end

local function is_lua(block) return block.kind == "lua" or block.kind == "lua 5.4" end

-- What does not ask for weir cannot be run by itself.
local function is_program(block)
  return is_lua(block) and block.text:find("require[ (]*[\"']weir") ~= nil
end
local function is_fragment(block)
  return block.kind == "lua fragment" or (is_lua(block) and not is_program(block))
end

-- Runs a block as a user would, in an empty folder. Returns why it is wrong, or nil.
local function run(block)
  local folder = support.new_path ".run"
  support.sh("mkdir " .. support.quote(folder))
  local script = support.put(block.text, folder .. "/program.lua")
  local path = ("@/lua/?.lua;@/lua/?/init.lua;;"):gsub("@", support.top())
  local cpath = ("%s/%s/?.so;;"):format(support.top(), paths.build)
  local output, code = support.sh(("cd %s; LUA_PATH=%s LUA_CPATH=%s %s %s"):format(
    support.quote(folder), support.quote(path), support.quote(cpath), paths.interpreter,
    support.quote(script)))
  local where = ("%s:%d: "):format(block.page, block.line)
  if code ~= 0 then return where .. output end
  local expected = block.output and block.output.text
  if expected and output ~= expected then
    return ("%sit prints\n%snot\n%s"):format(where, output, expected)
  end
end

local function compile(block)
  local chunk, message = load_text(block.text, "=" .. block.page)
  if not chunk then chunk = load_text("return " .. block.text) end
  return not chunk and ("%s:%d: %s"):format(block.page, block.line, message) or nil
end

-- Calls check(block) for the blocks that `wanted` is true for. Expects no complaint.
local function check_blocks(page, wanted, check)
  local complaints = {}
  for _, block in ipairs(pages.blocks(page)) do
    if wanted(block) then complaints[#complaints + 1] = check(block) end
  end
  assert.equal("", table.concat(complaints, "\n"))
end

describe("the page", function()
  setup(support.open_folder)
  teardown(support.remove_folder)

  for _, page in ipairs(pages.list()) do
    it(page .. " has programs that run, and print what it says", function()
      if support.slow then pending "tools make each of them slow; the specs cover what they do" end
      check_blocks(page, function(block) return is_program(block) and not lacks(block) end, run)
    end)

    it(page .. " has fragments that compile", function()
      check_blocks(page, is_fragment, compile)
    end)

    it(page .. " marks its blocks in a way that is known", function()
      check_blocks(page, function() return true end, function(block)
        if block.kind:find "^lua" and not is_lua(block) and not is_fragment(block) then
          return ("%s:%d: %s"):format(page, block.line, block.kind)
        end
      end)
    end)

    it(page .. " has links that lead somewhere", function()
      local dead = {}
      pages.each_link(page, function(target, line)
        local path, name = target:match "^([^#]*)#?(.*)$"
        local file = path == "" and page or (page:match "^(.*/)" or "") .. path
        local there = support.sh("test -e " .. support.quote(file) .. " && echo yes") ~= ""
        local found = there and (name == "" or pages.anchors(file)[name])
        if not found then dead[#dead + 1] = ("%s:%d: %s"):format(page, line, target) end
      end)
      assert.same({}, dead)
    end)
  end
end)
