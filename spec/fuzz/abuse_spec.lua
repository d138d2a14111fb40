-- A short, repeatable run of each fuzzer that needs no tool: SEED=7 picks another.
local paths = require "spec.support.paths"
local support = require "spec.sinks.support"

describe("a script that abuses all it can reach", function()
  setup(support.open_folder)
  teardown(support.remove_folder)

  it("does not crash, is told each callback once, and leaves no descriptor behind", function()
    local rounds = support.slow and 40 or 200
    local output, code = support.sh(("%s spec/fuzz/abuse.lua %s %d %s"):format(paths.interpreter,
      os.getenv "SEED" or "1", rounds, support.new_path():match "^(.*)/"))
    assert.equal(0, code, output)
    assert.truthy(output:find("abuse: " .. rounds .. " rounds", 1, true), output)
  end)
end)
