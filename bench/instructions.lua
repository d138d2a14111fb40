--- How many instructions of weir's own a write takes, or a chunk that is read, counted by
--- callgrind: the machine's noise does not matter, nor does the Lua. It depends on the compiler, so
--- the figures say by which.
--
--   lua bench/instructions.lua build/5.4    prints what `committed` below should say
local instructions = {}

instructions.compiler = "gcc 12 x86_64"
instructions.committed = {
  string = 142, pieces = 287, callback = 2194, corked = 168, object = 737, custom = 448,
  data = 1027, pipe = 1496, transform = 2470,
}

local FEW, MANY = 2000, 8000

local function output_of(command)
  local pipe = assert(io.popen(command))
  local text = pipe:read "*a"
  pipe:close()
  return text
end

--- The compiler of this machine, as above.
function instructions.compiler_here()
  local kind = output_of "cc --version 2>/dev/null":match "clang" and "clang" or "gcc"
  local version = output_of "cc -dumpversion 2>/dev/null":match "^%d+" or "?"
  return ("%s %s %s"):format(kind, version, output_of "uname -m":gsub("%s", ""))
end

-- The instructions in weir's module itself, of a callgrind file. The line behind `calls=` has what
-- the callee took.
local function own_cost(path)
  local total, ours, names, skip = 0, false, {}, false
  for line in io.lines(path) do
    local id, name = line:match "^ob=(%(%d+%))%s*(.*)"
    if id then
      if name ~= "" then names[id] = name end
      ours = (names[id] or ""):find "weir/core%.so" ~= nil
    elseif line:find "^cob=" then
      id, name = line:match "^cob=(%(%d+%))%s*(.*)"
      if name ~= "" then names[id] = name end
    elseif line:find "^calls=" then
      skip = true
    elseif line:find "^[%d+*-]" then
      if ours and not skip then total = total + tonumber(line:match "(%d+)$") end
      skip = false
    end
  end
  return total
end

local function cost_of(build, form, count)
  local path = os.tmpname()
  local command = ("LUA_PATH='lua/?.lua;lua/?/init.lua;;' LUA_CPATH_5_4='%s/?.so;;' "
    .. "taskset -c 0 valgrind --tool=callgrind --callgrind-out-file=%s "
    .. "lua5.4 bench/micro.lua %s %d >/dev/null 2>&1"):format(build, path, form, count)
  output_of(command)
  local cost = own_cost(path)
  os.remove(path)
  return cost
end

--- Instructions a write of this form.
function instructions.of(build, form)
  return (cost_of(build, form, MANY) - cost_of(build, form, FEW)) / (MANY - FEW)
end

if arg and arg[0] and arg[0]:find "instructions%.lua$" then
  print(instructions.compiler_here())
  for form in pairs(instructions.committed) do
    print(("%s = %.0f,"):format(form, instructions.of(arg[1], form)))
  end
end

return instructions
