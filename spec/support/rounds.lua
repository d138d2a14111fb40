-- How often a spec goes round a loop: `count` times, or `tortured` times where each allocation of
-- each round is to fail (make torture). The rounds are alike, so some of them have it all.
--
--   local rounds = require "spec.support.rounds"
--   for _ = 1, rounds(20000, 40) do
local tortured = os.getenv "SPEC_TOOL" == "torture"

return function(count, few)
  if tortured then return few end
  return count
end
