-- weir against Node, trace by trace, on the programs that are kept here; see README.md.
local replay = require "spec.oracle.replay"

describe("a writable with a sink written in Lua does what Node's does", function()
  local function equals_node(profile)
    local total, differing, first = replay.compare("spec/oracle/golden/" .. profile, 1)
    assert.is_true(total > 0)
    assert(differing == 0,
      ("%d of %d traces differ; the first:\n%s"):format(differing, total, first))
  end

  it("in programs of writes, corks, ends and completions", function()
    equals_node "core"
  end)

  it("with errors, destroy, construct, final and the options too", function()
    equals_node "full"
  end)

  it("when callbacks, events, ticks and sink calls act on the stream", function()
    equals_node "reentrant"
  end)
end)
