-- Runs the specs of the fault matrix and shows it row by row: what happened, and what is promised.
--
--   WEIR_BUILD=build lua5.4 spec/faults/run.lua [F01 ...]      (make faults)
local paths = dofile "spec/support/paths.lua"
package.loaded["spec.support.paths"] = paths
local matrix = dofile "spec/faults/matrix.lua"
local build = os.getenv "WEIR_BUILD" or "build"

local wanted
for _, row in ipairs(arg) do
  wanted = wanted or {}
  wanted[row] = true
end

local function each_spec(visit)
  for _, row in ipairs(matrix) do
    if not wanted or wanted[row[1]] then
      for i = 3, #row do visit(row[i]) end
    end
  end
end

-- Lua: each file once, for all rows --------------------------------------------------------------

local words, results, files = {}, {}, {}
each_spec(function(spec)
  local file = spec[1]
  if spec.command or not file:find "%.lua$" then return end
  if not words[file] then
    words[file], results[file] = {}, {}
    files[#files + 1] = file
  end
  table.insert(words[file], spec[2])
end)

local function run_quietly(file)
  local write = io.write
  io.write = function() end -- luacheck: ignore
  dofile "spec/support/mini.lua"({ "spec/" .. file }, {
    wants = function(name)
      for _, word in ipairs(words[file]) do
        if name:find(word, 1, true) then return true end
      end
      return false
    end,
    told = function(name, how, reason)
      table.insert(results[file], { name = name, how = how, reason = reason })
    end,
  })
  io.write = write -- luacheck: ignore
end

for _, file in ipairs(files) do
  io.stderr:write("  ", file, "\n")
  run_quietly(file)
end

-- C, and torture ---------------------------------------------------------------------------------

local function last_line(command)
  local pipe = assert(io.popen(command .. " 2>&1"))
  local last, all = "", {}
  for line in pipe:lines() do
    last = line
    all[#all + 1] = line
  end
  pipe:close()
  return last, table.concat(all, "\n")
end

local function by_closing_line(command)
  io.stderr:write("  ", command, "\n")
  local last, all = last_line(command)
  local passed, failed = last:match "^(%d+) passed, (%d+) failed"
  if not passed or tonumber(failed) > 0 then return { { how = "failed", reason = all } } end
  if tonumber(passed) == 0 then return { { how = "skipped", reason = all:match "^[^\n]*" } } end
  return { { how = "ok" } }
end

local HOST = os.getenv "TORTURE" -- the two programs, or nothing

local function of_torture(kind)
  if not HOST then return { { how = "skipped", reason = "no torture host: make faults" } } end
  return by_closing_line(("SHALLOW=%s ONLY='%s spec/torture/file.lua' %s spec/torture/run.lua %s")
    :format(os.getenv "THOROUGH" and "" or "30", kind, paths.interpreter, HOST))
end

-- The table --------------------------------------------------------------------------------------

local function results_of(spec)
  if spec.command then return of_torture(spec[1]) end
  local file = spec[1]
  if file:find "%.c$" then
    return by_closing_line(("%s/spec/%s '%s'"):format(build, file:gsub("%.c$", ""), spec[2]))
  end
  local found = {}
  for _, result in ipairs(results[file]) do
    if result.name:find(spec[2], 1, true) then found[#found + 1] = result end
  end
  if #found > 0 then return found end
  return { { how = "failed", reason = "there is no such spec: " .. file .. ", " .. spec[2] } }
end

local RANK = { ok = 0, skipped = 1, failed = 2 }

-- The worst of what happened to a row. A part that was skipped does not hide that others held.
local function judge(row)
  local worst, reasons, oks = "ok", {}, 0
  for i = 3, #row do
    for _, result in ipairs(results_of(row[i])) do
      if RANK[result.how] > RANK[worst] then worst = result.how end
      if result.how == "ok" then oks = oks + 1 end
      if result.reason then reasons[#reasons + 1] = result.how .. ": " .. result.reason end
    end
  end
  if worst == "skipped" and oks > 0 then worst = "ok" end
  return worst, oks, reasons
end

local counts = { ok = 0, skipped = 0, failed = 0 }
for _, row in ipairs(matrix) do
  if not wanted or wanted[row[1]] then
    local how, specs, reasons = judge(row)
    counts[how] = counts[how] + 1
    print(("%s  %-8s %3d specs  %s"):format(row[1], how, specs, row[2]))
    for _, reason in ipairs(reasons) do print("       " .. reason:gsub("\n", "\n       ")) end
  end
end
print(("%d rows skipped"):format(counts.skipped))
print(("%d passed, %d failed"):format(counts.ok, counts.failed))
os.exit(counts.failed == 0 and 0 or 1, true)
