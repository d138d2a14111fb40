-- weir against Node, trace by trace, on the programs that are kept here; see README.md.
local replay = require "spec.oracle.replay"

local function equals_node(profile)
  local total, differing, first = replay.compare("spec/oracle/golden/" .. profile, 1)
  assert.is_true(total > 0)
  assert(differing == 0,
    ("%d of %d traces differ; the first:\n%s"):format(differing, total, first))
end

describe("a writable with a sink written in Lua does what Node's does", function()
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

describe("streams that are read, and joined, do what Node's do", function()
  it("one by itself, flowing or paused", function()
    equals_node "paused"
  end)

  it("joined by pipe()", function()
    equals_node "pipe"
  end)

  it("joined by pipeline()", function()
    equals_node "pipeline"
  end)

  it("when sinks and transforms fail, and ends are destroyed", function()
    equals_node "faults"
  end)

  it("piped to two destinations, with listeners and reads beside", function()
    equals_node "fanout"
  end)

  it("when event handlers, the read hook and the sink act on them", function()
    equals_node "handlers"
  end)
end)
