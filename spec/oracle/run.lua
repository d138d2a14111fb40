-- Replays the programs PREFIX.lua and compares with the traces PREFIX.expected, both from gen.js or
-- gen_pipe.js.
-- Usage: lua spec/oracle/run.lua PREFIX [--show N]      exit code 0 if every trace is equal
local replay = require "spec.oracle.replay"

local prefix, show = arg[1], 3
for i = 2, #arg do
  if arg[i] == "--show" then show = tonumber(arg[i + 1]) end
end

local total, differing, differences = replay.compare(prefix, show)
if differing > 0 then print(differences) end
print(("%s: %d of %d traces equal Node's"):format(prefix, total - differing, total))
os.exit(differing == 0 and total > 0 and 0 or 1)
