-- What `luarocks test` runs: `make test` for the Lua that runs this; with names of specs behind
-- it, these only.
local first = 0
while arg[first - 1] do first = first - 1 end
local target = #arg > 0 and ("setup spec-lua SPECS='%s'"):format(table.concat(arg, " ")) or "test"
local result = os.execute(("make %s LUA='%s'"):format(target, arg[first]))
os.exit((result == true or result == 0) and 0 or 1) -- Lua 5.1 takes no boolean
