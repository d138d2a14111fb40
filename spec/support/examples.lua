-- What the specs of the examples share: each example is run as a user runs it, in a Lua of its own
-- and from another directory. No spec of its own.
local paths = require "spec.support.paths"

local examples = {}

local function quote(text) return "'" .. text:gsub("'", "'\\''") .. "'" end

local function read_file(path)
  local file = assert(io.open(path, "rb"))
  local text = file:read "*a"
  file:close()
  return text
end

-- What a command prints, without the last newline.
local function output_of(command)
  local pipe = assert(io.popen(command))
  local text = pipe:read "*a"
  pipe:close()
  return (text:gsub("\n$", ""))
end

local root = output_of "pwd"
local interpreter = paths.interpreter
if interpreter:find "^[^/].*/" then interpreter = root .. "/" .. interpreter end

-- Run before an example: it finds this checkout's weir, its temporary files stay in its directory,
-- and it cannot set a global. (The lpeg of Lua 5.1 does.)
local PRELUDE = ([[
  package.path = "@/lua/?.lua;@/lua/?/init.lua;" .. package.path
  package.cpath = "@/$/?.so;" .. package.cpath
  local count = 0
  os.tmpname = function()
    count = count + 1
    local name = "./temporary" .. count
    assert(io.open(name, "w")):close()
    return name
  end
  setmetatable(_G, { __newindex = function(_, name, value)
    if name ~= "arg" and name ~= "lpeg" then error("the example sets a global: " .. name, 2) end
    rawset(_G, name, value)
  end })
]]):gsub("[@$]", { ["@"] = root, ["$"] = paths.build })


local scratch, directory -- for what we need, and for the example

--- For before_each and after_each.
function examples.begin()
  scratch = output_of "mktemp -d"
  directory = scratch .. "/directory"
  os.execute("mkdir " .. quote(directory))
end

function examples.done() os.execute("rm -rf " .. quote(scratch)) end

--- Where what it prints goes meanwhile.
function examples.output_file() return scratch .. "/out" end

--- The folder that the example runs in.
function examples.directory() return directory end

function examples.command_for(name, ...)
  local words = { quote(interpreter), "-e", quote(PRELUDE), quote(root .. "/examples/" .. name) }
  for _, argument in ipairs { ... } do words[#words + 1] = quote(argument) end
  return table.concat(words, " ")
end

--- Returns what it printed, its exit code, and what it wrote to stderr.
function examples.run_command(command)
  local out, err = scratch .. "/out", scratch .. "/err"
  local code = output_of(("cd %s && (%s) > %s 2> %s < /dev/null; echo $?"):format(
    quote(directory), command, quote(out), quote(err)))
  return read_file(out), tonumber(code), read_file(err)
end

--- Runs an example that has to succeed. Returns what it printed.
function examples.run(name, ...)
  local out, code, err = examples.run_command(examples.command_for(name, ...))
  assert(err == "", err)
  assert(code == 0, out)
  return out
end

function examples.files_left() return output_of("ls -A " .. quote(directory)) end

examples.quote, examples.read_file, examples.output_of = quote, read_file, output_of

return examples
